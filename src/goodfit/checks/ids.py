"""Columns that number the rows."""

from collections.abc import Container, Sequence
from dataclasses import replace

from goodfit.checks.check import Check
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.time_order import is_time_name
from goodfit.data.row_keys import counts_rows
from goodfit.data.table import Table
from goodfit.formatting import join, printable

COUNTER_NOTE = "numbers the rows"


def check_ids(data: CheckInputs) -> list[Check]:
    """Find row counters among the features. Training drops them unless the user says what kind they are."""
    names = row_counters(data.table, data.columns)
    if not names:
        return []
    one = len(names) == 1
    sentence = (
        f"{join(map(printable, names))} {'numbers' if one else 'number'} the rows, so "
        f"{'its values mean' if one else 'their values mean'} nothing for new rows; drop {'it' if one else 'them'}."
    )
    change = {"drop": names} if len(names) < len(data.columns) else {}  # something must be left to learn from
    return [Check("id", "warning", tuple(names), 0, sentence, change=change)]


def without_row_counters(table: Table, counters: Container[str]) -> Table:
    """Return the table with these columns marked as not used."""
    schema = (replace(c, used=False, note=COUNTER_NOTE) if c.name in counters else c for c in table.schema)
    return replace(table, schema=tuple(schema))


def row_counters(table: Table, columns: Sequence[str]) -> list[str]:
    """Return the columns that hold 1…n, or most numbers of a range once each, in any order.

    Years and times are not among them, however regular: they say when.
    """
    numbers = (name for name in columns if table.column(name).kind == "number" and not is_time_name(name))
    n_rows = max(2 * table.n_rows, int(table.row_numbers.max(initial=0)) + 1)  # of the source, which may be larger
    return [name for name in numbers if counts_rows(table.values(name), n_rows)]
