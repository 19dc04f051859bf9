"""Some rows of a table as plain numbers, for quick measurements that no network learns from."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices, Numbers
from goodfit.data.features.base import column_as
from goodfit.data.table import Table
from goodfit.data.target import Task

SCORES = {"binary": "auc", "multiclass": "accuracy", "regression": "r2"}
WIDEST = 64
"""Of more columns only those that say most by themselves are measured together."""


@dataclass(frozen=True, eq=False)
class ProbeData:
    """Rows of a table as numbers.

    rows: where they stand in the table. x: (n, columns), missing as NaN; numbers from the smallest up, dates as
    microseconds, categories as how many other values are more frequent. y: codes of classes from 0, or quantities.
    categories: which columns of x hold categories.
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
        """The quantity (n, 1), or for each class whether it is this one (n, classes)."""
        if self.task == "regression":
            return np.asarray(self.y, np.float64)[:, None]
        return np.eye(self.n_classes)[self.y.astype(np.int64)]

    @property
    def chance(self) -> float:
        """The score of knowing nothing."""
        if self.task == "multiclass":
            return float(np.bincount(self.y.astype(np.int64)).max() / len(self.y))
        return 0.5 if self.task == "binary" else 0.0

    @property
    def noise(self) -> float:
        """About the standard error of a score, from above: of AUC and accuracy by the rarer class, else by rows."""
        counts = np.bincount(self.y.astype(np.int64)) if self.task == "binary" else np.array([len(self.y)])
        return float(0.5 / np.sqrt(counts.min()))

    def narrowed(self, keep: Sequence[str] = ()) -> ProbeData:
        """Where columns are many, those that correlate most with the target, and those to be kept."""
        if len(self.names) <= WIDEST:
            return self
        x, y = (_standardised(np.nan_to_num(values)) for values in (self.x, self.targets))
        strength = np.abs(x.T @ y).max(axis=1)
        kept = {*np.argsort(-strength, kind="stable")[:WIDEST].tolist(), *map(self.names.index, keep)}
        return self.only(sorted(kept))

    def without(self, names: Container[str]) -> ProbeData:
        """Without these columns."""
        return self.only([j for j, name in enumerate(self.names) if name not in names])

    def only(self, columns: Sequence[int]) -> ProbeData:
        """These columns."""
        names = tuple(self.names[j] for j in columns)
        return replace(self, names=names, x=self.x[:, columns], categories=self.categories[list(columns)])


def draw_rows(rows: npt.ArrayLike, most: int, seed: int) -> Indices:
    """At most so many of these rows, ascending."""
    rows = np.asarray(rows, np.int64)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def make_probe_data(
    table: Table, rows: Indices, columns: Sequence[str], *, target: str, task: Task, seed: int
) -> ProbeData:
    """These rows and columns as numbers."""
    part = table.take(rows)
    kinds = [table.column(name).kind for name in columns]
    x = np.empty((len(rows), len(columns)))
    for j, (name, kind) in enumerate(zip(columns, kinds, strict=True)):
        x[:, j] = _numbers(part, name, kind)
    categories = np.array([kind not in ("number", "date") for kind in kinds], bool)
    return ProbeData(tuple(columns), rows, x, _target(part, target, task), categories, task, seed)


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
    _, codes, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-counts, kind="stable")).astype(np.float64)[codes]


def _for_float32(values: Numbers) -> Numbers:
    """From 0 up to 1e30: trees reckon in float32, where moments far from 0 would be one, and sums be infinite."""
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
    cells = table.values(target)
    codes: npt.NDArray[np.int64] = np.unique(cells.astype(str), return_inverse=True)[1].astype(np.int64)
    return codes
