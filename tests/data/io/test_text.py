"""Text files as people write them: separator, quotes, encoding and header are found out, damage is named by line."""

import gzip

import numpy as np
import pytest

from goodfit.data.table import read_table
from goodfit.errors import DataError


@pytest.fixture
def read(tmp_path):
    """Reads a table from text or bytes, by way of a file."""

    def read_text(content, **arguments):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, **arguments)

    return read_text


def rows(table):
    return [tuple(row.values()) for row in table.arrow.to_pylist()]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(read, separator):
    table = read("age,city\n31,Bonn\n45,Rome\n".replace(",", separator))
    assert table.names == ["age", "city"]
    assert rows(table) == [(31, "Bonn"), (45, "Rome")]


def test_a_separator_inside_of_quotes_is_text(read):
    table = read('name,x\n"Braund, Owen",1\n"a ""b"" c",2\n"two\nlines",3\n')
    assert table.values("name").tolist() == ["Braund, Owen", 'a "b" c', "two\nlines"]


def test_a_quotation_mark_inside_of_a_cell_is_a_letter(read):
    assert read('what,x\n5" pipe,1\n6" pipe,2\n').values("what").tolist() == ['5" pipe', '6" pipe']


def test_semicolons_win_over_decimal_commas(read):
    table = read("1,5;2,5;3,5\n2,5;1,5;4,25\n")
    assert rows(table) == [(1.5, 2.5, 3.5), (2.5, 1.5, 4.25)]


def test_a_table_with_tabs_may_have_no_quoting(read):
    table = read('ham\t"Wen u miss someone\nspam\tFree "entry"\nham\tok, lar; ok\n')
    assert rows(table) == [("ham", '"Wen u miss someone'), ("spam", 'Free "entry"'), ("ham", "ok, lar; ok")]


def test_a_table_with_tabs_may_have_quoting(read):
    assert rows(read('"a"\t"b"\n"x\ty"\t1\n"z"\t2\n')) == [("x\ty", 1), ("z", 2)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(read, line_end):
    table = read("x,y\n1,a\n2,b\n".replace("\n", line_end))
    assert rows(table) == [(1, "a"), (2, "b")]


def test_spaces_around_cells_and_names_are_gone(read):
    table = read("x , y\n 1 , a b \n2,\tc\n")
    assert table.names == ["x", "y"]
    assert rows(table) == [(1, "a b"), (2, "c")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found(read, encoding):
    table = read("größe,stadt\n1,Köln €\n2,Nîmes\n".encode(encoding))
    assert table.names == ["größe", "stadt"]
    assert table.values("stadt").tolist() == ["Köln €", "Nîmes"]


def test_bytes_that_are_no_windows_letters_are_read_as_latin_1(read):
    assert read(b"x,y\n1,\xe4\x81\n2,b\n").values("y").tolist() == ["ä\x81", "b"]


def test_gzip_is_unpacked_whatever_the_name(read):
    assert rows(read(gzip.compress(b"x,y\n1,a\n2,b\n"))) == [(1, "a"), (2, "b")]


def test_empty_lines_are_no_rows(read):
    assert read("x,y\n1,2\n\n3,4\n\n\n").n_rows == 2


def test_an_empty_line_in_a_single_column_is_a_missing_cell(read):
    np.testing.assert_array_equal(read("x\n1\n\n3\n\n").values("x"), [1, np.nan, 3])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("age,city\n31,Bonn\n", ["age", "city"]),
        ("39, State-gov\n50, Private\n38, Private\n", ["column_1", "column_2"]),
        ("7.4,0.7\n7.8,0.88\n", ["column_1", "column_2"]),
        ("ham\tHello\nspam\tFree\nham\tOk\n", ["column_1", "column_2"]),
        ("label\ttext\nham\tHello\nham\tOk\n", ["label", "text"]),
        ("2021-01-01,a\n2021-01-02,b\n", ["column_1", "column_2"]),
        ("day,what\n2021-01-01,a\n2021-01-02,b\n", ["day", "what"]),
        ("unknown,1.5,2.5\n3,1,2\n4,5,6\n", ["column_1", "column_2", "column_3"]),
        ("x,T1,Z2\na,1,2\nb,3,4\n", ["x", "T1", "Z2"]),
        ("country,2019,2020,2021\nDE,1,2,3\nFR,4,5,6\n", ["country", "2019", "2020", "2021"]),
        (",0,1,2\na,5,6,7\nb,8,9,10\n", ["unnamed_1", "0", "1", "2"]),
        ("a,5,7,9\nb,1,2,3\n", ["column_1", "column_2", "column_3", "column_4"]),
        ("1,2\n", ["column_1", "column_2"]),
        ("?,a\n2,b\n3,a\n", ["column_1", "column_2"]),
        ("?,3,x\n2,4,y\n", ["column_1", "column_2", "column_3"]),
    ],
)
def test_the_header_is_known_from_what_stands_below(read, text, names):
    assert read(text).names == names


def test_a_line_of_data_is_never_taken_for_names(read):
    assert read("39, State-gov\n50, Private\n38, Private\n").n_rows == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,a\n1,2,3\n", r"columns 1 and 3 are both named 'a'"),
        ("a,b\n1,2\n3\n", r"line 3 has 1 cell, the first has 2"),
        ("a,b\n\n1,2\n3\n", r"line 4 has 1 cell, the first has 2"),
        ("a,b\n1,2\n3,4,5\n", r"line 3 has 3 cells, the first has 2"),
        ('a,b\n"1\n1",2\n3,4,5\n', r"line 4 has 3 cells, the first has 2"),
        ("Report of May\na,b,c\n1,2,3\n4,5,6\n", r"line 2 has 3 cells, the first has 1"),
        ('a,b\n1,2\n3,"x\n4,y\n', r"quotation mark that opens a cell in line 3 is not closed"),
        ('a,b\n1,"x,2\n2,"y",3\n', r"quotation mark that opens a cell in line 2 is not closed"),
        ("a,b\n1,2\n3,\x004\n", r"NUL character in line 3"),
        ("a,b\n1,ä\n".encode("utf-16")[2:], r"NUL character in line 1"),
        ("", r"is empty"),
        ("\n\n", r"is empty"),
        ("a,b\n", r"has no rows"),
    ],
)
def test_damage_is_one_sentence_that_names_the_line(read, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_empty_names_are_made_up_from_their_position(read):
    assert read("a,,c,\n1,2,3,4\n5,6,7,8\n").names == ["a", "unnamed_2", "c", "unnamed_4"]


def test_a_file_of_many_columns_is_read(read):
    names = [f"c{i}" for i in range(3000)]
    lines = [",".join(names), *(",".join(["0.5"] * 2999 + [str(i)]) for i in range(3))]
    table = read("\n".join(lines))
    assert table.names == names
    assert table.values("c2999").tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5])
def test_small_tables_are_read(read, n_rows):
    table = read("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(n_rows)))
    assert table.n_rows == n_rows
    assert table.column("x").kind == "number"
    assert table.column("y").kind == "category"


def test_one_column_with_quotes_is_read(read):
    assert read('what\n"a,b"\na;b\n"c,d"\nf\n').values("what").tolist() == ["a,b", "a;b", "c,d", "f"]
    assert read('what\n"a;b"\na,b\nc,d\nf\n').values("what").tolist() == ["a;b", "a,b", "c,d", "f"]


def test_one_column_without_a_separator_is_read(read):
    assert read("a sentence\nanother; sentence, longer\nhello, you, there\nbye\n").names == ["a sentence"]
