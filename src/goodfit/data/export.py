"""Predictions as a file: CSV or Parquet, told by how its name ends."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from goodfit.data.target import Label, Prediction
from goodfit.errors import DataError

SUFFIXES = (".csv", ".parquet")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def validate_output(path: Path, *, overwrite: bool) -> None:
    """DataError if the name does not say a format, or something is there already that may not be replaced."""
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{str(path)!r} does not say a format: name a file (--out) that ends in .csv or .parquet.")
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder: name a file in it (--out).")
    if path.exists() and not overwrite:
        raise DataError(f"{str(path)!r} is there already: name another file (--out), or replace it (--force).")


def prediction_file(path: Path, prediction: Prediction, classes: Sequence[Label]) -> bytes:
    """The content of a file of this name: column ``prediction``, and ``probability_<class>`` for each class.

    In CSV, labels that a spreadsheet would take for a formula get an apostrophe in front; numbers stay as they are.

    >>> import numpy as np
    >>> prediction_file(Path("x.csv"), Prediction(np.array(["=A1", "-2"]), None), ()).split()
    [b'"prediction"', b'"\\'=A1"', b'"-2"']
    """
    csv = path.suffix.lower() == ".csv"
    labels = pa.array(prediction.values)
    if csv and pa.types.is_string(labels.type):
        labels = pa.array([defused(label) for label in labels.to_pylist()])
    columns = {"prediction": labels}
    if prediction.probabilities is not None:
        columns |= {f"probability_{c}": prediction.probabilities[:, k] for k, c in enumerate(classes)}
    sink = BytesIO()
    (pyarrow.csv.write_csv if csv else pyarrow.parquet.write_table)(pa.table(columns), sink)
    return sink.getvalue()


def defused(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet would take it for a formula.

    Source: OWASP, CSV Injection.

    >>> [defused(text) for text in ("=1+1", "@x", "-", "-3.5", "a=b")]
    ["'=1+1", "'@x", "'-", '-3.5', 'a=b']
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
