"""Shared by several charts: data, axes, curves.

Channels are given as altair's objects, ``alt.X("epoch:Q")``, not as text, from which altair needs 30 ms to make one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from goodfit.arrays import Array
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import HEIGHT, WIDTH

Layer: TypeAlias = "alt.Chart | alt.LayerChart | alt.FacetChart"
POINTS = 160
"""Epochs that a curve is drawn through, at most."""
NUMBER = ",.4~r"
"""Format of numbers on axes: four digits, no exponent."""
SPAN = 12.0
"""Ratio of the largest to the smallest loss from which on the axis is logarithmic."""


def rows(records: Iterable[Mapping[str, object]]) -> alt.InlineData:
    """Records as inline data of a chart; as text, which altair need not validate."""
    return alt.InlineData(values=json.dumps(list(records)), format={"type": "json"})


def sized(chart: Layer, *, width: int = WIDTH, height: int = HEIGHT, title: str = "") -> Layer:
    """The chart with its size and title."""
    named = {"title": alt.TitleParams(title, anchor="start", fontSize=12.5, fontWeight=600)} if title else {}
    return chart.properties(width=width, height=height, **named)


def loss_y(values: Iterable[float], *, field: str = "loss", title: str = "loss") -> alt.Y:
    """Axis of losses from the smallest to the largest finite one; logarithmic for a wide range."""
    found = np.array([value for value in values if np.isfinite(value)] or [0.0, 1.0])
    low, high = float(found.min()), float(found.max())
    if low > 0 and high / low > SPAN:
        scale = alt.Scale(type="log", domain=[low / 1.15, high * 1.15], nice=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=log_axis(title, low, high))
    room = 0.07 * (high - low) or 0.5
    scale = alt.Scale(domain=[low - room, high + room], zero=False, nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(title=title, format=NUMBER))


def log_axis(title: str, low: float, high: float, *, form: str = NUMBER) -> alt.Axis:
    """Ticks at 1, 10, 100, … and, for three decades or less, at 2 and 5 times these."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if high / low < 600 else (1,)
    step = max(1, (last - first) // 6)
    places = [factor * 10.0**power for power in range(first, last + 1, step) for factor in factors]
    within = [place for place in places if low / 1.15 <= place <= high * 1.15]
    # Vega drops given values unless tickCount allows as many.
    return alt.Axis(
        title=title, format=form, values=within, tickCount=len(within), labelOverlap="greedy", labelSeparation=8
    )


def epochs_x(n_epochs: int, *, log: bool = False) -> alt.X:
    """Axis of epochs, from 0 so that the first one shows; optionally logarithmic."""
    if log and n_epochs > 20:
        scale = alt.Scale(type="log", domain=[1, n_epochs], nice=False)
        return alt.X("epoch:Q", axis=log_axis("epoch", 1, n_epochs), scale=scale)
    return alt.X("epoch:Q", axis=alt.Axis(title="epoch", tickMinStep=1), scale=alt.Scale(domain=[0, n_epochs]))


def pixels(y: float) -> alt.YValue:
    """A place on the y axis, in pixels from the top."""
    return alt.YValue(y)  # type: ignore[no-untyped-call]


def curve(values: Array, epochs: Iterable[int], **named: object) -> list[dict[str, Any]]:
    """Points of a curve at these epochs, counted from 1, without values that are not finite."""
    return [
        {"epoch": int(epoch), "loss": _short(values[epoch - 1]), **named}
        for epoch in epochs
        if np.isfinite(values[epoch - 1])
    ]


def near(drawn: Iterable[Mapping[str, Any]], ends: tuple[float, float]) -> list[dict[str, Any]]:
    """The same points; those far beyond the ends of the axis are moved to a place that is beyond it as well."""
    least, most = ends
    low, high = (least / SPAN, most * SPAN) if least > 0 else (2 * least - most, 2 * most - least)
    return [{**point, "loss": min(max(point["loss"], low), high)} for point in drawn]


def exits(drawn: Iterable[Mapping[str, Any]], ends: tuple[float, float]) -> list[dict[str, Any]]:
    """Where a curve leaves the axis: the first point of each stretch beyond an end, put on that end.

    >>> exits([{"epoch": epoch, "loss": loss} for epoch, loss in enumerate((4, 9, 8, 2, 0.5), start=1)], (1, 5))
    [{'epoch': 2, 'loss': 5, 'beyond': 'above'}, {'epoch': 5, 'loss': 1, 'beyond': 'below'}]
    """
    found, side = [], ""
    for point in drawn:
        beyond = "below" if point["loss"] < ends[0] else "above" if point["loss"] > ends[1] else ""
        if beyond and beyond != side:
            found.append({**point, "loss": ends[beyond == "above"], "beyond": beyond})
        side = beyond
    return found


def exit_marks(found: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """A triangle at each place where a curve leaves the axis, pointing the way it goes."""
    shape = alt.Shape(
        "beyond:N", scale=alt.Scale(domain=["below", "above"], range=["triangle-down", "triangle-up"]), legend=None
    )
    marks: alt.Chart = alt.Chart(rows(found)).mark_point(filled=True, size=70, opacity=1)
    return marks.encode(x=alt.X("epoch:Q"), y=alt.Y("loss:Q"), shape=shape)


def thinned(n: int, keep: Sequence[int] = (), most: int = POINTS) -> list[int]:
    """About ``most`` of n epochs at most, evenly spaced from the first to the last, and those in ``keep``.

    >>> thinned(100, [7], most=3)
    [1, 7, 50, 100]
    """
    among = np.linspace(1, n, min(n, most)).round().astype(int).tolist() if n else []
    return sorted({*among, *(epoch for epoch in keep if 1 <= epoch <= n)})


def _short(number: float) -> float:
    """Five digits: more than a chart shows."""
    return float(f"{number:.5g}")
