"""The decision threshold: the goal at every threshold."""

from __future__ import annotations

from typing import Literal

from goodfit.experiment.decision import Decision
from goodfit.formatting import METRIC_LABELS
from goodfit.reporting.charts.basics import Layer, loss_y, pixels, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK, MUTED, VALIDATION


def threshold_chart(found: Decision) -> Layer:
    """The metric or the mean cost at each threshold; the chosen one is marked, and 0.5 by a dashed line."""
    title = "mean cost per row" if found.goal == "cost" else METRIC_LABELS[found.goal]
    curve = rows([{"threshold": t, "value": value} for t, value in found.curve])
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("threshold:Q", scale=scale, axis=alt.Axis(title="threshold", format="~g"))
    y = loss_y((value for _, value in found.curve), field="value", title=title)
    line = alt.Chart(curve).mark_line(color=VALIDATION, strokeWidth=2, interpolate="step-after").encode(x=x, y=y)
    default = alt.Chart(rows([{"threshold": 0.5}])).mark_rule(color=MUTED, strokeDash=[3, 3]).encode(x=x)
    chosen = alt.Chart(rows([{"threshold": found.threshold, "value": found.value}]))
    align: Literal["left", "right"] = "left" if found.threshold < 0.5 else "right"
    words = alt.value(f"chosen {found.threshold:.4g}")
    marks = chosen.mark_rule(color=INK).encode(x=x), chosen.mark_point(filled=True, size=60, color=INK).encode(x=x, y=y)
    return sized(
        alt.layer(
            line,
            default,
            *marks,
            chosen.mark_text(align=align).encode(x=x, y=pixels(-7), text=words),
        )
    )
