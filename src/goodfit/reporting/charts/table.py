"""Charts of the table: its splits, and step sizes by the frequency of its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goodfit.formatting import printable, share
from goodfit.reporting.charts.basics import NUMBER, Layer, log_axis, pixels, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import LIGHT, MUTED, TRAIN, VALIDATION, WIDTH

Feature = tuple[str, float, float]
"""Name of a feature, share of training rows in which it is not zero, Adam's step for a unit of gradient."""
SHOWN = 6
"""Most frequent features, and rarest ones, shown by name."""
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
    legend = alt.Legend(symbolType="square", symbolSize=110, symbolStrokeWidth=0)
    colour = alt.Color(
        "split:N",
        scale=alt.Scale(domain=shown, range=[COLOURS[split] for split in shown]),
        legend=legend,
    )
    x = alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, total], nice=False))
    bars = (
        alt.Chart(rows(found))
        .mark_bar(size=34, stroke=LIGHT["card"], strokeWidth=2)
        .encode(x=x, x2=alt.X2("end:Q"), y=pixels(22), color=colour)
    )
    words = (
        alt.Chart(rows(found))
        .mark_text(color=LIGHT["card"], fontWeight=600)
        .encode(x=alt.X("middle:Q", axis=None), y=pixels(22), text=alt.Text("label:N"))
    )
    return sized(alt.layer(bars, words), width=WIDTH, height=95)


def step_chart(features: Sequence[Feature]) -> Layer:
    """Adam's step size for a feature by the share of training rows in which it is not zero."""
    found = [{"share": part, "step": step} for _, part, step in features]
    space = {
        "x": _log("share", [part for _, part, _ in features], "share of training rows", ".3~%"),
        "y": _log("step", [step for _, _, step in features], "step per unit of gradient", NUMBER),
    }
    points = alt.Chart(rows(found)).mark_point(filled=True, color=TRAIN, opacity=0.6, size=45)
    return sized(points.encode(**space))


def named_features(features: Sequence[Feature]) -> list[Feature]:
    """Return the most frequent features, then some of the rarest, evenly through the alphabet."""
    ordered = sorted(features, key=lambda feature: (-feature[1], feature[0]))
    rarest = sorted(ordered[-max(SHOWN, sum(feature[1] == ordered[-1][1] for feature in ordered)) :])
    chosen = [rarest[place] for place in np.linspace(0, len(rarest) - 1, min(SHOWN, len(rarest))).round().astype(int)]
    return [*ordered[:SHOWN], *(feature for feature in chosen if feature not in ordered[:SHOWN])]


def named_step_chart(shown: Sequence[Feature], unit: str = "rows") -> Layer:
    """A bar for each feature: Adam's step for a unit of gradient.

    unit: what the share of a feature counts.
    """
    labels = _short([name for name, _, _ in shown])
    # The extent leaves room for browsers whose font is wider than that of the renderer.
    found = [
        {"name": label, "step": step, "share": f"{share(part, 1)} of {unit}"}
        for label, (_, part, step) in zip(labels, shown, strict=True)
    ]
    base = alt.Chart(rows(found)).encode(
        y=alt.Y("name:N", sort=None, axis=alt.Axis(title=None, ticks=False, minExtent=145, labelLimit=125))
    )
    most = 1.75 * max(step for _, _, step in shown)
    x = alt.X(
        "step:Q", axis=alt.Axis(title="step per unit of gradient", format=NUMBER), scale=alt.Scale(domain=[0, most])
    )
    bars = base.mark_bar(color=TRAIN, opacity=0.85).encode(x=x)
    said = base.mark_text(align="left", dx=5, fontSize=10.5).encode(x=x, text=alt.Text("share:N"))
    return sized(alt.layer(bars, said))


def _short(names: Sequence[str]) -> list[str]:
    """The ends of long names, if they differ, without control characters, of which the renderer dies."""
    whole = [printable(name, longest=200) for name in names]
    short = [name if len(name) < 20 else f"…{name[-17:]}" for name in whole]
    return short if len(set(short)) == len(short) else whole


def _log(field: str, values: Sequence[float], title: str, form: str) -> Any:  # noqa: ANN401
    low, high = min(values) / 1.2, max(values) * 1.2
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    channel = alt.X if field == "share" else alt.Y
    return channel(f"{field}:Q", scale=scale, axis=log_axis(title, low, high, form=form))
