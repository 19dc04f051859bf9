"""All data checks, one line each, and the function that runs them."""

from collections.abc import Callable
from typing import Any

from goodfit.checks.check import SEVERITIES, Check, CheckCode, CheckSeverity
from goodfit.checks.drift import check_drift
from goodfit.checks.duplicates import check_duplicates
from goodfit.checks.groups import check_groups
from goodfit.checks.ids import check_ids
from goodfit.checks.imbalance import check_imbalance
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.leakage import check_leakage
from goodfit.checks.time_order import check_row_order, check_time_order
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Table
from goodfit.data.target import Task

__all__ = ["Check", "CheckCode", "CheckSeverity", "check_table"]

CHECKS: tuple[Callable[[CheckInputs], list[Check]], ...] = (
    check_ids,
    check_duplicates,
    check_drift,
    check_imbalance,
    check_time_order,
    check_groups,
    check_row_order,
    check_leakage,
)
"""In this order: a later check does not look at columns that an earlier one found to be no feature."""


def check_table(table: Table, splits: Splits, *, target: str, task: Task, **given: Any) -> tuple[Check, ...]:  # noqa: ANN401
    """Return everything that the data checks find, the most severe first.

    Args:
        table: the known rows. Only columns that it marks as used are looked at.
        splits: training and validation rows by their numbers in ``table``; no other row is read.
        task: as in ``Target.task``.
        given: seed, group, time, weighted, held_out and thresholds of ``CheckInputs``.
    """
    apart = (target, given.get("group"), given.get("time"))
    columns = tuple(column.name for column in table.schema if column.used and column.name not in apart)
    if not columns:
        return ()
    data = CheckInputs(table=table, splits=splits, columns=columns, target=target, task=task, **given)
    for check in CHECKS:
        data = data.after(check(data))
    return tuple(sorted(data.found, key=lambda check: SEVERITIES.index(check.severity)))
