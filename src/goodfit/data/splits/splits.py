"""Who is in which part: train, validation and test rows.

First the test rows are cut off (`test_size` of all rows), then the validation rows (`validation_split` of the rest), so
1000 rows become 640 / 160 / 200. How one cut is made stands in cuts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Indices
from goodfit.data.splits.rules import Rule, Splitter, cut, units_before, validate_seed, validate_size
from goodfit.errors import SplitError

Split = Literal["random", "last", "group", "time"] | Splitter
FEW_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Splits:
    """The rows of each part: int64 row numbers from 0, ascending, read-only; no row stands in two splits.

    `rule` says how they were cut ("random", "stratified", "last", "group", "time", "duplicates" or a splitter's class
    name), `seed` with which seed; the same seed, arguments and arrays give the same splits.
    """

    train: Indices
    validation: Indices
    test: Indices
    rule: str
    seed: int

    def __post_init__(self) -> None:
        for rows in self.arrays().values():
            rows.setflags(write=False)

    def arrays(self) -> dict[str, Indices]:
        """The three arrays by name, ready for an .npz or safetensors file; `from_arrays` is the way back."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike], *, rule: str, seed: int) -> Splits:
        """Splits from what `arrays` gave; SplitError when an array is missing or a row stands in two splits."""
        if missing := {"train", "validation", "test"} - set(arrays):
            raise SplitError(f"The recorded splits lack {', '.join(sorted(missing))}; make the splits again.")
        train, validation, test = (np.array(arrays[name], np.int64) for name in ("train", "validation", "test"))
        together = np.concatenate([train, validation, test])
        if together.size != np.unique(together).size or together.min(initial=0) < 0:
            raise SplitError("The recorded splits name a row twice or below 0; make the splits again.")
        return cls(train, validation, test, rule, seed)


def make_splits(
    n_rows: int,
    *,
    test_size: float = 0.2,
    validation_split: float = 0.2,
    seed: int = 0,
    split: Split = "random",
    stratify: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    time: npt.ArrayLike | None = None,
    validation: npt.ArrayLike | None = None,
) -> Splits:
    """Put every row into train, validation or test.

    test_size: fraction of all rows, or a number of rows; 0 for no test part. validation_split: fraction of the rest.
    validation: the user's own validation rows by number; then test_size counts the other rows, and the rest trains.

    split
        "random": shuffled with `seed`. With class labels in `stratify` each class is held out in proportion: it gets
        its exact share rounded up or down, which is right on average. Training keeps a row of every class; of a class
        with two rows the other one goes to validation or test while there is room.
        "last": Keras' rule, the last rows as they stand, unshuffled.
        "group": `groups` names each row's group; fractions count groups; a group never stands on two sides.
        "time": earlier rows train, later ones validate, the latest test. Rows of one moment stay together: the cut
        moves to the nearest change of moment, if there is one.
        A scikit-learn splitter: its last split, once for test and once more for validation; it gets `stratify` as y,
        and its random_state from `seed` if it has none. Its own settings say how many rows are held out, test_size
        only whether any are. Rows that it leaves out are in no part.
    `stratify` plays no role in "last", "group" and "time".

    Raises SplitError naming the argument: fractions outside (0, 1), arrays that do not fit, too few rows (then with
    the smallest number that works).

    >>> splits = make_splits(1000, seed=7)
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (640, 160, 200)
    """
    validate_seed(seed)
    validate_size("test_size", test_size, zero=True, counts=True)
    rule = Rule.of(n_rows, split=split, stratify=stratify, groups=groups, time=time)
    own = _own_rows(rule, validation, n_rows)
    if validation is None:
        validate_size("validation_split", validation_split)
    rows = np.setdiff1d(np.arange(n_rows), own)
    keep = rule.least_kept(rows) if len(own) else units_before(validation_split, rule.least_kept(rows))
    sizes = f"test_size={test_size}" + ("" if len(own) else f" and validation_split={validation_split}")
    _check_enough(rule, rows, units_before(test_size, keep), sizes)
    rest, test = cut(rule, rows, test_size, seed=(seed, 0), kept=keep) if test_size else (rows, rows[:0])
    train, held = (rest, own) if len(own) else cut(rule, rest, validation_split, seed=(seed, 1), pairs=True)
    return Splits(train, held, test, rule.name, int(seed))


def validation_rows(
    n_rows: int,
    *,
    validation_split: float = 0.2,
    seed: int = 0,
    stratify: npt.ArrayLike | None = None,
    split: Split = "random",
    groups: npt.ArrayLike | None = None,
    time: npt.ArrayLike | None = None,
) -> tuple[Indices, Indices]:
    """(train, validation) row numbers, ascending: what `make_splits` does to the rows that are not test rows.

    >>> train, validation = validation_rows(10, validation_split=0.2, split="last")
    >>> validation
    array([8, 9])
    """
    splits = make_splits(
        n_rows,
        test_size=0,
        validation_split=validation_split,
        seed=seed,
        stratify=stratify,
        split=split,
        groups=groups,
        time=time,
    )
    return splits.train, splits.validation


def missing_classes(splits: Splits, labels: npt.ArrayLike) -> dict[str, tuple[Any, ...]]:
    """The classes that stand in the table but not in a part, by part; splits without rows are not named.

    >>> splits = make_splits(5, test_size=0, split="last")
    >>> missing_classes(splits, ["a", "a", "b", "b", "a"])
    {'validation': ('b',)}
    """
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    absent = {
        name: tuple(np.delete(classes, np.unique(codes[rows])).tolist())
        for name, rows in splits.arrays().items()
        if len(rows)
    }
    return {name: lost for name, lost in absent.items() if lost}


def train_test_split(
    *arrays: Any,  # noqa: ANN401
    test_size: float = 0.2,
    seed: int = 0,
    random_state: int | None = None,
    stratify: npt.ArrayLike | None = "auto",
    shuffle: bool = True,
) -> list[Any]:
    """Split arrays into train and test rows, as scikit-learn's function of this name: X_train, X_test, y_train, ...

    arrays: NumPy, SciPy sparse, lists, pandas, polars or pyarrow, all with the same number of rows; each comes back in
    its own type. test_size: fraction, or number of rows. random_state: another name of `seed`. shuffle=False holds out
    the last rows. stratify: labels whose proportions both sides keep, or None; "auto" takes the last of several
    arrays if it has one text, true/false or whole number for each row, at most 20 different ones, and rows enough for
    each to stay in training.

    Two things differ from scikit-learn: the seed is 0 unless given, so that a second run splits alike, and `stratify`
    is "auto". Raises SplitError.

    >>> train, test = train_test_split(list(range(10)))
    >>> len(train), len(test)
    (8, 2)
    """
    n_rows = _common_length(arrays)
    seed = seed if random_state is None else random_state
    validate_seed(seed)
    validate_size("test_size", test_size, counts=True)
    rows = np.arange(n_rows)
    rule = _front_door_rule(arrays, n_rows, stratify, shuffle)
    if isinstance(stratify, str) and n_rows < units_before(test_size, rule.least_kept(rows)):
        rule = Rule.of(n_rows, split=rule.split)
    _check_enough(rule, rows, units_before(test_size, rule.least_kept(rows)), f"test_size={test_size}")
    sides = cut(rule, rows, test_size, seed=(seed, 0))
    order = np.random.default_rng((seed, 2))
    train, test = (order.permutation(side) if shuffle else side for side in sides)
    return [_take(array, side) for array in arrays for side in (train, test)]


def _own_rows(rule: Rule, validation: npt.ArrayLike | None, n_rows: int) -> Indices:
    """The user's own validation rows, sorted and checked; none when None."""
    if validation is None:
        return np.empty(0, np.int64)
    own = np.asarray(validation)
    if own.ndim != 1 or own.dtype.kind not in "iu" or not own.size:
        raise SplitError("validation must be a list of row numbers, at least one, counted from 0.")
    if own.min() < 0 or own.max() >= n_rows or np.unique(own).size != own.size:
        raise SplitError(f"validation must name rows from 0 to {n_rows - 1}, each once.")
    own = np.sort(own).astype(np.int64)
    if rule.groups is not None and rule.split == "group":
        others = np.delete(rule.groups, own)
        if (shared := own[np.isin(rule.groups[own], others)]).size:
            raise SplitError(f"validation splits a group: that of row {shared[0]} has other rows outside; add them.")
    return own


def _check_enough(rule: Rule, rows: Indices, least: int, sizes: str) -> None:
    """SplitError with the smallest number that works; a splitter object knows its own limits."""
    if not isinstance(rule.split, str) or rule.units(rows) >= least:
        return
    classes = rule.least_kept(rows)
    why = f" where training keeps one row of each of {classes} classes" if classes > 1 else ""
    raise SplitError(
        f"{rule.units(rows)} {rule.unit} are too few for {sizes}{why}: give at least {least} {rule.unit} "
        "or hold out fewer."
    )


def _common_length(arrays: Sequence[Any]) -> int:
    if not arrays:
        raise SplitError("train_test_split needs at least one array.")
    lengths = [int(array.shape[0]) if hasattr(array, "shape") else len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise SplitError(f"All arrays must have the same number of rows, not {', '.join(map(str, lengths))}.")
    return lengths[0]


def _front_door_rule(arrays: Sequence[Any], n_rows: int, stratify: npt.ArrayLike | None, shuffle: bool) -> Rule:
    if isinstance(stratify, str) and stratify != "auto":
        raise SplitError(f"stratify must be 'auto', None or one label for each row, not {stratify!r}.")
    if not shuffle and stratify is not None and not isinstance(stratify, str):
        raise SplitError("stratify needs shuffle=True, since the last rows are what they are.")
    if not shuffle:
        return Rule.of(n_rows, split="last")
    auto = isinstance(stratify, str)
    labels = (_class_labels(arrays[-1]) if len(arrays) > 1 else None) if auto else stratify
    return Rule.of(n_rows, stratify=labels)


def _class_labels(array: Any) -> npt.NDArray[Any] | None:  # noqa: ANN401
    """The array as one label for each row, where it is text, true/false or whole numbers of few different values."""
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
