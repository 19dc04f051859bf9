"""What is said of an ensemble and of its exam. Plain Python, so that the shell can load it quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goodfit.formatting import METRIC_LABELS, count, numbers

if TYPE_CHECKING:
    from goodfit.experiment.kept_ensemble import KeptEnsemble
    from goodfit.holdout.ledger import Opening


def of_exam(kept: KeptEnsemble, opening: Opening, n_test: int) -> str:
    """Whether the exam agrees with the out-of-fold score."""
    name = next(name for name in ("log_loss", "rmse") if name in opening.scores)
    test, expected = opening.scores[name].value, kept.expected(name, n_test)
    found, low, high = numbers(test, max(0.0, expected.low), expected.high)
    label, rows = METRIC_LABELS[name], count(n_test, "row")
    interval = f"the 95% interval from {low} to {high} that the out-of-fold score predicts for {rows}"
    if expected.low <= test <= expected.high:
        return f"The {label} of the test rows, {found}, is within {interval}."
    side = "above" if test > expected.high else "below"
    return f"The {label} of the test rows, {found}, is {side} {interval}. By chance this happens once in 20 times."


OUT_OF_FOLD = (
    "Out-of-fold: each row is predicted by networks that were not trained on it, at an epoch selected without it."
)
"""What the scores of an ensemble on training and validation rows are."""


AT_OTHERS_EPOCH = (
    "Each validation row is predicted at an epoch selected without it; the minimum of the validation curve is lower."
)
"""What the scores of a network on its validation rows are."""


REFERENCE_MODELS = "The linear model and gradient boosting are scikit-learn's, trained on the same training rows."
"""What the reference models are."""


def of_ensemble(kept: KeptEnsemble) -> str:
    """What the ensemble consists of, and its loss beside that of the selected configuration."""
    loss, error, own = numbers(kept.loss, kept.standard_error, kept.selected_loss)
    size = f"{count(len(kept.members), 'configuration')} × {count(len(kept.folds), 'fold')}"
    return (
        f"Predictions are the weighted mean of {count(kept.n_networks, 'network')} ({size}). Their out-of-fold loss is "
        f"{loss} ± {error}. {_of_selected(kept, own)}{_of_temperature(kept)}"
    )


def _of_selected(kept: KeptEnsemble, loss: str) -> str:
    """The selected configuration beside the ensemble; the rows that judge it are those that selected it."""
    alone = f"That of the selected configuration alone is {loss}"
    return f"{alone}." if kept.loss < kept.selected_loss else f"{alone}, which is too low: these rows have selected it."


def _of_temperature(kept: KeptEnsemble) -> str:
    if kept.temperature == 1:
        return ""
    before, after = numbers(kept.loss_before, kept.loss)
    effect = "less" if kept.temperature > 1 else "more"
    said = f"A temperature of {kept.temperature:.2f} makes probabilities {effect} extreme"
    return f" {said}, which lowers the loss from {before} to {after}."
