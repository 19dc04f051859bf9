"""Metrics of given predictions with 95 % confidence intervals, in float64."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodfit.arrays import Array
from goodfit.nn.metrics import METRICS
from goodfit.nn.ranking_metrics import Ranks, ranks_of
from goodfit.stats import Estimate, bootstrap_intervals, wilson_interval

MIN_RESAMPLES, MAX_RESAMPLES = 200, 1000
MAX_DRAWN_ROWS = 10_000
"""The bootstrap of more rows draws from about this many of them."""


def estimates(
    names: Sequence[str],
    y: Array,
    predictions: Mapping[str, Array],
    *,
    seed: int,
    decided: Mapping[str, Array] | None = None,
) -> dict[str, dict[str, Estimate]]:
    """Return the metrics of several models on the same rows, each with its 95 % interval, by model and metric.

    Intervals: Wilson's for accuracy, otherwise the percentile bootstrap over the rows, with the same draws for all. Of
    more than ``MAX_DRAWN_ROWS`` rows it draws from a sample, in which every class has as many rows or all of its own,
    and each row stands for several. Its ends are moved by how far the metric of the sample is from that of all rows.
    Source: Efron (1979); Kleiner et al. (2014), "A scalable bootstrap for massive data".

    Args:
        names: of metrics, keys of ``METRICS``.
        y: class numbers (rows,), or values (rows, outputs).
        predictions: by model, probabilities (rows, classes), or (rows, 1) for two classes, or values (rows, outputs).
        decided: by model, what metrics of labels take instead; by default the predictions.
    """
    y, decided = np.asarray(y), decided or predictions
    exact = point_estimates(names, y, predictions, decided=decided)
    values = np.array([[of[name] for name in names] for of in exact.values()])
    ends = _bootstrapped(names, y, predictions, decided, seed=seed, values=values)
    found = map(Estimate._make, np.concatenate([values[..., None], ends], axis=-1).reshape(-1, 3).tolist())
    return {model: {name: _exact(name, next(found), len(y)) for name in names} for model in predictions}


def _bootstrapped(
    names: Sequence[str],
    y: Array,
    predictions: Mapping[str, Array],
    decided: Mapping[str, Array],
    *,
    seed: int,
    values: Array,
) -> Array:
    """Return the ends (models, metrics, 2) of the intervals around the values (models, metrics) of ``estimates``."""
    some, stands_for = _sampled(y, seed)
    y = y[some]
    given, labels = ([np.asarray(of, np.float64)[some] for of in models.values()] for models in (predictions, decided))
    ranks = [ranks_of(each) if any(METRICS[name].of_ranks for name in names) else None for each in given]

    def scorer(draws: Array) -> Array:
        weights = np.ascontiguousarray(draws.T, np.float64)
        models = zip(given, labels, ranks, strict=True)
        return np.concatenate([_metrics(names, y, *model, weights) for model in models], axis=-1)

    n_resamples = int(
        np.clip(MIN_RESAMPLES * MAX_DRAWN_ROWS // (len(y) * given[0].shape[1]), MIN_RESAMPLES, MAX_RESAMPLES)
    )
    found = bootstrap_intervals(scorer, len(y), seed=seed, n_resamples=n_resamples, stands_for=stands_for)
    ends = np.array(found).reshape(*values.shape, 2)
    if stands_for is None:
        return ends
    moved = ends + (values - scorer(stands_for[None]).reshape(values.shape))[..., None]
    higher = np.array([METRICS[name].higher_is_better for name in names])[:, None]
    within: Array = np.clip(moved, np.where(higher, -np.inf, 0.0), np.where(higher, 1.0, np.inf))
    return within


def _sampled(y: Array, seed: int) -> tuple[Array, Array | None]:
    """Return the numbers of the rows that the bootstrap draws, and for how many rows each stands; None for itself."""
    if len(y) <= MAX_DRAWN_ROWS:
        return np.arange(len(y)), None
    rng, codes = np.random.default_rng(seed), y if y.ndim == 1 else np.zeros(len(y))
    classes = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    most = max(1, MAX_DRAWN_ROWS // len(classes))
    some = [rng.choice(rows, min(most, len(rows)), replace=False) for rows in classes]
    stands_for = [np.full(len(each), len(rows) / len(each)) for each, rows in zip(some, classes, strict=True)]
    return np.concatenate(some), np.concatenate(stands_for)


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
