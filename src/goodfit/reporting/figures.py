"""The figures of the report: each a title, a sentence and its charts, or None for a run that has no such figure.

A new figure is a chart in ``charts``, a sentence in ``sentences``, a function here that joins them, its line in
``FIGURES``, and ``{{ draw.show(figures.NAME) }}`` in the template.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from goodfit.diagnosis.comparisons import Comparison
from goodfit.diagnosis.verdict import diagnose
from goodfit.experiment.run_folder import Record
from goodfit.holdout.ledger import Ledger
from goodfit.reporting import sentences
from goodfit.reporting.charts.alternatives import alternatives_chart
from goodfit.reporting.charts.basics import Layer
from goodfit.reporting.charts.curves import leave, loss_curves, rate_curves
from goodfit.reporting.charts.decision import threshold_chart
from goodfit.reporting.charts.importance import dependence_chart, importance_chart
from goodfit.reporting.charts.l2_path import l2_path_chart
from goodfit.reporting.charts.predictions import calibration_chart, residual_chart
from goodfit.reporting.charts.table import named_features, named_step_chart, splits_chart, step_chart
from goodfit.reporting.charts.weights import l2_path_weights, weight_histogram
from goodfit.reporting.decision_sentences import of_decision
from goodfit.reporting.pages import Figure
from goodfit.reporting.svg import Chart
from goodfit.reporting.theme import NARROW, TRAIN, VALIDATION, WIDTH
from goodfit.reporting.trials import Grid, Trial, bins, grid_of, l2_name, pair_of, restored

MOST_POINTS = 400
"""Of more features every second, third, … is drawn, from the rarest to the most frequent."""
MOST_COLUMNS = 15
"""Columns whose importance is drawn."""
RARE = 0.5
"""Steps are drawn where some feature is at most this share as frequent as another."""

Parts = tuple[str, str, Callable[[], Sequence[Chart]]]
"""Title and sentence of a figure, and what makes its charts."""


@runtime_checkable
class RunLike(Protocol):
    """What a report needs of ``goodfit.Run``."""

    @property
    def record(self) -> Record: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def path(self) -> Path | None: ...


class Shown(NamedTuple):
    """What figures are drawn from. grid: None for a single training. openings: of the exam."""

    record: Record
    grid: Grid | None
    openings: int


def figures_of(run: RunLike) -> dict[str, Figure | None]:
    """Every figure of the report by name; None for those that this run does not have."""
    grid = grid_of(run.record.sweep) if run.record.sweep else None
    shown = Shown(run.record, grid, len(run.ledger.openings()))
    found = {name: make(shown) for name, make in FIGURES.items()}
    return {name: Figure(name, *parts) if parts else None for name, parts in found.items()}


def curves(shown: Shown) -> Parts | None:
    """Learning curves of the restored training; None where no epoch is finite."""
    trial, patience = restored(shown.record), shown.record.settings.patience
    if not trial.best_epoch:
        return None
    stopped = trial.outcome == "stopped_early"
    draw = partial(loss_curves, best_epoch=trial.best_epoch, patience=patience, stopped=stopped)
    said = sentences.of_curves(trial, patience=patience)
    return "Training and validation loss", said, lambda: [draw(trial.loss, trial.val_loss)]


def alternatives(shown: Shown) -> Parts | None:
    """Measured alternatives; None where fewer than two were measured, or where another reason decides the verdict."""
    compared = diagnose(shown.record).comparisons
    found = sorted((each for each in compared if 0 < each.error < np.inf), key=_kind)
    if len(found) < 2 or any(each.is_clear for each in compared if each.error == 0):
        return None
    return "Alternatives", sentences.of_alternatives(found), lambda: [alternatives_chart(found)]


def _kind(compared: Comparison) -> int:
    """Penalties first, then learning rates, then other models."""
    return 0 if "l2" in compared.change else 1 if "learning_rate" in compared.change else 2


def decision(shown: Shown) -> Parts | None:
    """The goal at every threshold, where one was chosen."""
    found = shown.record.decision
    return ("Decision threshold", of_decision(found), lambda: [threshold_chart(found)]) if found else None


def importance(shown: Shown) -> Parts | None:
    """Permutation importance of the columns, at most 15."""
    found = shown.record.measurements.importance
    if found is None:
        return None
    columns = found.columns[:MOST_COLUMNS]
    return "Importance of the columns", sentences.of_importance(found), lambda: [importance_chart(columns)]


def dependence(shown: Shown) -> Parts | None:
    """Dependence curves of the most important columns."""
    found = shown.record.measurements.importance
    if found is None or not found.dependence:
        return None
    shown_curves = found.dependence
    said = sentences.of_dependence(shown_curves)
    return "Dependence on the most important columns", said, lambda: [dependence_chart(each) for each in shown_curves]


def splits(shown: Shown) -> Parts:
    """Sizes of the splits."""
    record, sizes = shown.record, shown.record.sizes
    said = sentences.of_splits(sizes, shown.openings)
    if record.streamed is not None:
        said += sentences.of_sample(record.streamed, record.splits)
    return "Training, validation and test rows", said, lambda: [splits_chart(sizes)]


def weights(shown: Shown) -> Parts | None:
    """Weights of the restored training; of a grid without and with L2, at the same learning rate and seed."""
    if shown.grid is not None:
        pair = pair_of(shown.grid)
        return pair and ("Weights without and with L2", sentences.of_pair(*pair), lambda: pair_charts(*pair))
    trial = restored(shown.record)
    if not trial.best_epoch:
        return None
    said = f"With {l2_name(trial.l2)}, {sentences.of_weights(trial)}."
    return "Weights", said, lambda: [weight_histogram(trial.quantiles, bins([trial.quantiles]), colour=TRAIN)]


def pair_charts(without: Trial, penalised: Trial) -> list[Layer]:
    """Histograms of the weights of two trainings on one axis."""
    edges = bins([without.quantiles, penalised.quantiles])
    return [
        weight_histogram(trial.quantiles, edges, title=l2_name(trial.l2), colour=colour)
        for trial, colour in ((without, VALIDATION), (penalised, TRAIN))
    ]


def rates(shown: Shown) -> Parts | None:
    """The smallest, the selected and the largest learning rate of the grid, at the selected λ."""
    if shown.grid is None:
        return None
    right = shown.grid.winner
    line = [trial for trial in shown.grid.of_l2(right.l2) if len(trial.loss) and np.isfinite(trial.judged[0])]
    slower = [trial for trial in line if trial.learning_rate < right.learning_rate][:1]
    faster = [trial for trial in line if trial.learning_rate > right.learning_rate][-1:]
    found = [*slower, right, *faster]
    if len(found) < 2:
        return None
    most = 1.5 * max(trial.judged[0] for trial in (*slower, right))
    losses = [x for trial in found for x in (*trial.loss, *trial.val_loss) if x <= most]
    ends, n_epochs = (min(losses), max(losses)), max(trial.epochs for trial in found)
    width = WIDTH if len(found) < 3 else NARROW

    def charts() -> list[Layer]:
        titles = (sentences.caption(trial, right) for trial in found)
        return [
            rate_curves(trial, n_epochs=n_epochs, ends=ends, title=title, width=width)
            for trial, title in zip(found, titles, strict=True)
        ]

    left = sentences.LEAVES if leave(found, ends) else ""
    return "Learning rates", sentences.of_rates(found, right) + left, charts


def l2_path(shown: Shown) -> Parts | None:
    """Losses and weights of each λ, at the selected learning rate."""
    winner = shown.grid.winner if shown.grid else None
    trials = shown.grid.of_rate(winner.learning_rate) if shown.grid and winner else []
    trials = [trial for trial in trials if trial.best_epoch]
    if winner is None or len(trials) < 3:
        return None
    said = sentences.of_l2_path(trials)
    return "Regularization path", said, lambda: [l2_path_chart(trials, chosen=winner.l2), l2_path_weights(trials)]


def steps(shown: Shown) -> Parts | None:
    """Adam's steps, where some features are rarer than others."""
    features = [row for row in shown.record.measurements.features if row[1] > 0 and np.isfinite(row[2]) and row[2] > 0]
    shares = [share for _, share, _ in features]
    if len(features) < 4 or min(shares) > RARE * max(shares):
        return None
    drawn = sorted(features, key=lambda feature: feature[1])[:: -(-len(features) // MOST_POINTS)]
    said = sentences.of_steps(features)
    return "Step size of each feature", said, lambda: [named_step_chart(named_features(features)), step_chart(drawn)]


def calibration(shown: Shown) -> Parts | None:
    """Predicted and observed values, in bins."""
    found, classes = shown.record.measurements.calibration, shown.record.target.task != "regression"
    if not found:
        return None
    said = sentences.of_calibration(found, probabilities=classes)
    return "Calibration", said, lambda: [calibration_chart(found, probabilities=classes)]


def residuals(shown: Shown) -> Parts | None:
    """Residuals of a regression."""
    found = shown.record.measurements.residuals
    return ("Residuals", sentences.of_residuals(found), lambda: [residual_chart(found)]) if found else None


FIGURES: Mapping[str, Callable[[Shown], Parts | None]] = {
    "alternatives": alternatives,
    "splits": splits,
    "decision": decision,
    "curves": curves,
    "weights": weights,
    "l2_path": l2_path,
    "rates": rates,
    "steps": steps,
    "importance": importance,
    "dependence": dependence,
    "calibration": calibration,
    "residuals": residuals,
}
