"""The notebooks run, and their cells print what stands under them; numbers may differ from machine to machine."""

import json
import re
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
EXECUTE = runpy.run_path(str(FOLDER / "execute.py"))


def without_numbers(outputs):
    """The text of a cell's outputs, each number as #."""
    text = "".join("".join(each.get("text", each.get("data", {}).get("text/plain", ""))) for each in outputs)
    return re.sub(r"\s+", " ", re.sub(r"[+-]?\d+(\.\d+)?", "#", text))


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["arrays_as_in_keras", "own_table", "reading_a_verdict"]


@pytest.mark.filterwarnings("ignore::goodfit.DataWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_stands_in_it(path, tmp_path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = EXECUTE["code_cells"](notebook)
    for cell, outputs in zip(cells, EXECUTE["execute"](notebook, tmp_path), strict=True):
        assert without_numbers(outputs) == without_numbers(cell["outputs"]), "".join(cell["source"])
    assert any(cell["outputs"] for cell in cells)


def test_the_value_of_a_last_expression_is_kept(tmp_path):
    cell = {"cell_type": "code", "source": ["x = 2\n", "print('x')\n", "x * 21"]}
    (outputs,) = EXECUTE["execute"]({"cells": [cell]}, tmp_path)
    assert [each["output_type"] for each in outputs] == ["stream", "execute_result"]
    assert outputs[1]["data"]["text/plain"] == ["42"]
