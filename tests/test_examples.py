"""Every script in examples/ runs to its end, in an empty folder."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

GRID = "--l2 0,0.01 --learning-rate 0.01 --epochs 5"
ARGUMENTS = {"draw_demo.py": ("iris.svg", f"goodfit train iris {GRID} --out runs/iris", "goodfit test runs/iris")}
"""Arguments of scripts that take long without: the default commands of the demo are those of a block of README, too."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script in an empty folder; returns its names."""

    def run(path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [path.name, *ARGUMENTS.get(path.name, ())])
        return runpy.run_path(str(path), run_name="__main__")

    return run


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, run):
    run(path)


def test_the_demo_draws_what_make_demo_runs(run, tmp_path):
    commands = run(ROOT / "examples" / "draw_demo.py")["COMMANDS"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"$(BIN)/{command}\n" in makefile for command in commands)
    drawn = (tmp_path / "iris.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert all(said in drawn for said in ("$ goodfit train iris", "verdict", "$ goodfit test runs/iris", "scored once"))
