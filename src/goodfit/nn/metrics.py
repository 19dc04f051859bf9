"""Metrics: functions of targets y, predictions f and row weights s (rows,), without penalty.

Predictions are the outputs of the last layer: probabilities (rows, classes), or (rows, 1) for two classes, or values
(rows, outputs). The functions take arrays of JAX inside a compiled training and arrays of NumPy outside, where nothing
is compiled; of several weightings (rows, m), as a bootstrap has them, they return the metric of each (m,).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyArray
from goodfit.nn.label_metrics import (
    accuracy,
    balanced_accuracy,
    class_numbers,
    f1,
    one_hot,
    precision,
    recall,
    specificity,
)
from goodfit.nn.losses import weighted_mean
from goodfit.nn.ranking_metrics import auc, average_precision

ROUNDING = 1e-12
"""Relative error of a sum of weights that is still taken for half of them."""
MetricFunction = Callable[..., AnyArray]


def _class_probabilities(prediction: AnyArray) -> AnyArray:
    xp = prediction.__array_namespace__()
    return xp.concatenate([1 - prediction, prediction], axis=-1) if prediction.shape[-1] == 1 else prediction


def log_loss(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Log loss: mean of −log p of the row's class; p is at least the machine epsilon of its type."""
    p = _class_probabilities(prediction)
    xp, truth = p.__array_namespace__(), one_hot(class_numbers(y), p.shape[-1], p.dtype)
    p_of_class = xp.maximum(xp.sum(p * truth, axis=-1), float(np.finfo(p.dtype).eps))
    return weighted_mean(-xp.log(p_of_class), weights)


def mean_squared_error(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Mean squared error: mean of (y − f)² over rows and outputs."""
    return weighted_mean(((y - prediction) ** 2).mean(axis=-1), weights)


def root_mean_squared_error(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Root mean squared error: √ mean of (y − f)², in the unit of the target."""
    return mean_squared_error(y, prediction, weights) ** 0.5


def mean_absolute_error(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Mean absolute error: mean of |y − f| over rows and outputs, in the unit of the target."""
    return weighted_mean(abs(y - prediction).mean(axis=-1), weights)


def median_absolute_error(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Median absolute error: weighted median of |y − f|, mean over outputs, in the unit of the target.

    Between two errors that part the weight in halves it is their mean, as for an even number of equal weights.
    """
    errors, xp = abs(y - prediction), weights.__array_namespace__()
    return xp.stack([_median(errors[:, output], weights) for output in range(errors.shape[-1])]).mean(axis=0)


def _median(values: AnyArray, weights: AnyArray) -> AnyArray:
    """Return the weighted median of values (rows,); rows without weight are never reached first."""
    xp = weights.__array_namespace__()
    order = xp.argsort(values)
    reached = xp.cumsum(weights[order], axis=0)
    half = reached[-1:] / 2
    low = (reached < half * (1 - ROUNDING)).sum(axis=0)
    high = (reached <= half * (1 + ROUNDING)).sum(axis=0)
    return (values[order][low] + values[order][high]) / 2


def mean_absolute_percentage_error(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """MAPE: mean of |y − f| / |y|, a share; NaN unless all y are above 0, or all below, for it has no meaning there."""
    xp, counts = weights.__array_namespace__(), (weights > 0).astype(weights.dtype)
    not_above, not_below = ((~of.all(axis=-1)).astype(weights.dtype) @ counts for of in (y > 0, y < 0))
    relative = abs(y - prediction) / xp.where(y == 0, 1, abs(y))
    one_sign = (not_above == 0) | (not_below == 0)
    return xp.where(one_sign, weighted_mean(relative.mean(axis=-1), weights), xp.nan)


def r2(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Coefficient of determination R²: 1 − Σ s(y − f)² / Σ s(y − ȳ)², mean over outputs.

    1 is perfect; 0 is as good as predicting the mean of these rows. NaN if all targets are equal.
    """
    return (
        weights.__array_namespace__()
        .stack([_r2(y[:, output], prediction[:, output], weights) for output in range(y.shape[-1])])
        .mean(axis=0)
    )


def _r2(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    xp, columns = weights.__array_namespace__(), (-1, *[1] * (weights.ndim - 1))
    mean = weighted_mean(y, weights)
    spread = (weights * (y.reshape(columns) - mean[None]) ** 2).sum(axis=0)
    error = (y - prediction) ** 2 @ weights
    return xp.where(spread == 0, xp.nan, 1 - error / xp.where(spread == 0, 1, spread))


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
