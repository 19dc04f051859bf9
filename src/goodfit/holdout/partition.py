"""The one door between a table and its test rows: known rows leave it as a table, test rows stay sealed."""

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.choices import AskedTask, MissingTarget
from goodfit.data.row_keys import duplicate_groups
from goodfit.data.splits.rules import Split
from goodfit.data.splits.splits import Splits, make_splits, missing_classes
from goodfit.data.table import Source, Table
from goodfit.data.target import Target, fit_target
from goodfit.errors import DataError
from goodfit.formatting import count, join
from goodfit.holdout.sealed_rows import SealedRows


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """How rows are put into splits; the attributes are those of ``goodfit.Settings``."""

    split: Split | str
    group: str | None
    time: str | None
    task: AskedTask
    test_size: float
    validation_split: float
    seed: int
    missing_target: MissingTarget


@dataclass(frozen=True, eq=False)
class Partition:
    """A table after the split.

    splits: row numbers in the source. known: the table of training and validation rows, in the order of the source; its
    kinds are inferred from these rows alone. sealed: the test rows.
    """

    splits: Splits
    known: Table
    sealed: SealedRows


def partition(source: Source, target: str, options: SplitOptions) -> Partition:
    """Split a table into known rows and sealed test rows.

    What is read of test rows is what the split depends on: labels, so that every class is in each split in proportion,
    and the column that groups or orders the rows; for split="duplicates" which rows are equal.

    Rows without a value of the target are in no split, unless ``options.missing_target`` is ``error``.

    Raises:
        DataError: the target has missing cells, or cannot be predicted. SplitError: the rows cannot be split so.
    """
    for name, asked in (("target", target), ("group", options.group), ("time", options.time)):
        source.validate_names([asked] if asked is not None else [], name)
        if name != "target" and asked == target:
            raise DataError(f"{name} names the target {target!r}: name another column.")
    column = source.read(names=[target])
    rows = _rows_with_target(column, options.missing_target)
    labels, codes = _labels(column.take(rows), options.task)
    by_duplicates = options.split == "duplicates"
    groups = duplicate_groups(source.read(rows), target) if by_duplicates else _values(source, options.group, rows)
    among = make_splits(
        len(rows),
        test_size=options.test_size,
        validation_split=options.validation_split,
        seed=options.seed,
        split="group" if by_duplicates else cast(Split, options.split),
        stratify=codes,
        groups=groups,
        time=_values(source, options.time, rows),
    )
    if codes is not None:
        _warn_of_missing_classes(among, labels, codes)
    train, validation, test = (rows[places] for places in among.arrays().values())
    splits = Splits(train, validation, test, "duplicates" if by_duplicates else among.rule, among.seed)
    known = source.read(splits.known)
    return Partition(splits, known, SealedRows(source, splits.test, known.schema))


def _rows_with_target(column: Table, missing: MissingTarget) -> Indices:
    """Numbers of the rows that have a value of the target; all of them where missing ones are an error."""
    rows = np.arange(column.n_rows)
    lacking = column.arrow[0].is_null().to_numpy()
    if missing == "error" or not lacking.any() or lacking.all():
        return rows
    warn_of_rows_without_target(column.names[0], int(lacking.sum()), len(rows))
    return np.flatnonzero(~lacking)


def warn_of_rows_without_target(target: str, n_lacking: int, n_rows: int) -> None:
    """Say how many rows are left out because they have no value of the target."""
    are = ("has", "is") if n_lacking == 1 else ("have", "are")
    told = f"{n_lacking:,} of {count(n_rows, 'row')} {are[0]} no value of {target!r} and {are[1]} left out."
    warnings.warn(told, UserWarning, stacklevel=6)


def _labels(column: Table, task: AskedTask) -> tuple[Target, npt.NDArray[Any] | None]:
    """The target as all rows have it, and the class of each row; None for a quantity."""
    whole = fit_target(column, column.names[0], np.arange(column.n_rows), task=task)
    return whole, None if whole.task == "regression" else whole.encode(column)


def _values(source: Source, name: str | None, rows: Indices) -> npt.NDArray[Any] | None:
    return None if name is None else source.read(rows, names=[name]).values(name)


def _warn_of_missing_classes(splits: Splits, target: Target, codes: npt.NDArray[Any]) -> None:
    for split, absent in missing_classes(splits, codes).items():
        names = join([repr(target.classes[code]) for code in absent], most=5)
        effect = "it cannot be learned" if split == "train" else "it cannot be evaluated there"
        warnings.warn(
            f"the {split} rows have none of class {names}, so {effect}: give more rows, or another split.",
            UserWarning,
            stacklevel=5,
        )
