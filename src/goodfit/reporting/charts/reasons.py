"""What else might have done better, and how sure that is."""

from collections.abc import Sequence

import altair as alt

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting.charts.basics import Layer, rows, sized
from goodfit.reporting.theme import INK, MUTED, TRAIN, VALIDATION

ANSWERS = ("surely better", "perhaps better", "not better")
SHAPES = ("diamond", "circle", "square")
LEAST, MOST, ROOM = -2.5, 6.0, 0.2
"""What is further away stands at the end, with a little room to the edge."""


def reason_chart(reasons: Sequence[Comparison]) -> Layer:
    """Each change with its gain, in units of what is clear, and how far the luck of the rows reaches."""
    most = min(MOST, max(2.0, *(reason.high for reason in reasons)))
    found = [
        {
            "what": reason.name,
            "gain": _within(reason.strength, most),
            "low": _within(reason.low, most),
            "high": _within(reason.high, most),
            "better": _answer(reason),
        }
        for reason in reasons
    ]
    shown = [answer for answer in ANSWERS if any(row["better"] == answer for row in found)]
    colours = dict(zip(ANSWERS, (VALIDATION, MUTED, TRAIN), strict=True))
    scale = alt.Scale(domain=shown, range=[colours[answer] for answer in shown])
    shape = alt.Scale(domain=shown, range=[SHAPES[ANSWERS.index(answer)] for answer in shown])
    legend = alt.Legend(symbolStrokeWidth=0, symbolSize=70, columnPadding=24)
    x = alt.Scale(domain=[LEAST - ROOM, most + ROOM], nice=False)
    base = alt.Chart(rows(found)).encode(
        y=alt.Y(
            "what:N", sort=[reason.name for reason in reasons], axis=alt.Axis(title=None, ticks=False, minExtent=84)
        ),
        color=alt.Color("better:N", scale=scale, legend=legend),
    )
    title = "gain, in units of what is clear"
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=x, axis=alt.Axis(title=title, grid=False)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("gain:Q", scale=x), shape=alt.Shape("better:N", scale=shape, legend=legend)
    )
    nothing = alt.Chart(rows([{"at": 0}])).mark_rule(color=MUTED, strokeWidth=1).encode(x="at:Q")
    clear = alt.Chart(rows([{"at": 1}])).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="at:Q")
    return sized(alt.layer(nothing, clear, bars, points), height=40 + 22 * len(reasons))


def _answer(reason: Comparison) -> str:
    return ANSWERS[0 if reason.is_clear else 1 if reason.is_open else 2]


def _within(strength: float, most: float) -> float:
    return min(max(strength, LEAST), most)
