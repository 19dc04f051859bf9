"""A fit that is searched by the mean loss of several outputs: one network for all of them, and what predicts after it.

The rows of every fold come as arrays, with what turns new rows into inputs. There is a verdict, but no run: a run has
one target.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from goodfit.arrays import Array
from goodfit.diagnosis.from_run import observe
from goodfit.diagnosis.observations import Observations
from goodfit.experiment.experiment import plan_for
from goodfit.experiment.kept_ensemble import KeptEnsemble, summary_of
from goodfit.experiment.memory import memory_explained, validate_network_size
from goodfit.experiment.prepare import Prepared, TaskDefaults
from goodfit.experiment.settings import Settings
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Layer
from goodfit.search.calibration import with_temperature
from goodfit.search.ensemble import Ensemble, baseline_of
from goodfit.search.padding import padded_params, shared_inputs
from goodfit.search.parallel import OnProgress
from goodfit.search.sweep import Fold, Sweep, cross_fitted_losses, sweep, validation_weights
from goodfit.stats import weighted_mean_error
from goodfit.training.evaluation import ensemble_predictions, losses_of_predictions
from goodfit.training.recipe import Recipe, n_outputs


class Inputs(Protocol):
    """From new rows to inputs, as the training rows of a fold make it."""

    def transform(self, rows: Any, /) -> Array:  # noqa: ANN401
        """Return the inputs (rows, features)."""


class JointRows(NamedTuple):
    """What the networks of one fold learn from.

    fold: inputs and labels. inputs: for new rows. mean, scale: of each target (outputs,), by which its labels are
    standardised; 0 and 1 of classes.
    """

    fold: Fold
    inputs: Inputs
    mean: Array
    scale: Array


class JointFold(NamedTuple):
    """The networks of one fold, and from new rows to inputs, and from outputs to values."""

    inputs: Inputs
    mean: Array
    scale: Array
    networks: tuple[Params, ...]


@dataclass(frozen=True)
class JointPredictor:
    """The networks that predict.

    shares: weight of each network of a fold (networks,). recipe: what all networks have in common. temperature: of the
    probabilities.
    """

    settings: Settings
    recipe: Recipe
    folds: tuple[JointFold, ...]
    shares: Array
    temperature: float = 1.0

    def predict(self, rows: Any) -> Array:  # noqa: ANN401
        """Return the probabilities, or the values in the units of the targets, of every row (rows, outputs)."""
        found = []
        with memory_explained():
            for fold in self.folds:
                x = shared_inputs(fold.inputs.transform(rows))
                networks = [padded_params(network, x.shape[1]) for network in fold.networks]
                values = ensemble_predictions(self.recipe, networks, self.shares, x)
                found.append(values.astype(float) * fold.scale + fold.mean)
        return with_temperature(np.asarray(np.mean(found, axis=0)), self.temperature, self.recipe.link)


class Joint(NamedTuple):
    """A joint fit: the sweep, what predicts, what is known of the ensemble if it does, and of the fit for a verdict."""

    sweep: Sweep
    predictor: JointPredictor
    ensemble: KeptEnsemble | None
    observations: Observations


def fit_joint(
    prepared: Prepared,
    rows: Sequence[JointRows],
    layers: Sequence[Layer],
    defaults: TaskDefaults,
    on_progress: OnProgress | None,
) -> Joint:
    """Train every config on the rows of each fold, and keep an ensemble of the best.

    Args:
        prepared: any fold of the table that ``rows`` stand for. layers, defaults: of the network, instead of those of
            the table's target.
    """
    settings = prepared.settings
    validate_network_size(layers, rows[0].fold.rows.x.shape[1])
    plan = replace(plan_for(prepared), layers=tuple(layers), loss=defaults.loss, metrics=defaults.watched)
    folds = [each.fold for each in rows]
    with memory_explained():
        found = sweep(
            plan, folds, rule=settings.choice, race=settings.races, share_programs=True, on_progress=on_progress
        )
    ensemble = None if settings.keep == "one" or not settings.sweeps else found.ensemble()
    predictor = _predictor(found, ensemble, rows, settings)
    kept = None if ensemble is None else summary_of(ensemble)
    return Joint(found, predictor, kept, _observed(found, settings))


def _predictor(
    found: Sweep, ensemble: Ensemble | None, rows: Sequence[JointRows], settings: Settings
) -> JointPredictor:
    """Return what predicts: the ensemble, or the network of the selected trial."""
    networks: dict[int, tuple[Params, ...]]
    if ensemble is None:
        networks, shares, temperature = {found.winner_fold: (found.winner.params,)}, np.ones(1), 1.0
    else:
        networks = dict(zip(np.unique(ensemble.rows.folds).tolist(), ensemble.networks, strict=True))
        shares, temperature = ensemble.shares, ensemble.temperature
    kept = tuple(JointFold(*rows[k][1:], of_fold) for k, of_fold in networks.items())
    return JointPredictor(settings, found.recipe, kept, shares, temperature)


def _observed(found: Sweep, settings: Settings) -> Observations:
    """Return what the diagnosis knows: the sweep, and the mean of the training rows as the baseline."""
    chosen = found.selection.chosen.trials
    own, baseline, weights = [], [], []
    for trial in chosen:
        fold = found.folds[found.results[trial].fold]
        own.append(cross_fitted_losses(found.recipe, found.trainings[trial], fold).astype(float))
        y = np.asarray(fold.rows.labels)[fold.validation, :-1]
        constant = np.tile(baseline_of(fold, n_outputs(found.recipe.layers)), (len(y), 1))
        baseline.append(losses_of_predictions(found.recipe, y, constant).astype(float))
        of_fold = validation_weights(fold)
        weights.append(of_fold / of_fold.sum() / len(chosen))
    difference = np.concatenate(baseline) - np.concatenate(own)
    fold = found.folds[found.winner_fold]
    observed = observe(found)
    n_train, n_validation = len(fold.train), len(fold.validation)
    return replace(
        observed,
        hidden=settings.hidden,
        epochs=settings.epochs,
        patience=settings.patience,
        n_train=n_train,
        n_validation=n_train + n_validation if observed.n_folds > 1 else n_validation,
        baseline_loss=float(np.concatenate(baseline) @ np.concatenate(weights)),
        baseline_difference=weighted_mean_error(difference, np.concatenate(weights)),
    )
