"""The figures of a run: each a title, a sentence and its charts, or None for a run that has no such figure.

Those that a training or a search of arrays has, too, are in ``training_figures``.

A new figure is a chart in ``charts``, a sentence in ``sentences``, a function here that joins them, its line in
``FIGURES``, and ``{{ draw.show(figures.NAME) }}`` in the template.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from goodfit.diagnosis.verdict import diagnose
from goodfit.experiment.run_folder import Record
from goodfit.holdout.ledger import Ledger
from goodfit.reporting import sentences
from goodfit.reporting.charts.decision import threshold_chart
from goodfit.reporting.charts.importance import dependence_chart, importance_chart
from goodfit.reporting.charts.predictions import calibration_chart, residual_chart
from goodfit.reporting.charts.table import named_features, named_step_chart, splits_chart, step_chart
from goodfit.reporting.decision_sentences import of_decision
from goodfit.reporting.pages import Figure
from goodfit.reporting.training_figures import Parts, Trained, training_figures
from goodfit.reporting.trials import grid_of_several, restored

MOST_POINTS = 400
"""Of more features every second, third, … is drawn, from the rarest to the most frequent."""
MOST_COLUMNS = 15
"""Columns whose importance is drawn."""
RARE = 0.5
"""Steps are drawn where some feature is at most this share as frequent as another."""


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
    """What figures are drawn from. openings: of the exam."""

    record: Record
    openings: int


def figures_of(run: RunLike) -> dict[str, Figure | None]:
    """Every figure of the report by name; None for those that this run does not have."""
    record, shown = run.record, Shown(run.record, len(run.ledger.openings()))
    n_folds = record.sweep.n_folds if record.sweep else 1
    trained = Trained(
        restored(record), grid_of_several(record.sweep), diagnose(record).comparisons, record.settings.patience, n_folds
    )
    found = {name: make(shown) for name, make in FIGURES.items()}
    return training_figures(trained) | {name: Figure(name, *parts) if parts else None for name, parts in found.items()}


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
    found, classes = shown.record.measured.calibration, shown.record.target.task != "regression"
    if not found:
        return None
    said = sentences.of_calibration(found, probabilities=classes)
    return "Calibration", said, lambda: [calibration_chart(found, probabilities=classes)]


def residuals(shown: Shown) -> Parts | None:
    """Residuals of a regression."""
    found = shown.record.measured.residuals
    return ("Residuals", sentences.of_residuals(found), lambda: [residual_chart(found)]) if found else None


FIGURES: Mapping[str, Callable[[Shown], Parts | None]] = {
    "splits": splits,
    "decision": decision,
    "steps": steps,
    "importance": importance,
    "dependence": dependence,
    "calibration": calibration,
    "residuals": residuals,
}
