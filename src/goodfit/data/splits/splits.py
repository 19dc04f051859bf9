"""Train, validation and test rows.

First the test rows are held out (`test_size` of all rows), then the validation rows (`validation_split` of the rest),
so 1000 rows become 640 / 160 / 200. rules.py says how one split is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.splits.rules import Rule, Split, hold_out, min_units, validate_seed
from goodfit.errors import SplitError
from goodfit.validation import validate_size


@dataclass(frozen=True, eq=False)
class Splits:
    """Row numbers of each split: int64, counted from 0, ascending, read-only; no row is in two splits.

    `rule` says how they were made ("random", "stratified", "last", "group", "time", "duplicates" or the class name of a
    splitter), `seed` with which seed; the same seed, arguments and arrays give the same splits.
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
        """Return the three arrays by name, as `from_arrays` takes them."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def known(self) -> Indices:
        """Training and validation rows, ascending."""
        return np.sort(np.concatenate([self.train, self.validation]))

    @property
    def among_known(self) -> Splits:
        """The same rows by their places in the table of known rows, in which there are no test rows."""
        train, validation = (np.searchsorted(self.known, rows) for rows in (self.train, self.validation))
        return Splits(train, validation, self.test[:0], self.rule, self.seed)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike], *, rule: str, seed: int) -> Splits:
        """Return the splits of recorded arrays; SplitError if one is missing or a row is in two splits."""
        if missing := {"train", "validation", "test"} - set(arrays):
            raise SplitError(f"The recorded splits lack {', '.join(sorted(missing))}: make the splits again.")
        train, validation, test = (np.array(arrays[name], np.int64) for name in ("train", "validation", "test"))
        together = np.concatenate([train, validation, test])
        if together.size != np.unique(together).size or together.min(initial=0) < 0:
            raise SplitError("The recorded splits name a row twice or below 0: make the splits again.")
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
) -> Splits:
    """Put every row into the train, the validation or the test split.

    Args:
        test_size: fraction of all rows, or a number of rows; 0 for no test rows.
        validation_split: fraction of the remaining rows.
        split: how rows are chosen.

            * "random": shuffled with `seed`. With class labels in `stratify` each class is held out in proportion: its
              exact share rounded up or down, and exactly that share on average. Training keeps a row of every class; a
              class of two rows gives the other one to validation or test while there is room.
            * "last": the last rows as they are, unshuffled, as Keras does.
            * "group": whole groups; fractions count groups.
            * "time": earlier rows train, later ones validate, the latest test. Rows of the same time stay in one split:
              the boundary moves to the nearest change of time, if there is one.
            * a scikit-learn splitter: its last split, once for test and again for validation. It gets `stratify` as y,
              and a random_state from `seed` if it has none. Its own settings say how many rows are held out; test_size
              only says whether any are. Rows that it omits are in no split.
        stratify: class labels, one for each row; ignored by "last", "group" and "time".
        groups: group of each row.
        time: time of each row, as numbers or dates.

    Raises:
        SplitError: a fraction outside (0, 1), an array that does not fit, or too few rows; the message names the
            argument, and the smallest number of rows that works.

    >>> splits = make_splits(1000, seed=7)
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (640, 160, 200)
    >>> make_splits(10, test_size=0, split="last").validation
    array([8, 9])
    """
    validate_seed(seed)
    validate_size("test_size", test_size, zero=True, counts=True)
    validate_size("validation_split", validation_split)
    rule = Rule.of(n_rows, split=split, stratify=stratify, groups=groups, time=time)
    rows = np.arange(n_rows)
    keep = min_units(validation_split, rule.min_kept(rows))
    rule.require(min_units(test_size, keep), rows, f"test_size={test_size} and validation_split={validation_split}")
    rest, test = hold_out(rule, rows, test_size, seed=(seed, 0), kept=keep) if test_size else (rows, rows[:0])
    train, validation = hold_out(rule, rest, validation_split, seed=(seed, 1), pairs=True)
    return Splits(train, validation, test, rule.name, int(seed))


def missing_classes(splits: Splits, labels: npt.ArrayLike) -> dict[str, tuple[Any, ...]]:
    """Return, for each split that has rows but lacks classes of the table, these classes.

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
