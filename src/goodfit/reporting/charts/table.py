"""Charts of the table: its splits, and step sizes by the frequency of its features."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from goodfit.reporting.charts.basics import NUMBER, Layer, log_axis, rows, sized
from goodfit.reporting.theme import LIGHT, MUTED, TRAIN, VALIDATION, WIDTH

LEGEND = alt.Legend(symbolType="square", symbolSize=110, symbolStrokeWidth=0)
COLOURS = {"train": TRAIN, "validation": VALIDATION, "test": MUTED}


def splits_chart(sizes: Mapping[str, int]) -> Layer:
    """One bar with the share of each split."""
    total = sum(sizes.values())
    found: list[dict[str, object]] = []
    shown = [split for split, n in sizes.items() if n]
    start = 0
    for split, n in sizes.items():
        if n:
            label = f"{round(100 * n / total)}%" if n / total > 0.08 else ""
            found.append({"split": split, "start": start, "end": start + n, "middle": start + n / 2, "label": label})
        start += n
    colour = alt.Color(
        "split:N", scale=alt.Scale(domain=shown, range=[COLOURS[split] for split in shown]), legend=LEGEND
    )
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
    """Adam's step size for a feature by the share of training rows in which it is not zero.

    Args:
        features: name, share of training rows, step for a unit of gradient.
    """
    found = [{"share": share, "step": step} for _, share, step in features]
    space = {
        "x": _log("share", [share for _, share, _ in features], "share of training rows", ".3~%"),
        "y": _log("step", [step for _, _, step in features], "step per unit of gradient", NUMBER),
    }
    points = alt.Chart(rows(found)).mark_point(filled=True, color=TRAIN, opacity=0.6, size=45)
    return sized(points.encode(**space))


def _log(field: str, values: Sequence[float], title: str, form: str) -> Any:  # noqa: ANN401
    low, high = min(values) / 1.2, max(values) * 1.2
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    channel = alt.X if field == "share" else alt.Y
    return channel(f"{field}:Q", scale=scale, axis=log_axis(title, low, high, form=form))
