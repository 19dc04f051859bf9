"""``partial_fit``: one epoch over the rows of a call, by one network whose weights and optimizer go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.data.encoder import fit_encoder
from goodfit.data.target import Baseline, Target, Task
from goodfit.errors import ConfigError
from goodfit.estimators.rows import columns_of
from goodfit.experiment.network import make_optimizer
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import TASKS, layers_for
from goodfit.experiment.settings import Settings
from goodfit.nn.network import init_network
from goodfit.search.padding import padded_params, shared_inputs, shared_size, unpadded
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import OptimizerPosition, Training, fit
from goodfit.training.recipe import make_recipe


@dataclass(frozen=True)
class Batch:
    """The rows of one call.

    X: features as the user gives them. y: class numbers or values (rows,). weights: of the rows, those of their classes
    included.
    """

    X: Any
    y: Array
    weights: Array


def single(name: str, given: object) -> float:
    """Return the one value of ``l2`` or ``learning_rate``; ConfigError for several, and for ``auto``."""
    values = np.atleast_1d(np.asarray(() if isinstance(given, str) else given, float))
    if len(values) != 1:
        raise ConfigError(f"partial_fit trains one network: give one value for {name}, not {given!r}.")
    return float(values[0])


def begin(batch: Batch, settings: Settings, *, n_classes: int) -> Predictor:
    """Return a network with random weights; encoder and scale of the target are learned from the first rows.

    Args:
        n_classes: 0 for a quantity.
    """
    target = _classes(n_classes) if n_classes else quantity(batch.y)
    table = columns_of(batch.X).read()
    encoder = fit_encoder(table, np.arange(table.n_rows))
    layers = layers_for(settings, target)
    params = init_network(layers, n_inputs=len(encoder.feature_names), seed=settings.seed)
    return Predictor(settings, target, encoder, params, None)


def _classes(n_classes: int) -> Target:
    task: Task = "binary" if n_classes == 2 else "multiclass"
    return Target("target", task, "number", tuple(range(n_classes)), 0.0, 1.0, Baseline(0, None))


def quantity(y: Array) -> Target:
    """Return a quantity with the mean and scale of these values, without limits, since more rows come."""
    mean, scale = float(y.mean()), float(y.std())
    return Target("target", "regression", "number", (), mean, scale or 1.0, Baseline(mean, None))


def one_epoch(
    predictor: Predictor, batch: Batch, columns: Sequence[str], position: OptimizerPosition | None
) -> tuple[Predictor, Training]:
    """Return the network after one epoch over these rows, and the epoch as a training."""
    settings, target = predictor.settings, predictor.target
    encoded = predictor.encoder.transform(predictor.read(columns_of(batch.X, columns).read()))
    n_rows, n_features = encoded.shape
    x = shared_inputs(encoded)
    x = np.pad(x, ((0, shared_size(n_rows) - n_rows), (0, 0)))
    labels = make_labels((batch.y - target.mean) / target.scale, batch.weights, "float32")
    labels = np.pad(labels, ((0, len(x) - n_rows), (0, 0)))
    batch_size = settings.rows_per_update(n_rows)
    recipe = make_recipe(
        layers_for(settings, target),
        optimizer=make_optimizer(settings),
        loss=TASKS[target.task].loss,
        metrics=TASKS[target.task].watched,
        batch_size=batch_size,
        validation=False,
        seed=settings.seed,
    )
    found = fit(
        recipe,
        Dataset(x, labels),
        params=padded_params(predictor.params, x.shape[1]),
        train=np.arange(n_rows),
        validation=np.arange(0),
        epochs=1,
        seed=settings.seed,
        sizes=(len(x), 0),
        after=position,
    )
    after = unpadded(found, n_features)
    return replace(predictor, params=after.last_params, ensemble=None), after
