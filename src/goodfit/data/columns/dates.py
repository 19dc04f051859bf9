"""Dates written as text, read only where day, month and year are unambiguous."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from goodfit.data.columns.cells import Parsed, Text, cast_all

_CLOCK = r"(?P<hour>\d{1,2})(?P<rest>:\d{2}(?::\d{2}(?:\.\d+)?)?)(?:\s?(?P<half>[AP]M))?"
_TIME = rf"(?:(?:T|\s+){_CLOCK}\s?(?P<zone>Z|[+-]\d{{2}}:?\d{{2}})?)?"
_SHAPES = [
    re.compile(shape + _TIME, re.IGNORECASE | re.ASCII)
    for shape in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<first>\d{1,2})(?P<mark>[-/])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[-\s](?P<name>[a-z]{3,9})[-,\s]\s?(?P<year>\d{4})",
        r"(?P<name>[a-z]{3,9})\s(?P<day>\d{1,2}),?\s(?P<year>\d{4})",
    )
]
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_UNCERTAIN = "day and month are ambiguous: write dates as YYYY-MM-DD"

_Parts = Mapping[str, str | None]
"""A date as written; `first` and `second` where only the other cells can say which one is the day."""


DAY_FIRST, MONTH_FIRST = "day first", "month first"
"""Names of the notations of dates."""


def parse_dates(text: Text, *, notation: str = "") -> Parsed:
    """Return distinct strings as timestamp[us]; times with a time zone are converted to UTC.

    Accepted are ISO dates and times, 2021/2/28, 28.2.2021, 28 Feb 2021, Feb 28, 2021, and 2/28/2021 or 28/2/2021 if a
    day above 12 in the column tells which is meant. If none does, nothing is read and the note says so.

    notation: how 3/4/2021 is read, whatever the other cells say.
    """
    nothing = pa.nulls(len(text.distinct), pa.timestamp("us"))
    if not notation and not any(_match(value) for value in text.distinct.slice(0, 20).to_pylist()):
        return Parsed(nothing, 0.0)
    if (plain := cast_all(text.distinct, pa.timestamp("us"))) is not None:
        return Parsed(plain, 1.0)
    parts = [_match(value) for value in text.distinct.to_pylist()]
    day_first = notation == DAY_FIRST if notation else _day_first(found for found in parts if found)
    if day_first is None:
        return Parsed(nothing, 0.0, _UNCERTAIN)
    dates = [_timestamp(found, day_first=day_first) if found else None for found in parts]
    read = np.array([timestamp is not None for timestamp in dates], bool)
    zoned = any(found and found["zone"] for found in parts)
    share = float(text.counts[read].sum() / max(text.present, 1))
    return Parsed(
        pa.array(dates, pa.timestamp("us")),
        share,
        "times in UTC" if zoned else "",
        DAY_FIRST if day_first else MONTH_FIRST,
    )


def _match(value: str) -> _Parts | None:
    found = (shape.fullmatch(value) for shape in _SHAPES)
    return next((match.groupdict() for match in found if match), None)


def _day_first(parts: Iterable[_Parts]) -> bool | None:
    """Whether 3/4/2021 is in April; None if the column does not tell, or contradicts itself."""
    pairs = [(int(p["first"] or 0), int(p["second"] or 0)) for p in parts if p.get("first")]
    if all(first == second for first, second in pairs):
        return True
    first_is_day = any(first > 12 for first, _ in pairs)
    second_is_day = any(second > 12 for _, second in pairs)
    return None if first_is_day == second_is_day else first_is_day


def _timestamp(parts: _Parts, *, day_first: bool) -> datetime | None:
    """The date and time in UTC without time zone; None if there is no such day or hour."""
    day, month = parts.get("day"), parts.get("month")
    if parts.get("first"):
        day, month = (parts["first"], parts["second"]) if day_first else (parts["second"], parts["first"])
    if name := parts.get("name"):
        month = next((str(n) for n, full in enumerate(_MONTHS, 1) if full.startswith(name.lower())), None)
    try:
        day_of_year = date(int(parts["year"] or 0), int(month or 0), int(day or 0))
        timestamp = datetime.fromisoformat(f"{day_of_year.isoformat()}T{_clock(parts)}{parts['zone'] or ''}")
    except ValueError:
        return None
    return timestamp.astimezone(UTC).replace(tzinfo=None) if timestamp.tzinfo else timestamp


def _clock(parts: _Parts) -> str:
    """Hours and minutes on a 24-hour clock; a date alone is midnight."""
    if parts["hour"] is None:
        return "00:00"
    hour = int(parts["hour"])
    if parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} o'clock")
        hour = hour % 12 + 12 * (parts["half"].upper() == "PM")
    return f"{hour:02}{parts['rest']}"
