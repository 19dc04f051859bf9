"""Read a table from a file of any format, a built-in data set or an object in memory."""

import gzip
import re
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet

from goodfit.data.io.builtin import read_builtin
from goodfit.data.io.frames import describe, read_frame
from goodfit.data.io.json_depth import validate_depth
from goodfit.data.io.names import BUILTIN, is_folder, not_found
from goodfit.data.io.text import decode_text, read_delimited, validate_width
from goodfit.errors import DataError
from goodfit.files import FileMark, UnsafeFile, is_stream, mark_of, memory, read_file, read_stream


class Raw(NamedTuple):
    """A table as it is in its source, before the kinds of its columns are inferred. file: None if it is no file."""

    columns: pa.Table
    name: str
    decimal_comma: bool = False
    file: FileMark | None = None


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
    re.compile(rb"\s*+(<!doctype|<html|<\?xml)", re.IGNORECASE): "is a web page or XML: give a table as CSV or Parquet",
    re.compile(
        rb"(?:\s++|%[^\n]*+\n)*+@relation\b", re.IGNORECASE
    ): "is an ARFF file: save the table as CSV or Parquet",
    re.compile(rb"\s*+\[\s*+[\[{]"): "is a JSON array: write JSON lines, one object per line",
}
"""Quantifiers are possessive, so that no text makes a pattern slow."""
_EXPANSION, _SMALL = 200, 256 << 20
"""A compressed table may become 200 times as large as its file, or 256 MB, but no more than a quarter of the memory."""


def read_source(source: object, *, expected: FileMark | None = None) -> Raw:
    """Return the columns of a file, a built-in data set, a data frame, a dict or an array.

    The format of a file is recognised by its first bytes, not its name: Parquet, Arrow, JSON lines, else text with one
    row per line; text may be compressed with gzip. The name of a built-in data set takes precedence over a file of the
    same name. "-" is standard input, and "/dev/fd/63" what a shell gives for <(…); any other pipe, and every device,
    is refused.

    Args:
        expected: size and SHA-256 that the file must have; it is not looked at otherwise.

    Raises:
        DataError: the source is not a table, or not the file that is expected.
    """
    if isinstance(source, str) and source in BUILTIN:
        return Raw(read_builtin(source), source)
    if isinstance(source, str | Path):
        raw = _read_file(Path(source).expanduser(), str(source), expected)
    else:
        raw = Raw(read_frame(source), describe(source))
    return raw._replace(columns=raw.columns.select(without_index(raw.columns.column_names)))


def without_index(names: Sequence[str]) -> list[int]:
    """Return the places of the columns but for the unnamed index that pandas stores; a named index is a column."""
    return [place for place, name in enumerate(names) if not _INDEX.fullmatch(name)]


def _read_file(path: Path, name: str, expected: FileMark | None) -> Raw:
    try:
        content = _content(path, name, expected)
        raw = _parsed(content, name)
        validate_width(raw.columns.num_columns, name)
        return raw._replace(file=mark_of(content))
    except FileNotFoundError as error:
        raise not_found(name) from error
    except IsADirectoryError as error:
        raise is_folder(name) from error
    except UnsafeFile as error:
        raise DataError(f"{name!r} {error.strerror}: give a file that is complete, or - for standard input") from error
    except DataError:
        raise
    except (OSError, ValueError, EOFError, MemoryError, zlib.error, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise DataError(f"{name!r} cannot be read ({reason}): fix or replace the file") from error


def _content(path: Path, name: str, expected: FileMark | None) -> bytes:
    """The bytes of the file, which are those that are expected."""
    if expected is None:
        limit = memory() // 4
        return read_stream(name, limit=limit) if is_stream(name) else read_file(path, limit=limit, links=True)
    content = read_file(path, limit=expected.size, links=True)
    if mark_of(content) != expected:
        raise DataError(f"{name!r} has changed since the training")
    return content


def _parsed(data: bytes, name: str) -> Raw:
    if data.startswith(b"PAR1"):
        return Raw(_parquet(data, name), name)
    if data.startswith(b"ARROW1"):
        return Raw(_valid(pyarrow.ipc.open_file(data).read_all()), name)
    if data.startswith(b"\xff\xff\xff\xff"):
        return Raw(_valid(pyarrow.ipc.open_stream(data).read_all()), name)
    return _read_text(_unpacked(data, name) if data.startswith(b"\x1f\x8b") else data, name)


def _parquet(data: bytes, name: str) -> pa.Table:
    file = pyarrow.parquet.ParquetFile(pa.BufferReader(data))
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    cells = sum(group.num_rows * group.num_columns for group in groups)
    _validate_expansion(8 * cells, len(data), name)
    return _valid(file.read(use_threads=False))


def _unpacked(data: bytes, name: str) -> bytes:
    """The content of a gzip file."""
    limit = _expansion_limit(len(data))
    with gzip.GzipFile(fileobj=BytesIO(data)) as file:
        text = file.read(limit + 1)
    _validate_expansion(len(text), len(data), name)
    return text


def _expansion_limit(packed: int) -> int:
    return min(max(_SMALL, _EXPANSION * packed), memory() // 4)


def _validate_expansion(unpacked: int, packed: int, name: str) -> None:
    if not 0 <= unpacked <= _expansion_limit(packed):
        raise DataError(f"{name!r} becomes too large when it is unpacked: unpack it first, and check what is in it")


def validate_no_other_format(data: bytes, name: str) -> None:
    """Raise DataError if a file begins as one of a format that is not read."""
    for magic, advice in _ADVICE.items():
        if data.startswith(magic):
            raise DataError(f"{name} {advice}")


def is_json(text: bytes, name: str) -> bool:
    """Whether a text is JSON lines, not a table of cells; DataError if it is neither."""
    for pattern, advice in _NOT_A_TABLE.items():
        if pattern.match(text):
            raise DataError(f"{name} {advice}")
    return bool(re.match(rb"\s*+\{", text))


def _valid(table: pa.Table) -> pa.Table:
    """The table after every offset, length and text in it was checked: Arrow trusts them from here on."""
    table.validate(full=True)
    return table


def _read_text(data: bytes, name: str) -> Raw:
    validate_no_other_format(data, name)
    text = decode_text(data, name)
    if is_json(text, name):
        validate_depth(text, name)
        options = pyarrow.json.ReadOptions(use_threads=False, block_size=min(len(text) + 1, 2**31 - 1))
        return Raw(pyarrow.json.read_json(pa.BufferReader(text), options), name)
    columns, decimal_comma = read_delimited(text, name)
    return Raw(columns, name, decimal_comma)
