"""docs/security.md and docs/reliability.md name a test for each promise: all of them exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("page", "most"), [("security", 25), ("reliability", 80)])
def test_every_test_that_the_page_names_exists(page, most):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / f"docs/{page}.md").read_text("utf-8")))
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    there = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert len(named) > most and not named - there


def test_all_36_faults_have_a_row():
    rows = re.findall(r"^\| (\d+) \|.*`", (ROOT / "docs/reliability.md").read_text("utf-8"), re.MULTILINE)
    assert {int(number) for number in rows} == set(range(1, 37))
