"""Metrics of given predictions with 95 % confidence intervals, in float64."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodfit.arrays import Array
from goodfit.nn.metrics import METRICS
from goodfit.nn.ranking_metrics import Ranks, ranks_of
from goodfit.stats import Estimate, bootstrap_intervals, wilson_interval

MIN_RESAMPLES, MAX_RESAMPLES = 200, 1000
MAX_DRAWN_PREDICTIONS = 2_000_000
"""Total number of predictions drawn by the bootstrap, unless that leaves fewer than ``MIN_RESAMPLES`` draws."""


def estimates(
    names: Sequence[str],
    y: Array,
    predictions: Mapping[str, Array],
    *,
    seed: int,
    decided: Mapping[str, Array] | None = None,
) -> dict[str, dict[str, Estimate]]:
    """Return the metrics of several models on the same rows, each with its 95 % interval, by model and metric.

    Intervals: Wilson's for accuracy, otherwise the percentile bootstrap over the rows, with the same draws for all.

    Args:
        names: of metrics, keys of ``METRICS``.
        y: class numbers (rows,), or values (rows, outputs).
        predictions: by model, probabilities (rows, classes), or (rows, 1) for two classes, or values (rows, outputs).
        decided: by model, what metrics of labels take instead; by default the predictions.
    """
    y, full_sample = np.asarray(y), list[Array]()
    given, labels = (
        [np.asarray(rows, np.float64) for rows in of.values()] for of in (predictions, decided or predictions)
    )
    ranks = [ranks_of(each) if any(METRICS[name].of_ranks for name in names) else None for each in given]

    def scorer(draws: Array) -> Array:
        weights = np.ascontiguousarray(np.concatenate([np.ones((1, len(y))), draws]).T)
        models = zip(given, labels, ranks, strict=True)
        values = np.stack([_metrics(names, y, *model, weights) for model in models])
        full_sample[:] = [values[:, 0].ravel()]
        return values[:, 1:].transpose(1, 0, 2).reshape(len(draws), -1)

    n_resamples = int(np.clip(MAX_DRAWN_PREDICTIONS // (len(y) * given[0].shape[1]), MIN_RESAMPLES, MAX_RESAMPLES))
    ends = bootstrap_intervals(scorer, len(y), seed=seed, n_resamples=n_resamples)
    found = iter(Estimate(value, *end) for value, end in zip(full_sample[0].tolist(), ends, strict=True))
    return {model: {name: _exact(name, next(found), len(y)) for name in names} for model in predictions}


def point_estimates(
    names: Sequence[str], y: Array, predictions: Mapping[str, Array], *, decided: Mapping[str, Array]
) -> dict[str, dict[str, float]]:
    """Return the metrics of several models by model and metric, without intervals; the arguments of ``estimates``."""
    y, weights = np.asarray(y), np.ones((len(y), 1))
    found = {}
    for model, given in predictions.items():
        rows = np.asarray(given, np.float64)
        ranks = ranks_of(rows) if any(METRICS[name].of_ranks for name in names) else None
        values = _metrics(names, y, rows, np.asarray(decided[model], np.float64), ranks, weights)
        found[model] = dict(zip(names, values[0].tolist(), strict=True))
    return found


def confusion_matrix(truth: Array, predicted: Array, n_classes: int) -> tuple[tuple[int, ...], ...]:
    """Return the number of rows of each class (first index) that are predicted as each class (second).

    Rows of classes that the model does not know count in one more row, the last. The predicted class is the one of the
    highest probability, the first of equals.

    >>> confusion_matrix(np.array([0, 1, 1, 2]), np.array([[0.1], [0.9], [0.5], [0.7]]), 2)
    ((1, 0), (1, 1), (0, 1))
    """
    labels = (predicted[:, 0] > 0.5).astype(np.int64) if predicted.shape[1] == 1 else predicted.argmax(axis=1)
    n_rows = n_classes + int(truth.max(initial=0) >= n_classes)
    cells = np.minimum(truth, n_classes) * n_classes + labels
    counts = np.bincount(cells, minlength=n_rows * n_classes).reshape(n_rows, n_classes)
    return tuple(map(tuple, counts.tolist()))


def _exact(name: str, found: Estimate, n_rows: int) -> Estimate:
    """Replace the interval of accuracy, a proportion, with Wilson's."""
    if name != "accuracy":
        return found
    return Estimate(found.value, *wilson_interval(round(found.value * n_rows), n_rows))


def _metrics(
    names: Sequence[str], y: Array, prediction: Array, labels: Array, ranks: Ranks | None, weights: Array
) -> Array:
    """Return the metrics (m, metrics) under each of several weightings of the rows (rows, m).

    prediction: probabilities or values (rows, outputs). labels: what metrics of labels take, of the same shape.
    """
    found = [METRICS[name] for name in names]
    values = [
        each.function(
            y, labels if each.of_labels else prediction, weights, **({"ranks": ranks} if each.of_ranks else {})
        )
        for each in found
    ]
    return np.stack(values, axis=-1)
