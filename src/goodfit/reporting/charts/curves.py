"""Learning curves: one training, one of several learning rates, and all trainings of a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.reporting.charts.basics import (
    POINTS,
    Layer,
    curve,
    epochs_x,
    exit_marks,
    exits,
    loss_y,
    near,
    pixels,
    rows,
    sized,
    thinned,
)
from goodfit.reporting.lazy import alt
from goodfit.reporting.svg import KEY
from goodfit.reporting.theme import DASHED, IDLE, INK, SHADE, SOLID, TRAIN, VALIDATION, WIDTH
from goodfit.reporting.trials import Trial

SPLITS = ["train", "validation"]
ROOM_FOR_STOP = 0.18
"""Share of the epochs that the label of the stop needs beside that of the best epoch."""
ROOM = 3.0
"""The axis of many trainings goes from the lowest validation loss to the median loss of the first epoch, wider by this
factor at both ends."""


def colour() -> alt.Color:
    """Colours of the two splits."""
    return alt.Color("split:N", scale=alt.Scale(domain=SPLITS, range=[TRAIN, VALIDATION]))


def dash() -> alt.StrokeDash:
    """Strokes of the two splits."""
    return alt.StrokeDash("split:N", scale=alt.Scale(domain=SPLITS, range=[DASHED, SOLID]))


def loss_curves(
    loss: Array, val_loss: Array, *, best_epoch: int = 0, patience: int | None = None, stopped: bool = False
) -> Layer:
    """Training and validation loss with the gap shaded; best epoch, patience and stop are marked.

    Args:
        loss, val_loss: curves (epochs,); val_loss may be empty.
        best_epoch: counted from 1; 0 for none.
        patience: of early stopping, if there was any.
        stopped: whether early stopping ended the training.
    """
    epochs = thinned(len(loss), [best_epoch])
    drawn = curve(loss, epochs, split="train") + (curve(val_loss, epochs, split="validation") if len(val_loss) else [])
    y = loss_y(row["loss"] for row in drawn)
    lines = alt.Chart(rows(drawn)).mark_line().encode(x=epochs_x(len(loss)), y=y, color=colour(), strokeDash=dash())
    layers: list[alt.Chart] = []
    if stopped and patience:
        layers.append(_waiting(best_epoch, len(loss)))
    if len(val_loss):
        layers.append(_gap(loss, val_loss, epochs))
    layers.append(lines)
    if best_epoch:
        layers += _best(best_epoch, len(loss), val_loss if len(val_loss) else loss)
    if stopped and patience and patience > ROOM_FOR_STOP * len(loss):
        layers.append(_said(len(loss), f"stop {len(loss):,}", len(loss)))
    return sized(alt.layer(*layers))


def rate_curves(trial: Trial, *, n_epochs: int, ends: tuple[float, float], title: str, width: int = WIDTH) -> Layer:
    """Losses of one learning rate, on the same axes as others."""
    curves = _curves(trial)
    axes = {"x": epochs_x(n_epochs, log=True), "y": loss_y(ends)}
    drawn = [point for each in curves for point in near(each, ends)]
    lines = alt.Chart(rows(drawn)).mark_line(clip=True).encode(**axes, color=colour(), strokeDash=dash())
    left = [point for each in curves for point in exits(each, ends)]
    layers = [lines, *[exit_marks(left).encode(color=colour())] * bool(left)]
    return sized(alt.layer(*layers), title=title, height=200, width=width)


def leave(trials: Iterable[Trial], ends: tuple[float, float]) -> bool:
    """Whether a curve goes beyond these ends of the axis."""
    return any(exits(each, ends) for trial in trials for each in _curves(trial))


def _curves(trial: Trial, points: int = POINTS, **named: object) -> list[list[dict[str, Any]]]:
    """Training loss and, if there is one, validation loss."""
    epochs = thinned(trial.epochs, [trial.best_epoch], most=points)
    both = (("train", trial.loss), ("validation", trial.val_loss))
    return [curve(values, epochs, split=split, **named) for split, values in both if len(values)]


def trial_curves(trials: Sequence[Trial], *, points: int = 70) -> Layer:
    """All trainings in grey, and each once more in colour with the CSS classes ``of m<position>``.

    The page shows the coloured curves of the selected one.
    """
    ends = loss_ends(trials)
    curves = [
        each
        for place, trial in enumerate(trials)
        for each in _curves(trial, points, key=f"{KEY}of m{place}", place=place)
    ]
    drawn = [point for each in curves for point in near(each, ends)]
    base = alt.Chart(rows(drawn)).encode(
        x=epochs_x(max(trial.epochs for trial in trials), log=True),
        y=loss_y(np.clip([point["loss"] for point in drawn], *ends)),
        detail=alt.Detail("place:N"),
    )
    faint = base.mark_line(clip=True, color=IDLE, strokeWidth=0.8, opacity=0.55)
    faint = faint.transform_filter("datum.split == 'validation'")
    shown = base.mark_line(clip=True, strokeWidth=2.2).encode(
        color=colour(), strokeDash=dash(), description=alt.Description("key:N")
    )
    marks = [
        {"epoch": trial.best_epoch, "loss": min(trial.at_best(trial.judged), ends[1]), "key": f"{KEY}of m{place}"}
        for place, trial in enumerate(trials)
        if trial.best_epoch
    ]
    best = (
        alt.Chart(rows(marks))
        .mark_point(size=60, filled=True, color=INK, opacity=1)
        .encode(x=alt.X("epoch:Q"), y=alt.Y("loss:Q"), description=alt.Description("key:N"))
    )
    left = [point for each in curves for point in exits(each, ends)]
    of_all = [point for point in left if point["split"] == "validation"]
    layers = [
        faint,
        *[exit_marks(of_all).encode(color=alt.value(IDLE), size=alt.value(24))] * bool(of_all),
        shown,
        *[exit_marks(left).encode(color=colour(), description=alt.Description("key:N"))] * bool(left),
        best,
    ]
    return sized(alt.layer(*layers), height=240)


def loss_ends(trials: Sequence[Trial]) -> tuple[float, float]:
    """Ends of the axis of losses of many trainings."""
    first = [trial.judged[0] for trial in trials if np.isfinite(trial.judged[0])]
    lowest = min(trial.at_best(trial.judged) for trial in trials)
    return lowest / ROOM, float(ROOM * np.median(first or [1.0]))


def _gap(loss: Array, val_loss: Array, epochs: Sequence[int]) -> alt.Chart:
    between = [
        {"epoch": epoch, "low": float(loss[epoch - 1]), "high": float(val_loss[epoch - 1])}
        for epoch in epochs
        if np.isfinite([loss[epoch - 1], val_loss[epoch - 1]]).all()
    ]
    area: alt.Chart = alt.Chart(rows(between)).mark_area(color=VALIDATION, opacity=0.14)
    return area.encode(x=alt.X("epoch:Q"), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))


def _waiting(best_epoch: int, n_epochs: int) -> alt.Chart:
    """The epochs of patience as a band."""
    band: alt.Chart = alt.Chart(rows([{"epoch": best_epoch, "end": n_epochs}])).mark_rect(color=SHADE)
    return band.encode(x=alt.X("epoch:Q"), x2=alt.X2("end:Q"))


def _best(best_epoch: int, n_epochs: int, values: Array) -> list[alt.Chart]:
    """A line at the best epoch, a point on the curve, and a label."""
    found = rows([{"epoch": best_epoch, "loss": float(values[best_epoch - 1])}])
    rule = alt.Chart(found).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("epoch:Q"))
    point = (
        alt.Chart(found)
        .mark_point(filled=True, size=70, color=INK, opacity=1)
        .encode(x=alt.X("epoch:Q"), y=alt.Y("loss:Q"))
    )
    return [rule, point, _said(best_epoch, f"best epoch {best_epoch:,}", n_epochs)]


def _said(epoch: int, text: str, n_epochs: int) -> alt.Chart:
    """A label above the chart at an epoch, towards the side with more room."""
    left = epoch > 0.4 * n_epochs
    found = rows([{"epoch": epoch, "text": text}])
    words: alt.Chart = alt.Chart(found).mark_text(align="right" if left else "left", color=INK)
    return words.encode(x=alt.X("epoch:Q"), y=pixels(-7), text=alt.Text("text:N"))
