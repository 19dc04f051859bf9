"""Alternatives with their measured difference in validation loss, and its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting.charts.basics import NUMBER, Layer, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK, MUTED, TRAIN, VALIDATION
from goodfit.stats import Z95

ANSWERS = ("clearly better", "undecided", "not better")
SHAPES = ("diamond", "circle", "square")
TITLE = "loss difference (left of 0: better)"
CUT = 4.0
"""The axis is cut at this multiple of the median distance from 0 to the far end of an interval."""


def alternatives_chart(compared: Sequence[Comparison]) -> Layer:
    """Each alternative's validation loss minus that of the model, with its 95 % interval, on one axis.

    A tick marks the difference from which on the alternative is clearly better. What lies beyond the axis is marked by
    a triangle at its end.
    """
    left, right = axis_ends(compared)
    shown = [answer for answer in ANSWERS if any(_answer(each) == answer for each in compared)]
    colours = dict(zip(ANSWERS, (VALIDATION, MUTED, TRAIN), strict=True))
    legend = alt.Legend(symbolStrokeWidth=0, symbolSize=70, columnPadding=24)
    colour = alt.Color(
        "better:N", scale=alt.Scale(domain=shown, range=[colours[answer] for answer in shown]), legend=legend
    )
    shape = alt.Shape(
        "better:N",
        scale=alt.Scale(domain=shown, range=[SHAPES[ANSWERS.index(answer)] for answer in shown]),
        legend=legend,
    )
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=[left, right], nice=False, padding=12),
        axis=alt.Axis(title=TITLE, grid=False, format=NUMBER, labelSeparation=8),
    )
    names = [each.name for each in compared]
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, ticks=False, minExtent=125))
    drawn = [_row(each, left, right) for each in compared]
    bars = alt.Chart(rows(drawn)).mark_rule(strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"), y=y, color=colour)
    within = [row for row in drawn if left <= row["difference"] <= right]
    points = alt.Chart(rows(within)).mark_point(filled=True, size=70, opacity=1)
    ticks = alt.Chart(rows(row for row in drawn if row["clear"] >= left)).mark_tick(
        color=INK, opacity=1, thickness=2, size=14
    )
    zero = alt.Chart(rows([{"at": 0}])).mark_rule(color=MUTED, strokeWidth=1).encode(x=alt.X("at:Q"))
    layers = [
        zero,
        bars,
        ticks.encode(x=alt.X("clear:Q"), y=y),
        points.encode(x=alt.X("difference:Q"), y=y, color=colour, shape=shape),
        *_cut_off(compared, (left, right), y, colour),
    ]
    return sized(alt.layer(*layers), height=max(130, 40 + 22 * len(compared)))


def axis_ends(compared: Sequence[Comparison]) -> tuple[float, float]:
    """Return the ends of the axis: every interval and tick is within them, but for those far beyond the others."""
    intervals = np.array([_interval(each) for each in compared])
    reach = np.sort(np.abs(intervals).max(axis=1))
    most = CUT * float(reach[(len(reach) - 1) // 2])
    ticks = [-each.clear_from for each in compared if each.clear_from <= most]
    return max(-most, min(0.0, intervals.min(), *ticks)), min(most, max(0.0, intervals.max()))


def is_cut(compared: Sequence[Comparison]) -> bool:
    """Whether an interval leaves the axis."""
    left, right = axis_ends(compared)
    return any(low < left or high > right for low, high in map(_interval, compared))


def _interval(compared: Comparison) -> tuple[float, float]:
    return -compared.gain - Z95 * compared.error, -compared.gain + Z95 * compared.error


def _row(compared: Comparison, left: float, right: float) -> dict[str, Any]:
    """An alternative as it is drawn, its interval cut off at the ends of the axis."""
    low, high = _interval(compared)
    return {
        "name": compared.name,
        "difference": -compared.gain,
        "low": min(max(low, left), right),
        "high": max(min(high, right), left),
        "clear": -compared.clear_from,
        "better": _answer(compared),
    }


def _cut_off(
    compared: Sequence[Comparison], ends: tuple[float, float], y: alt.Y, colour: alt.Color
) -> Iterator[alt.Chart]:
    """Triangles at an end of the axis where intervals leave it."""
    left, right = ends
    leave = {
        "left": [each for each in compared if _interval(each)[0] < left],
        "right": [each for each in compared if _interval(each)[1] > right],
    }
    for (side, beyond), end in zip(leave.items(), ends, strict=True):
        found = rows({"name": each.name, "at": end, "better": _answer(each)} for each in beyond)
        marks = alt.Chart(found).mark_point(filled=True, size=70, opacity=1, shape=f"triangle-{side}")
        yield from [marks.encode(x=alt.X("at:Q"), y=y, color=colour)] * bool(beyond)


def _answer(compared: Comparison) -> str:
    return ANSWERS[0 if compared.is_clear else 1 if compared.is_open else 2]
