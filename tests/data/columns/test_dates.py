"""Dates in text are read where day, month and year are certain, and left alone where they are not."""

from datetime import datetime

import pyarrow as pa
import pytest

from goodfit.data.columns.cells import clean_text
from goodfit.data.columns.dates import parse_dates


def parse(*values):
    return parse_dates(clean_text(pa.array(values)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-02-28", datetime(2021, 2, 28)),
        ("2021-02-28 09:05", datetime(2021, 2, 28, 9, 5)),
        ("2021-02-28T09:05:01.5", datetime(2021, 2, 28, 9, 5, 1, 500_000)),
        ("2021-02-28T09:05:00Z", datetime(2021, 2, 28, 9, 5)),
        ("2021-02-28 01:05:00+02:00", datetime(2021, 2, 27, 23, 5)),
        ("2021-2-8", datetime(2021, 2, 8)),
        ("2021/02/28", datetime(2021, 2, 28)),
        ("28.2.2021", datetime(2021, 2, 28)),
        ("3.4.2021 17:30", datetime(2021, 4, 3, 17, 30)),
        ("28/02/2021", datetime(2021, 2, 28)),
        ("2/28/2021 5:06 PM", datetime(2021, 2, 28, 17, 6)),
        ("2/28/2021 12:06:07 am", datetime(2021, 2, 28, 0, 6, 7)),
        ("28 Feb 2021", datetime(2021, 2, 28)),
        ("28-february-2021", datetime(2021, 2, 28)),
        ("Feb 8, 2021", datetime(2021, 2, 8)),
        ("Sept 8 2021", datetime(2021, 9, 8)),
        ("0099-02-28T1:00", datetime(99, 2, 28, 1)),
    ],
)
def test_dates_are_read(value, expected):
    assert parse(value).values.to_pylist() == [expected]


@pytest.mark.parametrize(
    "value",
    ["2021-02-30", "31.4.2021", "2021-13-01", "30/2/2021", "2/13/21", "8 Foo 2021", "2021-02-28 25:00", "13 Ma 2021",
     "2/28/2021 13:00 PM", "2021", "2021-02", "10:30", "1.2.3", "2021-02-28x", "٢٠٢١-02-28"],
)  # fmt: skip
def test_what_is_no_certain_date_is_not_read(value):
    parsed = parse(value)
    assert (parsed.values.null_count, parsed.share) == (1, 0)


def test_one_day_above_twelve_says_how_all_are_meant():
    assert parse("3/4/2021", "13/4/2021").values.to_pylist() == [datetime(2021, 4, 3), datetime(2021, 4, 13)]
    assert parse("3/4/2021", "3/13/2021").values.to_pylist() == [datetime(2021, 3, 4), datetime(2021, 3, 13)]
    assert parse("4/4/2021").values.to_pylist() == [datetime(2021, 4, 4)]


@pytest.mark.parametrize("values", [("3/4/2021", "5/6/2021"), ("13/4/2021", "4/13/2021")])
def test_dates_that_could_be_either_are_not_guessed(values):
    parsed = parse(*values)
    assert parsed.share == 0
    assert parsed.note == "day and month are ambiguous: write dates as YYYY-MM-DD"


def test_the_share_counts_cells_not_values():
    assert parse("2021-1-1", "2021-1-1", "2021-1-1", "soon").share == 0.75


def test_times_with_a_zone_are_noted():
    assert parse("2021-02-28T09:05:00Z").note == "times in UTC"
    assert parse("2021-2-28").note == ""
