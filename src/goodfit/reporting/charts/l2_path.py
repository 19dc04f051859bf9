"""Regularization path: both losses for each λ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goodfit.reporting.charts.basics import Layer, loss_y, rows, sized
from goodfit.reporting.charts.curves import colour, dash
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import INK
from goodfit.reporting.trials import Trial, short_values


def l2_path_chart(trials: Sequence[Trial], *, chosen: float) -> Layer:
    """Training and validation loss at the best epoch of each λ; the selected λ is ringed."""
    found = [
        {"l2": l2, "loss": trial.at_best(values), "split": split, "chosen": trial.l2 == chosen}
        for l2, trial in zip(short_values([trial.l2 for trial in trials]), trials, strict=True)
        for split, values in (("train", trial.loss), ("validation", trial.val_loss))
        if np.isfinite(trial.at_best(values))
    ]
    base = alt.Chart(rows(found)).encode(
        x=alt.X("l2:N", sort=None, axis=alt.Axis(title="λ", labelAngle=0)),
        y=loss_y(loss for trial in trials for loss in (trial.at_best(trial.loss), trial.at_best(trial.judged))),
    )
    lines = base.mark_line().encode(color=colour(), strokeDash=dash())
    points = base.mark_point(filled=True, size=42, opacity=1).encode(color=colour())
    ring = base.mark_point(filled=False, size=190, color=INK, strokeWidth=1.6).transform_filter(
        "datum.chosen && datum.split == 'validation'"
    )
    return sized(alt.layer(lines, points, ring), title="both losses")
