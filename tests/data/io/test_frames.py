"""Data frames of every library, dicts and arrays are read alike; mixed columns are an error that names them."""

import decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from goodfit.data.table import read_table
from goodfit.errors import DataError

COLUMNS = {"x": [1.5, None, 3.0], "n": [1, 2, 3], "s": ["a", " ", None], "b": [True, False, True]}


def duckdb_relation():
    rows = "(1.5::double, 1, 'a', true), (null, 2, ' ', false), (3.0, 3, null, true)"
    return duckdb.sql(f"select * from (values {rows}) t(x, n, s, b)")


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        (pd.DataFrame(COLUMNS), "pandas DataFrame"),
        (pl.DataFrame(COLUMNS), "polars DataFrame"),
        (pa.table(COLUMNS), "pyarrow Table"),
        (pa.RecordBatch.from_pydict(COLUMNS), "pyarrow RecordBatch"),
        (duckdb_relation, "duckdb DuckDBPyRelation"),
        (COLUMNS, "dict"),
    ],
    ids=["pandas", "polars", "pyarrow", "record batch", "duckdb", "dict"],
)
def test_every_kind_of_frame_is_the_same_table(frame, source):
    table = read_table(frame() if callable(frame) else frame)
    assert [(c.name, c.kind, c.missing) for c in table.schema] == [
        ("x", "number", 1),
        ("n", "number", 0),
        ("s", "category", 2),
        ("b", "number", 0),
    ]
    assert table.arrow.to_pydict() == {"x": [1.5, None, 3], "n": [1, 2, 3], "s": ["a", None, None], "b": [1, 0, 1]}
    assert table.source == source


def test_special_columns_of_pandas():
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["u", "v", None]),
            "numbered": pd.Categorical([2, 1, 2]),
            "date": pd.to_datetime(["2020-01-01", None, "2020-01-03"]),
            "zone": pd.to_datetime(["2020-07-01", "2020-07-02", "2020-07-03"]).tz_localize("Europe/Berlin"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "span": pd.to_timedelta([1, 2, 3], unit="min"),
            "month": pd.period_range("2020-01", periods=3, freq="M"),
            "interval": pd.interval_range(0, 3),
            "decimal": [decimal.Decimal("1.5"), None, decimal.Decimal("2")],
            "half": np.array([1, 2, 3], np.float16),
            "list": [[1], [2], None],
        }
    )
    table = read_table(frame)
    found = {column.name: (column.kind, column.used, column.missing) for column in table.schema}
    assert found == {
        "category": ("category", True, 1),
        "numbered": ("category", True, 0),
        "date": ("date", True, 1),
        "zone": ("date", True, 0),
        "nullable": ("number", True, 1),
        "truth": ("number", True, 1),
        "span": ("number", True, 0),
        "month": ("number", True, 0),
        "interval": ("text", False, 3),
        "decimal": ("number", True, 1),
        "half": ("number", True, 0),
        "list": ("text", False, 3),
    }
    assert table.values("numbered").tolist() == ["2", "1", "2"]
    assert table.values("zone")[0] == np.datetime64("2020-06-30T22:00")
    assert table.values("span").tolist() == [60, 120, 180]
    assert table.values("decimal").tolist()[::2] == [1.5, 2.0]


def test_the_index_of_pandas_is_left_out_unless_it_has_a_name(tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=[7, 5, 6])
    assert read_table(frame).names == ["x"]
    frame.to_parquet(tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").names == ["x"]
    assert read_table(frame.rename_axis("key")).names == ["x", "key"]


def test_categories_and_nan_of_polars():
    frame = pl.DataFrame({"x": [1.5, float("nan"), None], "c": pl.Series(["a", "b", "a"], dtype=pl.Categorical)})
    table = read_table(frame)
    assert [(c.kind, c.missing) for c in table.schema] == [("number", 2), ("category", 0)]


def test_chunks_do_not_count():
    whole = pa.table({"x": [1.0, 2.0, 3.0], "s": ["a", "b", "a"]})
    splits = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2)])
    assert read_table(splits).fingerprint() == read_table(whole).fingerprint()


def test_an_array_has_columns_1_and_2():
    table = read_table(np.array([[1, 2], [3, 4], [5, 6]], np.uint8))
    assert table.names == ["column_1", "column_2"]
    assert table.values("column_2").tolist() == [2, 4, 6]


def test_a_wide_array_is_read():
    table = read_table(np.random.default_rng(0).normal(size=(10, 3000)))
    assert all(column.kind == "number" and column.used for column in table.schema)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, "x", 2.5], "b": [1, 2, 3]}), r"column 'a' mixes values of several types"),
        (pd.DataFrame({"a b": ["x", 1], "b": [1, 2]}), r"column 'a b' mixes values of several types"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"Duplicate column names found: \['a', 'a'\]"),
        (pd.DataFrame({"s": pd.arrays.SparseArray([0.0, 1.0])}), r"column s"),
        (pa.table([[1], [2]], names=["a", "a"]), r"columns 1 and 2 are both named 'a'"),
        (pd.Series([1, 2]), r"pandas Series cannot be read as a table"),
        (pl.LazyFrame({"x": [1]}), r"polars LazyFrame is not a table"),
        ({"a": [1, "x"]}, r"column 'a' cannot be read"),
        ({"a": [1, 2], "b": [1]}, r"column 'a' has 2 rows and 'b' 1"),
        ({"a": 1}, r"column 'a' cannot be read"),
        ({"a": np.ones((2, 2))}, r"column 'a' cannot be read"),
        (np.ones(3), r"shape \(3,\): give a table of shape \(rows, columns\)"),
        (np.ones((2, 2), complex), r"column 'column_1' cannot be read"),
        ([1, 2], r"a list is not a table"),
        (None, r"a NoneType is not a table"),
        (pd.DataFrame(), "has no columns"),
        ({}, "has no columns"),
        (pd.DataFrame({"a": []}), "has no rows"),
        (np.empty((0, 2)), "has no rows"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(frame, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(frame)
    assert "\n" not in str(caught.value)


def test_nan_among_words_of_an_array_is_missing():
    assert read_table({"s": np.array(["a", np.nan, "b"], dtype=object)}).column("s").missing == 1


def test_integers_in_columns_of_objects_are_numbers():
    assert read_table(pd.DataFrame({"x": pd.Series([1, None, 3], dtype=object)})).column("x").kind == "number"


def test_columns_without_names_are_called_alike_wherever_they_come_from(tmp_path):
    """So that what is trained on one predicts another."""
    values = np.random.default_rng(0).normal(size=(8, 3)).round(3)
    frame = pd.DataFrame(values)
    frame.to_csv(tmp_path / "headerless.csv", header=False, index=False)
    frame.to_csv(tmp_path / "numbered.csv", index=False)
    frame.columns = frame.columns.astype(str)
    frame.to_parquet(tmp_path / "numbered.parquet")
    files = [tmp_path / name for name in ("headerless.csv", "numbered.csv", "numbered.parquet")]
    for source in (values, pd.DataFrame(values), frame, dict(enumerate(values.T)), *files):
        assert read_table(source).names == ["column_1", "column_2", "column_3"], source


def test_numbers_that_do_not_count_from_0_are_names():
    assert read_table(pd.DataFrame(np.ones((3, 2)), columns=[2023, 2024])).names == ["2023", "2024"]
