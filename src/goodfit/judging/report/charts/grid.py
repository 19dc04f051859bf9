"""The grid of λ and learning rate as a heat map."""

import altair as alt
import numpy as np

from goodfit.judging.report.charts.basics import Layer, rows, sized
from goodfit.judging.report.members import Grid
from goodfit.judging.report.theme import HEAT_LIGHT, INK
from goodfit.words import grid_numbers


def heat_map(grid: Grid) -> Layer:
    """Validation loss of every pair, the lowest darkest; a frame around the chosen one."""
    texts = grid_numbers(grid.means.values())
    found = [
        {
            "l2": f"{l2:g}",
            "rate": f"{rate:g}",
            "val_loss": float(mean) if np.isfinite(mean) else None,
            "text": text,
            "chosen": (l2, rate) == grid.chosen,
        }
        for ((l2, rate), mean), text in zip(sorted(grid.means.items()), _sorted(grid, texts), strict=True)
    ]
    base = alt.Chart(rows(found)).encode(
        x=alt.X(
            "rate:N", sort=[f"{rate:g}" for rate in grid.rates], axis=alt.Axis(title="learning rate", labelAngle=0)
        ),
        y=alt.Y("l2:N", sort=[f"{l2:g}" for l2 in grid.l2], axis=alt.Axis(title="λ", grid=False)),
    )
    scale = alt.Scale(type="quantile", range=list(HEAT_LIGHT))
    cells = base.mark_rect().encode(color=alt.Color("val_loss:Q", scale=scale, legend=None))
    words = base.mark_text(fontSize=11).encode(text="text:N")
    frame = base.mark_rect(fill=None, stroke=INK, strokeWidth=2).transform_filter("datum.chosen")
    return sized(alt.layer(cells, words, frame), height=60 + 30 * len(grid.l2))


def _sorted(grid: Grid, texts: list[str]) -> list[str]:
    return [text for _, text in sorted(zip(grid.means, texts, strict=True))]
