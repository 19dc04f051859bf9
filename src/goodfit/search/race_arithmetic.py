"""Numbers of a race: how many trials it has, and mean losses of configs with different numbers of folds on one level.

Plain Python, so that any door can use it before NumPy is loaded.
"""

import math
from collections.abc import Collection, Hashable, Mapping
from statistics import fmean, median
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
MAX_CONFIGS = 8
"""Most configs of an ensemble; a race has at least as many contenders."""
MAX_SHARE = 0.4375
"""Largest share of the configs that are contenders: with five folds, at most 55 % of all trials are trained."""


def max_contenders(n_configs: int) -> int:
    """Return the largest number of contenders; all configs of a grid of eight or fewer.

    >>> max_contenders(30), max_contenders(8)
    (13, 8)
    """
    return min(n_configs, max(MAX_CONFIGS, int(MAX_SHARE * n_configs)))


def race_trials(n_configs: int, n_seeds: int, n_folds: int) -> int:
    """Return the largest number of trials of a race."""
    return n_seeds * (n_configs + (n_folds - 1) * max_contenders(n_configs))


def comparable_means(
    values: Mapping[Key, Mapping[tuple[int, int], float]], judged: Collection[tuple[int, int]] | None = None
) -> dict[Key, float]:
    """Return the mean validation loss of each config, as on the folds and seeds of the configs that have the most.

    A config that has fewer of them gets the mean that is usual for those that have all (their median on each fold and
    seed), plus its difference from that on the folds and seeds that it has.

    Args:
        values: validation loss by fold and seed, of each config.
        judged: folds and seeds that count, where they are not all of those that a config can have.

    >>> comparable_means({"a": {(0, 0): 1.0, (1, 0): 3.0}, "b": {(0, 0): 1.5}})
    {'a': 2.0, 'b': 2.5}
    >>> comparable_means({"a": {(0, 0): 1.0, (1, 0): 3.0}, "b": {(0, 0): 1.5}}, judged=[(1, 0)])
    {'a': 3.0, 'b': 3.5}
    """
    most = max(map(len, values.values()), default=0)
    full = [of for of in values.values() if len(of) == most and all(map(math.isfinite, of.values()))]
    level = {pair: median(of[pair] for of in full) for pair in (full[0] if full else ())}
    counted = [pair for pair in level if judged is None or pair in judged]
    means = {}
    for key, of in values.items():
        if counted and all(pair in of for pair in counted):
            means[key] = fmean(of[pair] for pair in counted)
            continue
        shared = [pair for pair in of if pair in level] or list(of)
        means[key] = fmean(of[pair] for pair in shared)
        if counted and all(pair in level for pair in shared):
            means[key] += fmean(level[pair] for pair in counted) - fmean(level[pair] for pair in shared)
    return means
