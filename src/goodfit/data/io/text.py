"""Text with one row per line: detect encoding, separator, quotes and header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from goodfit.data.columns.cells import MISSING
from goodfit.data.columns.names import complete_names, numbered_names
from goodfit.errors import DataError

SEPARATORS = ("\t", ";", "|", ",")
"""In order of preference: commas also occur in numbers and sentences, tabs hardly ever."""

_SAMPLE_BYTES, _SAMPLE_LINES = 1 << 16, 5
_LARGEST_BLOCK = 2**31 - 1
_FIRST_LINE = re.compile(rb"[\r\n]*+([^\r\n]++)")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_FIGURE = re.compile(r"[+-]?[.,]?\d[\d.,:/ %TZ+-]*(?:e[+-]?\d+)?", re.IGNORECASE)
"""Numbers, dates and times in any notation, which are hardly ever names of columns."""


class _Layout(NamedTuple):
    separator: str
    quoted: bool
    width: int


class TextFormat(NamedTuple):
    """How text is written: the separator, whether cells may be quoted, the names of the columns, and whether they are
    in the first line."""

    separator: str
    quoted: bool
    names: tuple[str, ...]
    header: bool

    @property
    def decimal_comma(self) -> bool:
        """Whether 1,234 is more likely 1.234 than 1234."""
        return self.separator != ","


def decode_text(data: bytes, source: str) -> bytes:
    """Return text as UTF-8 without byte order mark; text that is neither UTF-8 nor UTF-16 is read as Windows-1252."""
    encoding = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
        data = data if encoding == "utf-8" else text.encode()
    except UnicodeDecodeError:
        data = _decode_western(data).encode()
    if (position := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, position) + 1
        raise DataError(f"{source} has a NUL character in line {line:,}, so it is not text: save it as CSV in UTF-8")
    return data


def read_delimited(data: bytes, source: str) -> tuple[pa.Table, bool]:
    """Return rows of UTF-8 text as columns of strings, named by the header or ``column_1``, ``column_2``, ...

    The first line is the header unless it has numbers or dates, or words that occur again in their columns. Consecutive
    numbers such as years may be names, and words above columns of numbers always are. Empty cells are null. The second
    value says whether 1,234 is more likely 1.234 than 1234.

    Raises:
        DataError: a quotation mark that is not closed, or a row with another number of cells than the first; the
            message names the line.
    """
    found, rows = _format_and_rows(data, source)
    return rows.slice(int(found.header)).rename_columns(list(found.names)), found.decimal_comma


def find_text_format(start: bytes, source: str) -> TextFormat:
    """Return the format of a long text by its start, UTF-8 that ends anywhere; DataError as ``read_delimited``."""
    return _format_and_rows(_whole_rows(start), source)[0]


def open_delimited(stream: pa.NativeFile, found: TextFormat, *, block_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of UTF-8 text of this format as batches of strings; those of the first include the header.

    Raises:
        pa.ArrowException: a row has another number of cells, or more bytes than a block.
    """
    layout = _Layout(found.separator, found.quoted, len(found.names))
    return iter(pyarrow.csv.open_csv(stream, *_options(layout, block_bytes)))


def _whole_rows(start: bytes) -> bytes:
    """The start of a text up to the end of a row: without the last line, and the row of a cell left open."""
    lines = start[: start.rfind(b"\n") + 1] or start
    opened = _misplaced_quote(lines, _find_separator(_sample(lines))) if b'"' in lines else None
    if opened is None or opened < len(start) // 2:  # a mark so early is none that only the cut leaves open
        return lines
    return lines[: lines.rfind(b"\n", 0, opened) + 1] or lines


def _format_and_rows(data: bytes, source: str) -> tuple[TextFormat, pa.Table]:
    layout = _find_layout(data, source)
    rows = _parse(data, layout, source)
    first = [column[0].as_py() for column in rows.columns]
    header = _is_header(first, rows.slice(1))
    names = complete_names([cell or "" for cell in first]) if header else numbered_names(layout.width)
    return TextFormat(layout.separator, layout.quoted, tuple(names), header), rows


def _decode_western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def validate_width(n_columns: int, source: str, *, largest: int = 200_000) -> None:
    """Raise DataError if a file has more columns than are read.

    Each takes a fraction of a millisecond to read, so a few megabytes could mean an hour.
    """
    if n_columns > largest:
        raise DataError(f"{source} has {n_columns:,} columns, more than the {largest:,} that are read: select some")


def _find_layout(data: bytes, source: str) -> _Layout:
    if header := _FIRST_LINE.match(data):
        validate_width(1 + max(data.count(mark.encode(), *header.span(1)) for mark in SEPARATORS), source)
    sample = _sample(data)
    separator = _find_separator(sample)
    misplaced = _misplaced_quote(data, separator) if b'"' in data else None
    # Tables with tabs are often written without quoting; with other separators an open quotation mark is an error.
    if misplaced is not None and separator != "\t":
        line = data.count(b"\n", 0, misplaced) + 1
        raise DataError(f"{source}: the quotation mark that opens a cell in line {line:,} is not closed: fix it")
    quoted = b'"' in data and misplaced is None
    first = next(_records(sample, separator, quoted=quoted), None)
    if first is None and sample.strip():
        longest = f"{csv.field_size_limit():,} characters"
        raise DataError(f"{source}: a cell in the first line has more than {longest}: shorten it")
    if first is None:
        raise DataError(f"{source} is empty: give a table with at least one row")
    return _Layout(separator, quoted, len(first))


def _sample(data: bytes) -> str:
    """The first lines, each complete."""
    end = _SAMPLE_BYTES
    for _ in range(_SAMPLE_LINES):
        end = data.find(b"\n", end) + 1 or len(data)
    return data[:end].decode()


def _find_separator(sample: str) -> str:
    """The separator that gives most lines as many cells as the first, or, in a table of one column, is in fewest."""
    return max(SEPARATORS, key=lambda mark: _agreement([len(cells) for cells in _records(sample, mark, quoted=True)]))


def _agreement(widths: Sequence[int]) -> tuple[float, float]:
    """Share of the lines with as many cells as the first, if it has several; then share of the lines with one cell."""
    if not widths:
        return 0.0, 0.0
    common, count = Counter(widths).most_common(1)[0]
    # A title above the table: the other lines agree, so they are a table, though one that cannot be read.
    titled = widths[0] == 1 and common > 1 and count >= 0.9 * (len(widths) - 1)
    agree = widths.count(widths[0]) if widths[0] > 1 else 0.1 * titled
    return agree / len(widths), widths.count(1) / len(widths)


def _records(text: str, separator: str, *, quoted: bool) -> Iterator[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    yield from filter(None, _until_error(reader))


def _until_error(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Records up to one with a cell that is longer than the reader's limit."""
    try:
        yield from reader
    except csv.Error:
        return


def _misplaced_quote(data: bytes, separator: str) -> int | None:
    """Where a cell begins with a quotation mark that is not closed; None if there is no such cell.

    Marks inside an unquoted cell, as in 5" pipe, are ordinary characters.
    """
    s = re.escape(separator.encode())
    cell = rb'"[^"]*+(?:""[^"]*+)*+"(?=[%b\r\n]|\Z)' % s
    text = re.compile(rb'(?:[^"]++|(?<![^%b\r\n])%b|(?<=[^%b\r\n])")*+' % (s, cell, s))
    found = text.match(data)
    return found.end() if found and found.end() < len(data) else None


def _parse(data: bytes, layout: _Layout, source: str) -> pa.Table:
    # In a table of one column an empty line is a missing cell, except at the end of the file.
    data = data.rstrip(b"\r\n") if layout.width == 1 else data
    options = _options(layout, min(len(data) + 1, _LARGEST_BLOCK))
    try:
        return pyarrow.csv.read_csv(pa.BufferReader(data), *options)
    except pa.ArrowException as error:
        raise _ragged(data, layout, source) or DataError(f"{source} cannot be read as a table: {error}") from error


def _options(
    layout: _Layout, block_bytes: int
) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
    """Columns f0, f1, … of strings; empty cells are null."""
    strings = {f"f{i}": pa.string() for i in range(layout.width)}
    return (
        # Arrow's threads may still be running when the program ends at once, which aborts it.
        pyarrow.csv.ReadOptions(use_threads=False, autogenerate_column_names=True, block_size=block_bytes),
        pyarrow.csv.ParseOptions(
            delimiter=layout.separator,
            quote_char='"' if layout.quoted else False,
            newlines_in_values=layout.quoted,
            ignore_empty_lines=layout.width > 1,
        ),
        pyarrow.csv.ConvertOptions(column_types=strings, strings_can_be_null=True, null_values=[""]),
    )


def _ragged(data: bytes, layout: _Layout, source: str) -> DataError | None:
    """The first line with another number of cells than the first one."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=layout.separator, quoting=quoting)
    line = 1
    for record in _until_error(reader):
        if record and len(record) != layout.width:
            cells = "1 cell" if len(record) == 1 else f"{len(record):,} cells"
            return DataError(f"{source}: line {line:,} has {cells}, the first has {layout.width:,}: fix or remove it")
        line = reader.line_num + 1
    return None


def _is_header(first: Sequence[str | None], rest: pa.Table) -> bool:
    figures = [bool(cell and _FIGURE.fullmatch(cell.strip())) for cell in first]
    named = [cell and cell.strip() not in MISSING and not figure for cell, figure in zip(first, figures, strict=True)]
    words_above_figures = sum(1 for i, word in enumerate(named) if word and _only_figures(rest[i]))
    if words_above_figures > sum(figures):
        return True
    if any(figures):
        return _counts_up([cell for cell, figure in zip(first, figures, strict=True) if figure and cell])
    return not any(cell and pc.any(pc.equal(rest[i], cell)).as_py() for i, cell in enumerate(first))


def _only_figures(column: pa.ChunkedArray) -> bool:
    values = (value.strip() for value in column.slice(0, 100).drop_null().to_pylist())
    figures = [bool(_FIGURE.fullmatch(value)) for value in values if value not in MISSING]
    return bool(figures) and all(figures)


def _counts_up(figures: Sequence[str]) -> bool:
    """0, 1, 2, ... or 2019, 2020, 2021: columns of an unnamed array, or one for each year."""
    if len(figures) < 3 or not all(figure.strip().isdecimal() for figure in figures):
        return False
    return all(int(b) - int(a) == 1 for a, b in pairwise(figures))
