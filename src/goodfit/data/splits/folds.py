"""Cross-validation folds: every row validates once and trains otherwise."""

import warnings
from typing import Any

import lazy_loader
import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.splits.rules import Whole, codes_of, validate_seed
from goodfit.errors import SplitError

sklearn = lazy_loader.load("sklearn")  # it takes longer to import than most folds to train

MAX_STRATIFIED_GROUPS = 1_000
"""scikit-learn takes about 0.2 ms for each group to keep classes in proportion; many groups are so by themselves."""


def make_folds(
    n_rows: int,
    folds: int,
    *,
    seed: int = 0,
    stratify: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> list[tuple[Indices, Indices]]:
    """Return (train, validation) row numbers, ascending, of each fold.

    scikit-learn makes the folds: `KFold`, or `StratifiedKFold` with class labels, where the rows of a class differ by
    at most one between folds; with groups `StratifiedGroupKFold`, or `GroupKFold` without labels and for more than
    1,000 groups.

    Args:
        folds: number of folds, 2 or more.
        seed: the same seed gives the same folds.
        stratify: class labels, one for each row.
        groups: group of each row; no group is in two folds.

    Raises:
        SplitError: fewer than 2 folds, or more than there are rows or groups.

    >>> [len(validation) for train, validation in make_folds(10, 3)]
    [4, 3, 3]
    """
    validate_seed(seed)
    if isinstance(folds, bool) or not isinstance(folds, Whole) or folds < 2:
        raise SplitError(f"folds must be a whole number, 2 or more, not {folds!r}.")
    rng = np.random.default_rng((seed, 3))
    labels = None if stratify is None else codes_of("stratify", stratify, n_rows)
    n_units, unit = n_rows, "rows"
    if groups is not None:
        # GroupKFold deals out the largest group first and has no seed: the order of equally large groups is shuffled.
        codes = codes_of("groups", groups, n_rows)
        n_units, unit = int(codes.max(initial=-1)) + 1, "groups"
        groups = rng.permutation(n_units)[codes]
    if folds > n_units:
        raise SplitError(f"folds={folds} is more than the {n_units} {unit} there are: choose fewer folds.")
    splitter = _splitter(int(folds), int(rng.integers(2**32)), labels, None if groups is None else n_units)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is missing from some of them, which the caller reports.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros(n_rows), labels, groups))


def _splitter(folds: int, seed: int, labels: Indices | None, n_groups: int | None) -> Any:  # noqa: ANN401
    module = sklearn.model_selection
    # scikit-learn refuses labels of which no class has a row for each fold.
    stratified = labels is not None and np.bincount(labels).max() >= folds
    if n_groups is None:
        kind = module.StratifiedKFold if stratified else module.KFold
    elif stratified and n_groups <= MAX_STRATIFIED_GROUPS:
        kind = module.StratifiedGroupKFold
    else:
        return module.GroupKFold(folds)
    return kind(folds, shuffle=True, random_state=seed)
