"""Run notebooks and keep what their cells print or show: ``python docs/notebooks/execute.py``.

A notebook needs no kernel for this: its code cells are run in order, in one namespace, and the value of a last
expression is kept as text and, where it has one, as HTML.
"""

import ast
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells that hold code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def execute(notebook: dict[str, Any], folder: Path) -> list[list[dict[str, Any]]]:
    """Run every code cell in ``folder`` and return the outputs of each, in the format of notebooks."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.chdir(folder):
        return [list(_outputs("".join(cell["source"]), names)) for cell in code_cells(notebook)]


def _outputs(source: str, names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a cell prints, and the value of its last expression."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
    if printed.getvalue():
        yield {"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)}
    if value is not None:
        shown = {"text/plain": repr(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_html_"):
            shown["text/html"] = value._repr_html_().splitlines(keepends=True)
        yield {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": shown}


def main() -> None:
    """Run all notebooks, or those that are named, and write their outputs into them."""
    for path in map(Path, sys.argv[1:] or sorted(map(os.fspath, FOLDER.glob("*.ipynb")))):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            for cell, outputs in zip(code_cells(notebook), execute(notebook, Path(folder)), strict=True):
                cell["outputs"] = outputs
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
