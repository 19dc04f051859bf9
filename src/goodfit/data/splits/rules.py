"""Rules that divide rows into kept and held-out ones.

A fraction is read as the decimal that was typed, so 0.07 of 100 rows is 7 and not ceil(7.000000000000001).
Of n units (rows, or groups) ceil(fraction · n) are held out. In exact numbers that is scikit-learn's count of test rows
and what Keras leaves for validation, n − floor(n·(1 − fraction)).
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Array, Indices
from goodfit.data.columns.convert import text_codes
from goodfit.errors import SplitError
from goodfit.formatting import count, join


class Splitter(Protocol):
    """Anything with scikit-learn's `split`, such as `KFold(5)` or `TimeSeriesSplit()`."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401
        """Pairs of (kept, held out) row numbers."""


RuleName = Literal["random", "last", "group", "time"]
Split = RuleName | Splitter
Sides = tuple[Indices, Indices]
"""(kept, held out) row numbers, both ascending."""
Whole = int | np.integer


@dataclass(frozen=True, eq=False)
class Rule:
    """How rows are divided: `labels` and `groups` are int codes of every row of the table, `time` their times."""

    split: Split
    labels: Indices
    groups: Indices | None
    time: Array | None

    @classmethod
    def of(
        cls,
        n_rows: int,
        *,
        split: Split = "random",
        stratify: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
        time: npt.ArrayLike | None = None,
    ) -> Rule:
        """Return the rule; SplitError if it lacks an array, or one does not have n_rows entries."""
        _validate_split(split, groups, time)
        return cls(
            split=split,
            labels=np.zeros(n_rows, np.int64) if stratify is None else codes_of("stratify", stratify, n_rows),
            groups=None if groups is None else codes_of("groups", groups, n_rows),
            time=None if time is None else _read_time(time, n_rows),
        )

    @property
    def name(self) -> str:
        if not isinstance(self.split, str):
            return type(self.split).__name__
        return "stratified" if self.split == "random" and self.labels.any() else self.split

    @property
    def unit(self) -> str:
        return "groups" if self.split == "group" else "rows"

    def units(self, rows: Indices) -> int:
        """What fractions count: rows, or groups under "group"."""
        return len(rows) if self.split != "group" or self.groups is None else len(np.unique(self.groups[rows]))

    def min_kept(self, rows: Indices) -> int:
        """Fewest units that training needs: one, or one of each class."""
        return max(1, len(np.unique(self.labels[rows]))) if self.split == "random" else 1

    def require(self, n_units: int, rows: Indices, sizes: str) -> None:
        """Raise SplitError, naming the smallest number that works, if `rows` are fewer; splitters check themselves."""
        if not isinstance(self.split, str) or self.units(rows) >= n_units:
            return
        classes = self.min_kept(rows)
        why = f" because training needs one row of each of {classes} classes" if classes > 1 else ""
        raise SplitError(
            f"{self.units(rows)} {self.unit} are too few for {sizes}{why}: give at least {n_units} {self.unit} "
            "or hold out fewer."
        )


def min_units(size: float, kept: int) -> int:
    """Smallest number of units of which at least `kept` stay when `size` of them are held out.

    >>> min_units(0.2, 4), min_units(3, 4)
    (5, 7)
    """
    return kept + int(size) if isinstance(size, Whole) else math.ceil(kept / (1 - Fraction(str(size))))


def validate_seed(seed: object) -> None:
    """Raise SplitError unless the seed is a whole number, zero or larger."""
    if isinstance(seed, bool) or not isinstance(seed, Whole) or seed < 0:
        raise SplitError(f"seed must be a whole number, zero or larger, not {seed!r}.")


def hold_out(
    rule: Rule, rows: Indices, size: float, *, seed: tuple[int, int], kept: int = 1, pairs: bool = False
) -> Sides:
    """Divide `rows` into kept and held-out rows.

    Args:
        size: fraction of the units, or a number of them, to hold out.
        seed: the user's seed and which split this is.
        kept: how many units must be kept for what follows.
        pairs: hold out one row of each class that has two, as far as `size` allows.
    """
    rng = np.random.default_rng(seed)
    match rule.split:
        case "random":
            return _hold_out_random(rows, rule.labels[rows], _count(size, len(rows)), rng, pairs=pairs)
        case "last":
            held = _count(size, len(rows))
            return rows[:-held], rows[-held:]
        case "group":
            assert rule.groups is not None
            return _hold_out_groups(rows, rule.groups[rows], size, rng)
        case "time":
            assert rule.time is not None
            return _hold_out_latest(rows, rule.time[rows], _count(size, len(rows)), kept)
    return _hold_out_with(rule, rows, rng)


def codes_of(name: str, values: npt.ArrayLike, n_rows: int) -> Indices:
    """Codes from 0, equal for equal values; missing values share one code."""
    array = _one_per_row(name, values, n_rows)
    return text_codes(array) if array.dtype == object else np.unique(array, return_inverse=True)[1].astype(np.int64)


def _count(size: float, n: int) -> int:
    return int(size) if isinstance(size, Whole) else math.ceil(Fraction(str(size)) * n)


def _hold_out_random(rows: Indices, labels: Indices, held: int, rng: np.random.Generator, *, pairs: bool) -> Sides:
    """Shuffle the rows of each class and hold out the first few of each."""
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    held_per_class = _held_per_class(sizes, held, rng, pairs=pairs)
    shuffled = rng.permutation(len(rows))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    position_in_class = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return _sides(rows, by_class[position_in_class < np.repeat(held_per_class, sizes)])


def _held_per_class(sizes: Indices, held: int, rng: np.random.Generator, *, pairs: bool) -> Indices:
    """How many rows of each class are held out: `held` in all, never a whole class.

    Systematic sampling (Madow 1949): the classes lie end to end on a line of length sum(weight), which is marked at
    equal distances from a random start. So class c gets floor or ceil of held·weight_c/sum(weight), and exactly that on
    average, whereas largest remainders, scikit-learn's rule, can pass over every small class.
    """
    out = np.zeros_like(sizes)
    twos = sizes == 2
    if pairs and twos.sum() <= held:
        out[twos] = 1
    left = held - int(out.sum())
    if left == 0:
        return out
    spare = np.where(out > 0, 0, sizes - 1)
    proportional = np.where(spare > 0, sizes, 0)
    # Rounding up could take a whole class where most rows are held out; then one row of each is set aside first.
    weights = proportional if 2 * left <= proportional.sum() else spare
    order = rng.permutation(len(sizes))
    ends = (np.cumsum(weights[order]) * left + rng.integers(weights.sum())) // weights.sum()
    out[order] += np.diff(ends, prepend=0)
    return out


def _hold_out_groups(rows: Indices, groups: Indices, size: float, rng: np.random.Generator) -> Sides:
    present = np.unique(groups)
    held = rng.permutation(present)[: _count(size, len(present))]
    return _sides(rows, np.flatnonzero(np.isin(groups, held)))


def _hold_out_latest(rows: Indices, time: Array, held: int, kept: int) -> Sides:
    """Hold out the latest rows, from the change of time that is nearest to the count asked for."""
    order = np.argsort(time, kind="stable")
    changes = np.flatnonzero(time[order][1:] != time[order][:-1]) + 1
    if kept > 1 and len(changes) > 1:
        changes = changes[1:]  # The next split needs a change of time among the rows kept here.
    changes = changes[changes >= kept]
    wanted = len(rows) - held
    start = changes[np.abs(changes - wanted).argmin()] if len(changes) else wanted
    return _sides(rows, order[start:])


def _hold_out_with(rule: Rule, rows: Indices, rng: np.random.Generator) -> Sides:
    """Return the last split of a scikit-learn splitter, the one of a time series that uses every row."""
    splitter: Any = copy.copy(rule.split)
    if getattr(splitter, "random_state", 0) is None:
        splitter.random_state = int(rng.integers(2**32))
    groups = None if rule.groups is None else rule.groups[rows]
    try:
        kept, held = deque(splitter.split(np.zeros((len(rows), 1)), rule.labels[rows], groups), maxlen=1)[0]
        kept, held = rows[np.sort(kept)], rows[np.sort(held)]
    except (ValueError, TypeError, IndexError) as error:
        raise SplitError(f"split={rule.name} cannot split these {len(rows):,} rows: {error}") from error
    if not len(kept) or not len(held) or np.intersect1d(kept, held).size:
        raise SplitError(f"split={rule.name} returned an empty side or a row on both sides: use another splitter.")
    return kept, held


def _sides(rows: Indices, held: npt.NDArray[np.intp]) -> Sides:
    out = np.zeros(len(rows), bool)
    out[held] = True
    return rows[~out], rows[out]


def _validate_split(split: Split, groups: object, time: object) -> None:
    names = get_args(RuleName)
    known = split in names if isinstance(split, str) else callable(getattr(split, "split", None))
    if not known:
        raise SplitError(f"split must be one of {join(names)} or a scikit-learn splitter, not {split!r}.")
    for rule, name, given in (("group", "groups", groups), ("time", "time", time)):
        if split == rule and given is None:
            raise SplitError(f"split={rule!r} needs {name}: give one value for each row.")
        if given is not None and split != rule and (isinstance(split, str) or name == "time"):
            raise SplitError(f"{name} was given but split is {split!r}: set split={rule!r} or leave {name} out.")


def _one_per_row(name: str, values: npt.ArrayLike, n_rows: int) -> Array:
    array = np.asarray(values)
    if array.shape != (n_rows,):
        raise SplitError(f"{name} must have one value for each of the {n_rows:,} rows, not the shape {array.shape}.")
    return array


def _read_time(values: npt.ArrayLike, n_rows: int) -> Array:
    array = _one_per_row("time", values, n_rows)
    try:
        array = array if array.dtype.kind in "iufMm" else array.astype("datetime64[us]")
    except (ValueError, TypeError) as error:
        raise SplitError("time must be numbers or dates: give dates as 2026-01-31 or as datetime values.") from error
    missing = np.flatnonzero(array != array)  # NaN and NaT alone differ from themselves.
    if missing.size:
        raise SplitError(
            f"time is missing in {count(missing.size, 'row')}, first in row {missing[0] + 1:,}: "
            "fill in or drop these rows."
        )
    return array
