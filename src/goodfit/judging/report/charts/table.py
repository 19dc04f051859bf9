"""Charts of the table itself: its parts, and how rare its features are."""

from collections.abc import Mapping, Sequence

import altair as alt

from goodfit.judging.report.charts.basics import Layer, rows, sized
from goodfit.judging.report.theme import IDLE, LIGHT, TRAIN, VALIDATION, WIDTH

LEGEND = alt.Legend(symbolType="square", symbolSize=110, symbolStrokeWidth=0)
COLOURS = {"train": TRAIN, "validation": VALIDATION, "test": IDLE}


def parts_chart(sizes: Mapping[str, int]) -> Layer:
    """One bar of all rows, cut into the parts that there are, with their shares."""
    total = sum(sizes.values())
    found: list[dict[str, object]] = []
    shown = [part for part, n in sizes.items() if n]
    start = 0
    for part, n in sizes.items():
        if n:
            label = f"{round(100 * n / total)}%" if n / total > 0.08 else ""
            found.append({"part": part, "start": start, "end": start + n, "middle": start + n / 2, "label": label})
        start += n
    colour = alt.Color("part:N", scale=alt.Scale(domain=shown, range=[COLOURS[part] for part in shown]), legend=LEGEND)
    x = alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, total], nice=False))
    bars = (
        alt.Chart(rows(found))
        .mark_bar(size=34, stroke=LIGHT["card"], strokeWidth=2)
        .encode(x=x, x2="end:Q", y=alt.value(22), color=colour)
    )
    words = (
        alt.Chart(rows(found))
        .mark_text(color=LIGHT["card"], fontWeight=600)
        .encode(x=alt.X("middle:Q", axis=None), y=alt.value(22), text="label:N")
    )
    return sized(alt.layer(bars, words), width=WIDTH, height=95)


def step_chart(features: Sequence[tuple[str, float, float]]) -> Layer:
    """How long Adam's steps are for a feature, beside how many training rows have something of it.

    Args:
        features: name, share of training rows, step for a unit of gradient.
    """
    found = [{"share": share, "step": step} for _, share, step in features]
    shares, steps = [share for _, share, _ in features], [step for _, _, step in features]
    points = (
        alt.Chart(rows(found))
        .mark_point(filled=True, color=TRAIN, opacity=0.6, size=45)
        .encode(
            x=alt.X("share:Q", scale=_log(shares), axis=alt.Axis(title="training rows that have it", format="~%")),
            y=alt.Y("step:Q", scale=_log(steps), axis=alt.Axis(title="Adam’s step per unit of gradient", format="~g")),
        )
    )
    return sized(points)


def _log(values: Sequence[float]) -> alt.Scale:
    return alt.Scale(type="log", domain=[min(values) / 1.3, max(values) * 1.3], nice=False)
