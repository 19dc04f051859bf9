"""The seal travels: no row of an earlier run's exam becomes a training row of the run that starts from it."""

import warnings

from goodfit.errors import DataError, ExamError
from goodfit.experiment.prepare import Prepared
from goodfit.experiment.run_folder import Record
from goodfit.formatting import count, join
from goodfit.holdout.earlier_exam import met_before
from goodfit.holdout.sealed_rows import SealedRows


def validate_new_rows(prepared: Prepared, earlier: Record, exam: SealedRows) -> None:
    """Refuse known rows that the exam of an earlier run holds; warn of those that it has learned from.

    Rows are equal if all cells are that both tables have, except columns that were not used, such as row counters. A
    row that the earlier run knew as well is not held by its exam alone, and is not refused.

    Raises:
        DataError: a known row is held by the exam.
        ExamError: the rows cannot be recognised, since the earlier table or columns of it are not there.
    """
    if exam.seal() != earlier.seal:
        raise ExamError("its table has changed")
    needed = {*earlier.encoder.columns, earlier.target.name}
    if missing := sorted(needed - set(prepared.table.names)):
        raise ExamError(f"this table lacks {join(missing, most=5)}")
    compared = [c for c in earlier.schema if (c.used or c.kind == "id") and c.name in prepared.table.names]
    table = prepared.table.override(kinds={c.name: c.kind for c in compared})
    met = met_before(table, exam, earlier.splits.known, [c.name for c in compared])
    if len(met.sealed):
        first = int(table.row_numbers[met.sealed[0]]) + 1
        rows = count(len(met.sealed), "row")
        raise DataError(
            f"The exam of the earlier run holds {rows} of {table.source}, the first is row {first:,}: leave them out, "
            "since a network that has learned from them cannot be tested by them."
        )
    if len(met.known):
        warnings.warn(
            f"The earlier run has learned from {count(len(met.known), 'row')} of {table.source}: where they are "
            "validation or test rows, its network looks better than it is.",
            UserWarning,
            stacklevel=4,
        )
