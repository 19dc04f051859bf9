"""Metrics of given predictions with 95 % confidence intervals, in float64."""

from collections.abc import Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.arrays import Array
from goodfit.nn.metrics import METRICS
from goodfit.nn.ranking_metrics import ranks_of
from goodfit.stats import Estimate, bootstrap_intervals, wilson_interval

Pair = tuple[jax.Array, jax.Array]
MIN_RESAMPLES, MAX_RESAMPLES = 200, 1000
MAX_DRAWN_PREDICTIONS = 10_000_000
"""Total number of predictions drawn by the bootstrap, unless that leaves fewer than ``MIN_RESAMPLES`` draws."""
MIN_PADDED_ROWS = 512
"""Rows are padded to this number, or to 2 or 3 times a power of two: validation, known and test rows of small tables
share one compiled program, which takes longer to compile than to run."""


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
    size, full_sample = padded_rows(len(y)), list[Array]()
    truth = _padded(np.asarray(y), size)
    given, labels = (
        [_padded(np.asarray(rows, np.float64), size) for rows in of.values()]
        for of in (predictions, decided or predictions)
    )

    def scorer(draws: Array) -> Array:
        weights = np.zeros((1 + len(draws), size))
        weights[0, : len(y)], weights[1:, : len(y)] = 1, draws
        with jax.enable_x64(True):
            pairs = zip(given, labels, strict=True)
            values = np.stack([_metrics(tuple(names), truth, pair, weights) for pair in pairs])
        full_sample[:] = [values[:, 0].ravel()]
        return values[:, 1:].transpose(1, 0, 2).reshape(len(draws), -1)

    n_resamples = int(np.clip(MAX_DRAWN_PREDICTIONS // (len(y) * given[0].shape[1]), MIN_RESAMPLES, MAX_RESAMPLES))
    ends = bootstrap_intervals(scorer, len(y), seed=seed, n_resamples=n_resamples)
    found = iter(Estimate(value, *end) for value, end in zip(full_sample[0].tolist(), ends, strict=True))
    return {model: {name: _exact(name, next(found), len(y)) for name in names} for model in predictions}


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


def padded_rows(n: int) -> int:
    """Return the smallest of 512, 768, 1024, 1536, 2048, … that is at least ``n``."""
    size = MIN_PADDED_ROWS
    while size < n:
        size *= 2
    return size if size == MIN_PADDED_ROWS or size * 3 // 4 < n else size * 3 // 4


def _padded(rows: Array, size: int) -> Array:
    """Append copies of the first row, which have no weight."""
    return np.concatenate([rows, np.repeat(rows[:1], size - len(rows), axis=0)])


@partial(jax.jit, static_argnames="names")
def _metrics(names: tuple[str, ...], y: jax.Array, predictions: Pair, weights: jax.Array) -> jax.Array:
    """Return the metrics (m, metrics) under each of several weights (m, rows).

    predictions: probabilities or values (rows, outputs), and what metrics of labels take, of the same shape.
    """
    prediction, labels = predictions
    ranks = {"ranks": ranks_of(prediction)} if any(METRICS[name].of_ranks for name in names) else {}

    def of_weighting(weight: jax.Array) -> jax.Array:
        found = [METRICS[name] for name in names]
        values = [
            each.function(y, labels if each.of_labels else prediction, weight, **ranks if each.of_ranks else {})
            for each in found
        ]
        return jnp.stack(values)

    values: jax.Array = jax.lax.map(of_weighting, weights)
    return values
