"""Tables of every kind as one `Table` with a schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b, sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Indices
from goodfit.cards import Card, ShownAsCard
from goodfit.data.columns.cells import cast_all
from goodfit.data.columns.convert import is_date, is_text, one_array, plain_array, without_nan
from goodfit.data.columns.fixed import ARROW_TYPES
from goodfit.data.columns.names import complete_names, did_you_mean
from goodfit.data.columns.schema import KINDS, Column, Kind, Reading, infer_kind, read_as
from goodfit.data.io.files import read_source
from goodfit.errors import DataError
from goodfit.files import FileMark
from goodfit.formatting import count

__all__ = ["KINDS", "Column", "Kind", "Source", "Table", "open_source", "read_table", "row_hashes"]

EXCLUDED = "excluded"
"""Note of a column that the user dropped."""
_NO_DATE = np.iinfo(np.int64).min
_BLOCK_ROWS = 1024
"""Rows that are turned at a time, to stay within the processor's cache."""


@dataclass(frozen=True, eq=False)
class Source:
    """Columns as they stand in a file or object, before anything is decided about them.

    columns: one plain Arrow array each. name: where they came from, for messages. kinds, dropped: what the user says
    about columns. decimal_comma: a comma is the decimal mark where a number could be read either way. file: size and
    SHA-256 of the file; None if it was none. sampled: where these rows are a sample of a larger table, their numbers in
    it, ascending, and the number of all its rows.
    """

    columns: pa.Table
    name: str
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    decimal_comma: bool = False
    file: FileMark | None = None
    sampled: tuple[Indices, int] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows of the table, those of which these are a sample included."""
        return int(self.columns.num_rows) if self.sampled is None else self.sampled[1]

    @property
    def row_numbers(self) -> Indices:
        """Number of each row in the table, from 0."""
        return np.arange(self.columns.num_rows) if self.sampled is None else self.sampled[0]

    def places(self, rows: npt.ArrayLike) -> Indices:
        """Return the places in ``columns`` of rows that are given by number."""
        numbers = np.asarray(rows, np.int64)
        return numbers if self.sampled is None else np.searchsorted(self.sampled[0], numbers)

    @property
    def names(self) -> list[str]:
        return list(self.columns.column_names)

    def validate_names(self, names: Iterable[str], argument: str = "") -> None:
        """Raise DataError with the nearest name unless all of these, which an argument names, are columns."""
        _validate_names(self.names, names, self.name, argument)

    def read(self, rows: npt.ArrayLike | None = None, *, names: Sequence[str] | None = None) -> "Table":
        """Return the table of these rows, ascending, and columns; kinds are inferred from these cells alone."""
        self.validate_names(names or ())
        raw = self.columns if names is None else self.columns.select(names)
        numbers = np.asarray(rows, np.int64) if rows is not None else self.sampled and self.row_numbers
        raw = raw if rows is None else raw.take(pa.array(self.places(rows)))
        readings = {name: self._infer(name, one_array(raw[name])) for name in raw.column_names}
        return _table(readings, replace(self, columns=raw), numbers)

    def read_as(self, schema: Sequence[Column], rows: npt.ArrayLike) -> "Table":
        """Return the table of these rows, each column as the kind that the schema says.

        Text is read as numbers and dates in the way of writing that fits all rows of the source best. A cell that
        cannot be read is missing.

        Raises:
            DataError: a column of the schema is not there.
        """
        self.validate_names(column.name for column in schema)
        numbers = np.asarray(rows, np.int64)
        places = pa.array(self.places(numbers))
        arrow = pa.table({column.name: self._cells(column, places) for column in schema})
        found = tuple(replace(column, missing=arrow[i].null_count) for i, column in enumerate(schema))
        return Table(arrow, found, self.name, rows=numbers)

    def _cells(self, column: Column, rows: pa.Array) -> pa.Array:
        raw = one_array(self.columns[column.name])
        by_context = is_text(raw.type) and column.kind in ARROW_TYPES
        if by_context and column.kind == "number" and (plain := cast_all(raw, pa.float64())) is not None:
            return without_nan(plain).take(rows)
        try:
            cells = raw if by_context else raw.take(rows)
            values = read_as(column.name, cells, column.kind, decimal_comma=self.decimal_comma).values
            return values.take(rows) if by_context else values
        except DataError:  # not one of the cells can be read as this kind
            return pa.nulls(len(rows), ARROW_TYPES.get(column.kind, pa.string()))

    def _infer(self, name: str, raw: pa.Array) -> Reading:
        try:
            if name in self.kinds:
                return read_as(name, raw, self.kinds[name], decimal_comma=self.decimal_comma)
            return infer_kind(name, raw, decimal_comma=self.decimal_comma)
        except pa.ArrowException as error:
            raise _unreadable(name, error) from error


@dataclass(frozen=True, eq=False, repr=False)
class Table(ShownAsCard):
    """Rows and columns with a schema; never changed afterwards."""

    arrow: pa.Table
    """Number as float64, date as timestamp[us], other kinds as string; null where a cell is missing."""
    schema: tuple[Column, ...]
    """One `Column` for each column of `arrow`, in the same order."""
    source: str
    """Where the table came from, for people."""
    raw: Source | None = None
    """The same rows as they stood in the source, for `override`; None: as they are in `arrow`."""
    rows: npt.NDArray[np.int64] | None = None
    """Number of each row in the source, from 0; None where these are all its rows."""

    @property
    def n_rows(self) -> int:
        return int(self.arrow.num_rows)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.schema]

    @property
    def row_numbers(self) -> npt.NDArray[np.int64]:
        """Number of each row in the source, from 0."""
        return np.arange(self.n_rows) if self.rows is None else self.rows

    def column(self, name: str) -> Column:
        """What is known of a column; DataError with the nearest name if there is none."""
        if name not in self._positions:
            raise _unknown(name, self.names, self.source)
        return self.schema[self._positions[name]]

    def values(self, name: str) -> npt.NDArray[Any]:
        """One column as NumPy array (n_rows,): float64 with NaN, datetime64[us] with NaT, or strings with None."""
        return np.asarray(self.arrow[self.column(name).name].to_numpy())

    def take(self, rows: npt.ArrayLike) -> "Table":
        """The rows of these numbers, counted from 0, in this order; kind and use of the columns stay as they are."""
        places = np.asarray(rows, dtype=np.int64)
        arrow = self.arrow.take(pa.array(places))
        schema = tuple(replace(column, missing=arrow[i].null_count) for i, column in enumerate(self.schema))
        raw = self.raw and replace(self.raw, columns=self.raw.columns.take(pa.array(places)))
        return replace(self, arrow=arrow, schema=schema, raw=raw, rows=self.row_numbers[places])

    def select(self, names: Iterable[str]) -> "Table":
        """These columns as they are; what stood in the source is left behind."""
        schema = tuple(map(self.column, names))
        return replace(self, arrow=self.arrow.select([column.name for column in schema]), schema=schema, raw=None)

    def override(self, *, kinds: Mapping[str, Kind] | None = None, drop: str | Iterable[str] = ()) -> "Table":
        """The same rows with columns read as other kinds, or not used; the rules are those of `read_table`."""
        source = asked(self._source, kinds, drop)
        readings = {
            column.name: source._infer(column.name, one_array(source.columns[column.name]))
            if column.name in (kinds or {})
            else Reading(one_array(self.arrow[column.name]), column.kind, column.used, column.note)
            for column in self.schema
        }
        return _table(readings, source, self.rows)

    def fingerprint(self) -> str:
        """SHA-256 over names, types and values, in hexadecimal; chunks, kinds in use and source do not count."""
        return fingerprint(self, row_hashes(self))

    def _card(self) -> Card:
        title = f"Table of {count(self.n_rows, 'row')} and {count(len(self.schema), 'column')}"
        rows = [
            (column.name, column.kind, f"{column.missing:,}", column.note or ("" if column.used else "not used"))
            for column in self.schema
        ]
        return Card(title, [("source", self.source)], ("column", "kind", "missing", "note"), rows)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {column.name: i for i, column in enumerate(self.schema)}

    @property
    def _source(self) -> Source:
        return self.raw or Source(self.arrow, self.source)


def read_table(source: object, *, kinds: Mapping[str, Kind] | None = None, drop: str | Iterable[str] = ()) -> Table:
    """Return a table from a file, a built-in set or an object in memory, with the kind of every column inferred.

    * Files: text with one row a line (separated by comma, semicolon, tab or |; UTF-8, UTF-16 or Windows-1252; with
      header or without) and JSON lines, either packed with gzip or not; Parquet, Arrow (Feather).
    * Built-in sets: "breast_cancer", "digits", "wine", "iris", "diabetes", each with the column "target".
    * Objects: data frames (pandas, polars, pyarrow, duckdb), dicts of columns, arrays (n_rows, n_columns), a `Table`.

    `infer_kind` has the rules; `Column.note` says what they found. `kinds` overrides them for the columns it names,
    which are then used (except "id"); columns in `drop` stay in the table but are not used.

    DataError if there is no table, row or column to read, for an unknown column or kind, for a column of which no cell
    can be read as the kind asked for.

    >>> table = read_table({"age": [31, 45, None], "city": ["Bonn", "Rome", "?"]})
    >>> [(column.name, column.kind, column.missing) for column in table.schema]
    [('age', 'number', 1), ('city', 'category', 1)]
    """
    if isinstance(source, Table):
        return source.override(kinds=kinds, drop=drop)
    return open_source(source, kinds=kinds, drop=drop).read()


def open_source(
    source: object,
    *,
    kinds: Mapping[str, Kind] | None = None,
    drop: str | Iterable[str] = (),
    expected: FileMark | None = None,
) -> Source:
    """Return the columns of whatever `read_table` takes, as they stand; the kinds of a `Table` are inferred anew.

    Args:
        expected: size and SHA-256 that a file must have.

    Raises:
        DataError: as `read_table`, and for a file that is not the expected one.
    """
    if isinstance(source, Table):
        return asked(source._source, kinds, drop)
    raw = read_source(source, expected=expected)
    names = complete_names(raw.columns.column_names)
    if not names or not raw.columns.num_rows:
        raise DataError(f"{raw.name} has no {'rows' if names else 'columns'}: give a table with at least one of each")
    columns = {name: _plain(name, column) for name, column in zip(names, raw.columns.columns, strict=True)}
    found = Source(pa.table(columns), raw.name, decimal_comma=raw.decimal_comma, file=raw.file)
    return asked(found, kinds, drop)


def row_hashes(table: Table, names: Sequence[str] | None = None) -> npt.NDArray[np.uint64]:
    """Return a hash of every row's content in these columns, or in all: uint64 (n_rows,).

    Eight bytes of BLAKE2b over names and values, the length of a string before the string. Rows with the same values
    have the same hash in every process and on every machine, in whatever order the columns stand; missing cells equal
    each other, and 0 equals -0.
    """
    names = sorted(table.names if names is None else names)
    _validate_names(table.names, names, table.source)
    columns = [one_array(table.arrow[name]) for name in names]
    words = [column for column in columns if pa.types.is_string(column.type)]
    numbers = [np.asarray(column.fill_null(np.nan)) for column in columns if pa.types.is_floating(column.type)]
    dates = [np.asarray(column.cast(pa.int64()).fill_null(_NO_DATE)) for column in columns if is_date(column.type)]
    person = blake2b(repr(names).encode(), digest_size=16).digest()
    rows = zip(
        _rows(numbers, table.n_rows, "<f8"),
        _rows(dates, table.n_rows, "<i8"),
        _joined(words, table.n_rows),
        strict=True,
    )
    hashes = (blake2b(b"".join(row), digest_size=8, person=person).digest() for row in rows)
    return np.frombuffer(b"".join(hashes), dtype="<u8").astype(np.uint64)


def fingerprint(table: Table, hashes: npt.NDArray[np.uint64]) -> str:
    """Return the SHA-256 of a table's names and types, and of the hashes of all rows in the order of the source."""
    digest = sha256(repr([(column.name, str(column.type)) for column in table.arrow.schema]).encode())
    digest.update(hashes.astype("<u8").tobytes())
    return digest.hexdigest()


def _rows(columns: Sequence[npt.NDArray[Any]], n_rows: int, dtype: str) -> Iterator[bytes]:
    """The bytes of each row, turned from columns a block at a time."""
    for start in range(0, n_rows, _BLOCK_ROWS):
        block = np.zeros((min(_BLOCK_ROWS, n_rows - start), len(columns)), dtype)
        for j, column in enumerate(columns):
            block[:, j] += column[start : start + _BLOCK_ROWS]  # 0 + -0.0 is 0.0
        yield from (row.tobytes() for row in block)


def _joined(columns: Sequence[pa.Array], n_rows: int) -> list[bytes]:
    """The strings of each row, each as length:string; a missing one has no length."""
    if not columns:
        return [b""] * n_rows
    pieces = [piece for column in columns for piece in (pc.binary_length(column).cast(pa.string()), column)]
    joined = pc.binary_join_element_wise(*pieces, ":", null_handling="replace", null_replacement="")
    return list(joined.cast(pa.binary()).to_pylist())


def _plain(name: str, column: pa.ChunkedArray) -> pa.Array:
    try:
        return plain_array(column)
    except pa.ArrowException as error:
        raise _unreadable(name, error) from error


def _table(readings: Mapping[str, Reading], source: Source, rows: npt.NDArray[np.int64] | None) -> Table:
    columns = []
    for name, (values, kind, used, note, _) in readings.items():
        dropped = name in source.dropped
        columns.append(Column(name, kind, values.null_count, used and not dropped, EXCLUDED if dropped else note))
    arrow = pa.table([reading.values for reading in readings.values()], list(readings))
    return Table(arrow, tuple(columns), source.name, source, rows)


def asked(source: Source, kinds: Mapping[str, Kind] | None, drop: str | Iterable[str]) -> Source:
    """The source with what the user says about its columns added."""
    kinds, dropped = kinds or {}, {drop} if isinstance(drop, str) else set(drop)
    source.validate_names(kinds, "kinds")
    source.validate_names(sorted(dropped), "drop")
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise DataError(f"column {name!r} cannot be of kind {kind!r}: choose from {', '.join(map(repr, KINDS))}")
    return replace(source, kinds={**source.kinds, **kinds}, dropped=(source.dropped - set(kinds)) | dropped)


def _validate_names(known: Sequence[str], asked: Iterable[str], table: str, argument: str = "") -> None:
    options = set(known)
    for name in asked:
        if name not in options:
            raise _unknown(name, known, table, argument)


def _unknown(name: str, known: Sequence[str], table: str, argument: str = "") -> DataError:
    lacking = f"{argument} names the column {name!r}, which the table does not have"
    return DataError(f"{lacking if argument else f'{table} has no column {name!r}'}: {did_you_mean(name, known)}")


def _unreadable(name: str, error: Exception) -> DataError:
    return DataError(f"column {name!r} cannot be read ({error}): drop it or write it as text")
