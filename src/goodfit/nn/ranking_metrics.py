"""Metrics of the order of the rows by their scores, with ties: functions of targets, predictions and row weights."""

from collections.abc import Callable
from typing import NamedTuple

from goodfit.nn.arrays import AnyArray
from goodfit.nn.label_metrics import class_numbers


class Ranks(NamedTuple):
    """The order of the rows by their scores for each class that counts (classes, rows): of two the second alone.

    order: row numbers, the lowest score first. first, last: of each place, the first place with the same score, and the
    place after the last one.
    """

    order: AnyArray
    first: AnyArray
    last: AnyArray


def ranks_of(prediction: AnyArray) -> Ranks:
    """Return the ranks, which do not depend on the weights: of many draws of the rows they are computed once."""
    xp = prediction.__array_namespace__()
    scores = (prediction[:, -1:] if prediction.shape[-1] <= 2 else prediction).T
    order = xp.argsort(scores, axis=1, stable=True)
    ordered = xp.take_along_axis(scores, order, axis=1)
    first, last = (
        xp.stack([xp.searchsorted(of_class, of_class, side=side) for of_class in ordered]) for side in ("left", "right")
    )
    return Ranks(order, first, last)


def auc(y: AnyArray, prediction: AnyArray, weights: AnyArray, ranks: Ranks | None = None) -> AnyArray:
    """Area under the ROC curve; for more than two classes, the mean over the classes that occur, one versus rest.

    NaN if all rows are of one class. Source: Hanley & McNeil (1982); Fawcett (2006).
    """
    return _over_classes(_area, y, ranks or ranks_of(prediction), weights)


def average_precision(y: AnyArray, prediction: AnyArray, weights: AnyArray, ranks: Ranks | None = None) -> AnyArray:
    """Average precision: Σ (Rₖ − Rₖ₋₁)·Pₖ over the thresholds k; of more than two classes, the mean, one versus rest.

    NaN without a positive row. Source: scikit-learn's ``average_precision_score``; Zhu (2004).
    """
    return _over_classes(_average_precision, y, ranks or ranks_of(prediction), weights)


class _Ranked(NamedTuple):
    """Weight of each positive row (rows, …), and of the positive and negative rows below each place (rows + 1, …)."""

    positive: AnyArray
    positive_below: AnyArray
    negative_below: AnyArray
    first: AnyArray
    last: AnyArray


def _over_classes(metric: Callable[[_Ranked], AnyArray], y: AnyArray, ranks: Ranks, weights: AnyArray) -> AnyArray:
    """The metric of class 1 of two, or its mean over the classes for which it is defined."""
    xp, classes, n_ranked = weights.__array_namespace__(), class_numbers(y), len(ranks.order)
    values = xp.stack(
        [
            metric(_weighted(classes == (1 if n_ranked == 1 else k), weights, Ranks(*(each[k] for each in ranks))))
            for k in range(n_ranked)
        ]
    )
    known = ~xp.isnan(values)
    n_known, total = known.sum(axis=0).astype(values.dtype), xp.where(known, values, 0).sum(axis=0)
    return xp.where(n_known == 0, xp.nan, total / xp.where(n_known == 0, 1, n_known))


def _weighted(positive: AnyArray, weights: AnyArray, ranks: Ranks) -> _Ranked:
    xp = weights.__array_namespace__()
    ordered, is_positive = weights[ranks.order], positive[ranks.order].reshape(-1, *[1] * (weights.ndim - 1))
    of_positive, of_negative = xp.where(is_positive, ordered, 0), xp.where(is_positive, 0, ordered)
    zero = xp.zeros_like(ordered[:1])
    below = [xp.concatenate([zero, xp.cumsum(of, axis=0)]) for of in (of_positive, of_negative)]
    return _Ranked(of_positive, below[0], below[1], ranks.first, ranks.last)


def _area(ranked: _Ranked) -> AnyArray:
    """Return the probability that a positive row scores above a negative one; ties count half."""
    xp, below = ranked.positive.__array_namespace__(), ranked.negative_below
    wins = (ranked.positive * (below[ranked.first] + below[ranked.last])).sum(axis=0) / 2
    pairs = ranked.positive_below[-1] * below[-1]
    return xp.where(pairs == 0, xp.nan, wins / xp.where(pairs == 0, 1, pairs))


def _average_precision(ranked: _Ranked) -> AnyArray:
    """Return the mean, over the positive rows, of the precision among the rows that score no lower."""
    xp = ranked.positive.__array_namespace__()
    hits, false = (below[-1:] - below[ranked.first] for below in (ranked.positive_below, ranked.negative_below))
    precision = hits / xp.where(hits + false == 0, 1, hits + false)
    total = ranked.positive_below[-1]
    found = (ranked.positive * precision).sum(axis=0) / xp.where(total == 0, 1, total)
    return xp.where(total == 0, xp.nan, found)
