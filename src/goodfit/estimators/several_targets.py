"""Several quantities at once: one network with an output for each, searched and diagnosed by their mean loss.

Each quantity is standardised by the training rows of a fold, so that all count alike. A mean of them stands in for the
single target where rows are split and columns are encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.data.encoder import Encoder
from goodfit.data.table import Kind, Table
from goodfit.diagnosis.from_run import observe
from goodfit.diagnosis.observations import Observations
from goodfit.experiment.memory import memory_explained
from goodfit.experiment.prepare import TASKS, Prepared, arrays_of
from goodfit.experiment.settings import Settings
from goodfit.nn.arrays import Params
from goodfit.search.padding import padded_params, shared_inputs
from goodfit.search.parallel import OnProgress
from goodfit.search.sweep import Fold, Sweep, cross_fitted_losses, plan_sweep, sweep, validation_weights
from goodfit.stats import weighted_mean_error
from goodfit.training.evaluation import ensemble_predictions
from goodfit.training.recipe import Recipe

TASK = TASKS["regression"]


class JointFold(NamedTuple):
    """The networks of one fold, with the encoder and the mean and scale of each quantity (outputs,) of its rows."""

    encoder: Encoder
    mean: Array
    scale: Array
    networks: tuple[Params, ...]


@dataclass(frozen=True)
class JointPredictor:
    """The networks that predict several quantities.

    shares: weight of each network of a fold (networks,). recipe: what all networks have in common.
    """

    settings: Settings
    recipe: Recipe
    folds: tuple[JointFold, ...]
    shares: Array

    def read(self, table: Table) -> Table:
        """Return the table with its columns read as the kinds they had in training."""
        read = {column.name: column.kind for column in table.schema}
        known: dict[str, Kind] = {}
        for fold in self.folds:
            known |= fold.encoder.columns
        return table.override(kinds={name: kind for name, kind in known.items() if read.get(name, kind) != kind})

    def predict(self, table: Table) -> Array:
        """Return the values of every row (rows, outputs), in the units of the targets."""
        found = []
        with memory_explained():
            for fold in self.folds:
                x = shared_inputs(fold.encoder.transform(table))
                networks = [padded_params(network, x.shape[1]) for network in fold.networks]
                values = ensemble_predictions(self.recipe, networks, self.shares, x)
                found.append(values.astype(float) * fold.scale + fold.mean)
        return np.asarray(np.mean(found, axis=0))


class Joint(NamedTuple):
    """A fit of several quantities: the sweep, what predicts, and what is known for the verdict."""

    sweep: Sweep
    predictor: JointPredictor
    observations: Observations


def fit_several(folds: Sequence[Prepared], outputs: Sequence[str], on_progress: OnProgress | None) -> Joint:
    """Train every config on the quantities in these columns, and keep an ensemble of the best.

    Args:
        folds: the table once for each fold, with the stand-in as its target.
    """
    settings = folds[0].settings
    scaled = [_with_outputs(each, outputs) for each in folds]
    arrays = [fold for fold, _, _ in scaled]
    plan = plan_sweep(
        settings.layers(len(outputs), TASK.output),
        optimizer=settings.make_optimizer(),
        loss=TASK.loss,
        metrics=TASK.watched,
        space=settings.space,
        batch_size=settings.rows_per_update(len(folds[0].splits.known)),
        epochs=settings.epochs,
        early_stopping=settings.early_stopping(),
        seeds=settings.seeds,
        seed=settings.seed,
    )
    with memory_explained():
        found = sweep(
            plan, arrays, rule=settings.choice, race=settings.races, share_programs=True, on_progress=on_progress
        )
    networks, shares = _kept(found, settings)
    kept = tuple(JointFold(folds[k].encoder, *scaled[k][1:], of_fold) for k, of_fold in networks.items())
    predictor = JointPredictor(settings, found.recipe, kept, shares)
    return Joint(found, predictor, _observed(found, settings))


def _with_outputs(prepared: Prepared, outputs: Sequence[str]) -> tuple[Fold, Array, Array]:
    """Return the rows of a fold with the quantities as labels, and the mean and scale of each in training."""
    fold, places = arrays_of(prepared), prepared.places
    rows = prepared.table.take(np.concatenate([places.train, places.validation]))
    y = np.stack([np.asarray(rows.values(name), float) for name in outputs], axis=1)
    train = y[: len(places.train)]
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    own = np.asarray(fold.rows.labels)
    labels = np.zeros((len(own), len(outputs) + 1), own.dtype)
    labels[:-1, :-1] = (y - mean) / scale
    labels[:, -1] = own[:, -1]
    return fold._replace(rows=fold.rows._replace(labels=labels)), mean, scale


def _kept(found: Sweep, settings: Settings) -> tuple[dict[int, tuple[Params, ...]], Array]:
    """Return the networks of each fold that predict, and the weight of each network of a fold."""
    if settings.keep == "one" or not settings.sweeps:
        return {found.winner_fold: (found.winner.params,)}, np.ones(1)
    ensemble = found.ensemble()
    used = np.unique(ensemble.rows.folds).tolist()
    return dict(zip(used, ensemble.networks, strict=True)), ensemble.shares


def _observed(found: Sweep, settings: Settings) -> Observations:
    """Return what the diagnosis knows: the sweep, and the mean of the training rows as the baseline."""
    chosen = found.selection.chosen.trials
    own, baseline, weights = [], [], []
    for trial in chosen:
        fold = found.folds[found.results[trial].fold]
        own.append(cross_fitted_losses(found.recipe, found.trainings[trial], fold).astype(float))
        baseline.append(np.square(np.asarray(fold.rows.labels)[fold.validation, :-1].astype(float)).mean(axis=1))
        of_fold = validation_weights(fold)
        weights.append(of_fold / of_fold.sum() / len(chosen))
    difference = np.concatenate(baseline) - np.concatenate(own)
    fold = found.folds[found.winner_fold]
    observed = observe(found)
    n_train, n_validation = len(fold.train), len(fold.validation)
    return replace(
        observed,
        epochs=settings.epochs,
        patience=settings.patience,
        n_train=n_train,
        n_validation=n_train + n_validation if observed.n_folds > 1 else n_validation,
        baseline_loss=float(np.concatenate(baseline) @ np.concatenate(weights)),
        baseline_difference=weighted_mean_error(difference, np.concatenate(weights)),
    )
