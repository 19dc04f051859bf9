"""Which rows and networks the importance of columns is measured with, and how long that may take."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from goodfit.arrays import Array
from goodfit.experiment.experiment import Fitted
from goodfit.experiment.importance import Importance, UnseenRows, measure_importance
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.prepare import TASKS, layers_for
from goodfit.nn.arrays import Params
from goodfit.search.calibration import with_temperature
from goodfit.search.padding import padded_params, shared_inputs
from goodfit.training.evaluation import ensemble_predictions, losses_of_predictions
from goodfit.training.fit import epoch_rows
from goodfit.training.recipe import MAX_UPDATES, Recipe, make_recipe

SHARE_OF_TRAINING = 0.05
"""Rows that may be predicted, as a share of the rows that passed through the networks in training. A prediction takes a
third of a training step, and small batches of training take longer by row, so this is well below 20 % of the time."""
MIN_PASSES = 200_000
"""Rows that may be predicted in any case: a fraction of a second for a small network."""


def what_it_learned(fitted: Fitted, ensemble: KeptEnsemble | None) -> Importance | None:
    """Return the importance of every column for what predicts; None where nothing was learned."""
    settings, target = fitted.prepared.settings, fitted.prepared.target
    recipe = make_recipe(layers_for(settings, target), loss=TASKS[target.task].loss)
    if not fitted.training.best_epoch:
        return None
    folds = list(_unseen_rows(recipe, fitted, ensemble))
    n_networks = len(ensemble.shares) if ensemble else 1
    epochs = (
        [(fitted.training.history.n_epochs, len(fitted.fold.train))]
        if fitted.sweep is None
        else zip(*(fitted.sweep.table[name].to_pylist() for name in ("epochs", "train_rows")), strict=True)
    )
    batch_size = settings.rows_per_update(len(fitted.prepared.splits.known))
    trained = sum(n * epoch_rows(n_train, batch_size, MAX_UPDATES)[1] for n, n_train in epochs)
    passes = int(max(MIN_PASSES, SHARE_OF_TRAINING * trained) / n_networks)
    return measure_importance(folds, partial(losses_of_predictions, recipe), passes=passes, seed=settings.seed)


def _unseen_rows(recipe: Recipe, fitted: Fitted, ensemble: KeptEnsemble | None) -> Iterator[UnseenRows]:
    """The validation rows of every fold that judged, with the networks of this fold."""
    if ensemble is None or fitted.sweep is None:
        measured = fitted.measured_folds()[0]
        networks: tuple[Params, ...] = (fitted.training.params,)
        predict = partial(_predict, recipe, networks, np.ones(1), 1.0)
        found = [(fitted.fold, measured.encoder, measured.target, predict, networks)]
    else:
        used = sorted({fitted.sweep.results[number].fold for number in fitted.sweep.selection.chosen.trials})
        found = [
            (
                fitted.sweep.folds[fold],
                kept.encoder,
                fitted.folds[fold].target,
                partial(_predict, recipe, kept.networks, np.array(ensemble.shares), ensemble.temperature),
                kept.networks,
            )
            for fold, kept in zip(used, ensemble.folds, strict=True)
        ]
    for fold, encoder, target, predict, networks in found:
        x = np.asarray(fold.rows.x)[fold.validation, : len(encoder.feature_names)]
        y = np.asarray(fold.rows.labels)[fold.validation, :-1]
        yield UnseenRows(x, y, encoder, target, predict, _input_weights(networks)[: x.shape[1]])


def _input_weights(networks: Sequence[Params]) -> Array:
    """The norm of the weights of each input in the first layer (inputs,), root of the mean square over networks."""
    kernels = [np.asarray(network[0]["kernel"]) for network in networks]
    norms: Array = np.sqrt(np.mean([np.square(kernel).sum(axis=1) for kernel in kernels], axis=0))
    return norms


def _predict(recipe: Recipe, networks: Sequence[Params], shares: Array, temperature: float, x: Array) -> Array:
    """Probabilities or standardised values of encoded rows."""
    inputs = shared_inputs(x)
    padded = [padded_params(network, inputs.shape[1]) for network in networks]
    return with_temperature(ensemble_predictions(recipe, padded, shares, inputs), temperature, recipe.link)
