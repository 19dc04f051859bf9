"""The shape of the code: flags are spelled by the doors alone, functions stay short, numbers stay few."""

import ast
from pathlib import Path

import pytest

import goodfit

ROOT = Path(goodfit.__file__).parent
DOORS = ("cli", "sequential.py", "estimators")
MAX_BODY_LINES, MAX_ARGUMENTS, MAX_CONSTANTS = 50, 8, 208
PUBLIC_DOORS = {"train", "fit", "sweep", "make_recipe", "plan_sweep", "learning_rate_range"}
"""Functions that take what a user says, one keyword each; so do the constructors of estimators."""

MODULES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}
FUNCTIONS = [
    (module, node) for module, tree in MODULES.items() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
]


def below_the_doors():
    return {module: tree for module, tree in MODULES.items() if not module.startswith(DOORS)}


def flags_in(tree):
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [text for text in texts if text.startswith("--") or " --" in text]


def test_no_flag_is_spelled_below_the_doors():
    found = {module: flags for module, tree in below_the_doors().items() if (flags := flags_in(tree))}
    assert not found


@pytest.mark.parametrize("text", ["--l2", "try --l2 0.01"])
def test_a_flag_would_be_found(text):
    assert flags_in(ast.parse(f"f({text!r})")) == [text]


def test_functions_are_short_and_take_few_arguments():
    for module, function in FUNCTIONS:
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert lines <= MAX_BODY_LINES, f"{function.name} has {lines} lines"
        given = [a for a in (*function.args.args, *function.args.kwonlyargs) if a.arg not in ("self", "cls")]
        is_door = function.name in PUBLIC_DOORS or (module.startswith("estimators") and function.name == "__init__")
        assert len(given) <= MAX_ARGUMENTS or is_door, f"{function.name}: {len(given)} arguments"


def test_numeric_constants_are_few():
    found = [name for tree in MODULES.values() for name in numeric_constants(tree)]
    assert len(found) < MAX_CONSTANTS, f"{len(found)}: {found}"


def test_nothing_of_ours_is_imported_inside_a_function():
    for module, tree in below_the_doors().items():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            imports = (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))
            ours = [node for node in imports if "goodfit" in ast.unparse(node)]
            assert not ours, f"{module}:{function.name}"


def numeric_constants(tree):
    """Names in capitals that stand for a number or numbers, and the fields of an object of thresholds."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Thresholds"):
            yield from (
                f.target.id for f in node.body if isinstance(f, ast.AnnAssign) and f.value and is_number(f.value)
            )
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = zip(target.elts, node.value.elts, strict=True) if several else [(target, node.value)]
            yield from (t.id for t, value in pairs if isinstance(t, ast.Name) and t.id.isupper() and is_number(value))


def is_number(node):
    match node:
        case ast.Constant(value=int() | float() as value):
            return not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.Tuple(elts=elements):
            return bool(elements) and all(map(is_number, elements))
    return False
