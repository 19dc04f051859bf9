"""The table of an earlier training, opened again where the run folder says it is."""

import warnings

from goodfit.data.io.blocks import Blocks
from goodfit.data.io.names import BUILTIN
from goodfit.data.table import Source
from goodfit.errors import DataError
from goodfit.experiment.opening import open_table
from goodfit.experiment.settings import Settings
from goodfit.files import FileMark, machine
from goodfit.formatting import printable


def reopen_source(
    source: str, file: FileMark | None, of_machine: str, *, settings: Settings, purpose: str
) -> Source | Blocks:
    """Open a built-in table, or the very file of the training.

    Args:
        file: the size and SHA-256 that the file had. of_machine: on which the training was begun.
        settings: kinds of columns, and columns to be left out.
        purpose: for which the table is needed, in the words of an error.

    Raises:
        DataError: the table was in memory, or the file is not there or has changed.
    """
    validate_reopened(source, file, of_machine, purpose=purpose)
    return open_table(source, settings, expected=file)


def validate_reopened(source: str, file: FileMark | None, of_machine: str, *, purpose: str) -> None:
    """Raise DataError unless a run says which table it was trained on; warn where that was on another machine."""
    if not source:
        raise DataError(f"The run was trained on a table in memory or from a pipe: give that table to {purpose}.")
    if file is None and source not in BUILTIN:
        raise DataError(f"The run does not say which file {source!r} was: give the training table to {purpose}.")
    if file is not None and of_machine != machine():
        name = printable(source, longest=300)
        told = f"the run folder is of another machine; reading the table that it names: {name}"
        warnings.warn(told, UserWarning, stacklevel=5)
