"""A training from an earlier network beside the same training from random weights."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.prepare import TASKS, Prepared, layers_for
from goodfit.nn.arrays import Params
from goodfit.search.ensemble import Ensemble
from goodfit.search.parallel import Fold
from goodfit.search.sweep import Sweep, cross_fitted_losses, validation_weights
from goodfit.search.trial_table import TrialResult, TrialTable
from goodfit.training.evaluation import losses_of_predictions, row_losses
from goodfit.training.recipe import Recipe, make_recipe


class Judged(NamedTuple):
    """What is kept of a grid, as the validation rows of one fold judge it.

    number, fold: of the fold. seed: of the training; 0 for an ensemble. losses: of the validation rows (rows,), each
    predicted at an epoch, and by an ensemble with weights, that other rows chose.
    """

    number: int
    fold: Fold
    seed: int
    losses: Array


def judge_ensemble(ensemble: Ensemble, folds: Sequence[Fold]) -> Iterator[Judged]:
    """Return the ensemble as the rows of each of its folds judge it."""
    rows = ensemble.rows
    losses = losses_of_predictions(ensemble.recipe, rows.y, ensemble.predictions).astype(float)
    for number in np.unique(rows.folds).tolist():
        yield Judged(number, folds[number], 0, losses[rows.folds == number])


def judge_config(found: Sweep) -> Iterator[Judged]:
    """Return the selected config as the rows of each of its folds judge it, once for each seed."""
    for trial in found.selection.chosen.trials:
        result = found.results[trial]
        fold = found.folds[result.fold]
        losses = cross_fitted_losses(found.recipe, found.trainings[trial], fold).astype(float)
        yield Judged(result.fold, fold, result.seed, losses)


def initial_params(prepared: Prepared) -> Params:
    """Return the weights of the earlier network for the table as this fold encodes it."""
    assert prepared.start is not None
    layers = layers_for(prepared.settings, prepared.target)
    return prepared.start.initial_params(layers, prepared.encoder, prepared.target)


def compare_starts(folds: Sequence[Prepared], scratch: Sequence[Judged], tuned: Sequence[Judged]) -> Transfer:
    """Return how what starts from the earlier network compares, on the folds and seeds that both have."""
    start, own = folds[0].start, folds[0].encoder.columns
    assert start is not None
    recipe = make_recipe(layers_for(folds[0].settings, folds[0].target), loss=TASKS[folds[0].target.task].loss)
    table = _trial_table(scratch, tuned, n_folds=len(folds))
    scratch_loss, loss = table.means.tolist()
    return Transfer(
        earlier=start.name,
        selected=bool(loss <= scratch_loss),
        loss=loss,
        scratch_loss=scratch_loss,
        unchanged_loss=_unchanged_loss(recipe, folds, tuned),
        gain=scratch_loss - loss,
        standard_error=table.standard_error(0, 1),
        n_rows=len(table.weights),
        new_columns=tuple(name for name in own if name not in start.encoder.columns),
        missing_columns=tuple(name for name in start.encoder.columns if name not in own),
    )


def _trial_table(scratch: Sequence[Judged], tuned: Sequence[Judged], *, n_folds: int) -> TrialTable:
    """Both as two configs."""
    both = [*scratch, *tuned]
    losses = [each.losses for each in both]
    weights = {each.number: validation_weights(each.fold) for each in both}
    means = [float(np.average(of, weights=weights[each.number])) for of, each in zip(losses, both, strict=True)]
    results = [
        TrialResult({"start": float(place >= len(scratch))}, each.number, each.seed, mean)
        for place, (each, mean) in enumerate(zip(both, means, strict=True))
    ]
    return TrialTable(results, losses.__getitem__, [weights.get(number, np.zeros(0)) for number in range(n_folds)])


def _unchanged_loss(recipe: Recipe, folds: Sequence[Prepared], tuned: Sequence[Judged]) -> float:
    """Mean loss of the earlier network, as it was, on the validation rows of these folds."""
    by_fold = {each.number: each.fold for each in tuned}
    losses = [
        np.average(
            row_losses(recipe, initial_params(folds[number]), fold.rows, fold.validation),
            weights=validation_weights(fold),
        )
        for number, fold in by_fold.items()
    ]
    return float(np.mean(losses))
