"""Predictions of the rows that judge: calibration and residuals."""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.reporting.charts.basics import NUMBER, Layer, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK, MUTED, TRAIN, VALIDATION


def calibration_chart(bins: Sequence[tuple[float, float, int]], *, probabilities: bool) -> Layer:
    """Predicted and observed values in bins of rows; the diagonal is equality.

    Args:
        bins: mean predicted, mean observed, rows.
        probabilities: whether both are in [0, 1].
    """
    found = [{"predicted": p, "observed": o, "rows": n} for p, o, n in bins]
    ends = [value for predicted, observed, _ in bins for value in (predicted, observed)]
    low, high = (0.0, 1.0) if probabilities else (min(ends), max(ends))
    room = 0.04 * (high - low) or 0.5
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    form = "~%" if probabilities else NUMBER
    x = alt.X("predicted:Q", scale=scale, axis=alt.Axis(title="predicted", format=form))
    y = alt.Y("observed:Q", scale=scale, axis=alt.Axis(title="true", format=form))
    base = alt.Chart(rows(found)).encode(x=x, y=y)
    points = base.mark_point(filled=True, color=TRAIN, opacity=0.9).encode(
        size=alt.Size("rows:Q", scale=alt.Scale(range=[30, 260]), legend=None)
    )
    ideal = (
        alt.Chart(rows([{"predicted": value, "observed": value} for value in (low, high)]))
        .mark_line(color=MUTED, strokeDash=[3, 3], strokeWidth=1.2)
        .encode(x=x, y=y)
    )
    return sized(alt.layer(ideal, base.mark_line(color=TRAIN, strokeWidth=1.2, opacity=0.6), points), height=260)


def residual_chart(bins: Sequence[tuple[float, float, int]]) -> Layer:
    """Histogram of the residuals.

    Args:
        bins: low end, high end, rows.
    """
    found = [{"low": low, "high": high, "rows": n} for low, high, n in bins]
    bars = (
        alt.Chart(rows(found))
        .mark_bar(color=VALIDATION, opacity=0.8)
        .encode(
            x=alt.X("low:Q", axis=alt.Axis(title="true − predicted", format=NUMBER), scale=alt.Scale(nice=False)),
            x2=alt.X2("high:Q"),
            y=alt.Y("rows:Q", axis=alt.Axis(title="rows", tickMinStep=1)),
            y2=alt.Y2Datum(0),
        )
    )
    zero = alt.Chart(rows([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q"))
    return sized(alt.layer(bars, zero))
