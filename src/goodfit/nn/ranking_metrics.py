"""Metrics of the order of the rows by their scores, with ties: functions of targets, predictions and row weights."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from goodfit.nn.label_metrics import class_numbers


class Ranks(NamedTuple):
    """The order of the rows by their scores for each class that counts (classes, rows): of two the second alone.

    order: row numbers, the lowest score first. first, last: of each place, the first place with the same score, and the
    place after the last one.
    """

    order: jax.Array
    first: jax.Array
    last: jax.Array


def ranks_of(prediction: jax.Array) -> Ranks:
    """Return the ranks, which do not depend on the weights: of many draws of the rows they are computed once."""
    scores = prediction[:, -1:] if prediction.shape[-1] <= 2 else prediction
    order = jnp.argsort(scores, axis=0).T
    ordered = jnp.take_along_axis(scores.T, order, axis=1)
    first, last = (
        jnp.stack([jnp.searchsorted(of_class, of_class, side=side) for of_class in ordered])
        for side in ("left", "right")
    )
    return Ranks(order, first, last)


def auc(y: jax.Array, prediction: jax.Array, weights: jax.Array, ranks: Ranks | None = None) -> jax.Array:
    """Area under the ROC curve; for more than two classes, the mean over the classes that occur, one versus rest.

    NaN if all rows are of one class. Source: Hanley & McNeil (1982); Fawcett (2006).
    """
    return _over_classes(_area, y, ranks or ranks_of(prediction), weights)


def average_precision(y: jax.Array, prediction: jax.Array, weights: jax.Array, ranks: Ranks | None = None) -> jax.Array:
    """Average precision: Σ (Rₖ − Rₖ₋₁)·Pₖ over the thresholds k; of more than two classes, the mean, one versus rest.

    NaN without a positive row. Source: scikit-learn's ``average_precision_score``; Zhu (2004).
    """
    return _over_classes(_average_precision, y, ranks or ranks_of(prediction), weights)


class _Ranked(NamedTuple):
    """Weight of each positive row, and of the positive and negative rows below each place, in the order of scores."""

    positive: jax.Array
    positive_below: jax.Array
    negative_below: jax.Array
    first: jax.Array
    last: jax.Array


def _over_classes(metric: Callable[[_Ranked], jax.Array], y: jax.Array, ranks: Ranks, weights: jax.Array) -> jax.Array:
    """The metric of class 1 of two, or its mean over the classes that occur."""
    classes, n_ranked = class_numbers(y), len(ranks.order)
    values = [
        metric(_weighted(classes == (1 if n_ranked == 1 else k), weights, Ranks(*(each[k] for each in ranks))))
        for k in range(n_ranked)
    ]
    return jnp.nanmean(jnp.stack(values))


def _weighted(positive: jax.Array, weights: jax.Array, ranks: Ranks) -> _Ranked:
    of_positive, of_negative = (jnp.where(of, weights, 0)[ranks.order] for of in (positive, ~positive))
    below = [jnp.concatenate([jnp.zeros(1, weights.dtype), jnp.cumsum(of)]) for of in (of_positive, of_negative)]
    return _Ranked(of_positive, below[0], below[1], ranks.first, ranks.last)


def _area(ranked: _Ranked) -> jax.Array:
    """Return the probability that a positive row scores above a negative one; ties count half."""
    below = ranked.negative_below
    wins = jnp.sum(ranked.positive * (below[ranked.first] + below[ranked.last]) / 2)
    pairs = ranked.positive_below[-1] * below[-1]
    return jnp.where(pairs == 0, jnp.nan, wins / jnp.where(pairs == 0, 1, pairs))


def _average_precision(ranked: _Ranked) -> jax.Array:
    """Return the mean, over the positive rows, of the precision among the rows that score no lower."""
    hits, false = (below[-1] - below[ranked.first] for below in (ranked.positive_below, ranked.negative_below))
    precision = hits / jnp.where(hits + false == 0, 1, hits + false)
    total = ranked.positive_below[-1]
    return jnp.where(total == 0, jnp.nan, jnp.sum(ranked.positive * precision) / jnp.where(total == 0, 1, total))
