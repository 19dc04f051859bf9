"""Three fits of one curve: underfitting, good fit, overfitting."""

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from goodfit.arrays import Array
from goodfit.formatting import count, numbers
from goodfit.guided_tour.chapter import Chapter, Names, Picture
from goodfit.reporting.charts.basics import Layer, rows, sized
from goodfit.reporting.sentences import CLEARLY
from goodfit.reporting.theme import IDLE, INK, NARROW, VALIDATION
from goodfit.reporting.trials import short_value

ROOM = 0.35
"""Margin around the points, as a share of their range."""


class Fit(NamedTuple):
    """A training: its λ, both losses after the last epoch, and the fitted curve."""

    l2: float
    loss: float
    val_loss: float
    curve: Array


def picture(names: Names) -> Picture:
    """Curve of each fit."""
    fits = fits_of(names)
    points, fresh = (np.column_stack([x[:, 0], y]) for x, y in (names["points"], names["fresh"]))
    charts = [
        fit_chart(names["places"], fit.curve, points, fresh, title=f"λ {short_value(fit.l2)} · {verdict(fit, fits)}")
        for fit in fits
    ]
    return Picture(said(fits, len(points), len(fresh)), charts)


def fits_of(names: Names) -> list[Fit]:
    """The fits, the strongest penalty first."""
    found = names["fits"]
    fits = [
        Fit(row["l2"], training.history["loss"][-1], training.history["val_loss"][-1], curve)
        for row, training, curve in zip(found.table.to_pylist(), found.trainings, names["curves"], strict=True)
    ]
    return sorted(fits, key=lambda fit: -fit.l2)


def verdict(fit: Fit, fits: Sequence[Fit]) -> str:
    """Verdict from both losses, compared with the other fits."""
    best = min(fits, key=lambda fit: fit.val_loss)
    if fit is best:
        return "good fit"
    if fit.val_loss <= CLEARLY * best.val_loss:
        return "as good"
    return "overfitting" if fit.loss < best.loss else "underfitting"


def said(fits: Sequence[Fit], n_points: int, n_fresh: int) -> str:
    """Losses and verdict of each fit."""
    first, *others = (_one(fit, fits) for fit in fits)
    what = f"mean squared error on the {count(n_points, 'training point')} and on {n_fresh} new ones"
    return " ".join([f"{first} ({what}).", *(f"{other}." for other in others)])


def _one(fit: Fit, fits: Sequence[Fit]) -> str:
    loss, val_loss = numbers(fit.loss, fit.val_loss)
    how = {
        "underfitting": "is underfitting: even the training error is high",
        "good fit": "is a good fit: the lowest error on new points",
        "overfitting": "is overfitting: a lower training error, but a higher error on new points",
        "as good": "is about as good",
    }
    return f"λ {short_value(fit.l2)} {how[verdict(fit, fits)]}, {loss} and {val_loss}"


def fit_chart(places: Array, curve: Array, points: Array, fresh: Array, *, title: str) -> Layer:
    """The fitted curve, the training points, and new points in grey."""
    low, high = points[:, 1].min(), points[:, 1].max()
    room = ROOM * (high - low)
    y = alt.Y("y:Q", axis=alt.Axis(title=None), scale=alt.Scale(domain=[low - room, high + room], nice=False))
    x = alt.X("x:Q", axis=alt.Axis(title=None), scale=alt.Scale(domain=[places[0], places[-1]], nice=False))
    faint = _marks(fresh).mark_point(filled=True, size=9, color=IDLE, opacity=0.7, clip=True)
    learned = _marks(points).mark_point(filled=True, size=34, color=INK, opacity=0.9, clip=True)
    line = _marks(np.column_stack([places, curve])).mark_line(color=VALIDATION, strokeWidth=2.4, clip=True)
    layers = [layer.encode(x=x, y=y) for layer in (faint, line, learned)]
    return sized(alt.layer(*layers), title=title, width=NARROW)


def _marks(places: Array) -> alt.Chart:
    return alt.Chart(rows({"x": round(float(x), 3), "y": round(float(y), 3)} for x, y in places))


CHAPTER: Chapter = Chapter(
    name="fits",
    heading="Three fits",
    idea="A network is trained three times on the dark points, which lie on a curve with noise. The initial weights "
    "are the same; only λ differs. The grey points are from the same curve, for validation only.",
    picture=picture,
)
