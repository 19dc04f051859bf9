"""`train_test_split` for arrays of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Array, Indices
from goodfit.data.splits.rules import Rule, hold_out, min_units, validate_seed
from goodfit.data.target import FEW_CLASSES
from goodfit.errors import SplitError
from goodfit.validation import validate_size


def train_test_split(
    *arrays: Any,  # noqa: ANN401
    test_size: float = 0.2,
    seed: int = 0,
    random_state: int | None = None,
    stratify: npt.ArrayLike | None = "auto",
    shuffle: bool = True,
) -> list[Any]:
    """Split arrays into train and test rows, like scikit-learn's function of the same name.

    Two defaults differ from scikit-learn: the seed is 0, so that a second run gives the same split, and `stratify` is
    "auto".

    Args:
        arrays: NumPy, SciPy sparse, lists, pandas, polars or pyarrow, all with the same number of rows.
        test_size: fraction of the rows, or a number of rows.
        random_state: another name for `seed`.
        stratify: labels whose proportions both sides keep, or None. "auto" uses the last of several arrays if it has
            one string, boolean or whole number for each row, at most 20 different ones, and enough rows for each to
            stay in training.
        shuffle: False holds out the last rows.

    Returns:
        X_train, X_test, y_train, y_test, ...: two for each array, of its own type.

    Raises:
        SplitError: arrays of different length, or an argument that does not fit.

    >>> train, test = train_test_split(list(range(10)))
    >>> len(train), len(test)
    (8, 2)
    """
    n_rows = _common_length(arrays)
    seed = seed if random_state is None else random_state
    validate_seed(seed)
    validate_size("test_size", test_size, counts=True)
    rows = np.arange(n_rows)
    rule = _rule(arrays, n_rows, stratify, shuffle)
    if isinstance(stratify, str) and n_rows < min_units(test_size, rule.min_kept(rows)):
        rule = Rule.of(n_rows, split=rule.split)
    rule.require(min_units(test_size, rule.min_kept(rows)), rows, f"test_size={test_size}")
    sides = hold_out(rule, rows, test_size, seed=(seed, 0))
    order = np.random.default_rng((seed, 2))
    train, test = (order.permutation(side) if shuffle else side for side in sides)
    return [_take(array, side) for array in arrays for side in (train, test)]


def _common_length(arrays: Sequence[Any]) -> int:
    if not arrays:
        raise SplitError("train_test_split needs at least one array.")
    lengths = [int(array.shape[0]) if hasattr(array, "shape") else len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise SplitError(f"All arrays must have the same number of rows, not {', '.join(map(str, lengths))}.")
    return lengths[0]


def _rule(arrays: Sequence[Any], n_rows: int, stratify: npt.ArrayLike | None, shuffle: bool) -> Rule:
    auto = isinstance(stratify, str)
    if auto and stratify != "auto":
        raise SplitError(f"stratify must be 'auto', None or one label for each row, not {stratify!r}.")
    if not shuffle:
        if stratify is not None and not auto:
            raise SplitError("stratify needs shuffle=True: without shuffling, the last rows are the test rows.")
        return Rule.of(n_rows, split="last")
    labels = (_class_labels(arrays[-1]) if len(arrays) > 1 else None) if auto else stratify
    return Rule.of(n_rows, stratify=labels)


def _class_labels(array: Any) -> Array | None:  # noqa: ANN401
    """The array as one label for each row, if it has few different strings, booleans or whole numbers."""
    labels = np.asarray(array)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in "biuUSO":
        return None
    try:
        found = pa.array(labels, from_pandas=True)
    except pa.ArrowException:
        return None
    whole = pa.types.is_integer(found.type) or pa.types.is_boolean(found.type)
    text = pa.types.is_string(found.type) or pa.types.is_binary(found.type)
    return labels if (whole or text) and len(found.unique()) <= FEW_CLASSES else None


def _take(array: Any, rows: Indices) -> Any:  # noqa: ANN401
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    if isinstance(array, pa.Table | pa.RecordBatch | pa.Array | pa.ChunkedArray):
        return array.take(pa.array(rows))
    if isinstance(array, list | tuple):
        return [array[row] for row in rows]
    return array[rows]
