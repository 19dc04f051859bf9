"""The grid of λ and learning rate as a heat map."""

from __future__ import annotations

import numpy as np

from goodfit.formatting import grid_numbers
from goodfit.reporting.charts.basics import (
    Layer,
    curve,
    epochs_x,
    exit_marks,
    exits,
    loss_y,
    near,
    rows,
    sized,
    thinned,
)
from goodfit.reporting.charts.curves import colour, dash, loss_ends
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import HEAT_LIGHT, INK
from goodfit.reporting.trials import Grid, short_values


def heat_map(grid: Grid, *, pick: alt.Parameter | None = None) -> Layer:
    """Validation loss of every pair, the lowest darkest, the selected one framed. pick: set by a click."""
    l2s, rates = _names(grid)
    found = [
        {
            "l2": l2s[l2],
            "rate": rates[rate],
            "val_loss": float(mean) if np.isfinite(mean) else None,
            "text": text,
            "chosen": (l2, rate) == grid.chosen,
        }
        for ((l2, rate), mean), text in zip(grid.means.items(), grid_numbers(grid.means.values()), strict=True)
    ]
    base = alt.Chart(rows(found)).encode(
        x=alt.X("rate:N", sort=[*rates.values()], axis=alt.Axis(title="learning rate", labelAngle=0)),
        y=alt.Y("l2:N", sort=[*l2s.values()], axis=alt.Axis(title="λ", grid=False)),
    )
    scale = alt.Scale(type="quantile", range=list(HEAT_LIGHT))
    cells = base.mark_rect().encode(color=alt.Color("val_loss:Q", scale=scale, legend=None))
    words = base.mark_text(fontSize=11).encode(text=alt.Text("text:N"))
    frame = base.mark_rect(fill=None, stroke=INK, strokeWidth=2).transform_filter("datum.chosen")
    if pick is not None:
        cells = cells.add_params(pick)
    return sized(alt.layer(cells, words, frame), height=60 + 30 * len(grid.l2))


def explorer(grid: Grid) -> alt.HConcatChart:
    """The heat map, with the curves of the clicked pair; at first of the selected one."""
    l2s, rates = _names(grid)
    start = [{"l2": l2s[grid.chosen[0]], "rate": rates[grid.chosen[1]]}]
    pick = alt.selection_point(fields=["l2", "rate"], value=start, empty=False, toggle=False)
    trials = list(grid.trials.values())
    ends = loss_ends(trials)
    curves = [
        curve(
            values,
            thinned(trial.epochs, [trial.best_epoch], most=70),
            split=split,
            l2=l2s[trial.l2],
            rate=rates[trial.learning_rate],
        )
        for trial in trials
        for split, values in (("train", trial.loss), ("validation", trial.val_loss))
        if len(values)
    ]
    n_epochs = max(trial.epochs for trial in trials)
    lines = (
        alt.Chart(rows(point for each in curves for point in near(each, ends)))
        .mark_line(clip=True)
        .encode(x=epochs_x(n_epochs, log=True), y=loss_y(ends), color=colour(), strokeDash=dash())
        .transform_filter(pick)
    )
    if left := [point for each in curves for point in exits(each, ends)]:
        lines = alt.layer(lines, exit_marks(left).encode(color=colour()).transform_filter(pick))
    both = alt.hconcat(heat_map(grid, pick=pick), sized(lines))
    linked: alt.HConcatChart = both.resolve_scale(color="independent", strokeDash="independent")
    return linked


def _names(grid: Grid) -> tuple[dict[float, str], dict[float, str]]:
    """Text of each λ and each learning rate."""
    l2s, rates = (dict(zip(values, short_values(values), strict=True)) for values in (grid.l2, grid.rates))
    return l2s, rates
