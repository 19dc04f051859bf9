"""The grid of a search as a table of cells that can be selected, with curves and weights of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goodfit.formatting import grid_numbers
from goodfit.reporting import sentences
from goodfit.reporting.charts.curves import leave, loss_ends, trial_curves
from goodfit.reporting.charts.weights import trial_weights
from goodfit.reporting.pages import Figure
from goodfit.reporting.theme import HEAT_LIGHT
from goodfit.reporting.trials import Cell, Grid, short_value, short_values

WIDE_GRID = 7
"""A grid of more learning rates takes the width of the page."""
MOST_CELLS = 200
"""Cells that can be selected, so that the page stays small."""


@dataclass(frozen=True)
class HeatCell:
    """One cell: its loss as text, its shade, and the number by which it is selected, if it can be.

    is_partial: whether its loss is adjusted from fewer folds or rows than that of others.
    """

    l2: str
    rate: str
    text: str
    shade: int
    mark: str
    place: int | None
    is_partial: bool


@dataclass(frozen=True)
class SelectableGrid:
    """The grid as a table, and what is shown of the selected cell.

    sentences: by place. start: place that is selected at first. not_selectable: number of cells without a place.
    """

    rates: Sequence[str]
    lines: Sequence[tuple[str, Sequence[HeatCell]]]
    sentences: Sequence[str]
    start: int
    curves: Figure
    weights: Figure
    not_selectable: int

    @property
    def is_wide(self) -> bool:
        """Whether it takes the width of the page."""
        return len(self.rates) > WIDE_GRID

    @property
    def figures(self) -> tuple[Figure, Figure]:
        return self.curves, self.weights

    @property
    def css(self) -> str:
        """Rules that show what belongs to the selected cell; without ``:has``, to the selected configuration."""
        shown = "".join(
            f"main:has(#m{place}:checked) .m{place} {{ display: block; }}\n" for place in range(len(self.sentences))
        )
        return f"{shown}@supports not selector(:has(*)) {{ .m{self.start} {{ display: block; }} }}\n"


def selectable(grid: Grid) -> SelectableGrid:
    """Return the heat map with the curves and weights of each cell."""
    shown = _shown(grid)
    places = {cell: place for place, cell in enumerate(shown)}
    trials = [grid.trials[cell] for cell in shown]
    texts = dict(zip(grid.means, grid_numbers(grid.means.values()), strict=True))
    shades = _shades(grid.means)
    lines = [
        (name, [_heat_cell(grid, (l2, rate), texts, shades, places) for rate in grid.rates])
        for name, l2 in zip(short_values(grid.l2), grid.l2, strict=True)
    ]
    left = sentences.LEAVES if leave(trials, loss_ends(trials)) else ""
    return SelectableGrid(
        rates=short_values(grid.rates),
        lines=lines,
        sentences=[sentences.of_trial(trial) for trial in trials],
        start=places[grid.chosen],
        curves=Figure(
            "trial-curves",
            "Losses of the selected cell",
            f"In colour: the selected training; grey: validation losses of all others.{left}",
            lambda: [trial_curves(trials, points=70 if len(trials) <= 60 else 40)],
        ),
        weights=Figure(
            "trial-weights",
            "Weights of the selected cell",
            "The axis is the same for all trainings. L2 narrows the distribution; a training that stops after a few "
            "epochs keeps much of the width of its initial weights.",
            lambda: [trial_weights(trials)],
        ),
        not_selectable=len(grid.trials) - len(shown),
    )


def _shown(grid: Grid) -> list[Cell]:
    """Cells in reading order; of a large grid those in the selected row and column, and the lowest."""
    ordered = [(l2, rate) for l2 in grid.l2 for rate in grid.rates if (l2, rate) in grid.trials]
    if len(ordered) <= MOST_CELLS:
        return ordered
    near = [cell for cell in ordered if cell[0] == grid.chosen[0] or cell[1] == grid.chosen[1]]
    lowest = sorted(ordered, key=lambda cell: grid.means.get(cell, np.inf))
    kept = set(dict.fromkeys([grid.chosen, *near, *lowest][:MOST_CELLS]))
    return [cell for cell in ordered if cell in kept]


def _shades(means: Mapping[Cell, float]) -> dict[Cell, int]:
    """Shade 0 for the lowest loss; the last one for eight times that loss or more."""
    finite = [mean for mean in means.values() if np.isfinite(mean)]
    low = min(finite)
    high = min(max(finite), 8 * low) if low > 0 else max(finite)
    last, span = len(HEAT_LIGHT) - 1, (high - low) or 1.0
    return {
        cell: round(last * min(1.0, (mean - low) / span) ** 0.6) if np.isfinite(mean) else last
        for cell, mean in means.items()
    }


def _heat_cell(
    grid: Grid, cell: Cell, texts: Mapping[Cell, str], shades: Mapping[Cell, int], places: Mapping[Cell, int]
) -> HeatCell:
    mark = "selected" if cell == grid.chosen else "lowest" if cell == grid.lowest else ""
    return HeatCell(
        l2=short_value(cell[0]),
        rate=short_value(cell[1]),
        text=texts.get(cell, "–"),
        shade=shades.get(cell, len(HEAT_LIGHT) - 1),
        mark=mark,
        place=places.get(cell),
        is_partial=cell in grid.partial,
    )
