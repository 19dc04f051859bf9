"""A training from an earlier network beside the same training from random weights."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.prepare import TASKS, Prepared, layers_for
from goodfit.nn.arrays import Params
from goodfit.search.parallel import Fold
from goodfit.search.sweep import cross_fitted_losses, validation_weights
from goodfit.search.trial_table import TrialResult, TrialTable
from goodfit.training.evaluation import row_losses
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe, make_recipe


class Judged(NamedTuple):
    """A training of the selected config, and the fold whose validation rows judge it."""

    number: int
    fold: Fold
    seed: int
    training: Training


def initial_params(prepared: Prepared) -> Params:
    """Return the weights of the earlier network for the table as this fold encodes it."""
    assert prepared.start is not None
    layers = layers_for(prepared.settings, prepared.target)
    return prepared.start.initial_params(layers, prepared.encoder, prepared.target)


def compare_starts(folds: Sequence[Prepared], scratch: Sequence[Judged], tuned: Sequence[Judged]) -> Transfer:
    """Return how the trainings from the earlier network compare, on the folds and seeds that both have."""
    start, own = folds[0].start, folds[0].encoder.columns
    assert start is not None
    recipe = make_recipe(layers_for(folds[0].settings, folds[0].target), loss=TASKS[folds[0].target.task].loss)
    table = _trial_table(recipe, scratch, tuned, n_folds=len(folds))
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


def _trial_table(recipe: Recipe, scratch: Sequence[Judged], tuned: Sequence[Judged], *, n_folds: int) -> TrialTable:
    """Both as two configs, with the cross-fitted losses of their validation rows."""
    both = [*scratch, *tuned]
    losses = [cross_fitted_losses(recipe, each.training, each.fold).astype(float) for each in both]
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
