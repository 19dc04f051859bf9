"""Alternatives with their gain and its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting.charts.basics import Layer, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK, MUTED, TRAIN, VALIDATION

ANSWERS = ("clearly better", "undecided", "not better")
SHAPES = ("diamond", "circle", "square")
LEAST, MOST, ROOM = -2.5, 6.0, 0.2
"""Ends of the axis, at which values beyond are drawn, and the margin."""


def alternatives_chart(compared: Sequence[Comparison]) -> Layer:
    """Each change with its gain (1 = clearly better), and its uncertainty."""
    most = min(MOST, max(2.0, *(each.high for each in compared)))
    found = [
        {
            "name": each.name,
            "gain": _within(each.strength, most),
            "low": _within(each.low, most),
            "high": _within(each.high, most),
            "better": _answer(each),
        }
        for each in compared
    ]
    shown = [answer for answer in ANSWERS if any(row["better"] == answer for row in found)]
    colours = dict(zip(ANSWERS, (VALIDATION, MUTED, TRAIN), strict=True))
    scale = alt.Scale(domain=shown, range=[colours[answer] for answer in shown])
    shape = alt.Scale(domain=shown, range=[SHAPES[ANSWERS.index(answer)] for answer in shown])
    legend = alt.Legend(symbolStrokeWidth=0, symbolSize=70, columnPadding=24)
    x = alt.Scale(domain=[LEAST - ROOM, most + ROOM], nice=False)
    base = alt.Chart(rows(found)).encode(
        y=alt.Y("name:N", sort=[each.name for each in compared], axis=alt.Axis(title=None, ticks=False, minExtent=125)),
        color=alt.Color("better:N", scale=scale, legend=legend),
    )
    title = "gain (1 = clearly better)"
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=x, axis=alt.Axis(title=title, grid=False)), x2=alt.X2("high:Q")
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("gain:Q", scale=x), shape=alt.Shape("better:N", scale=shape, legend=legend)
    )
    nothing = alt.Chart(rows([{"at": 0}])).mark_rule(color=MUTED, strokeWidth=1).encode(x=alt.X("at:Q"))
    clear = alt.Chart(rows([{"at": 1}])).mark_rule(color=INK, strokeDash=[4, 3]).encode(x=alt.X("at:Q"))
    return sized(alt.layer(nothing, clear, bars, points), height=max(130, 40 + 22 * len(compared)))


def _answer(compared: Comparison) -> str:
    return ANSWERS[0 if compared.is_clear else 1 if compared.is_open else 2]


def _within(strength: float, most: float) -> float:
    return min(max(strength, LEAST), most)
