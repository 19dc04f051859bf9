"""Metrics: functions of targets y, predictions f and row weights s (rows,), without penalty.

Predictions are the outputs of the last layer: probabilities (rows, classes), or (rows, 1) for two classes, or values
(rows, outputs).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.label_metrics import (
    accuracy,
    balanced_accuracy,
    class_numbers,
    f1,
    precision,
    recall,
    specificity,
)
from goodfit.nn.losses import weighted_mean
from goodfit.nn.ranking_metrics import auc, average_precision

ROUNDING = 1e-12
"""Relative error of a sum of weights that is still taken for half of them."""
MetricFunction = Callable[..., jax.Array]


def _class_probabilities(prediction: jax.Array) -> jax.Array:
    return jnp.concatenate([1 - prediction, prediction], axis=-1) if prediction.shape[-1] == 1 else prediction


def log_loss(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Log loss: mean of −log p of the row's class; p is at least the machine epsilon of its type."""
    p = _class_probabilities(prediction)
    truth = jax.nn.one_hot(class_numbers(y), p.shape[-1], dtype=p.dtype)
    p_of_class = jnp.maximum(jnp.sum(p * truth, axis=-1), float(np.finfo(p.dtype).eps))
    return weighted_mean(-jnp.log(p_of_class), weights)


def mean_squared_error(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Mean squared error: mean of (y − f)² over rows and outputs."""
    return weighted_mean(jnp.mean(jnp.square(y - prediction), axis=-1), weights)


def root_mean_squared_error(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Root mean squared error: √ mean of (y − f)², in the unit of the target."""
    return jnp.sqrt(mean_squared_error(y, prediction, weights))


def mean_absolute_error(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Mean absolute error: mean of |y − f| over rows and outputs, in the unit of the target."""
    return weighted_mean(jnp.mean(jnp.abs(y - prediction), axis=-1), weights)


def median_absolute_error(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Median absolute error: weighted median of |y − f|, mean over outputs, in the unit of the target.

    Between two errors that part the weight in halves it is their mean, as for an even number of equal weights.
    """
    errors = jnp.abs(y - prediction)
    return jnp.mean(jnp.stack([_median(errors[:, output], weights) for output in range(errors.shape[-1])]))


def _median(values: jax.Array, weights: jax.Array) -> jax.Array:
    order = jnp.argsort(jnp.where(weights > 0, values, jnp.inf))
    reached = jnp.cumsum(weights[order])
    half = reached[-1] / 2
    low = jnp.searchsorted(reached, half * (1 - ROUNDING), side="left")
    high = jnp.searchsorted(reached, half * (1 + ROUNDING), side="right")
    return (values[order][low] + values[order][high]) / 2


def mean_absolute_percentage_error(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """MAPE: mean of |y − f| / |y|, a share; NaN unless all y are above 0, or all below, for it has no meaning there."""
    counted = weights[:, None] > 0
    one_sign = jnp.all(jnp.where(counted, y > 0, True)) | jnp.all(jnp.where(counted, y < 0, True))
    relative = jnp.abs(y - prediction) / jnp.where(y == 0, 1, jnp.abs(y))
    return jnp.where(one_sign, weighted_mean(jnp.mean(relative, axis=-1), weights), jnp.nan)


def r2(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Coefficient of determination R²: 1 − Σ s(y − f)² / Σ s(y − ȳ)², mean over outputs.

    1 is perfect; 0 is as good as predicting the mean of these rows. NaN if all targets are equal.
    """
    s = weights[:, None]
    total = jnp.sum(s)
    mean = jnp.sum(s * y, axis=0, keepdims=True) / jnp.where(total == 0, 1, total)
    spread = jnp.sum(s * jnp.square(y - mean), axis=0)
    error = jnp.sum(s * jnp.square(y - prediction), axis=0)
    return jnp.mean(jnp.where(spread == 0, jnp.nan, 1 - error / jnp.where(spread == 0, 1, spread)))


@dataclass(frozen=True)
class Metric:
    """A metric by name.

    function: of targets, predictions and weights. targets: ``classes`` or ``values``. of_labels: whether it depends on
    the predicted labels only, and so on the decision threshold. of_ranks: whether it also takes the ``ranks`` of the
    predictions.
    """

    name: str
    function: MetricFunction
    higher_is_better: bool
    targets: str
    of_labels: bool = False
    of_ranks: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", accuracy, True, "classes", of_labels=True),
        Metric("balanced_accuracy", balanced_accuracy, True, "classes", of_labels=True),
        Metric("precision", precision, True, "classes", of_labels=True),
        Metric("recall", recall, True, "classes", of_labels=True),
        Metric("f1", f1, True, "classes", of_labels=True),
        Metric("specificity", specificity, True, "classes", of_labels=True),
        Metric("auc", auc, True, "classes", of_ranks=True),
        Metric("average_precision", average_precision, True, "classes", of_ranks=True),
        Metric("log_loss", log_loss, False, "classes"),
        Metric("mse", mean_squared_error, False, "values"),
        Metric("rmse", root_mean_squared_error, False, "values"),
        Metric("mae", mean_absolute_error, False, "values"),
        Metric("median_absolute_error", median_absolute_error, False, "values"),
        Metric("mape", mean_absolute_percentage_error, False, "values"),
        Metric("r2", r2, True, "values"),
    )
}

ALIASES = {
    "acc": "accuracy",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
}


def get_metric(name: str) -> Metric:
    """Return the metric of that name, whatever its case; ConfigError if there is none."""
    key = ALIASES.get(str(name).lower(), str(name).lower())
    if key not in METRICS:
        raise ConfigError(f"metric {name!r} is not known; choose one of {', '.join(METRICS)}.")
    return METRICS[key]


def get_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """Return the metrics of these names, in order."""
    return tuple(get_metric(name) for name in names)
