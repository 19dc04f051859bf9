"""Read a table from a file of any format, a built-in data set or an object in memory."""

import gzip
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet

from goodfit.data.columns.names import did_you_mean
from goodfit.data.io.builtin import BUILTIN, read_builtin
from goodfit.data.io.frames import describe, read_frame
from goodfit.data.io.text import decode_text, read_delimited
from goodfit.errors import DataError


class Raw(NamedTuple):
    """A table as it is in its source, before the kinds of its columns are inferred."""

    columns: pa.Table
    name: str
    decimal_comma: bool = False


_ADVICE = {
    b"PK\x03\x04": "is a zip archive or an Excel file: unpack it, or save the sheet as CSV",
    b"BZh": "is compressed with bzip2: unpack it, or use gzip",
    b"\xfd7zXZ": "is compressed with xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it, or use gzip",
    b"SQLite format 3": "is a database: export the table as CSV or Parquet",
    b"\x89HDF": "is an HDF5 file: export the table as CSV or Parquet",
    b"FEA1": "is a Feather file of version 1: save it as Parquet",
    b"%PDF": "is a PDF document: give a table as CSV or Parquet",
}
_INDEX = re.compile(r"__index_level_\d+__")
_NOT_A_TABLE = {
    re.compile(rb"\s*(<!doctype|<html|<\?xml)", re.IGNORECASE): "is a web page or XML: give a table as CSV or Parquet",
    re.compile(rb"(\s*%[^\n]*\n|\s)*@relation\b", re.IGNORECASE): "is an ARFF file: save the table as CSV or Parquet",
    re.compile(rb"\s*\[\s*[\[{]"): "is a JSON array: write JSON lines, one object per line",
}


def read_source(source: object) -> Raw:
    """Return the columns of a file, a built-in data set, a data frame, a dict or an array.

    The format of a file is recognised by its first bytes, not its name: Parquet, Arrow, JSON lines, else text with one
    row per line; text may be compressed with gzip. The name of a built-in data set takes precedence over a file of the
    same name.

    Raises:
        DataError: the source is not a table.
    """
    if isinstance(source, str) and source in BUILTIN:
        return Raw(read_builtin(source), source)
    if isinstance(source, str | Path):
        raw = _read_file(Path(source).expanduser(), str(source))
    else:
        raw = Raw(read_frame(source), describe(source))
    return raw._replace(columns=_without_index(raw.columns))


def _without_index(columns: pa.Table) -> pa.Table:
    """Leave out the unnamed index that pandas stores; a named index is a column like any other."""
    return columns.select([i for i, name in enumerate(columns.column_names) if not _INDEX.fullmatch(name)])


def _read_file(path: Path, name: str) -> Raw:
    try:
        return _read_existing(path, name)
    except FileNotFoundError as error:
        file, hint = "file", "check the path"
        if "." not in name:
            file, hint = "file or built-in data set", did_you_mean(name, BUILTIN)
        raise DataError(f"there is no {file} {name!r}: {hint}") from error
    except IsADirectoryError as error:
        raise DataError(f"{name!r} is a folder: give the path of a file in it") from error
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zlib.error, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise DataError(f"{name!r} cannot be read ({reason}): fix or replace the file") from error


def _read_existing(path: Path, name: str) -> Raw:
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        return Raw(pyarrow.parquet.ParquetFile(path).read(), name)
    if head.startswith(b"ARROW1"):
        return Raw(pyarrow.ipc.open_file(path.read_bytes()).read_all(), name)
    if head.startswith(b"\xff\xff\xff\xff"):
        return Raw(pyarrow.ipc.open_stream(path.read_bytes()).read_all(), name)
    data = path.read_bytes()
    return _read_text(gzip.decompress(data) if head.startswith(b"\x1f\x8b") else data, name)


def _read_text(data: bytes, name: str) -> Raw:
    for magic, advice in _ADVICE.items():
        if data.startswith(magic):
            raise DataError(f"{name} {advice}")
    text = decode_text(data, name)
    for pattern, advice in _NOT_A_TABLE.items():
        if pattern.match(text):
            raise DataError(f"{name} {advice}")
    if re.match(rb"\s*\{", text):
        options = pyarrow.json.ReadOptions(block_size=min(len(text) + 1, 2**31 - 1))
        return Raw(pyarrow.json.read_json(pa.BufferReader(text), options), name)
    columns, decimal_comma = read_delimited(text, name)
    return Raw(columns, name, decimal_comma)
