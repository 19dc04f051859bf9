"""One cut: some rows are held out, the others kept, under one rule.

A fraction is read as the decimal that was typed, so 0.07 of 100 rows is 7 and not ceil(7.000000000000001).
Of n units (rows, or groups) ceil(fraction · n) are held out; in exact numbers that is scikit-learn's count of test rows
and also what Keras leaves for validation, n − floor(n·(1 − fraction)).
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.errors import SplitError

Cut = tuple[Indices, Indices]
WHOLE = (int, np.integer)
SPLITS = ("random", "last", "group", "time")


class Splitter(Protocol):
    """Anything with scikit-learn's `split`, such as `KFold(5)` or `TimeSeriesSplit()`."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401
        """Pairs of (kept, held out) row numbers."""


@dataclass(frozen=True, eq=False)
class Rule:
    """How rows are cut. `labels` and `groups` are int codes of every row of the table, `time` its moments."""

    split: str | Splitter
    labels: Indices
    groups: Indices | None
    time: npt.NDArray[Any] | None

    @classmethod
    def of(
        cls,
        n_rows: int,
        *,
        split: str | Splitter = "random",
        stratify: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
        time: npt.ArrayLike | None = None,
    ) -> Rule:
        """The rule with its arrays checked: each has n_rows entries, and the rule has what it needs."""
        _check_split(split, groups, time)
        return cls(
            split=split,
            labels=np.zeros(n_rows, np.int64) if stratify is None else _codes("stratify", stratify, n_rows),
            groups=None if groups is None else _codes("groups", groups, n_rows),
            time=None if time is None else _moments(time, n_rows),
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

    def least_kept(self, rows: Indices) -> int:
        """Units that training cannot do without: one, or one for each class."""
        return max(1, len(np.unique(self.labels[rows]))) if self.split == "random" else 1


def units_before(size: float, kept: int) -> int:
    """The smallest number of units of which a cut of `size` keeps at least `kept`."""
    return kept + int(size) if isinstance(size, WHOLE) else math.ceil(kept / (1 - Fraction(str(size))))


def validate_seed(seed: object) -> None:
    """SplitError unless the seed is a whole number from 0."""
    if isinstance(seed, bool) or not isinstance(seed, WHOLE) or seed < 0:
        raise SplitError(f"seed must be a whole number from 0, not {seed!r}.")


def validate_size(name: str, size: object, *, zero: bool = False, counts: bool = False) -> None:
    """SplitError naming the argument unless size is a fraction in (0, 1); `zero` allows 0, `counts` whole numbers."""
    if isinstance(size, (float, np.floating, *WHOLE)) and not isinstance(size, bool):
        whole = counts and isinstance(size, WHOLE) and size > 0
        if whole or 0 < size < 1 or (zero and size == 0):
            return
    low = "from 0 up to but not including 1" if zero else "between 0 and 1"
    raise SplitError(f"{name} must be a fraction {low}{' or a number of rows' if counts else ''}, not {size!r}.")


def cut(rule: Rule, rows: Indices, size: float, *, seed: tuple[int, int], kept: int = 1, pairs: bool = False) -> Cut:
    """(kept, held out) of `rows`, both ascending.

    size: a fraction of the units, or a number of them. seed: the user's seed and which cut this is. kept: how many
    units must stay for what follows. pairs: hold out one row of each class of two, as far as there is room.
    """
    rng = np.random.default_rng(seed)
    match rule.split:
        case "random":
            return _cut_random(rows, rule.labels[rows], _held(size, len(rows)), rng, pairs=pairs)
        case "last":
            held = _held(size, len(rows))
            return rows[:-held], rows[-held:]
        case "group":
            assert rule.groups is not None
            return _cut_groups(rows, rule.groups[rows], size, rng)
        case "time":
            assert rule.time is not None
            return _cut_time(rows, rule.time[rows], _held(size, len(rows)), kept)
    return _cut_with(rule, rows, rng)


def _held(size: float, n: int) -> int:
    return int(size) if isinstance(size, WHOLE) else math.ceil(Fraction(str(size)) * n)


def _cut_random(rows: Indices, labels: Indices, held: int, rng: np.random.Generator, *, pairs: bool) -> Cut:
    """Shuffle the rows of each class and hold out the first few of each."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    seats = _seats(counts, held, rng, pairs=pairs)
    shuffled = rng.permutation(len(rows))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    place_in_class = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _parted(rows, by_class[place_in_class < np.repeat(seats, counts)])


def _seats(counts: Indices, held: int, rng: np.random.Generator, *, pairs: bool) -> Indices:
    """How many rows of each class are held out: `held` in all, never a whole class.

    Systematic sampling (Madow 1949): the classes lie end to end on a line of length sum(weight), which is marked at
    equal distances from a random start. So class c gets floor or ceil of held·weight_c/sum(weight), on average exactly
    that, which no rule of largest remainders does for many small classes.
    """
    seats = np.zeros_like(counts)
    twos = counts == 2
    if pairs and twos.sum() <= held:
        seats[twos] = 1
    left = held - int(seats.sum())
    if left == 0:
        return seats
    spare = np.where(seats > 0, 0, counts - 1)
    proportional = np.where(spare > 0, counts, 0)
    # Rounding up could take a whole class where most rows are held out; then one row of each is set aside first.
    weights = proportional if 2 * left <= proportional.sum() else spare
    order = rng.permutation(len(counts))
    ends = (np.cumsum(weights[order]) * left + rng.integers(weights.sum())) // weights.sum()
    seats[order] += np.diff(ends, prepend=0)
    return seats


def _cut_groups(rows: Indices, groups: Indices, size: float, rng: np.random.Generator) -> Cut:
    present = np.unique(groups)
    held = rng.permutation(present)[: _held(size, len(present))]
    return _parted(rows, np.flatnonzero(np.isin(groups, held)))


def _cut_time(rows: Indices, time: npt.NDArray[Any], held: int, kept: int) -> Cut:
    """Hold out the latest rows, at the change of moment that is nearest to the count asked for."""
    order = np.argsort(time, kind="stable")
    changes = np.flatnonzero(time[order][1:] != time[order][:-1]) + 1
    if kept > 1 and len(changes) > 1:
        changes = changes[1:]  # The next cut needs a change of moment among the rows kept here.
    changes = changes[changes >= kept]
    wanted = len(rows) - held
    place = changes[np.abs(changes - wanted).argmin()] if len(changes) else wanted
    return _parted(rows, order[place:])


def _cut_with(rule: Rule, rows: Indices, rng: np.random.Generator) -> Cut:
    """The last split of a scikit-learn splitter, which for a time series is the one that leaves no row out."""
    splitter: Any = copy.copy(rule.split)
    if getattr(splitter, "random_state", 0) is None:
        splitter.random_state = int(rng.integers(2**32))
    groups = None if rule.groups is None else rule.groups[rows]
    try:
        kept, held = deque(splitter.split(np.zeros((len(rows), 1)), rule.labels[rows], groups), maxlen=1)[0]
        kept, held = rows[np.sort(kept)], rows[np.sort(held)]
    except (ValueError, TypeError, IndexError) as error:
        raise SplitError(f"split={rule.name} cannot cut these {len(rows)} rows: {error}") from error
    if not len(kept) or not len(held) or np.intersect1d(kept, held).size:
        raise SplitError(f"split={rule.name} gave an empty side or a row on both sides; use another splitter.")
    return kept, held


def _parted(rows: Indices, held: npt.NDArray[np.intp]) -> Cut:
    out = np.zeros(len(rows), bool)
    out[held] = True
    return rows[~out], rows[out]


def _check_split(split: str | Splitter, groups: object, time: object) -> None:
    known = split in SPLITS if isinstance(split, str) else callable(getattr(split, "split", None))
    if not known:
        raise SplitError(f"split must be one of {', '.join(SPLITS)} or a scikit-learn splitter, not {split!r}.")
    for rule, name, given in (("group", "groups", groups), ("time", "time", time)):
        if split == rule and given is None:
            raise SplitError(f"split={rule!r} needs {name}: give one value for each row.")
        if given is not None and split != rule and (isinstance(split, str) or name == "time"):
            raise SplitError(f"{name} was given but split is {split!r}: set split={rule!r} or leave {name} out.")


def _column(name: str, values: npt.ArrayLike, n_rows: int) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.shape != (n_rows,):
        raise SplitError(f"{name} must have one value for each of the {n_rows} rows, not the shape {array.shape}.")
    return array


def _codes(name: str, values: npt.ArrayLike, n_rows: int) -> Indices:
    """Equal values get equal codes from 0; missing values are one value of their own."""
    array = _column(name, values, n_rows)
    array = array.astype(str) if array.dtype == object else array
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _moments(values: npt.ArrayLike, n_rows: int) -> npt.NDArray[Any]:
    array = _column("time", values, n_rows)
    try:
        array = array if array.dtype.kind in "iufMm" else array.astype("datetime64[us]")
    except (ValueError, TypeError) as error:
        raise SplitError("time must be numbers or dates; give dates as 2026-01-31 or as datetime values.") from error
    missing = np.flatnonzero(array != array)  # NaN and NaT alone differ from themselves.
    if missing.size:
        raise SplitError(
            f"time is missing in {missing.size} rows, first in row {missing[0] + 1}; fill in or drop them."
        )
    return array
