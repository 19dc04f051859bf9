"""The front door: what it offers, that each name is explained, and that opening it costs nothing."""

import ast
import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

import goodfit

NAMES = [name for name in getattr(goodfit, "__all__", []) if not name.startswith("_")]

# What only tests and benchmarks install; a bare `pip install goodfit` has none of it.
ABSENT = ["keras", "onnx", "onnxruntime", "torch", "pandas", "polars", "duckdb", "pytest", "hypothesis"]


def python(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def test_all_is_exactly_what_can_be_imported():
    offered = {name for name in dir(goodfit) if not name.startswith("_")}
    submodules = {name for name in offered if isinstance(sys.modules.get(f"goodfit.{name}"), types.ModuleType)}
    assert offered - submodules == set(NAMES)


def test_names_are_listed_once_and_in_order():
    assert list(NAMES) == sorted(set(NAMES))


def test_type_checkers_see_the_same_names():
    front = Path(goodfit.__file__)
    stub = front.with_suffix(".pyi")
    nodes = ast.walk(ast.parse((stub if stub.exists() else front).read_text(encoding="utf-8")))
    ours = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    assert {alias.asname or alias.name for node in ours for alias in node.names} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_public_object_is_ours_and_explained(name):
    thing = getattr(goodfit, name)
    assert thing.__module__.split(".")[0] == "goodfit"
    assert inspect.getdoc(thing), f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        goodfit.no_such_name  # noqa: B018


def test_a_renamed_error_still_works_and_warns():
    with pytest.warns(DeprecationWarning, match=r"goodfit\.ConfigError"):
        assert goodfit.RecipeError is goodfit.ConfigError


def test_goodfit_and_its_settings_load_no_heavy_package():
    heavy = ["jax", "numpy", "pyarrow", "sklearn", "scipy", "rich", "typer"]
    assert python(f"import sys, goodfit; goodfit.Settings(l2=0.1); print(*(set({heavy}) & set(sys.modules)))") == []


def test_every_module_can_be_imported_in_a_bare_install():
    code = f"""if True:
        import importlib, pkgutil, sys
        class Absent:
            def find_spec(name, path=None, target=None):
                if name.partition(".")[0] in {ABSENT}:
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent)
        import goodfit
        for module in pkgutil.walk_packages(goodfit.__path__, "goodfit."):
            importlib.import_module(module.name)
            print(module.name)
    """
    assert "goodfit.errors" in python(code)
