"""Files of every format and the built-in sets are read; what is no table is refused in one sentence."""

import gzip
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from goodfit.data.io.builtin import read_builtin
from goodfit.data.io.names import BUILTIN
from goodfit.data.table import read_table
from goodfit.errors import DataError

TABLE = pa.table({"x": [1.5, None, 3.0], "y": ["a", "b", None]})
CSV = b"x,y\n1.5,a\n,b\n3,\n"
JSON_LINES = b'{"x": 1.5, "y": "a"}\n{"y": "b"}\n{"x": 3, "y": null}\n'


def write_stream(table, path):
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(CSV),
        lambda path: path.write_bytes(gzip.compress(CSV, mtime=0)),
        lambda path: path.write_bytes(JSON_LINES),
        lambda path: path.write_bytes(gzip.compress(JSON_LINES, mtime=0)),
        lambda path: pa.parquet.write_table(TABLE, path, row_group_size=2),
        lambda path: pa.feather.write_feather(TABLE, str(path), compression="zstd"),
        lambda path: pa.feather.write_feather(TABLE, str(path), compression="uncompressed"),
        lambda path: write_stream(TABLE, path),
    ],
    ids=["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "feather zstd", "feather", "stream"],
)
def test_every_format_is_the_same_table_whatever_the_name_of_its_file(write, tmp_path):
    path = tmp_path / "table"
    write(path)
    table = read_table(path)
    assert table.arrow.to_pydict() == TABLE.to_pydict()
    assert table.fingerprint() == read_table(TABLE).fingerprint()
    assert table.source == str(path)
    assert read_table(str(path)).fingerprint() == table.fingerprint()


def test_a_tilde_is_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "table.csv").write_bytes(CSV)
    assert read_table("~/table.csv").n_rows == 3


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    (tmp_path / "year=2021").mkdir()
    pa.parquet.write_table(TABLE, tmp_path / "year=2021" / "part.parquet")
    assert read_table(tmp_path / "year=2021" / "part.parquet").names == ["x", "y"]


@pytest.mark.parametrize(
    ("name", "n_rows", "n_columns", "target"),
    [
        ("breast_cancer", 569, 31, {"malignant": 212, "benign": 357}),
        ("digits", 1797, 65, {"0": 178, "9": 180}),
        ("wine", 178, 14, {"class_0": 59, "class_2": 48}),
        ("iris", 150, 5, {"setosa": 50, "virginica": 50}),
    ],
)
def test_built_in_sets_have_readable_classes(name, n_rows, n_columns, target):
    table = read_table(name)
    assert (table.n_rows, len(table.names), table.source) == (n_rows, n_columns, name)
    assert table.names[-1] == "target"
    assert table.column("target").kind == "category"
    counts = dict(zip(*np.unique(table.values("target").astype(str), return_counts=True), strict=True))
    assert {label: counts[label] for label in target} == target


def test_the_measure_of_diabetes_is_a_number():
    table = read_table("diabetes")
    assert (table.column("target").kind, table.values("target")[:2].tolist()) == ("number", [151.0, 75.0])


def test_every_built_in_name_can_be_read():
    assert {name: read_builtin(name).num_rows for name in BUILTIN}.keys() == set(BUILTIN)


def test_a_built_in_name_means_the_built_in_set_even_beside_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").write_bytes(CSV)
    assert read_table("iris").n_rows == 150
    assert read_table("./iris").n_rows == 3


def test_scikit_learn_is_imported_on_first_use():
    code = "import sys, goodfit.workflow; sys.exit('sklearn.base' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("breast_cancr", r"no file or built-in data set 'breast_cancr': did you mean 'breast_cancer'\?"),
        ("nothing", r"no file or built-in data set 'nothing': choose from 'breast_cancer', 'digits'"),
        ("nothing.csv", r"no file 'nothing.csv': check the path"),
        ("a\0b.csv", r"'a\\x00b.csv' cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_named(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        read_table(name)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04....", "zip archive or an Excel file: unpack it"),
        (b"SQLite format 3\0", "is a database"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"\x28\xb5\x2f\xfd....", "compressed with zstd"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "NUL character"),
        (b"  <!DOCTYPE html>\n<html></html>", "is a web page"),
        (b"% note\n@RELATION credit\n", "is an ARFF file"),
        (b'[{"x": 1}, {"x": 2}]', "a JSON array: write JSON lines"),
        (b'{"x": 1}\n{"x": "a"}\n', r"changed from number to string in row 1"),
        (b'{"x": 1\n', "JSON parse error"),
        (b"PAR1 but not really", "cannot be read"),
        (b"ARROW1 but not really", "cannot be read"),
        (b"\xff\xff\xff\xff but not really", "cannot be read"),
        (gzip.compress(CSV, mtime=0)[:-9], "cannot be read"),
        (b"\x1f\x8b\x08\0 but not really", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(content, message, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize("damage", [slice(0, 200), slice(0, -1)])
def test_a_file_cut_short_is_refused(damage, tmp_path):
    path = tmp_path / "table.parquet"
    pa.parquet.write_table(TABLE, path)
    path.write_bytes(path.read_bytes()[damage])
    with pytest.raises(DataError, match="cannot be read"):
        read_table(path)
