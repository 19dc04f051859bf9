"""Predictions as a CSV or Parquet file, by the ending of its name."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from goodfit.data.columns.convert import is_text
from goodfit.data.table import Table
from goodfit.data.target import Label, Prediction
from goodfit.errors import DataError

SUFFIXES = (".csv", ".parquet")
_FORMULA = re.compile(r"[\t\r\n]|\s*+[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def validate_output(path: Path, *, overwrite: bool) -> None:
    """Raise DataError if the name has neither ending, or the file exists and may not be replaced."""
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{str(path)!r} has no known format: name a file that ends in .csv or .parquet.")
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder: name a file in it.")
    if path.exists() and not overwrite:
        raise DataError(f"{str(path)!r} already exists: name another file, or replace it with overwrite=True.")


def carried_columns(table: Table, names: Sequence[str], classes: Sequence[Label]) -> dict[str, pa.ChunkedArray]:
    """Return columns that a file of predictions has in front, as they are in the table.

    Raises:
        DataError: a column is not there, or has the name of a column of predictions.
    """
    if isinstance(names, str):
        raise DataError(f"id_columns must be a list of names: id_columns=[{names!r}].")
    for name in names:
        table.column(name)
        if name == "prediction" or name in (f"probability_{c}" for c in classes):
            raise DataError(f"id_columns: {name!r} is the name of a column of predictions: rename it in the table.")
    source = table.arrow if table.raw is None else table.raw.columns
    return {name: source[name] for name in names}


def prediction_file(
    path: Path, prediction: Prediction, carried: Mapping[str, pa.ChunkedArray] = MappingProxyType({})
) -> bytes:
    """Return the content of the file: what is carried along, ``prediction``, and ``probability_<class>``.

    In CSV, labels that a spreadsheet would read as a formula get an apostrophe in front; numbers are unchanged.

    >>> import numpy as np
    >>> prediction_file(Path("x.csv"), Prediction(np.array(["=A1", "-2"]))).split()
    [b'"prediction"', b'"\\'=A1"', b'"-2"']
    """
    csv = path.suffix.lower() == ".csv"
    columns = {**carried, "prediction": pa.array(prediction.values)}
    if prediction.probabilities is not None:
        columns |= {f"probability_{c}": prediction.probabilities[:, k] for k, c in enumerate(prediction.classes)}
    table = pa.table({defused(name): _defused(column) for name, column in columns.items()} if csv else columns)
    sink = BytesIO()
    (pyarrow.csv.write_csv if csv else pyarrow.parquet.write_table)(table, sink)
    return sink.getvalue()


def _defused(column: Any) -> Any:  # noqa: ANN401
    """Texts that no spreadsheet reads as a formula; dictionaries become texts."""
    if isinstance(column, pa.Array | pa.ChunkedArray):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if is_text(column.type):
            return pa.array([None if text is None else defused(text) for text in column.to_pylist()], pa.string())
    return column


def defused(text: str) -> str:
    """Return the text, with an apostrophe in front if a spreadsheet would read it as a formula.

    Source: OWASP, CSV Injection.

    >>> [defused(text) for text in ("=1+1", "@x", "-", "-3.5", "a=b", "\\n=1", "　＝1")]
    ["'=1+1", "'@x", "'-", '-3.5', 'a=b', "'\\n=1", "'　＝1"]
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
