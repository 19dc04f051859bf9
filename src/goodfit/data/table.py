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

from goodfit.data.columns.convert import is_date, plain_array
from goodfit.data.columns.names import complete_names, did_you_mean
from goodfit.data.columns.schema import KINDS, Column, Kind, Reading, infer_kind, read_as
from goodfit.data.io.files import read_source
from goodfit.errors import DataError

__all__ = ["KINDS", "Column", "Kind", "Table", "read_table", "row_hashes"]

_NO_DATE = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Table:
    """Rows and columns, read and understood; never changed afterwards."""

    arrow: pa.Table
    """Number as float64, date as timestamp[us], other kinds as string; null where a cell is missing."""
    schema: tuple[Column, ...]
    """One `Column` for each column of `arrow`, in the same order."""
    source: str
    """Where the table came from, for people."""
    originals: Mapping[str, pa.Array] = field(default_factory=dict, repr=False)
    """Columns as they stood in the source, kept where `arrow` may not say all of it, for `override`."""
    decimal_comma: bool = field(default=False, repr=False)
    """Whether a comma in a number is the decimal mark where it could be either."""

    @property
    def n_rows(self) -> int:
        return int(self.arrow.num_rows)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.schema]

    def column(self, name: str) -> Column:
        """What is known of a column; DataError with the nearest name if there is none."""
        if name not in self._positions:
            raise _unknown(name, self.names)
        return self.schema[self._positions[name]]

    def values(self, name: str) -> npt.NDArray[Any]:
        """One column as NumPy array (n_rows,): float64 with NaN, datetime64[us] with NaT, or strings with None."""
        return np.asarray(self.arrow[self.column(name).name].to_numpy())

    def take(self, rows: npt.ArrayLike) -> "Table":
        """The rows of these numbers, counted from 0, in this order; kind and use of the columns stay as they are."""
        indices = pa.array(np.asarray(rows, dtype=np.int64))
        arrow = self.arrow.take(indices)
        schema = tuple(replace(column, missing=arrow[i].null_count) for i, column in enumerate(self.schema))
        originals = {name: values.take(indices) for name, values in self.originals.items()}
        return replace(self, arrow=arrow, schema=schema, originals=originals)

    def override(self, *, kinds: Mapping[str, Kind] | None = None, drop: str | Iterable[str] = ()) -> "Table":
        """The same rows with columns read as other kinds, or not used; the rules are those of `read_table`."""
        kinds, dropped = _checked(self.names, kinds, drop)
        readings = {column.name: self._reading(column, kinds.get(column.name)) for column in self.schema}
        return _table(readings, dropped, self.source, self.decimal_comma)

    def fingerprint(self) -> str:
        """SHA-256 over names, types and values, in hexadecimal; chunks, kinds in use and source do not count."""
        digest = sha256(repr([(column.name, str(column.type)) for column in self.arrow.schema]).encode())
        digest.update(row_hashes(self).tobytes())
        return digest.hexdigest()

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {column.name: i for i, column in enumerate(self.schema)}

    def _reading(self, column: Column, kind: Kind | None) -> Reading:
        values = self.arrow[column.name].combine_chunks()
        original = self.originals.get(column.name)
        if kind is None:
            return Reading(values, column.kind, column.used, column.note, original)
        return read_as(column.name, values if original is None else original, kind, decimal_comma=self.decimal_comma)


def read_table(source: object, *, kinds: Mapping[str, Kind] | None = None, drop: str | Iterable[str] = ()) -> Table:
    """A table from a file, a built-in set or an object in memory, with the kind of every column found out.

    * Files: text with one row a line (separated by comma, semicolon, tab or |; UTF-8, UTF-16 or Windows-1252; with
      header or without) and JSON lines, either packed with gzip or not; Parquet, Arrow (Feather).
    * Built-in sets: "breast_cancer", "digits", "wine", "iris", "diabetes", each with the column "target".
    * Objects: data frames (pandas, polars, pyarrow, duckdb), dicts of columns, arrays (n_rows, n_columns), a `Table`.

    `infer_kind` has the rules by which a column is understood; `Column.note` says what they came to. `kinds` overrides
    them for the columns it names, which are then used (but for "text" and "id"); columns in `drop` stay in the table
    but are not used.

    DataError if there is no table, row or column to read, for an unknown column or kind, for a column of which no cell
    can be read as the kind asked for.

    >>> table = read_table({"age": [31, 45, None], "city": ["Bonn", "Rome", "?"]})
    >>> [(column.name, column.kind, column.missing) for column in table.schema]
    [('age', 'number', 1), ('city', 'category', 1)]
    """
    if isinstance(source, Table):
        return source.override(kinds=kinds, drop=drop)
    raw = read_source(source)
    names = complete_names(raw.columns.column_names)
    if not names or not raw.columns.num_rows:
        raise DataError(f"{raw.name} has no {'rows' if names else 'columns'}: give a table with at least one of each")
    kinds, dropped = _checked(names, kinds, drop)
    readings = {
        name: _read(name, column, kinds.get(name), decimal_comma=raw.decimal_comma)
        for name, column in zip(names, raw.columns.columns, strict=True)
    }
    return _table(readings, dropped, raw.name, raw.decimal_comma)


def row_hashes(table: Table, names: Sequence[str] | None = None) -> npt.NDArray[np.uint64]:
    """A hash of every row's content in these columns, or in all: uint64 (n_rows,).

    Eight bytes of BLAKE2b over names and values. Rows with the same values have the same hash in every process and on
    every machine, in whatever order the columns stand; missing cells equal each other, and 0 equals -0.
    """
    names = sorted(table.names if names is None else names)
    _check_names(table.names, names)
    columns = [table.arrow[name].combine_chunks() for name in names]
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


def _rows(columns: Sequence[npt.NDArray[Any]], n_rows: int, dtype: str) -> Iterator[bytes]:
    """The bytes of each row, turned from columns a thousand rows at a time to stay within the processor's cache."""
    for start in range(0, n_rows, 1024):
        block = np.zeros((min(1024, n_rows - start), len(columns)), dtype)
        for j, column in enumerate(columns):
            block[:, j] += column[start : start + 1024]  # 0 + -0.0 is 0.0
        yield from (row.tobytes() for row in block)


def _joined(columns: Sequence[pa.Array], n_rows: int) -> list[bytes]:
    """The bytes of each row's words."""
    if not columns:
        return [b""] * n_rows
    separator, missing = "\x1f", "\x00"
    joined = pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement=missing)
    return list(joined.cast(pa.binary()).to_pylist())


def _read(name: str, column: pa.ChunkedArray, kind: Kind | None, *, decimal_comma: bool) -> Reading:
    try:
        raw = plain_array(column)
        if kind is None:
            return infer_kind(name, raw, decimal_comma=decimal_comma)
        return read_as(name, raw, kind, decimal_comma=decimal_comma)
    except pa.ArrowException as error:
        raise DataError(f"column {name!r} cannot be read ({error}): drop it or write it as text") from error


def _table(readings: Mapping[str, Reading], dropped: set[str], source: str, decimal_comma: bool) -> Table:
    columns = []
    for name, (values, kind, used, note, _) in readings.items():
        if name in dropped:
            used, note = False, "left out as asked"
        columns.append(Column(name, kind, values.null_count, used, note))
    arrow = pa.table([reading.values for reading in readings.values()], list(readings))
    originals = {name: reading.original for name, reading in readings.items() if reading.original is not None}
    return Table(arrow, tuple(columns), source, originals, decimal_comma)


def _checked(
    names: Sequence[str], kinds: Mapping[str, Kind] | None, drop: str | Iterable[str]
) -> tuple[Mapping[str, Kind], set[str]]:
    kinds, dropped = kinds or {}, {drop} if isinstance(drop, str) else set(drop)
    _check_names(names, [*kinds, *sorted(dropped)])
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise DataError(f"column {name!r} cannot be of kind {kind!r}: choose from {', '.join(map(repr, KINDS))}")
    return kinds, dropped


def _check_names(known: Sequence[str], asked: Iterable[str]) -> None:
    options = set(known)
    for name in asked:
        if name not in options:
            raise _unknown(name, known)


def _unknown(name: str, known: Sequence[str]) -> DataError:
    return DataError(f"there is no column {name!r}: {did_you_mean(name, known)}")
