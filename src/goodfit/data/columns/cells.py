"""Cells of text: which are missing, and which are numbers.

Each distinct value of a column is looked at once, however many rows have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None")
"""Cells that count as missing once spaces around them are removed, in files and data frames alike."""

_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?i:inf|infinity)"


@dataclass(frozen=True)
class Text:
    """A column of strings: its distinct values, trimmed, and which of them each row has."""

    distinct: pa.StringArray
    """Values that are not missing, in order of first appearance."""
    codes: pa.Int32Array
    """Position in `distinct` for every row; null where the cell is missing."""
    counts: np.ndarray
    """Number of rows with each distinct value, int64."""
    note: str = ""
    """Which words were counted as missing."""

    @property
    def present(self) -> int:
        """Number of cells that are not missing."""
        return int(self.counts.sum())

    def spread(self, values: pa.Array) -> pa.Array:
        """Return one value for each row from one value for each distinct string."""
        return values.take(self.codes)


class Parsed(NamedTuple):
    """Distinct strings read as numbers or dates."""

    values: pa.Array
    """One for each distinct string; null where it is not a number or date."""
    share: float
    """Share of the non-missing cells that could be read, 0 to 1."""
    note: str = ""
    notation: str = ""
    """In which they were read; see `parse_numbers` and `parse_dates`."""


class _Form(NamedTuple):
    """A notation of numbers: the pattern of a cell, the thousands separator and the decimal mark."""

    pattern: str
    thousands: str
    decimal: str
    note: str


_POINT = _Form(_PLAIN, "", ".", "")
POINT, THOUSANDS, COMMA, CLOCK = "point", "thousands", "comma", "clock"
"""Names of the notations of numbers."""
_THOUSANDS_PLAIN = rf"{_PLAIN}|[+-]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?"
_THOUSANDS = _Form(_THOUSANDS_PLAIN, ",", ".", "comma is the thousands separator")
_COMMA_PLAIN = r"[+-]?(?:(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?"
_COMMA = _Form(_COMMA_PLAIN, ".", ",", "comma is the decimal mark")
_FORMS = {POINT: _POINT, THOUSANDS: _THOUSANDS, COMMA: _COMMA}
_CLOCK = r"^(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:\.\d+)?))?$"


def clean_text(raw: pa.Array, *, booleans: bool | None = None) -> Text:
    """Return strings without the spaces around them, and with the words of `MISSING` as missing cells.

    If only true and false are left, in any case, they become lower case, as the booleans of a data frame are; with
    `booleans` always, or never.

    >>> clean_text(pa.array([" a", "?", "a", " ", None])).codes.to_pylist()
    [0, None, 0, None, None]
    """
    encoded = raw.dictionary_encode()
    trimmed = _lower_case_booleans(pc.utf8_trim_whitespace(encoded.dictionary), booleans)
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING, trimmed.type))
    words = [word for word in pc.filter(trimmed, missing).to_pylist() if word]
    if not (pc.any(missing).as_py() or not trimmed.equals(encoded.dictionary)):
        return Text(encoded.dictionary, encoded.indices, _counts(encoded))
    cleaned = pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed).take(encoded.indices).dictionary_encode()
    note = _missing_words(words, trimmed, encoded) if words else ""
    return Text(cleaned.dictionary, cleaned.indices, _counts(cleaned), note)


def are_booleans(distinct: pa.StringArray) -> bool:
    """Whether these are true and false alone, in any case, and words for missing cells."""
    known = pa.array(["true", "false", *(word.lower() for word in MISSING)], distinct.type)
    return len(distinct) < 20 and bool(pc.all(pc.is_in(pc.utf8_lower(distinct), value_set=known)).as_py())


def _lower_case_booleans(distinct: pa.StringArray, booleans: bool | None) -> pa.StringArray:
    small = pc.utf8_lower(distinct)
    known = pa.array(["true", "false"], small.type)
    is_truth = are_booleans(distinct) if booleans is None else booleans
    return pc.if_else(pc.is_in(small, value_set=known), small, distinct) if is_truth else distinct


def cast_all(strings: pa.StringArray, target: pa.DataType) -> pa.Array | None:
    """Return strings cast to another type; None if one of them cannot be."""
    try:
        # Arrow goes on after the first failure; most columns that fail do so within the first rows.
        if len(strings) > 50:
            pc.cast(strings.slice(0, 50), target)
        return pc.cast(strings, target)
    except pa.ArrowInvalid:
        return None


def parse_numbers(text: Text, *, decimal_comma: bool = False, notation: str = "") -> Parsed:
    """Return distinct strings as float64, all in the one notation that reads the most cells, or in the one given.

    Notations in order of preference: decimal point, thousands separators ("1,234.5"), decimal comma ("1.234,5"); with
    `decimal_comma` the last two change places. Then times of day ("13:05" or "13:05:59"), in seconds since midnight.
    """
    if notation not in (COMMA, CLOCK) and (plain := cast_all(text.distinct, pa.float64())) is not None:
        return Parsed(plain, 1.0, notation=POINT)
    if notation:
        return _read_clock(text) if notation == CLOCK else _read_form(text, notation)
    forms = [POINT]
    if pc.any(pc.match_substring(text.distinct, ",")).as_py():
        forms += [COMMA, THOUSANDS] if decimal_comma else [THOUSANDS, COMMA]
    return max((*(_read_form(text, form) for form in forms), _read_clock(text)), key=lambda parsed: parsed.share)


def unread_note(text: Text, parsed: Parsed, what: str) -> str:
    """Return a note about cells that could not be read, with examples; empty if there are none."""
    lost = np.flatnonzero(parsed.values.is_null().to_numpy(zero_copy_only=False))
    count = int(text.counts[lost].sum())
    examples = text.distinct.take(pa.array(lost[:3])).to_pylist()
    return f"{cells(count)} not {what} and counted as missing: {quoted(examples)}" if count else ""


def without_decimal_zeros(distinct: pa.StringArray) -> pa.StringArray:
    """Return whole numbers without ".0", so that category "3.0" in one file and 3 in the next are the same."""
    return pc.replace_substring_regex(distinct, pattern=r"^([+-]?\d+)\.0+$", replacement=r"\1")


def has_leading_zeros(distinct: pa.StringArray) -> bool:
    """Whether these are codes such as "02134": digits only, some with a leading zero."""
    if not pc.any(pc.starts_with(distinct, pattern="0")).as_py():
        return False
    digits = pc.match_substring_regex(distinct, r"^\d+$")
    return bool(pc.all(digits).as_py() and pc.any(pc.match_substring_regex(distinct, r"^0\d")).as_py())


def cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count:,} cells are"


def quoted(examples: Sequence[str]) -> str:
    """Return a few values for a note or error, each cut to a length that fits on a line."""
    return ", ".join(repr(value if len(value) <= 30 else value[:29] + "…") for value in examples)


def _read_form(text: Text, notation: str) -> Parsed:
    form = _FORMS[notation]
    fits = pc.match_substring_regex(text.distinct, rf"^(?:{form.pattern})$")
    plain = text.distinct
    if form.thousands:
        plain = pc.replace_substring(plain, pattern=form.thousands, replacement="")
    if form.decimal != ".":
        plain = pc.replace_substring(plain, pattern=form.decimal, replacement=".")
    values = pc.cast(pc.if_else(fits, plain, pa.scalar(None, pa.string())), pa.float64())
    return Parsed(values, _share(text, fits), form.note, notation)


def _read_clock(text: Text) -> Parsed:
    found = pc.extract_regex(text.distinct, _CLOCK)
    hour, minute, second = (pc.struct_field(found, name) for name in ("hour", "minute", "second"))
    second = pc.if_else(pc.equal(second, ""), "0", second)
    hours, minutes, seconds = (pc.cast(part, pa.float64()) for part in (hour, minute, second))
    values = pc.add(pc.add(pc.multiply(hours, 3600.0), pc.multiply(minutes, 60.0)), seconds)
    return Parsed(values, _share(text, values.is_valid()), "times of day, in seconds since midnight", CLOCK)


def _share(text: Text, read: pa.BooleanArray) -> float:
    """The share of the cells that are there whose distinct value was read."""
    return float(text.counts[read.to_numpy(zero_copy_only=False)].sum() / max(text.present, 1))


def _missing_words(words: Sequence[str], trimmed: pa.StringArray, encoded: pa.DictionaryArray) -> str:
    named = pc.is_in(trimmed, value_set=pa.array(words, trimmed.type)).to_numpy(zero_copy_only=False)
    count = int(_counts(encoded)[named].sum())
    return f"{cells(count)} {quoted(sorted(set(words)))} and counted as missing"


def _counts(encoded: pa.DictionaryArray) -> np.ndarray:
    codes = encoded.indices.drop_null().to_numpy()
    return np.bincount(codes, minlength=len(encoded.dictionary))
