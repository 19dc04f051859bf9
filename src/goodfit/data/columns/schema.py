"""Infer the kind of a column (number, category, date, text or id) and whether it is used."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.columns.cells import (
    Parsed,
    Text,
    cast_all,
    clean_text,
    has_leading_zeros,
    parse_numbers,
    quoted,
    unread_note,
    without_decimal_zeros,
)
from goodfit.data.columns.convert import (
    MAX_EXACT_FLOAT64,
    is_date,
    is_text,
    to_dates,
    to_numbers,
    to_strings,
    without_nan,
)
from goodfit.data.columns.dates import parse_dates
from goodfit.errors import DataError
from goodfit.formatting import join

Kind = Literal["number", "category", "date", "text", "id"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MIN_SHARE_PARSED = 0.99
"""Text is number or date if at least this share of its filled cells can be read as such."""
MIN_SHARE_FEW_WORDS = 0.8
"""The same for numbers if the other cells have only a few words for "unknown"."""
MAX_SHARE_ID = 0.5
"""Text of which a larger share is numbers or dates is no id."""
MIN_SHARE_DISTINCT_ID = 0.95
"""Values that differ in at least this share of the filled cells name rows rather than describe them."""
MIN_ROWS_ID = 20
"""In fewer filled cells different values say nothing: only the name can mark an id."""
MIN_WORDS_TEXT = 3
"""Cells with fewer words on average are categories, however many of them differ."""

_ID_WORDS = {"id", "ids", "uuid", "guid"}
_ID_NAMES = re.compile(
    r"index|row(_?(num|number|no))?|unnamed[_: ]*\d+|(user|cust|customer|client|account|order|item|product|movie|record"
    r"|row|patient|subject|object|transaction|session|device|employee|student|trial|case|sample|person|passenger)id"
)


@dataclass(frozen=True)
class Column:
    """What is known about a column; `note` says why it is not used or what was noticed, else it is ""."""

    name: str
    kind: Kind
    missing: int
    used: bool
    note: str = ""


class Reading(NamedTuple):
    """One column and its kind."""

    values: pa.Array
    """float64, string or timestamp[us]; null where missing."""
    kind: Kind
    used: bool = True
    note: str = ""
    original: pa.Array | None = None
    """The cells as given, where `values` may have lost something: "0.50" is 0.5, and 3.10 could be a version."""


def infer_kind(name: str, raw: pa.Array, *, decimal_comma: bool = False) -> Reading:
    """Return a column with its kind, inferred from its values and name.

    * Arrow numbers and booleans are number, dates and timestamps date, dictionaries category; durations and times of
      day are numbers of seconds; lists, structs and binary values are not used.
    * Text is number if 99 % of its filled cells are, or 80 % with 20 or more different numbers and at most three words
      in the other cells ("unknown", "-"), which count as missing, as the note says. Digits with leading zeros are
      codes, not numbers. Text is date if 99 % of its filled cells are, see `parse_dates`.
    * Other text is text if it has three or more words per cell and more than half of its cells differ; id if 95 %
      differ and less than half are numbers or dates; else category. With fewer than 20 filled cells only the name can
      mark an id.
    * Whole numbers named like an id are id if 95 % of them differ, else category. Numbers with a fraction are number.
    * Infinity is noted; the encoder refuses it if the column is used.
    * Columns of kind id, empty columns and, in a table of more than one row, constant columns are not used.
    """
    if raw.null_count == len(raw):
        return _all_missing(len(raw))
    if is_text(raw.type):
        return _infer_text(name, raw, decimal_comma=decimal_comma)
    if pa.types.is_dictionary(raw.type):
        return _unless_constant(read_as(name, raw, "category"))
    if is_date(raw.type):
        return _unless_constant(read_as(name, raw, "date"))
    number = _number(raw)
    return _infer_number(name, raw, number) if number else _unsupported(raw)


def read_as(name: str, raw: pa.Array, kind: Kind, *, decimal_comma: bool = False) -> Reading:
    """Return a column as the kind that the user asks for; DataError if no cell can be read so."""
    if kind in ("number", "date"):
        return _read_values(name, raw, kind, decimal_comma=decimal_comma)
    strings = to_strings(raw)
    if strings is None:
        if kind == "category":
            raise _wrong_type(name, raw, kind)
        return _unsupported(raw)
    text = clean_text(strings)
    return _words(text, kind)._replace(original=None if is_text(raw.type) else raw)


def _read_values(name: str, raw: pa.Array, kind: Kind, *, decimal_comma: bool) -> Reading:
    """A column as numbers or dates."""
    if raw.null_count == len(raw):
        return Reading(pa.nulls(len(raw), pa.float64() if kind == "number" else pa.timestamp("us")), kind)
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if is_text(raw.type):
        text = clean_text(raw)
        parsed = parse_numbers(text, decimal_comma=decimal_comma) if kind == "number" else parse_dates(text)
        return _noting_infinity(_from_text(name, raw, text, parsed, kind))
    reading = _number(raw) if kind == "number" else _dates(raw)
    if reading is None:
        raise _wrong_type(name, raw, kind)
    return _noting_infinity(reading)


def _number(raw: pa.Array) -> Reading | None:
    number = to_numbers(raw)
    return number and Reading(number.values, "number", True, number.note, None if number.exact else raw)


def _dates(raw: pa.Array) -> Reading | None:
    dates = to_dates(raw) if is_date(raw.type) else None
    return dates and Reading(dates.values, "date", True, dates.note, None if dates.exact else raw)


def _from_text(name: str, raw: pa.Array, text: Text, parsed: Parsed, kind: Kind) -> Reading:
    """Numbers or dates from text, with a note about the cells that could not be read."""
    if text.present and not parsed.share:
        why = parsed.note or f"no cell is a {kind}, for example {quoted(text.distinct.slice(0, 1).to_pylist())}"
        raise DataError(f"column {name!r} cannot be read as {kind}: {why}")
    note = _join(parsed.note, unread_note(text, parsed, f"a {kind}"), text.note)
    return Reading(text.spread(parsed.values), kind, True, note, raw)


def _infer_text(name: str, raw: pa.Array, *, decimal_comma: bool) -> Reading:
    plain = cast_all(raw, pa.float64())
    if plain is not None and not has_leading_zeros(raw):
        return _infer_number(name, raw, Reading(without_nan(plain), "number", original=raw))
    text = clean_text(raw)
    if not text.present:
        return _all_missing(len(raw))
    numbers = parse_numbers(text, decimal_comma=decimal_comma)
    if has_leading_zeros(text.distinct):
        return _infer_words(name, text, "codes with leading zeros")
    if _mostly_numbers(text, numbers):
        return _infer_number(name, raw, _from_text(name, raw, text, numbers, "number"))
    dates = parse_dates(text)
    if dates.share >= MIN_SHARE_PARSED:
        return _unless_constant(_from_text(name, raw, text, dates, "date"))
    if numbers.share >= MAX_SHARE_ID:
        return _infer_words(name, text, f"{numbers.share:.0%} of the cells are numbers", maybe_id=False)
    if dates.share >= MAX_SHARE_ID:
        return _infer_words(name, text, f"{dates.share:.0%} of the cells are dates", maybe_id=False)
    return _infer_words(name, text, "" if dates.share else dates.note)


def _mostly_numbers(text: Text, numbers: Parsed) -> bool:
    words = numbers.values.null_count
    few_words = words <= 3 and len(text.distinct) - words >= MIN_ROWS_ID
    return numbers.share >= (MIN_SHARE_FEW_WORDS if few_words else MIN_SHARE_PARSED)


def _infer_words(name: str, text: Text, hint: str, *, maybe_id: bool = True) -> Reading:
    """Text, id or category."""
    differ, enough = len(text.distinct), text.present >= MIN_ROWS_ID
    mostly_differ = enough and differ > text.present / 2
    words = pc.add(pc.count_substring(text.distinct, " "), 1).to_numpy() @ text.counts / text.present
    kind: Kind = "category"
    if mostly_differ and words >= MIN_WORDS_TEXT:
        kind = "text"
    elif differ >= MIN_SHARE_DISTINCT_ID * text.present and ((enough and maybe_id) or _named_like_an_id(name)):
        kind = "id"
    many = f"{differ:,} different values" if kind == "category" and mostly_differ else ""
    return _unless_constant(_words(text, kind, many, hint))


def _words(text: Text, kind: Kind, *notes: str) -> Reading:
    """Text as this kind, with a note why it is not used."""
    category = kind == "category"
    if kind == "id":
        notes = (f"id: {len(text.distinct):,} different values in {len(text.codes):,} rows", *notes)
    distinct = without_decimal_zeros(text.distinct) if category else text.distinct
    return Reading(text.spread(distinct), kind, kind != "id", _join(*notes, text.note))


def _infer_number(name: str, raw: pa.Array, number: Reading) -> Reading:
    """Number, unless whole numbers are named like an id, or all too large to count anything."""
    present = number.values.drop_null()
    if not len(present):
        return _all_missing(len(raw))
    if not pc.all(pc.equal(present, pc.floor(present))).as_py():
        return _unless_constant(_noting_infinity(number))
    named = _named_like_an_id(name)
    large = len(present) >= MIN_ROWS_ID and pc.min(present).as_py() > MAX_EXACT_FLOAT64 and _in_full(raw)
    if named or large:
        differs = pc.count_distinct(raw).as_py() >= MIN_SHARE_DISTINCT_ID * len(present)
        if differs or named:
            return _unless_constant(read_as(name, raw, "id" if differs else "category"))
    return _unless_constant(_noting_infinity(number))


def _in_full(raw: pa.Array) -> bool:
    """Whether whole numbers have all their digits, as ids have: not as floats, nor as 1.5e+300."""
    if is_text(raw.type):
        return bool(pc.all(pc.match_substring_regex(raw, r"^\s*[+-]?\d*\s*$")).as_py())
    return not pa.types.is_floating(raw.type)


def _named_like_an_id(name: str) -> bool:
    """PassengerId, customer_id, ID, movieid; not paid, valid, grid."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower().replace("_", " ").replace("-", " ").split()
    return bool(words and {words[0], words[-1]} & _ID_WORDS) or bool(_ID_NAMES.fullmatch(name.lower()))


def _noting_infinity(reading: Reading) -> Reading:
    """Only a note: infinity does no harm until the column is used, and then the encoder refuses it."""
    if reading.kind != "number" or not pc.any(infinite := pc.is_inf(reading.values)).as_py():
        return reading
    rows = np.flatnonzero(infinite.fill_null(False).to_numpy(zero_copy_only=False)) + 1
    return reading._replace(note=_join(f"infinity in row {join((f'{row:,}' for row in rows), most=3)}", reading.note))


def _unless_constant(reading: Reading) -> Reading:
    values = reading.values
    if len(values) < 2 or values.null_count or not pc.all(pc.equal(values, values[0])).as_py():
        return reading
    value = values[0].as_py()
    shown = f"{value:g}" if isinstance(value, float) else quoted([str(value)])
    return reading._replace(used=False, note=_join(f"constant: always {shown}", reading.note))


def _all_missing(n_rows: int) -> Reading:
    return Reading(pa.nulls(n_rows, pa.string()), "category", False, "all cells are missing")


def _unsupported(raw: pa.Array) -> Reading:
    return Reading(pa.nulls(len(raw), pa.string()), "text", False, f"type {raw.type} is not supported", raw)


def _wrong_type(name: str, raw: pa.Array, kind: Kind) -> DataError:
    return DataError(
        f"column {name!r} is of type {raw.type}, which cannot be read as {kind}: drop it or choose another kind"
    )


def _join(*notes: str) -> str:
    return "; ".join(dict.fromkeys(note for note in notes if note))
