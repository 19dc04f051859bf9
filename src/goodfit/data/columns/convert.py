"""Typed Arrow columns as numbers, dates or strings."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

EXACT = 2**53
"""Whole numbers up to here are exact in float64."""

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class Converted(NamedTuple):
    """Values in the type asked for; null where missing."""

    values: pa.Array
    note: str = ""
    exact: bool = True
    """Whether the values still say all that stood there."""


def plain_array(column: pa.ChunkedArray) -> pa.Array:
    """One array of a type that the rules know: extensions by their storage, every kind of string as string."""
    array = column.combine_chunks()
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if types.is_dictionary(array.type) and is_text(array.type.value_type):
        return array.cast(pa.dictionary(pa.int32(), pa.string()))
    return array.cast(pa.string()) if is_text(array.type) else array


def is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_date(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind) or types.is_date(kind))


def to_numbers(raw: pa.Array) -> Converted | None:
    """A column of numbers, booleans, durations or times of day as float64; None for other types."""
    kind = raw.type
    if types.is_boolean(kind):
        return Converted(raw.cast(pa.uint8()).cast(pa.float64()), "true/false: 1 is true", exact=False)
    if types.is_floating(kind):
        return Converted(without_nan(raw.cast(pa.float64())))
    if types.is_integer(kind):
        # A sum of the two bounds could overflow int64; each is compared by itself.
        bounds = pc.min_max(raw).as_py()
        exact = raw.null_count == len(raw) or (bounds["max"] <= EXACT and bounds["min"] >= -EXACT)
        return Converted(raw.cast(pa.float64(), safe=False), "" if exact else rounding_note(), exact)
    if types.is_decimal(kind):
        return Converted(raw.cast(pa.float64()), exact=False)
    if types.is_duration(kind) or types.is_time(kind):
        note = "in seconds" if types.is_duration(kind) else "in seconds since midnight"
        return Converted(pc.multiply(_ticks(raw).cast(pa.float64()), _SECONDS[kind.unit]), note, exact=False)
    return None


def to_dates(raw: pa.Array) -> Converted:
    """A column of dates or timestamps as timestamp[us] without zone, in UTC if it had one."""
    zone = raw.type.tz if types.is_timestamp(raw.type) else None
    target = pa.timestamp("us", zone)
    dates = pc.cast(raw, options=pc.CastOptions(target_type=target, allow_time_truncate=True))
    exact = raw.type == target and not zone
    return Converted(dates.view(pa.timestamp("us")), "times in UTC" if zone else "", exact)


def to_strings(raw: pa.Array) -> pa.Array | None:
    """A column of single values as strings, whole floats without ".0"; None for lists, structs and binary values.

    >>> to_strings(pa.array([3.0, 2.5, None])).to_pylist()
    ['3', '2.5', None]
    """
    if types.is_dictionary(raw.type):
        return to_strings(raw.dictionary_decode())
    if types.is_floating(raw.type):
        return without_nan(raw).cast(pa.string())
    if types.is_nested(raw.type) or types.is_interval(raw.type) or is_bytes(raw.type):
        return None
    return (_ticks(raw) if types.is_duration(raw.type) else raw).cast(pa.string())


def without_nan(values: pa.Array) -> pa.Array:
    """Floats with NaN as null."""
    nan = pc.is_nan(values)
    return pc.if_else(nan, pa.scalar(None, values.type), values) if pc.any(nan).as_py() else values


def is_bytes(kind: pa.DataType) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def rounding_note() -> str:
    return "whole numbers above 2**53 are rounded"


def _ticks(raw: pa.Array) -> pa.Array:
    return raw.view(pa.int32() if types.is_time32(raw.type) else pa.int64())
