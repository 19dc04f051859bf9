"""Tables in memory: data frames of any library, dicts of columns, arrays."""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from goodfit.data.columns.names import numbered_names
from goodfit.errors import DataError


def read_frame(frame: object) -> pa.Table:
    """Return the columns of a data frame (pandas, polars, pyarrow, duckdb), a dict or an array (n_rows, n_columns).

    Columns of an array are named column_1, column_2, ...

    Raises:
        DataError: another kind of object, columns of different length, or a column that mixes types.
    """
    if isinstance(frame, Mapping):
        return _from_arrays({str(name): values for name, values in frame.items()})
    if isinstance(frame, np.ndarray):
        return _from_array(frame)
    if not hasattr(frame, "__arrow_c_stream__"):
        raise DataError(f"a {describe(frame)} is not a table: give a path, a data frame, a dict or an array")
    try:
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _unreadable(frame, error) from error


def describe(frame: object) -> str:
    """Name the type of an object: "pandas DataFrame"."""
    library = type(frame).__module__.partition(".")[0].lstrip("_")
    return type(frame).__name__ if library == "builtins" else f"{library} {type(frame).__name__}"


def _from_array(array: np.ndarray) -> pa.Table:
    if array.ndim != 2:
        raise DataError(f"the array has shape {array.shape}: give a table of shape (rows, columns)")
    return _from_arrays(dict(zip(numbered_names(array.shape[1]), array.T, strict=True)))


def _from_arrays(columns: Mapping[str, object]) -> pa.Table:
    arrays = {name: _column(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"column {longest!r} has {lengths[longest]:,} rows and {shortest!r} {lengths[shortest]:,}: "
            "give columns of equal length"
        )
    return pa.table(arrays)


def _column(name: str, values: object) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"column {name!r} cannot be read ({_first_line(error)}): give values of one type") from error


def _unreadable(frame: object, error: Exception) -> DataError:
    conversion = re.search(r"Conversion failed for column (.+) with type", str(error.args[-1]) if error.args else "")
    if conversion:
        why = f"mixes values of several types ({_first_line(error)})"
        return DataError(f"column {conversion[1]!r} {why}: convert them to one type")
    return DataError(f"the {describe(frame)} cannot be read as a table ({_first_line(error)}): convert it first")


def _first_line(error: Exception) -> str:
    return str(error.args[0] if error.args else error).strip().split("\n")[0].rstrip(".")
