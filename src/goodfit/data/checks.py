"""What is wrong with a table, found before training: each finding names columns or counts rows, and what repairs it."""

from goodfit.data.check import SEVERITIES, Check, CheckCode, CheckSeverity
from goodfit.data.parts import Parts
from goodfit.data.table import Table
from goodfit.data.target import Task
from goodfit.data.twins import check_duplicates

__all__ = ["Check", "CheckCode", "CheckSeverity", "check_table"]


def check_table(
    table: Table,
    parts: Parts,
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
    found = check_duplicates(table, parts, columns)
    return tuple(sorted(found, key=lambda check: SEVERITIES.index(check.severity)))
