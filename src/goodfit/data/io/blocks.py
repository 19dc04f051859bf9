"""Files that are larger than memory, read in blocks of rows: text with one row a line, Parquet, or a folder of either.

Whatever a file means when it is read as a whole, it means here: encoding, separator, header, quotes and missing cells
are found in the same way. What the whole file decides there (its encoding, whether it has quotation marks) is decided
here by one pass over its bytes, which also takes their SHA-256; the separator and the header by its first megabyte.
"""

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from goodfit.data.columns.convert import plain_array
from goodfit.data.columns.names import complete_names
from goodfit.data.io.files import is_json, validate_no_other_format, without_index
from goodfit.data.io.names import not_found
from goodfit.data.io.text import TextFormat, decode_text, find_text_format, open_delimited
from goodfit.errors import DataError
from goodfit.files import FileMark, UnsafeFile, Version, scan_file, version_of
from goodfit.formatting import count

_START_BYTES = 1 << 20
"""Start of a text by which its separator and its header are found; files are scanned in pieces of this size."""
_UNDEFINED = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
"""Bytes that Windows-1252 does not define: text that has one of them is read as Latin-1."""
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class BlockFile:
    """One file of a table.

    mark: size and SHA-256. version: as it was when that was taken. packed: with gzip. encoding: a name for ``codecs``.
    text: how it is written; None for Parquet. columns: the place of each column of the table in the file.
    """

    path: Path
    mark: FileMark
    version: Version
    packed: bool
    encoding: str
    text: TextFormat | None
    schema: pa.Schema
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Blocks:
    """A table in files, in the order of their names.

    name: as the user gave it. mark: of the file; of several, total size and SHA-256 of their marks. schema: columns as
    they are read, text as strings. block_bytes: about how large a block is.
    """

    name: str
    files: tuple[BlockFile, ...]
    mark: FileMark
    schema: pa.Schema
    decimal_comma: bool
    block_bytes: int

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield all rows in order, in blocks of plain columns.

        Raises:
            DataError: a file has changed, or a row cannot be read.
        """
        for file in self.files:
            with _explained(str(file.path)):
                self._validate_unchanged(file)
                for batch in _text_batches(file, self.block_bytes) if file.text else self._parquet_batches(file):
                    yield self._plain(batch, file)
                self._validate_unchanged(file)

    @property
    def file(self) -> FileMark:
        """The mark, as a ``Source`` has it."""
        return self.mark

    def _validate_unchanged(self, file: BlockFile) -> None:
        if version_of(file.path) != file.version:
            raise DataError(f"{str(file.path)!r} changed while it was read: train on a copy that nothing writes to")

    def _parquet_batches(self, file: BlockFile) -> Iterator[pa.RecordBatch]:
        rows = max(1, self.block_bytes // (8 * len(self.schema)))
        # Buffers of all columns of a row group at once would be as large as the row group.
        with pyarrow.parquet.ParquetFile(file.path, pre_buffer=False, buffer_size=_START_BYTES) as opened:
            yield from opened.iter_batches(batch_size=rows, use_threads=False)

    def _plain(self, batch: pa.RecordBatch, file: BlockFile) -> pa.Table:
        batch.validate(full=True)
        columns = []
        for field, place in zip(self.schema, file.columns, strict=True):
            try:
                columns.append(plain_array(pa.chunked_array([batch.column(place).cast(field.type)])))
            except pa.ArrowException as error:
                raise DataError(f"column {field.name!r} of {file.path} cannot be read ({error}): drop it") from error
        return pa.table(columns, self.schema.names)


def open_blocks(source: str | Path, *, block_bytes: int, expected: FileMark | None = None) -> Blocks:
    """Look at the files of a table once, and return it.

    Args:
        source: a file, or a folder of files that all are text, or all Parquet, with the same columns. Files whose name
            begins with a dot or an underscore are left out, as are folders.
        expected: size and SHA-256 that the table must have.

    Raises:
        DataError: there is no such table, its files do not fit together, or it is not the one that is expected.
    """
    path = Path(source).expanduser()
    found = [_look_at(file) for file in _files_of(path, str(source))]
    schema = _schema(found)
    files = tuple(_with_columns(file, schema) for file in found)
    mark = files[0].mark if len(files) == 1 else _mark_of_all(files)
    if expected is not None and mark != expected:
        raise DataError(f"{str(source)!r} has changed since the training")
    comma = any(file.text and file.text.decimal_comma for file in files)
    return Blocks(str(source), files, mark, schema, comma, block_bytes)


def count_cells(path: Path) -> int:
    """Return about how many cells a file has: exactly of Parquet, by the lines of its first megabyte of other files."""
    with _explained(str(path)):
        start = _start_of(path)
        if start.startswith(b"PAR1"):
            with pyarrow.parquet.ParquetFile(path) as opened:
                return int(opened.metadata.num_rows * opened.metadata.num_columns)
        size = path.stat().st_size
        if start.startswith(b"\x1f\x8b"):
            unpacked = zlib.decompressobj(31).decompress(start, _START_BYTES)
            size, start = size * len(unpacked) // max(1, len(start)), unpacked
    lines = start.count(b"\n") or 1
    separators = max(start.count(mark) for mark in (b",", b";", b"\t", b"|"))
    return size * (separators + lines) // max(1, len(start))


def _files_of(path: Path, name: str) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise not_found(name)
        return [path]
    found = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith((".", "_")))
    if not found:
        raise DataError(f"{name!r} is a folder without files: give a file, or a folder of CSV or Parquet files")
    return found


def _look_at(path: Path) -> BlockFile:
    """Read a file once, and find out how it is written."""
    with _explained(str(path)):
        start = _start_of(path)
        if start.startswith(b"PAR1"):
            mark, version = scan_file(path, lambda chunk: None, piece=_START_BYTES)
            with pyarrow.parquet.ParquetFile(path) as opened:
                return BlockFile(path, mark, version, False, "", None, opened.schema_arrow, ())
        packed = start.startswith(b"\x1f\x8b")
        scan = _TextScan()
        mark, version = scan_file(path, (lambda chunk: None) if packed else scan.see, piece=_START_BYTES)
        if packed:
            with gzip.open(path) as unpacked:
                start = unpacked.read(_START_BYTES)
                scan.see(start)
                while chunk := unpacked.read(_START_BYTES):
                    scan.see(chunk)
        found = _text_format(start, scan, str(path))
        schema = pa.schema([(name, pa.string()) for name in found.names])
        return BlockFile(path, mark, version, packed, scan.encoding(), found, schema, ())


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START_BYTES)


def _text_format(start: bytes, scan: "_TextScan", name: str) -> TextFormat:
    validate_no_other_format(start, name)
    encoding = scan.encoding()
    if scan.zeros and encoding != "utf-16":
        raise DataError(f"{name} has a NUL character, so it is not text: save it as CSV in UTF-8")
    text = codecs.getincrementaldecoder(encoding)().decode(start).removeprefix("\ufeff").encode()
    text = decode_text(text, name)
    if is_json(text, name):
        raise DataError(f"{name!r} is JSON lines, which are not read in blocks: save the table as Parquet or CSV")
    found = find_text_format(text, name)
    late = scan.quotes and b'"' not in text
    return found._replace(quoted=True) if late else found


class _TextScan:
    """What all bytes of a text decide: its encoding, and whether it has quotation marks."""

    def __init__(self) -> None:
        self.quotes, self.undefined, self.zeros = False, False, False
        self.bom: str | None = None
        self.utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self.begun = False

    def see(self, chunk: bytes) -> None:
        """Take notice of the next bytes."""
        if not self.begun:
            self.bom = next((encoding for mark, encoding in _BOMS if chunk.startswith(mark)), None)
            self.begun = True
        self.quotes = self.quotes or b'"' in chunk
        self.zeros = self.zeros or b"\0" in chunk
        if self.utf8 is not None and not (chunk.isascii() and not self.utf8.getstate()[0]):
            try:
                self.utf8.decode(chunk)
            except UnicodeDecodeError:
                self.utf8 = None
        self.undefined = self.undefined or (self.utf8 is None and any(byte in chunk for byte in _UNDEFINED))

    def encoding(self) -> str:
        """UTF-16 by its mark; UTF-8; else Windows-1252, or Latin-1 where that is not defined."""
        if self.bom == "utf-16":
            return self.bom
        if self.utf8 is not None and not self.utf8.getstate()[0]:
            return "utf-8"
        return "latin-1" if self.undefined else "cp1252"


def _text_batches(file: BlockFile, block_bytes: int) -> Iterator[pa.RecordBatch]:
    assert file.text is not None
    with pa.OSFile(str(file.path)) as stored:
        stream = pa.CompressedInputStream(stored, "gzip") if file.packed else stored
        if file.encoding != "utf-8":
            stream = pa.lib.transcoding_input_stream(stream, file.encoding, "utf-8")
        first = file.text.header
        for batch in open_delimited(stream, file.text, block_bytes=block_bytes):
            yield batch.slice(1) if first else batch
            first = False


def _schema(files: Sequence[BlockFile]) -> pa.Schema:
    """The columns of the first file, each of a type that suits all files."""
    first = files[0]
    names = complete_names(first.schema.names)
    kept = without_index(names)
    if not kept:
        raise DataError(f"{first.path} has no columns: give a table with at least one of each")
    fields = {names[place]: first.schema.field(place) for place in kept}
    for file in files[1:]:
        if (file.text is None) != (first.text is None):
            raise DataError(f"{file.path} is of another format than {first.path}: give files of one format")
        given = dict(zip(complete_names(file.schema.names), file.schema, strict=True))
        for name, field in fields.items():
            if name not in given:
                raise DataError(f"{file.path} lacks the column {name!r} of {first.path}: give files with equal columns")
            fields[name] = _wider(name, field, given[name], file.path)
    return pa.schema([field.with_name(name) for name, field in fields.items()])


def _wider(name: str, field: pa.Field, other: pa.Field, path: Path) -> pa.Field:
    try:
        both = [pa.schema([each.with_name(name)]) for each in (field, other)]
        return pa.unify_schemas(both, promote_options="permissive").field(0)
    except pa.ArrowException as error:
        raise DataError(
            f"column {name!r} is {other.type} in {path} and {field.type} before: write it in one type"
        ) from error


def _with_columns(file: BlockFile, schema: pa.Schema) -> BlockFile:
    names = complete_names(file.schema.names)
    columns = tuple(names.index(name) for name in schema.names)
    return BlockFile(**{**vars(file), "columns": columns})


def _mark_of_all(files: Sequence[BlockFile]) -> FileMark:
    marks = "".join(f"{len(file.path.name)}:{file.path.name}{file.mark.size}:{file.mark.sha256}" for file in files)
    return FileMark(sum(file.mark.size for file in files), hashlib.sha256(marks.encode()).hexdigest())


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say in one sentence why a file cannot be read."""
    try:
        yield
    except UnsafeFile as error:
        raise DataError(f"{name!r} {error.strerror}: give a file that is complete") from error
    except pa.ArrowException as error:
        if ragged := _RAGGED.search(str(error)):
            row, expected, found = (int(number) for number in ragged.groups())
            cells = count(found, "cell")
            raise DataError(f"{name}: row {row:,} has {cells}, the first has {expected:,}: fix or remove it") from error
        raise DataError(f"{name!r} cannot be read ({str(error).splitlines()[0]}): fix or replace the file") from error
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise DataError(f"{name!r} cannot be read ({reason}): fix or replace the file") from error
