"""The kind of a column is found from its values and name, and its note says what was lost or why it is not used."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.columns.schema import infer_kind, read_as
from goodfit.data.table import read_table
from goodfit.errors import DataError


def infer(values, name="x", **arguments):
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return infer_kind(name, array, **arguments)


def numbers(n, fraction=False):
    return [str(i + 0.5 * fraction) for i in range(n)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2", "3"], "number"),
        (["1.5", "-2e3", ".5", "+7"], "number"),
        (["a", "b", "a"], "category"),
        (["true", "false", "true"], "category"),
        (["yes", "no", "yes"], "category"),
        (["2021-01-01", "2021-01-02"], "date"),
        ([1, 2, 2], "number"),
        ([True, False, None], "number"),
        ([datetime.date(2021, 1, 1), datetime.date(2021, 1, 2)], "date"),
        ([datetime.time(9, 30), datetime.time(10, 0)], "number"),
        (pa.array(["u", "v", "u"]).dictionary_encode(), "category"),
        (pa.array([3, 4, 3]).dictionary_encode(), "category"),
        (pa.array([1.5, 2.5], pa.float16()), "number"),
        (pa.array([1, None, 3], pa.decimal128(10, 2)), "number"),
        (pa.array([1, 2], pa.duration("ms")), "number"),
        (pa.array(["a", "b"], pa.large_string()), "category"),
        (pa.array(["a", "b"], pa.string_view()), "category"),
    ],
)
def test_the_kind_is_found(values, kind):
    table = read_table(pa.table({"x": values if isinstance(values, pa.Array) else pa.array(values)}))
    assert (table.column("x").kind, table.column("x").used) == (kind, True)


@pytest.mark.parametrize("word", ["", "  ", "?", "NA", "N/A", "NaN", "nan", "null", "None", " ? "])
def test_words_for_missing_are_missing(word):
    assert infer(["1", word, "3"]).values.to_pylist() == [1.0, None, 3.0]
    assert infer(["a", word, "b"]).values.to_pylist() == ["a", None, "b"]


def test_words_counted_as_missing_are_noted_blanks_are_not():
    assert infer(["a", "?", "b", "?", " "]).note == "2 cells are '?' and counted as missing"
    assert infer(["a", "", "b", " "]).note == ""


def test_a_number_column_with_blank_cells_is_number():
    reading = infer([" ", "29.85", "1889.5"] * 5)
    assert (reading.kind, reading.values.null_count) == ("number", 5)


def test_one_stray_word_in_a_hundred_is_missing_and_noted():
    reading = infer([*numbers(199), "n/k"])
    assert reading.kind == "number"
    assert reading.values.to_pylist()[-2:] == [198.0, None]
    assert reading.note == "1 cell is not a number and counted as missing: 'n/k'"


def test_a_word_for_unknown_in_a_fifth_of_the_cells_is_missing_and_noted():
    reading = infer([*numbers(80), *["unknown"] * 20])
    assert (reading.kind, reading.values.null_count) == ("number", 20)
    assert reading.note == "20 cells are not a number and counted as missing: 'unknown'"


@pytest.mark.parametrize(
    "values", [[*numbers(70), *["unknown"] * 30], [*numbers(90), *"abcdefghij"], [*"1234" * 9, "4+"]]
)
def test_more_words_make_a_category_that_says_how_many_are_numbers(values):
    reading = infer(values)
    assert (reading.kind, reading.used) == ("category", True)
    assert "% of the cells are numbers" in reading.note


def test_a_measure_with_many_words_in_it_is_never_an_id():
    values = [*numbers(90, fraction=True), *(f"about {i}" for i in range(10))]
    assert infer(values).kind == "category"


@pytest.mark.parametrize(
    ("values", "decimal_comma", "first", "note"),
    [
        (["1,234", "12,500.5", "7"], False, 1234.0, "comma is the thousands separator"),
        (["1,234", "12,500", "7,125"], False, 1234.0, "comma is the thousands separator"),
        (["1,234", "12,500", "7,125"], True, 1.234, "comma is the decimal mark"),
        (["1,5", "2,25", "3"], False, 1.5, "comma is the decimal mark"),
        (["0,125", "0,250"], False, 0.125, "comma is the decimal mark"),
        (["1.234,5", "2,25", "-,5"], True, 1234.5, "comma is the decimal mark"),
    ],
)
def test_commas_in_numbers(values, decimal_comma, first, note):
    reading = infer(values, decimal_comma=decimal_comma)
    assert (reading.kind, reading.values[0].as_py(), reading.note) == ("number", first, note)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["13:05", "9:00", None], [47100.0, 32400.0, None]), (["23:59:59.5", "00:00:01"], [86399.5, 1.0])],
)
def test_times_of_day_are_seconds_since_midnight(values, expected):
    reading = infer(values)
    assert (reading.kind, reading.values.to_pylist()) == ("number", expected)
    assert reading.note == "times of day, in seconds since midnight"
    assert read_as("x", pa.array(values), "number").values.to_pylist() == expected


def test_what_is_no_hour_is_no_time_of_day():
    assert infer(["24:00", "7:60", "12:30"]).kind == "category"


def test_numbers_are_not_read_in_two_ways_at_once():
    assert infer(["1,5", "0.125"], decimal_comma=True).kind == "category"


def test_a_lone_dash_is_a_word_beside_decimal_commas():
    assert infer(["1,5", "2,5", "-"] * 5).kind == "category"


def test_codes_with_leading_zeros_stay_as_they_are():
    reading = infer(["02134", "94110", "02134"])
    assert (reading.kind, reading.note) == ("category", "codes with leading zeros")
    assert reading.values.to_pylist() == ["02134", "94110", "02134"]
    assert infer(["0", "0.5", "00.5"]).kind == "number"


@pytest.mark.parametrize(
    "name", ["id", "ID", "PassengerId", "customer_id", "customerID", "id-code", "UUID", "rowid", "index", "TreeId"]
)
def test_whole_numbers_named_like_an_id_are_not_used(name):
    reading = infer(list(range(100, 200)), name)
    assert (reading.kind, reading.used) == ("id", False)
    assert reading.note == "id: 100 different values in 100 rows"
    assert reading.values.to_pylist()[0] == "100"


@pytest.mark.parametrize("name", ["paid", "valid", "grid", "x", "humidity", "index_of_prices", "of_id_type"])
def test_whole_numbers_of_other_names_are_numbers(name):
    assert infer(list(range(100, 200)), name).kind == "number"


def test_fractions_are_never_an_id():
    assert infer([i + 0.5 for i in range(100)], "customer_id").kind == "number"


def test_an_id_that_repeats_is_a_category():
    reading = infer([1, 2, 3] * 10, "store_id")
    assert (reading.kind, reading.used, reading.values[0].as_py()) == ("category", True, "1")


def test_numbers_too_large_to_count_anything_are_an_id():
    reading = infer([2**60 + i for i in range(30)])
    assert (reading.kind, reading.values[1].as_py()) == ("id", str(2**60 + 1))


def test_rounded_whole_numbers_are_noted():
    assert infer([2**53 + 1, 5, 7]).note == "whole numbers above 2**53 are rounded"
    assert infer([-(2**53) - 1, 5, 7]).note == "whole numbers above 2**53 are rounded"
    assert infer([2**53, -(2**53), 7]).note == ""


def test_single_words_that_all_differ_are_an_id():
    reading = infer([f"{i:04d}-VHVEG" for i in range(30)])
    assert (reading.kind, reading.used, reading.note) == ("id", False, "id: 30 different values in 30 rows")


def test_few_words_that_all_differ_are_a_category_unless_the_name_says_id():
    assert infer(["Bonn", "Rome", "Oslo"], "city").kind == "category"
    assert infer(["b7", "r2", "o1"], "city_id").kind == "id"


def test_words_that_repeat_enough_are_a_category():
    reading = infer([f"PC {i % 60}" for i in range(100)])
    assert (reading.kind, reading.used, reading.note) == ("category", True, "60 different values")


def test_sentences_are_text():
    reading = infer([f"it was number {i} of many" for i in range(30)])
    assert (reading.kind, reading.used, reading.note) == ("text", True, "")


def test_sentences_that_repeat_are_a_category():
    assert infer(["Electronic check by mail", "Bank transfer each month"] * 20).kind == "category"


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (["Y", "Y", "Y"], "constant: always 'Y'"),
        ([3, 3], "constant: always 3"),
        ([datetime.date(2021, 1, 1)] * 2, "constant: always '2021-01-01 00:00:00'"),
        ([None, None], "all cells are missing"),
        (["", " ", "?"], "all cells are missing"),
        ([float("nan")] * 3, "all cells are missing"),
        (["nan", "NaN"], "all cells are missing"),
        ([[1], [2]], "type list<item: int64> is not supported"),
        ([{"a": 1}], "type struct<a: int64> is not supported"),
        ([b"x", b"y"], "type binary is not supported"),
    ],
)
def test_columns_that_say_nothing_are_not_used_and_say_why(values, note):
    reading = infer(values)
    assert (reading.used, reading.note) == (False, note)


def test_one_value_beside_missing_cells_says_something():
    assert infer(["Y", None, "Y"]).used
    assert infer([1, None]).used


def test_a_single_row_is_not_called_constant():
    assert infer(["Y"]).used


def test_infinity_is_noted_by_row():
    assert infer([1.0, float("inf"), 3.0]).note == "infinity in row 2"
    assert infer([1.5, *[-float("inf")] * 9]).note == "infinity in row 2, 3, 4 and 6 more"
    assert infer([*numbers(199), "n/k", "INF"]).note.startswith("infinity in row 201; 1 cell is not a number")
    assert infer(["1", "1e999", "?", "-Inf"]).note == "infinity in row 2, 4; 1 cell is '?' and counted as missing"
    assert read_as("x", pa.array([None, float("inf")]), "number").note == "infinity in row 2"
    assert read_as("x", pa.array(["inf", "2"]), "number").note == "infinity in row 1"


def test_nan_is_missing():
    assert infer([1.0, float("nan"), None]).values.to_pylist() == [1.0, None, None]


def test_booleans_are_zero_and_one():
    reading = infer([True, False, None])
    assert (reading.values.to_pylist(), reading.note) == ([1.0, 0.0, None], "true/false: 1 is true")


def test_durations_and_times_are_seconds():
    assert infer(pa.array([1500, 250], pa.duration("ms"))).values.to_pylist() == [1.5, 0.25]
    for kind in (pa.time32("s"), pa.time64("us")):
        times = pa.array([datetime.time(1, 0, 1), datetime.time(0, 1)], kind)
        assert infer(times).values.to_pylist() == [3601.0, 60.0]


def test_dates_finer_than_microseconds_are_cut():
    assert infer(pa.array([1_999, 5_000], pa.timestamp("ns"))).values.cast(pa.int64()).to_pylist() == [1, 5]


def test_a_few_dates_among_words_leave_no_note():
    assert infer(["2021-01-01T00:00:00Z", "soon", "later", "later"]).note == ""
    assert infer(["2021-01-01", "2021-01-02", "soon"]).note == "67% of the cells are dates"


def test_timestamps_of_a_zone_are_utc():
    zoned = pa.array([datetime.datetime(2021, 7, 1, 12)], pa.timestamp("ns")).cast(pa.timestamp("ns", "Europe/Berlin"))
    reading = infer(pa.concat_arrays([zoned, zoned.cast(pa.int64()).cast(zoned.type)]).slice(0, 1))
    assert reading.values.to_pylist() == [datetime.datetime(2021, 7, 1, 12)]
    assert reading.note == "times in UTC"


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "x", "3"], "number", [1.0, None, 3.0]),
        ([1, 2], "category", ["1", "2"]),
        ([1.0, 2.5], "category", ["1", "2.5"]),
        (["1.0", "2.0"], "category", ["1", "2"]),
        (["007", "008"], "number", [7.0, 8.0]),
        ([True, False], "category", ["true", "false"]),
        (["a", "b"], "text", ["a", "b"]),
        ([1, 2], "id", ["1", "2"]),
        (["2021-01-31", "soon"], "date", [datetime.datetime(2021, 1, 31), None]),
        ([datetime.date(2021, 1, 31)], "category", ["2021-01-31"]),
        ([None, None], "number", [None, None]),
        (["", "?"], "date", [None, None]),
        (pa.array([3, 4]).dictionary_encode(), "number", [3.0, 4.0]),
        (pa.array(["3", "4"]).dictionary_encode(), "number", [3.0, 4.0]),
    ],
)
def test_the_user_may_say_another_kind(values, kind, expected):
    reading = read_as("x", values if isinstance(values, pa.Array) else pa.array(values), kind)
    assert reading.values.to_pylist() == expected
    assert (reading.kind, reading.used) == (kind, kind != "id")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["Braund", "Kelly"], "number", r"'x' cannot be read as number: no cell is a number, for example 'Braund'"),
        (["Braund"], "date", r"'x' cannot be read as date"),
        ([1, 2], "date", r"'x' is of type int64, which cannot be read as date"),
        ([datetime.date(2021, 1, 1)], "number", r"'x' is of type date32\[day\], which cannot be read as number"),
        ([[1], [2]], "category", r"'x' is of type list<item: int64>, which cannot be read as category"),
        (["1/2/2021", "3/4/2021"], "date", r"day and month are ambiguous: write dates as YYYY-MM-DD"),
    ],
)
def test_a_kind_that_cannot_be_is_an_error_that_names_the_column(values, kind, message):
    with pytest.raises(DataError, match=message):
        read_as("x", pa.array(values), kind)


def test_numbers_are_exact_beyond_float32():
    assert infer(["16777217", "1e300", "0.1"]).values.to_pylist() == [16777217.0, 1e300, 0.1]
    assert np.asarray(infer([2**24 + 1, 5]).values).tolist() == [2**24 + 1, 5]
