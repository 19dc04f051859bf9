"""What is wrong with a table, found before training: each finding names columns or counts rows, and what repairs it."""

from collections.abc import Sequence

import numpy as np

from goodfit.checks.check import SEVERITIES, Check, CheckCode, CheckSeverity
from goodfit.checks.drift import check_drift, check_ids, check_rare_classes
from goodfit.checks.duplicates import check_duplicates
from goodfit.checks.leakage import check_leaks
from goodfit.checks.probe_data import ProbeData, draw_rows, make_probe_data
from goodfit.checks.time_order import (
    ALIKE,
    alike,
    check_groups,
    check_time,
    group_codes,
    group_columns,
    rows_of_groups,
    time_columns,
)
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Table
from goodfit.data.target import Task

__all__ = ["Check", "CheckCode", "CheckSeverity", "check_table"]

ROWS = 3000
"""Rows that are measured on: enough for a standard error of 0.01."""


def check_table(
    table: Table,
    splits: Splits,
    *,
    target: str,
    task: Task,
    group: str | None = None,
    time: str | None = None,
    class_weight: object = None,
    seed: int = 0,
) -> tuple[Check, ...]:
    """All that was found, serious first.

    Looked at are the columns that the table marks as used. Of the test rows nothing is looked at but whether a row
    also stands among the others, never their target.

    task: as in `Target.task`. group, time, class_weight: what the training was given, so that it is not advised again.
    """
    columns = [column.name for column in table.schema if column.used and column.name not in (target, group, time)]
    if not columns:
        return ()
    known = np.sort(np.concatenate([splits.train, splits.validation]))
    sample = make_probe_data(table, draw_rows(known, ROWS, seed), columns, target=target, task=task, seed=seed)
    ids, times = check_ids(table, columns), time_columns(table, columns)
    counters = {name for check in ids for name in check.columns}
    related = [
        *([] if time else _check_order(table, splits, sample, times)),
        *_check_groups(table, splits, sample, target),
    ]
    found = [
        *related,
        *check_duplicates(
            table, splits, [name for name in columns if name not in counters], target=target, task=task, seed=seed
        ),
        *check_leaks(sample.without({*times} | {name for check in related for name in check.columns})),
        *ids,
        *check_rare_classes(table, splits, target=target, task=task, weighted=class_weight is not None),
        *check_drift(table, splits, [*columns, target], seed=seed),
    ]
    return tuple(sorted(found, key=lambda check: SEVERITIES.index(check.severity)))


def _check_order(table: Table, splits: Splits, sample: ProbeData, times: Sequence[str]) -> list[Check]:
    """The first column that orders the rows in time and whose order matters."""
    if splits.rule in ("time", "last"):
        return []
    for name in times:
        if found := check_time(sample.narrowed([name]), name, table.values(name)[sample.rows]):
            return found
    return []


def _check_groups(table: Table, splits: Splits, sample: ProbeData, target: str) -> list[Check]:
    """The column that names groups whose rows are most alike."""
    known = np.sort(np.concatenate([splits.train, splits.validation]))
    strength, rows = {}, {}
    for name in group_columns(table, splits, sample):
        rows[name] = rows_of_groups(group_codes(table, name), known, ROWS, sample.seed)
        strength[name] = alike(
            make_probe_data(table, rows[name], [name], target=target, task=sample.task, seed=sample.seed), 0
        )
    best = max(strength, key=lambda name: strength[name], default=None)
    if best is None or strength[best] < ALIKE:
        return []
    grouped = make_probe_data(
        table, rows[best], sample.names, target=target, task=sample.task, seed=sample.seed
    ).narrowed([best])
    return check_groups(grouped, grouped.names.index(best))
