"""What the model learned from each column: importance as bars, dependence as curves."""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.experiment.importance import ColumnImportance, Dependence, interval
from goodfit.formatting import printable
from goodfit.reporting.charts.basics import NUMBER, Layer, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK, LIGHT, NARROW, TRAIN

SLANTED = 8
"""Names of more categories would overlap, so they stand upright."""
COLOURS = [LIGHT[name] for name in ("blue", "orange", "green", "red", "ink", "muted")]


def importance_chart(found: Sequence[ColumnImportance]) -> Layer:
    """Increase of the loss when a column is shuffled, with 95 % intervals, the largest on top."""
    shown = [
        {
            "column": f"{place}. {printable(each.column, longest=19)}",
            "value": each.value,
            "low": interval(each)[0],
            "high": interval(each)[1],
        }
        for place, each in enumerate(found, start=1)
    ]
    y = alt.Y("column:N", sort=None, axis=alt.Axis(title=None, ticks=False, minExtent=165, labelLimit=160))
    base = alt.Chart(rows(shown))
    x = alt.X("value:Q", axis=alt.Axis(title="increase of the loss", format=NUMBER, labelBound=True))
    bars = base.mark_bar(color=TRAIN, opacity=0.75, height={"band": 0.6}).encode(x=x, y=y)
    ends = base.mark_rule(color=INK).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y)
    return sized(alt.layer(bars, ends), height=max(60, 22 * len(shown)))


def _labels(names: Sequence[str], longest: int) -> list[str]:
    """Short names of categories, which are numbered where two would be the same."""
    short = [printable(name, longest=longest) for name in names]
    if len(set(short)) == len(short):
        return short
    return [printable(f"{place}. {name}", longest=longest) for place, name in enumerate(names, start=1)]


def dependence_chart(found: Dependence) -> Layer:
    """Mean prediction at each value of a column; a line for a number, points for categories."""
    outputs = [printable(name, longest=20) for name in found.outputs] or ["prediction"]
    places = found.positions or tuple(range(len(found.at)))
    is_upright = len(found.at) > SLANTED
    shown = [
        {"at": place, "label": label, "mean": mean, "class": name}
        for place, label, means in zip(places, _labels(found.at, 11 if is_upright else 16), found.means, strict=True)
        for name, mean in zip(outputs, means, strict=True)
    ]
    scale = alt.Scale(domain=outputs, range=COLOURS[: len(outputs)])
    colour = alt.Color("class:N", scale=scale, legend=alt.Legend(title=None) if len(outputs) > 1 else None)
    title = "probability" if found.outputs else "prediction"
    y = alt.Y("mean:Q", axis=alt.Axis(title=title, format=NUMBER), scale=alt.Scale(zero=False))
    base = alt.Chart(rows(shown))
    if found.positions:
        x = alt.X("at:Q", axis=alt.Axis(title=None, format=NUMBER), scale=alt.Scale(zero=False, nice=False))
        drawn = base.mark_line().encode(x=x, y=y, color=colour)
    else:
        angle = -90 if is_upright else -35
        names = alt.X("label:N", axis=alt.Axis(title=None, labelAngle=angle, labelOverlap=False), sort=None)
        drawn = base.mark_point(filled=True, size=60, opacity=1).encode(x=names, y=y, color=colour)
    return sized(alt.layer(drawn), title=printable(found.column, longest=32), width=NARROW, height=180)
