"""What every data check receives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from goodfit.arrays import Indices
from goodfit.checks.check import Check
from goodfit.checks.probe_data import ProbeData, draw_rows, make_probe_data
from goodfit.checks.thresholds import THRESHOLDS, CheckThresholds
from goodfit.data.row_keys import HeldOutKeys
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Table
from goodfit.data.target import Task

PROBE_ROWS = 3000
"""Rows that the probe model is measured on: standard errors of about 0.01."""


NO_FEATURES = ("id", "time_order", "groups")
"""Findings whose columns say which row it is, not what is in it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckInputs:
    """A table of known rows and what the training was asked to do with it.

    table: training and validation rows, in the order of the file, and no others. splits: their numbers in ``table``.
    columns: the features. group, time, weighted: what the training was given, so that it is not advised
    again. held_out: None where no rows are held out. found: what earlier checks found.
    """

    table: Table
    splits: Splits
    columns: tuple[str, ...]
    target: str
    task: Task
    seed: int = 0
    group: str | None = None
    time: str | None = None
    weighted: bool = False
    held_out: HeldOutKeys | None = None
    found: tuple[Check, ...] = ()
    thresholds: CheckThresholds = THRESHOLDS

    @cached_property
    def probe(self) -> ProbeData:
        """All columns of at most `PROBE_ROWS` rows as numbers."""
        return self.probe_of(draw_rows(np.arange(self.table.n_rows), PROBE_ROWS, self.seed), self.columns)

    def probe_of(self, rows: Indices, columns: Iterable[str]) -> ProbeData:
        """These rows and columns as numbers."""
        return make_probe_data(self.table, rows, tuple(columns), target=self.target, task=self.task, seed=self.seed)

    def after(self, found: list[Check]) -> CheckInputs:
        """What the next check receives: these findings, and the columns that they do not name as no feature."""
        named = {name for check in found if check.code in NO_FEATURES for name in check.columns}
        columns = tuple(name for name in self.columns if name not in named)
        return replace(self, found=(*self.found, *found), columns=columns) if found else self
