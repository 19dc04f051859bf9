# Every target makes .venv by itself; all it needs is make and Python 3.11 or newer.
# With an older python3:  make test PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --group build

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow check format bench docs lock clean

help:  ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/.run  ## train on real data, then take the exam on rows never seen (under a minute)
	rm -rf runs/demo
	$(BIN)/goodfit train breast_cancer --out runs/demo
	$(BIN)/goodfit test runs/demo

test: .venv/.dev  ## run the tests, the doctests, and every block and script in README, docs and examples
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: .venv/.dev  ## run the tests that take long
	$(BIN)/python -m pytest -m slow

check: .venv/.dev  ## look at form, lint, types and import floors
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: .venv/.dev  ## bring all code into form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.bench  ## measure side by side with Keras, torch and scikit-learn
	$(BIN)/python -m benchmarks

docs: .venv/.docs  ## build the documentation as a site, in build/site, without the network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo build/site/index.html

lock: | .venv/bin/python  ## bring locks/ in line with pyproject.toml (UPGRADE=--upgrade takes the newest of everything)
	$(PIP) install --quiet uv
	$(COMPILE) $(UPGRADE) --group test --group check --output-file locks/dev.txt
	$(COMPILE) --constraint locks/dev.txt $(UPGRADE) --output-file locks/run.txt
	$(COMPILE) --constraint locks/dev.txt $(UPGRADE) --group docs --output-file locks/docs.txt

clean:  ## remove .venv, caches and the demo's run; other runs stay
	rm -rf .venv build dist runs/demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A file in .venv stands for each stage that is complete, so that nothing is installed twice.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "goodfit needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
	       "name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv

.venv/.run: locks/run.txt pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --requirement locks/run.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

.venv/.dev: locks/dev.txt .venv/.run
	$(PIP) install --quiet --requirement locks/dev.txt
	@touch $@

.venv/.docs: locks/docs.txt .venv/.run
	$(PIP) install --quiet --requirement locks/docs.txt
	@touch $@

.venv/.bench: locks/bench.txt .venv/.dev
	$(PIP) install --quiet --requirement locks/bench.txt
	@touch $@
