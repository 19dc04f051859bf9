"""Columns read in a notation that is settled, so that what a block of rows means does not depend on its other rows."""

from typing import NamedTuple

import pyarrow as pa

from goodfit.data.columns.cells import (
    CLOCK,
    COMMA,
    are_booleans,
    cast_all,
    clean_text,
    parse_numbers,
    without_decimal_zeros,
)
from goodfit.data.columns.convert import is_text, to_strings, without_nan
from goodfit.data.columns.dates import MONTH_FIRST, parse_dates
from goodfit.data.columns.schema import Column, read_as
from goodfit.errors import DataError

ARROW_TYPES: dict[str, pa.DataType] = {"number": pa.float64(), "date": pa.timestamp("us")}
"""Of the columns of a table by kind; other kinds are strings."""


class Notation(NamedTuple):
    """How the cells of a column are written. name: of numbers or dates. booleans: of words, whether they are true and
    false alone."""

    name: str = ""
    booleans: bool = False


def find_notation(column: Column, raw: pa.Array, *, decimal_comma: bool) -> Notation:
    """Return the notation that suits most cells of a column of this kind."""
    raw = _decoded(raw)
    if column.kind in ARROW_TYPES:
        if not is_text(raw.type):
            return Notation()
        text = clean_text(raw)
        is_number = column.kind == "number"
        parsed = parse_numbers(text, decimal_comma=decimal_comma) if is_number else parse_dates(text)
        return Notation(parsed.notation or MONTH_FIRST)
    strings = to_strings(raw)
    return Notation(booleans=strings is not None and are_booleans(clean_text(strings).distinct))


def read_in_notation(column: Column, raw: pa.Array, notation: Notation) -> pa.Array:
    """Return cells as the kind of their column; those that cannot be read so are missing."""
    raw = _decoded(raw)
    if column.kind in ARROW_TYPES:
        return _values(column, raw, notation.name)
    strings = to_strings(raw)
    if strings is None:
        return pa.nulls(len(raw), pa.string())
    text = clean_text(strings, booleans=notation.booleans)
    return text.spread(without_decimal_zeros(text.distinct) if column.kind == "category" else text.distinct)


def _values(column: Column, raw: pa.Array, notation: str) -> pa.Array:
    kind = ARROW_TYPES[column.kind]
    if raw.null_count == len(raw):
        return pa.nulls(len(raw), kind)
    if not is_text(raw.type):
        try:
            return read_as(column.name, raw, column.kind).values
        except DataError:  # of a type that cannot be read as this kind
            return pa.nulls(len(raw), kind)
    if column.kind == "number" and notation not in (COMMA, CLOCK) and (plain := cast_all(raw, kind)) is not None:
        return without_nan(plain)
    text = clean_text(raw)
    numbers = column.kind == "number"
    return text.spread((parse_numbers if numbers else parse_dates)(text, notation=notation).values)


def _decoded(raw: pa.Array) -> pa.Array:
    return raw.dictionary_decode() if pa.types.is_dictionary(raw.type) else raw
