"""Predictions as a CSV or Parquet file, by the ending of its name."""

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


def prediction_file(path: Path, prediction: Prediction, classes: Sequence[Label]) -> bytes:
    """Return the content of the file: column ``prediction``, and ``probability_<class>`` for each class.

    In CSV, labels that a spreadsheet would read as a formula get an apostrophe in front; numbers are unchanged.

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
    """Return the text, with an apostrophe in front if a spreadsheet would read it as a formula.

    Source: OWASP, CSV Injection.

    >>> [defused(text) for text in ("=1+1", "@x", "-", "-3.5", "a=b", "\\n=1", "　＝1")]
    ["'=1+1", "'@x", "'-", '-3.5', 'a=b', "'\\n=1", "'　＝1"]
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
