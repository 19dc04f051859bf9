"""Numbers of a race: how many trials it has, and mean losses of configs with different numbers of folds on one level.

Plain Python, so that any door can use it before NumPy is loaded.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from statistics import fmean, median
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Place = tuple[int, int, int]
"""Rung, fold and seed of a trial."""
MAX_CONFIGS = 8
"""Most configs of an ensemble; a race has at least as many contenders."""
MAX_SHARE = 0.4375
"""Largest share of the configs that are contenders: with five folds, at most 55 % of all trials are trained."""
RUNG_ROWS = (10_000, 100_000)
"""Training rows of the rungs below the last. A rung of more than half of all training rows is left out."""
KEPT_ON_RUNGS = 4
"""One in so many configs goes on to the next rung, where a training takes up to ten times as long, and to the other
folds in any case."""


def max_contenders(n_configs: int) -> int:
    """Return the largest number of contenders; all configs of a grid of eight or fewer.

    >>> max_contenders(30), max_contenders(8)
    (13, 8)
    """
    return min(n_configs, max(MAX_CONFIGS, int(MAX_SHARE * n_configs)))


def race_trials(n_configs: int, n_seeds: int, n_folds: int) -> int:
    """Return the largest number of trials of a race."""
    return n_seeds * (n_configs + (n_folds - 1) * max_contenders(n_configs))


def rung_rows(n_train: int) -> list[int]:
    """Return the number of training rows of each rung of a large table, all of them last.

    >>> rung_rows(15_000), rung_rows(34_000), rung_rows(640_000)
    ([15000], [10000, 34000], [10000, 100000, 640000])
    """
    return [*(n for n in RUNG_ROWS if 2 * n <= n_train), n_train]


def rung_sizes(n_configs: int, n_rungs: int) -> list[int]:
    """Return the most configs of each rung.

    >>> rung_sizes(30, 3), rung_sizes(3, 2)
    ([30, 8, 2], [3, 2])
    """
    sizes = [n_configs]
    for _ in range(n_rungs - 1):
        sizes.append(min(sizes[-1], max(2, -(-sizes[-1] // KEPT_ON_RUNGS))))
    return sizes


def comparable_means(values: Mapping[Key, Mapping[Place, float]]) -> dict[Key, float]:
    """Return the mean validation loss of each config, as in the trials of the configs that have the most.

    Of a config with several rungs the last one counts. A config that has fewer trials gets the mean that is usual for
    those that have all (their median at each place), plus its difference from that at the places that it has.

    Args:
        values: validation loss by rung, fold and seed, of each config.

    >>> comparable_means({"a": {(0, 0, 0): 1.0, (0, 1, 0): 3.0}, "b": {(0, 0, 0): 1.5}})
    {'a': 2.0, 'b': 2.5}
    >>> comparable_means({"a": {(0, 0, 0): 3.0, (1, 0, 0): 2.0}, "b": {(0, 0, 0): 3.5}})
    {'a': 2.0, 'b': 2.5}
    """
    most = max(map(len, values.values()), default=0)
    full = [of for of in values.values() if len(of) == most and all(map(math.isfinite, of.values()))]
    level = {place: median(of[place] for of in full) for place in (full[0] if full else ())}
    final = _last_rung(level)
    means = {}
    for key, of in values.items():
        shared = _last_rung([place for place in of if place in level] or of)
        means[key] = fmean(of[place] for place in shared)
        if level and shared != final:
            means[key] += fmean(level[place] for place in final) - fmean(level[place] for place in shared)
    return means


def _last_rung(places: Iterable[Place]) -> list[Place]:
    """Return the places of the last rung among these."""
    found = list(places)
    last = max((rung for rung, *_ in found), default=0)
    return sorted(place for place in found if place[0] == last)
