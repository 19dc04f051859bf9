"""Distribution of the weights: of one network, of all in a grid, and for each λ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goodfit.arrays import Array
from goodfit.reporting.charts.basics import NUMBER, Layer, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.svg import KEY
from goodfit.reporting.theme import INK, TRAIN, VALIDATION
from goodfit.reporting.trials import Trial, bins, density, l2_name, short_values

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def weight_histograms(named: Sequence[tuple[str, Array]], colours: Sequence[str] = (TRAIN,)) -> list[Layer]:
    """Histograms of the weights of several trainings on the same axes.

    Args:
        named: title and quantiles of each. colours: of each, by turns.
    """
    edges = bins([quantiles for _, quantiles in named])
    shares = [density(quantiles, edges) for _, quantiles in named]
    highest = max(float(of.max()) for of in shares)
    return [
        _histogram(of, edges, title=title, colour=colours[place % len(colours)], highest=highest)
        for place, ((title, _), of) in enumerate(zip(named, shares, strict=True))
    ]


def pair_histograms(without: Trial, penalised: Trial) -> list[Layer]:
    """Histograms of the weights of two trainings, with less L2 and with more."""
    named = [(l2_name(trial.l2), trial.quantiles) for trial in (without, penalised)]
    return weight_histograms(named, (VALIDATION, TRAIN))


def _histogram(shares: Array, edges: Array, *, title: str, colour: str, highest: float) -> Layer:
    found = [
        {"low": float(low), "high": float(high), "share": float(share)}
        for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
    ]
    scale = alt.Scale(domain=[0, highest or 1])
    bars = (
        alt.Chart(rows(found))
        .mark_bar(color=colour, opacity=0.85)
        .encode(
            x=_weight_x(edges, "low"),
            x2=alt.X2("high:Q"),
            y=alt.Y("share:Q", axis=alt.Axis(title="share of weights", format="~%", tickCount=4), scale=scale),
            y2=alt.Y2Datum(0),
        )
    )
    zero = alt.Chart(rows([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q"))
    return sized(alt.layer(bars, zero), title=title, height=190)


def trial_weights(trials: Sequence[Trial]) -> Layer:
    """Weights of all trainings on one axis, each scaled to its peak, with the CSS classes ``of m<position>``."""
    edges = bins([trial.quantiles for trial in trials])
    middles = (edges[:-1] + edges[1:]) / 2
    found = [
        {"weight": round(float(middle), 5), "height": round(float(height), 3), "key": f"{KEY}of m{place}"}
        for place, trial in enumerate(trials)
        for middle, height in zip(middles, _to_peak(density(trial.quantiles, edges)), strict=True)
    ]
    areas = (
        alt.Chart(rows(found))
        .mark_area(color=TRAIN, opacity=0.85, interpolate="step")
        .encode(
            x=_weight_x(edges, "weight"),
            y=alt.Y("height:Q", axis=None, stack=None),
            detail=alt.Detail("key:N"),
            description=alt.Description("key:N"),
        )
    )
    zero = alt.Chart(rows([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q"))
    return sized(alt.layer(areas, zero), height=150)


def l2_path_weights(trials: Sequence[Trial]) -> Layer:
    """Central 90 % and 50 % of the weights for each λ."""
    found = [
        {"l2": l2, **{f"q{level:g}".replace(".", "_"): place for level, place in _levels(trial)}}
        for l2, trial in zip(short_values([trial.l2 for trial in trials]), trials, strict=True)
    ]
    base = alt.Chart(rows(found)).encode(
        x=alt.X("l2:N", sort=None, axis=alt.Axis(title="λ", labelAngle=0)),
    )
    y = alt.Y("q0_05:Q", axis=alt.Axis(title="weights"))
    wide = base.mark_rule(color=TRAIN, strokeWidth=2).encode(y=y, y2=alt.Y2("q0_95:Q"))
    half = base.mark_bar(color=TRAIN, size=min(14, 200 / len(trials))).encode(y=alt.Y("q0_25:Q"), y2=alt.Y2("q0_75:Q"))
    zero = alt.Chart(rows([{"zero": 0}])).mark_rule(color=INK, strokeWidth=0.8).encode(y=alt.Y("zero:Q"))
    return sized(alt.layer(zero, wide, half), title="90% and 50% of the weights")


def _levels(trial: Trial) -> list[tuple[float, float]]:
    positions = np.linspace(0, 1, len(trial.quantiles))
    return [(level, float(np.interp(level, positions, trial.quantiles))) for level in LEVELS]


def _weight_x(edges: Array, field: str) -> alt.X:
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False),
        axis=alt.Axis(title="weight", format=NUMBER),
    )


def _to_peak(shares: Array) -> Array:
    return shares / max(float(shares.max()), 1e-12)
