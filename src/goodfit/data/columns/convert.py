"""Convert typed Arrow columns to numbers, dates or strings."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from goodfit.arrays import Indices

MAX_EXACT_FLOAT64 = 2**53
"""Whole numbers up to this one are exact in float64."""

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class Converted(NamedTuple):
    """A column in another type; null where missing."""

    values: pa.Array
    note: str = ""
    exact: bool = True
    """Whether the conversion lost nothing."""


def plain_array(column: pa.ChunkedArray) -> pa.Array:
    """Return one array of a basic type: extension types as their storage, every string type as string."""
    array = column.combine_chunks()
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if types.is_dictionary(array.type) and is_text(array.type.value_type):
        return array.cast(pa.dictionary(pa.int32(), pa.string()))
    return array.cast(pa.string()) if is_text(array.type) else array


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return the values as one array; ``combine_chunks`` copies even those that are."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def text_codes(values: Iterable[object]) -> Indices:
    """Return which of the different texts each value is, from 0 in their order.

    ``np.unique`` would give every text the room of the longest.

    >>> text_codes(["Rome", "Bonn", None, "Rome"]).tolist()
    [2, 0, 1, 2]
    """
    found = pa.array(map(str, values), pa.large_string()).dictionary_encode()
    places = np.argsort(np.argsort(np.array(found.dictionary.to_pylist(), object)))
    codes: Indices = places[np.asarray(found.indices)]
    return codes


def is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_date(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind) or types.is_date(kind))


def to_numbers(raw: pa.Array) -> Converted | None:
    """Return numbers, booleans, durations or times of day as float64; None for other types."""
    kind = raw.type
    if types.is_boolean(kind):
        return Converted(raw.cast(pa.uint8()).cast(pa.float64()), "true/false: 1 is true", exact=False)
    if types.is_floating(kind):
        return Converted(without_nan(raw.cast(pa.float64())))
    if types.is_integer(kind):
        low, high = (bound.as_py() or 0 for bound in pc.min_max(raw).values())
        exact = max(high, -low) <= MAX_EXACT_FLOAT64
        note = "" if exact else "whole numbers above 2**53 are rounded"
        return Converted(raw.cast(pa.float64(), safe=False), note, exact)
    if types.is_decimal(kind):
        return Converted(raw.cast(pa.float64()), exact=False)
    if types.is_duration(kind) or types.is_time(kind):
        note = "in seconds" if types.is_duration(kind) else "in seconds since midnight"
        return Converted(pc.multiply(_ticks(raw).cast(pa.float64()), _SECONDS[kind.unit]), note, exact=False)
    return None


def to_dates(raw: pa.Array) -> Converted:
    """Return dates or timestamps as timestamp[us] without time zone, in UTC if they had one."""
    zone = raw.type.tz if types.is_timestamp(raw.type) else None
    target = pa.timestamp("us", zone)
    dates = pc.cast(raw, options=pc.CastOptions(target_type=target, allow_time_truncate=True))
    exact = raw.type == target and not zone
    return Converted(dates.view(pa.timestamp("us")), "times in UTC" if zone else "", exact)


def to_strings(raw: pa.Array) -> pa.Array | None:
    """Return single values as strings, whole floats without ".0"; None for lists, structs and binary values.

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
    """Return floats with null for NaN."""
    nan = pc.is_nan(values)
    return pc.if_else(nan, pa.scalar(None, values.type), values) if pc.any(nan).as_py() else values


def is_bytes(kind: pa.DataType) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _ticks(raw: pa.Array) -> pa.Array:
    return raw.view(pa.int32() if types.is_time32(raw.type) else pa.int64())
