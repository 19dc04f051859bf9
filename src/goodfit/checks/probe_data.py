"""Some rows of a table as plain numbers, for the probe model and other measurements before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices, Numbers
from goodfit.data.columns.convert import one_array, text_codes
from goodfit.data.features.base import column_as
from goodfit.data.table import Table
from goodfit.data.target import Task

SCORES = {"binary": "auc", "multiclass": "accuracy", "regression": "r2"}
MOST_PROBE_COLUMNS = 64
"""Of more columns only those that correlate most with the target are measured together."""


@dataclass(frozen=True, eq=False)
class ProbeData:
    """Rows of a table as numbers.

    rows: their numbers in the table. x: (n, columns), NaN where missing; numbers and dates (in microseconds) less their
    minimum, categories as their rank by frequency. y: class codes from 0, or quantities. categories: which columns of x
    hold categories.
    """

    names: tuple[str, ...]
    rows: Indices
    x: Numbers
    y: npt.NDArray[np.int64] | Numbers
    categories: npt.NDArray[np.bool_]
    task: Task
    seed: int

    @property
    def metric(self) -> str:
        return SCORES[self.task]

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1

    @property
    def targets(self) -> Numbers:
        """The quantity (n, 1), or 1 for the class of a row and 0 for others (n, classes)."""
        if self.task == "regression":
            return np.asarray(self.y, np.float64)[:, None]
        return np.eye(self.n_classes)[self.y.astype(np.int64)]

    @property
    def chance(self) -> float:
        """The score of a constant prediction."""
        if self.task == "multiclass":
            return float(np.bincount(self.y.astype(np.int64)).max() / len(self.y))
        return 0.5 if self.task == "binary" else 0.0

    @property
    def noise(self) -> float:
        """An upper estimate of the standard error of a score: by rows, or those of the rarer of two classes."""
        counts = np.bincount(self.y.astype(np.int64)) if self.task == "binary" else np.array([len(self.y)])
        return float(0.5 / np.sqrt(counts.min()))

    def narrowed(self, keep: Sequence[str] = ()) -> ProbeData:
        """The columns that correlate most with the target, if there are many, and those in ``keep``."""
        if len(self.names) <= MOST_PROBE_COLUMNS:
            return self
        x, y = (_standardised(np.nan_to_num(values)) for values in (self.x, self.targets))
        strength = np.abs(x.T @ y).max(axis=1)
        kept = {*np.argsort(-strength, kind="stable")[:MOST_PROBE_COLUMNS].tolist(), *map(self.names.index, keep)}
        return self.only(sorted(kept))

    def only(self, columns: Sequence[int]) -> ProbeData:
        """Some of the columns, by position."""
        names = tuple(self.names[j] for j in columns)
        return replace(self, names=names, x=self.x[:, columns], categories=self.categories[list(columns)])


def draw_rows(rows: npt.ArrayLike, most: int, seed: int) -> Indices:
    """Return at most ``most`` of these rows, drawn at random, ascending."""
    rows = np.asarray(rows, np.int64)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def make_probe_data(
    table: Table, rows: Indices, columns: Sequence[str], *, target: str, task: Task, seed: int
) -> ProbeData:
    """Return these rows and columns as numbers."""
    part = table.take(rows)
    kinds = [table.column(name).kind for name in columns]
    x = np.empty((len(rows), len(columns)))
    for j, (name, kind) in enumerate(zip(columns, kinds, strict=True)):
        x[:, j] = _numbers(part, name, kind)
    categories = np.array([kind not in ("number", "date") for kind in kinds], bool)
    return ProbeData(tuple(columns), rows, x, _target(part, target, task), categories, task, seed)


def value_codes(table: Table, name: str) -> Indices:
    """Return for each row which of the column's different values it has; missing is one of them."""
    codes = one_array(table.arrow[name]).dictionary_encode(null_encoding="encode").indices
    return np.asarray(codes).astype(np.int64)


def _standardised(values: Numbers) -> Numbers:
    spread = values.std(axis=0)
    scaled: Numbers = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _numbers(table: Table, name: str, kind: str) -> Numbers:
    values = table.values(name)
    if kind == "number":
        return _for_float32(values)
    if kind == "date":
        moments = values.astype("datetime64[us]")
        return _for_float32(np.where(np.isnat(moments), np.nan, moments.astype(np.float64)))
    codes = text_codes(values)
    return np.argsort(np.argsort(-np.bincount(codes), kind="stable")).astype(np.float64)[codes]


def _for_float32(values: Numbers) -> Numbers:
    """From 0 up to 1e30: trees compute in float32, where moments far from 0 would be equal, and sums infinite."""
    if np.isnan(values).all():
        return values
    low, high = np.nanmin(values), np.nanmax(values)
    with np.errstate(over="ignore"):
        return values - low if high - low < 1e30 else values / max(-low, high)


def _target(table: Table, target: str, task: Task) -> npt.NDArray[np.int64] | Numbers:
    if task == "regression":
        values: Numbers = column_as(table, target, "number").to_numpy()
        spread = float(np.abs(values).max()) or 1.0
        return values / spread
    return text_codes(table.values(target))
