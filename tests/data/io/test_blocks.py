"""Files read in blocks mean what they mean when they are read as a whole."""

import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data.io.blocks import open_blocks
from goodfit.data.io.files import read_source
from goodfit.errors import DataError

LINES = "".join(f'"Köln ""{i}""\nam Rhein";{i},5;{"" if i % 7 else "n/a"}\n' for i in range(4000))
TEXT = "name;größe;x\n" + LINES


def read(path, **given):
    return open_blocks(path, block_bytes=1 << 16, **given)


def columns(table):
    return table.combine_chunks().to_pydict()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_text_means_the_same_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "table.csv"
    path.write_bytes((TEXT + ("\x81;1;2\n" if encoding == "latin-1" else "")).encode(encoding))
    blocks, whole = read(path), read_source(str(path))
    found = list(blocks)
    assert len(found) > 1
    assert columns(pa.concat_tables(found)) == columns(whole.columns)
    assert (blocks.decimal_comma, blocks.mark) == (whole.decimal_comma, whole.file)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n" + "x,1\n" * 300_000 + '"q,q",2\n',  # the first quotation mark is far behind the first block
        'a\tb\n"5 inch\t1\n5" pipe\t2\n' + "c\t3\n" * 20_000,  # marks that are no quotes
        "1,2\n3,4\n" * 10_000,  # no header
        "a,b\r\n1,\r\n,2\r\n" * 5_000,
    ],
)
def test_quotes_headers_and_line_ends(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, newline="")
    whole = read_source(str(path)).columns
    assert pa.concat_tables(list(read(path))).combine_chunks().equals(whole.combine_chunks())


def test_gzip_is_unpacked_in_blocks(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(TEXT[: len(TEXT) // 2].encode()) + gzip.compress(TEXT[len(TEXT) // 2 :].encode()))
    assert columns(pa.concat_tables(list(read(path)))) == columns(read_source(str(path)).columns)


def test_parquet_is_read_in_blocks_of_plain_columns(tmp_path):
    words = pa.array(["a", "b", None] * 10_000).dictionary_encode()
    table = pa.table({"x": np.arange(30_000.0), "word": words, "__index_level_0__": np.arange(30_000)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=7_000)
    found = list(read(tmp_path / "t.parquet"))
    assert len(found) > 4
    assert columns(pa.concat_tables(found)) == columns(read_source(str(tmp_path / "t.parquet")).columns)


def test_a_folder_is_one_table_in_the_order_of_names_and_columns_are_found_by_name(tmp_path):
    (tmp_path / "b.csv").write_text("y,x\n3,c\n")
    (tmp_path / "a.csv").write_text("x,y\na,1\nb,2\n")
    (tmp_path / "_SUCCESS").write_text("")
    blocks = read(tmp_path)
    assert columns(pa.concat_tables(list(blocks))) == {"x": ["a", "b", "c"], "y": ["1", "2", "3"]}
    assert blocks.mark.size == sum((tmp_path / name).stat().st_size for name in ("a.csv", "b.csv"))


def test_parquet_files_of_a_folder_get_a_type_that_suits_all(tmp_path):
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": [0.5]}), tmp_path / "b.parquet")
    assert columns(pa.concat_tables(list(read(tmp_path)))) == {"x": [1.0, 2.0, 0.5]}


def test_files_that_do_not_fit_together_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\na,1\nb,2\n")
    (tmp_path / "b.csv").write_text("x,z\na,1\nb,2\n")
    with pytest.raises(DataError, match=r"b\.csv lacks the column 'y' of .*a\.csv: give files with equal columns"):
        read(tmp_path)
    pq.write_table(pa.table({"x": [1], "y": [1]}), tmp_path / "b.csv")
    with pytest.raises(DataError, match=r"b\.csv is of another format than"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n" + b"1,2\n" * 300_000 + b"3\n", r"row 300,002 has 1 cell, the first has 2: fix or remove it"),
        (b'{"a": 1}\n', "JSON lines, which are not read in blocks"),
        (b"a,b\n1,\0\n", "NUL character"),
        (b"PK\x03\x04", "zip archive"),
        (b"PAR1 and no more", "cannot be read"),
        (b"", "is empty"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path, content, told):
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(DataError, match=told):
        list(read(tmp_path / "table"))


def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder without files"):
        read(tmp_path)


@pytest.mark.parametrize("after", [0, 1])
def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path, after):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 50_000)
    blocks = read(path)
    rows = iter(blocks)
    for _ in range(after):
        next(rows)
    with path.open("a") as file:
        file.write("3,4\n")
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match="changed while it was read"):
        list(rows)


def test_another_file_than_the_expected_one_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    mark = read(path).mark
    read(path, expected=mark)
    path.write_text("a,b\n1,3\n")
    with pytest.raises(DataError, match="has changed since the training"):
        read(path, expected=mark)
