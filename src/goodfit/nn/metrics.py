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
from goodfit.nn.losses import weighted_mean

MetricFunction = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


def _class_numbers(y: jax.Array, prediction: jax.Array) -> jax.Array:
    """Return class numbers (rows,) from class numbers, a column of them, or one-hot targets."""
    if y.ndim == 2:
        y = y[:, 0] if y.shape[-1] == 1 else jnp.argmax(y, axis=-1)
    return y.astype(jnp.int32)


def _predicted_classes(prediction: jax.Array) -> jax.Array:
    if prediction.shape[-1] == 1:
        return (prediction[:, 0] > 0.5).astype(jnp.int32)
    # The first of the largest, as argmax, by two plain reductions: XLA does not vectorise argmax.
    numbers = jnp.arange(prediction.shape[-1], dtype=jnp.int32)[None, :]
    largest = prediction == jnp.max(prediction, axis=-1, keepdims=True)
    return jnp.min(jnp.where(largest, numbers, prediction.shape[-1]), axis=-1)


def _class_probabilities(prediction: jax.Array) -> jax.Array:
    return jnp.concatenate([1 - prediction, prediction], axis=-1) if prediction.shape[-1] == 1 else prediction


def accuracy(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Accuracy: share of rows whose most probable class (for a single output, p > 0.5) is the true one."""
    right = _class_numbers(y, prediction) == _predicted_classes(prediction)
    return weighted_mean(right.astype(weights.dtype), weights)


def balanced_accuracy(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Balanced accuracy: mean recall over the classes that occur."""
    truth = jax.nn.one_hot(_class_numbers(y, prediction), max(2, prediction.shape[-1]), dtype=weights.dtype)
    right = (_class_numbers(y, prediction) == _predicted_classes(prediction)).astype(weights.dtype)
    rows_of_class = weights @ truth
    recall = ((weights * right) @ truth) / jnp.where(rows_of_class == 0, 1, rows_of_class)
    return weighted_mean(recall, (rows_of_class > 0).astype(weights.dtype))


def _area(positive: jax.Array, score: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the probability that a positive row scores above a negative one; ties count half."""
    order = jnp.argsort(score)
    score, negative_weight = score[order], jnp.where(positive, 0, weights)[order]
    positive_weight = jnp.where(positive, weights, 0)[order]
    below = jnp.concatenate([jnp.zeros(1, weights.dtype), jnp.cumsum(negative_weight)])
    first, last = jnp.searchsorted(score, score, side="left"), jnp.searchsorted(score, score, side="right")
    wins = jnp.sum(positive_weight * (below[first] + below[last]) / 2)
    pairs = jnp.sum(positive_weight) * jnp.sum(negative_weight)
    return jnp.where(pairs == 0, jnp.nan, wins / jnp.where(pairs == 0, 1, pairs))


def auc(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Area under the ROC curve; for more than two classes, the mean over the classes that occur, one versus rest.

    NaN if all rows are of one class. Source: Hanley & McNeil (1982); Fawcett (2006).
    """
    classes = _class_numbers(y, prediction)
    if prediction.shape[-1] == 1:
        return _area(classes == 1, prediction[:, 0], weights)
    areas = [_area(classes == k, prediction[:, k], weights) for k in range(prediction.shape[-1])]
    return jnp.nanmean(jnp.stack(areas))


def log_loss(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Log loss: mean of −log p of the row's class; p is at least the machine epsilon of its type."""
    p = _class_probabilities(prediction)
    truth = jax.nn.one_hot(_class_numbers(y, prediction), p.shape[-1], dtype=p.dtype)
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

    function: of targets, predictions and weights. targets: ``classes`` or ``values``.
    """

    name: str
    function: MetricFunction
    higher_is_better: bool
    targets: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", accuracy, True, "classes"),
        Metric("balanced_accuracy", balanced_accuracy, True, "classes"),
        Metric("auc", auc, True, "classes"),
        Metric("log_loss", log_loss, False, "classes"),
        Metric("mse", mean_squared_error, False, "values"),
        Metric("rmse", root_mean_squared_error, False, "values"),
        Metric("mae", mean_absolute_error, False, "values"),
        Metric("r2", r2, True, "values"),
    )
}

ALIASES = {
    "acc": "accuracy",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
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
