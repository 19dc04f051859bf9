"""Folds: every row validates once and trains otherwise."""

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.splits.rules import validate_seed
from goodfit.errors import SplitError


def make_folds(
    n_rows: int,
    folds: int,
    *,
    seed: int = 0,
    stratify: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> list[tuple[Indices, Indices]]:
    """(train, validation) row numbers, ascending, of each fold; every row validates exactly once.

    Rows are shuffled with `seed` and dealt out in turn. With class labels in `stratify` class after class is dealt out,
    so that folds differ by one row of a class at most. With `groups` whole groups are dealt out, the largest first,
    each to the smallest fold; labels then play no role.

    SplitError for fewer than 2 folds, or more than there are rows or groups.

    >>> [len(validation) for train, validation in make_folds(10, 3)]
    [4, 3, 3]
    """
    validate_seed(seed)
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise SplitError(f"folds must be a whole number, 2 or more, not {folds!r}.")
    if groups is not None:
        fold = _deal_groups(np.asarray(groups), folds, seed)
    elif folds > n_rows:
        raise SplitError(f"folds={folds} is more than the {n_rows} rows there are: choose fewer folds.")
    else:
        fold = _deal_rows(n_rows, folds, seed, stratify)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _deal_rows(n_rows: int, folds: int, seed: int, stratify: npt.ArrayLike | None) -> Indices:
    order = np.random.default_rng((seed, 3)).permutation(n_rows)
    if stratify is not None:
        labels = np.unique(np.asarray(stratify), return_inverse=True)[1]
        order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(n_rows, np.int64)
    fold[order] = np.arange(n_rows) % folds
    return fold


def _deal_groups(groups: npt.NDArray[np.generic], folds: int, seed: int) -> Indices:
    _, group_of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if folds > len(sizes):
        raise SplitError(f"folds={folds} is more than the {len(sizes)} groups there are: choose fewer folds.")
    order = np.random.default_rng((seed, 3)).permutation(len(sizes))
    fold_of_group = np.empty(len(sizes), np.int64)
    filled = np.zeros(folds, np.int64)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        fold_of_group[group] = filled.argmin()
        filled[fold_of_group[group]] += sizes[group]
    return fold_of_group[group_of_row]
