"""A table keeps what was read: values, overrides, the content hash of rows and of the whole."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.table import read_table, row_hashes
from goodfit.errors import DataError

COLUMNS = {
    "PassengerId": [11, 12, 13, 14],
    "Pclass": [3, 1, 3, 2],
    "Age": [22.0, None, 26.0, 35.0],
    "Sex": ["male", "female", None, "male"],
    "Day": [datetime.date(2021, 1, day) for day in (1, 2, 3, 4)],
}


@pytest.fixture
def table():
    return read_table(COLUMNS)


def test_values_are_numpy_arrays(table):
    np.testing.assert_array_equal(table.values("Age"), [22, np.nan, 26, 35])
    assert table.values("Age").dtype == np.float64
    assert table.values("Sex").tolist() == ["male", "female", None, "male"]
    assert table.values("Day").dtype == np.dtype("M8[us]")
    assert table.values("PassengerId").tolist() == ["11", "12", "13", "14"]


def test_normalised_types_follow_the_kind(table):
    assert {c.name: str(table.arrow.schema.field(c.name).type) for c in table.schema} == {
        "PassengerId": "string",
        "Pclass": "double",
        "Age": "double",
        "Sex": "string",
        "Day": "timestamp[us]",
    }


def test_an_unknown_column_is_an_error_with_the_nearest_name(table):
    for ask in (table.column, table.values, lambda name: row_hashes(table, [name])):
        with pytest.raises(DataError, match=r"no column 'pclas': did you mean 'Pclass'\?"):
            ask("pclas")
    with pytest.raises(DataError, match=r"did you mean 'PassengerId'\?"):
        table.column("PASSENGERID")


def test_taken_rows_keep_their_order_and_the_schema(table):
    part = table.take(np.array([3, 1]))
    assert part.values("Pclass").tolist() == [2, 1]
    assert (part.n_rows, part.names) == (2, table.names)
    assert (part.column("Age").missing, part.column("Sex").missing) == (1, 0)
    assert part.column("Pclass").used and part.take([0]).column("Pclass").used


def test_kinds_override_and_bring_back(table):
    again = read_table(COLUMNS, kinds={"Pclass": "category", "PassengerId": "number"})
    assert again.values("Pclass").tolist() == ["3", "1", "3", "2"]
    assert again.values("PassengerId").tolist() == [11, 12, 13, 14]
    assert again.column("PassengerId").used
    later = table.override(kinds={"Pclass": "category", "PassengerId": "number"})
    assert later.schema == again.schema
    assert later.fingerprint() == again.fingerprint()
    assert read_table(table, kinds={"Pclass": "category"}).column("Pclass").kind == "category"
    assert table.column("Pclass").kind == "number"


@pytest.mark.parametrize(
    ("values", "there", "back"),
    [
        (["1", *["2"] * 198, "n/k"], "number", "category"),
        (["1,5", "2,5"], "number", "category"),
        (["1/2/2021", "13/2/2021"], "date", "category"),
        ([True, False], "number", "category"),
        ([2**53 + 1, 2], "number", "id"),
        ([datetime.date(2021, 1, 1), None], "date", "category"),
    ],
)
def test_an_override_sees_what_stood_in_the_source(values, there, back):
    first = read_table({"x": values})
    assert first.column("x").kind == there
    again = first.override(kinds={"x": back})
    expected = [str(value).lower() if isinstance(value, bool) else value and str(value) for value in values]
    assert again.values("x").tolist() == expected
    assert again.override(kinds={"x": there}).fingerprint() == first.fingerprint()
    assert first.take([1]).override(kinds={"x": back}).values("x").tolist() == expected[1:2]


def test_the_decimal_comma_of_a_file_outlives_the_reading(tmp_path):
    (tmp_path / "table.csv").write_text("x;y\n1,250;a\n2,500;b\n", encoding="utf-8")
    table = read_table(tmp_path / "table.csv", kinds={"x": "category"})
    assert table.override(kinds={"x": "number"}).values("x").tolist() == [1.25, 2.5]


def test_whole_numbers_are_the_same_category_however_they_are_written(tmp_path):
    (tmp_path / "table.csv").write_text("x,y\n3.0,a\n,b\n1.0,c\n", encoding="utf-8")
    read = read_table(tmp_path / "table.csv", kinds={"x": "category"})
    assert read.values("x").tolist() == ["3", None, "1"]
    assert read_table({"x": [3, 1]}, kinds={"x": "category"}).values("x").tolist() == ["3", "1"]


def test_dropped_columns_stay_but_are_not_used(table):
    for again in (read_table(COLUMNS, drop=["Sex", "Age"]), table.override(drop=["Sex", "Age"])):
        assert again.names == table.names
        assert [c.name for c in again.schema if not c.used] == ["PassengerId", "Age", "Sex"]
        assert again.column("Sex").note == "excluded"
        assert again.fingerprint() == table.fingerprint()
    assert not read_table(COLUMNS, drop="Sex").column("Sex").used
    assert table.override(drop=["Sex"]).override(kinds={"Sex": "category"}).column("Sex").used


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"kinds": {"Pclas": "category"}},
            r"kinds names the column 'Pclas', which the table does not have: did you mean 'Pclass'\?",
        ),
        ({"drop": ["Name"]}, r"drop names the column 'Name', which the table does not have: choose from"),
        ({"kinds": {"Pclass": "categorical"}}, r"'Pclass' cannot be of kind 'categorical': choose from 'number', 'cat"),
        ({"kinds": {"Sex": "number"}}, r"'Sex' cannot be read as number: no cell is a number, for example 'male'"),
    ],
)
def test_a_wrong_override_is_an_error(table, arguments, message):
    with pytest.raises(DataError, match=message):
        read_table(COLUMNS, **arguments)
    with pytest.raises(DataError, match=message):
        table.override(**arguments)


def test_an_override_reads_numbers_in_text_as_they_are_written(tmp_path):
    (tmp_path / "table.csv").write_text("python,n\n3.1,1\n3.10,2\n1e5,3\n", encoding="utf-8")
    table = read_table(tmp_path / "table.csv")
    assert table.values("python").tolist() == [3.1, 3.1, 1e5]
    assert table.override(kinds={"python": "category"}).values("python").tolist() == ["3.1", "3.10", "1e5"]


def test_the_fingerprint_is_of_names_and_values():
    table = read_table(COLUMNS)
    assert len(table.fingerprint()) == 64
    assert table.fingerprint() == read_table(pa.table(COLUMNS)).fingerprint()
    changed = [
        {**COLUMNS, "Age": [22.0, None, 26.0, 35.5]},
        {**COLUMNS, "Age": [22.0, 0.0, 26.0, 35.0]},
        {**COLUMNS, "Sex": ["male", None, "female", "male"]},
        {**COLUMNS, "Day": [None, *COLUMNS["Day"][1:]]},
        {("Alter" if name == "Age" else name): values for name, values in COLUMNS.items()},
    ]
    prints = {read_table(columns).fingerprint() for columns in changed} | {table.take([1, 0, 2, 3]).fingerprint()}
    assert len(prints) == 6 and table.fingerprint() not in prints


def test_the_hashes_of_rows_are_the_same_everywhere():
    # By hashlib alone: BLAKE2b of 8 bytes over float64 1 and "1:a", and over NaN and ":"; its person has 16
    # bytes, over "['s', 'x']". Other numbers here mean that no sealed test set is recognised any more.
    hashes = row_hashes(read_table({"x": [1.0, None], "s": ["a", None]}))
    assert hashes.tolist() == [16287234431897864904, 10492795687178038369]


def test_equal_rows_have_equal_hashes_whatever_the_order_of_rows_and_columns(table):
    hashes = row_hashes(table)
    assert (hashes.dtype, hashes.shape) == (np.uint64, (4,))
    order = [2, 0, 3, 1, 2]
    np.testing.assert_array_equal(row_hashes(table.take(order)), hashes[order])
    turned = read_table({name: COLUMNS[name] for name in reversed(COLUMNS)})
    np.testing.assert_array_equal(row_hashes(turned), hashes)


def test_zero_has_one_hash_and_a_missing_cell_is_not_an_empty_one():
    assert len(set(row_hashes(read_table({"x": [0.0, -0.0, 1.0]})).tolist())) == 2
    words = pa.table({"s": ["a", None, "b"], "t": [None, "a", "b"]})
    assert len(set(row_hashes(read_table(words)).tolist())) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("x\x1fy", "z"), ("x", "y\x1fz")),
        (("a:b", "c"), ("a", "b:c")),
        (("a:1:b", "c"), ("a", "1:b:1:c")),
        (("1", ""), ("", "1")),
    ],
)
def test_cells_that_meet_elsewhere_have_other_hashes(one, other):
    rows = pa.table({"s": [one[0], other[0]], "t": [one[1], other[1]]})
    assert len(set(row_hashes(read_table(rows, kinds={"s": "text", "t": "text"})).tolist())) == 2


def test_hashes_of_some_columns(table):
    hashes = row_hashes(table, ["Pclass"])
    assert hashes[0] == hashes[2] and len(set(hashes.tolist())) == 3


def test_rows_beyond_a_block_are_hashed_like_the_first():
    table = read_table({"x": np.arange(3000) % 7 + 0.5, "s": [str(i % 7) for i in range(3000)]})
    hashes = row_hashes(table)
    assert len(set(hashes.tolist())) == 7
    np.testing.assert_array_equal(hashes[:7], hashes[1400:1407])
