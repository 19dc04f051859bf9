"""Small data sets that come with goodfit, for a first try without any file."""

from importlib.resources import files

import pyarrow as pa
import pyarrow.parquet

BUILTIN = ("breast_cancer", "digits", "wine", "iris", "diabetes")
"""Names of the built-in data sets. They are those of scikit-learn, which would take ten times as long to import."""


def read_builtin(name: str) -> pa.Table:
    """Return a built-in data set; its last column, "target", holds class names, or the measure of `diabetes`."""
    content = (files(__package__) / "builtin_sets" / f"{name}.parquet").read_bytes()
    return pyarrow.parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
