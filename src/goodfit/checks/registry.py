"""All data checks, one line each, and the function that runs them."""

from collections.abc import Callable

from goodfit.checks.check import SEVERITIES, Check, CheckCode, CheckSeverity
from goodfit.checks.drift import check_drift
from goodfit.checks.duplicates import check_duplicates
from goodfit.checks.groups import check_groups
from goodfit.checks.ids import check_ids
from goodfit.checks.imbalance import check_imbalance
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.leakage import check_leakage
from goodfit.checks.thresholds import THRESHOLDS, CheckThresholds
from goodfit.checks.time_order import check_row_order, check_time_order
from goodfit.data.row_keys import HeldOutKeys
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
    held_out: HeldOutKeys | None = None,
    thresholds: CheckThresholds = THRESHOLDS,
) -> tuple[Check, ...]:
    """Return everything that the data checks find, the most severe first.

    Args:
        table: the known rows. Only columns that it marks as used are looked at.
        splits: training and validation rows by their numbers in ``table``; no other row is read.
        task: as in ``Target.task``.
        group, time, class_weight: what the training was given, so that it is not advised again.
        held_out: returns the keys of the held-out rows under a rule (``row_keys``), for the duplicates check.
    """
    columns = [column.name for column in table.schema if column.used and column.name not in (target, group, time)]
    if not columns:
        return ()
    data = CheckInputs(
        table=table,
        splits=splits,
        columns=tuple(columns),
        target=target,
        task=task,
        seed=seed,
        group=group,
        time=time,
        weighted=class_weight is not None,
        held_out=held_out,
        thresholds=thresholds,
    )
    for check in CHECKS:
        data = data.after(check(data))
    return tuple(sorted(data.found, key=lambda check: SEVERITIES.index(check.severity)))
