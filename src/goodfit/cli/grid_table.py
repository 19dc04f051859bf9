"""The grid of a search: one row per λ, one column per learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from goodfit.formatting import grid_numbers, value

Cell = tuple[float, float]
"""l2 and learning rate."""

COLUMNS = 6
"""Learning rates that fit into 80 columns; further ones go below."""
SELECTED, LOWEST = "*", "°"


def draw_grid(
    l2: Sequence[float],
    rates: Sequence[float],
    values: Mapping[Cell, float],
    *,
    marks: Mapping[Cell, str],
    unknown: str = "–",
) -> Group:
    """Validation losses with their marks; ``unknown`` where none is finite."""
    cells = [(penalty, rate) for penalty in l2 for rate in rates]
    written = dict(zip(cells, grid_numbers(values.get(cell, math.inf) for cell in cells), strict=True))
    texts = {cell: text.replace("–", unknown) for cell, text in written.items()}
    return Group(*_blocks(l2, rates, texts, marks))


def _blocks(
    l2: Sequence[float], rates: Sequence[float], texts: Mapping[Cell, str], marks: Mapping[Cell, str]
) -> Iterator[Grid]:
    for first in range(0, len(rates), COLUMNS):
        some = rates[first : first + COLUMNS]
        grid = Grid(box=None, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        grid.add_column("λ \\ rate", style="cyan", no_wrap=True)
        for rate in some:
            grid.add_column(f"{value(rate)} ", justify="right", no_wrap=True)
        for penalty in l2:
            grid.add_row(
                f"{penalty:g}", *(_cell(texts[penalty, rate], marks.get((penalty, rate), "")) for rate in some)
            )
        yield grid


def _cell(text: str, mark: str) -> Text:
    """Right-aligned whether or not there is a mark."""
    return Text(f"{text}{mark or ' '}", style="bold green" if SELECTED in mark else "bold" if mark else "")
