"""Cells of text: what is missing, and what are numbers.

A column of strings is looked at through its distinct values, each once, however many rows hold it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None")
"""Cells that count as missing, after spaces around them are gone, in files and data frames alike."""

_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?i:inf|infinity)"


@dataclass(frozen=True)
class Text:
    """A column of strings: its distinct values, trimmed, and for every row which of them it holds."""

    distinct: pa.StringArray
    """Values that are not missing, in order of first appearance."""
    codes: pa.Int32Array
    """Position in `distinct` for every row; null where the cell is missing."""
    counts: np.ndarray
    """Number of rows that hold each distinct value, int64."""
    note: str = ""
    """Which words were counted as missing."""

    @property
    def present(self) -> int:
        """Number of cells that are not missing."""
        return int(self.counts.sum())

    def spread(self, values: pa.Array) -> pa.Array:
        """One value for every row from one value for every distinct string."""
        return values.take(self.codes)


class Parsed(NamedTuple):
    """Distinct strings read as numbers or dates."""

    values: pa.Array
    """One for every distinct string; null where it is not a number or date."""
    share: float
    """Part of the cells that are not missing which could be read, 0 to 1."""
    note: str = ""


class _Form(NamedTuple):
    """A way of writing numbers: what a cell looks like, the mark that separates thousands, the decimal mark."""

    pattern: str
    thousands: str
    decimal: str
    note: str


_POINT = _Form(_PLAIN, "", ".", "")
_THOUSANDS = _Form(rf"{_PLAIN}|[+-]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?", ",", ".", "commas separate thousands")
_COMMA_PLAIN = r"[+-]?(?:(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?"
_COMMA = _Form(_COMMA_PLAIN, ".", ",", "decimal commas")


def clean_text(raw: pa.Array) -> Text:
    """Strings with the spaces around them gone and the words of `MISSING` taken as missing.

    Where all that is left is true and false, in any case, it is written small, as the booleans of a data frame are.

    >>> clean_text(pa.array([" a", "?", "a", " ", None])).codes.to_pylist()
    [0, None, 0, None, None]
    """
    encoded = raw.dictionary_encode()
    trimmed = _truth_written_small(pc.utf8_trim_whitespace(encoded.dictionary))
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING, trimmed.type))
    words = [word for word in pc.filter(trimmed, missing).to_pylist() if word]
    if not (pc.any(missing).as_py() or not trimmed.equals(encoded.dictionary)):
        return Text(encoded.dictionary, encoded.indices, _counts(encoded))
    cleaned = pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed).take(encoded.indices).dictionary_encode()
    note = _missing_words(words, trimmed, encoded) if words else ""
    return Text(cleaned.dictionary, cleaned.indices, _counts(cleaned), note)


def _truth_written_small(distinct: pa.StringArray) -> pa.StringArray:
    small = pc.utf8_lower(distinct)
    known = pa.array(["true", "false", *(word.lower() for word in MISSING)], small.type)
    is_truth = len(distinct) < 20 and pc.all(pc.is_in(small, value_set=known)).as_py()
    return pc.if_else(pc.is_in(small, value_set=known.slice(0, 2)), small, distinct) if is_truth else distinct


def cast_all(strings: pa.StringArray, target: pa.DataType) -> pa.Array | None:
    """Strings cast to another type; None if one of them cannot be."""
    try:
        # Arrow goes on after the first failure, which takes its time; most columns that fail do so at once.
        if len(strings) > 50:
            pc.cast(strings.slice(0, 50), target)
        return pc.cast(strings, target)
    except pa.ArrowInvalid:
        return None


def parse_numbers(text: Text, *, decimal_comma: bool = False) -> Parsed:
    """Distinct strings as float64, in the one way of writing numbers that reads the most cells.

    A decimal point is tried first, then commas as separators of thousands ("1,234.5") and as decimal marks ("1.234,5"),
    the latter before the former with `decimal_comma`. All cells are read in the same way.
    """
    if (plain := cast_all(text.distinct, pa.float64())) is not None:
        return Parsed(plain, 1.0)
    forms = [_POINT]
    if pc.any(pc.match_substring(text.distinct, ",")).as_py():
        forms += [_COMMA, _THOUSANDS] if decimal_comma else [_THOUSANDS, _COMMA]
    return max((_read_form(text, form) for form in forms), key=lambda parsed: parsed.share)


def strays(text: Text, parsed: Parsed, what: str) -> str:
    """The note about cells that are there but could not be read, with examples; empty if there are none."""
    lost = np.flatnonzero(parsed.values.is_null().to_numpy(zero_copy_only=False))
    count = int(text.counts[lost].sum())
    examples = text.distinct.take(pa.array(lost[:3])).to_pylist()
    return f"{cells(count)} not {what} and counted as missing: {quoted(examples)}" if count else ""


def written_alike(distinct: pa.StringArray) -> pa.StringArray:
    """Whole numbers without ".0", so that a category "3.0" in one file and 3 in the next are the same."""
    return pc.replace_substring_regex(distinct, pattern=r"^([+-]?\d+)\.0+$", replacement=r"\1")


def has_leading_zeros(distinct: pa.StringArray) -> bool:
    """Whether these are codes such as "02134": digits only, and a zero in front of some."""
    if not pc.any(pc.starts_with(distinct, pattern="0")).as_py():
        return False
    digits = pc.match_substring_regex(distinct, r"^\d+$")
    return bool(pc.all(digits).as_py() and pc.any(pc.match_substring_regex(distinct, r"^0\d")).as_py())


def cells(count: int) -> str:
    return "1 cell is" if count == 1 else f"{count:,} cells are"


def quoted(examples: Sequence[str]) -> str:
    """A few values for a note or error, each cut to a length that fits on a line."""
    return ", ".join(repr(value if len(value) <= 30 else value[:29] + "…") for value in examples)


def _read_form(text: Text, form: _Form) -> Parsed:
    fits = pc.match_substring_regex(text.distinct, rf"^(?:{form.pattern})$")
    plain = text.distinct
    if form.thousands:
        plain = pc.replace_substring(plain, pattern=form.thousands, replacement="")
    if form.decimal != ".":
        plain = pc.replace_substring(plain, pattern=form.decimal, replacement=".")
    values = pc.cast(pc.if_else(fits, plain, pa.scalar(None, pa.string())), pa.float64())
    share = text.counts[fits.to_numpy(zero_copy_only=False)].sum() / max(text.present, 1)
    return Parsed(values, float(share), form.note)


def _missing_words(words: Sequence[str], trimmed: pa.StringArray, encoded: pa.DictionaryArray) -> str:
    named = pc.is_in(trimmed, value_set=pa.array(words, trimmed.type)).to_numpy(zero_copy_only=False)
    count = int(_counts(encoded)[named].sum())
    return f"{cells(count)} {quoted(sorted(set(words)))} and counted as missing"


def _counts(encoded: pa.DictionaryArray) -> np.ndarray:
    codes = encoded.indices.drop_null().to_numpy()
    return np.bincount(codes, minlength=len(encoded.dictionary))
