"""In a notation that is settled a cell means the same, whatever other cells stand beside it."""

from datetime import datetime

import pyarrow as pa
import pytest

from goodfit.data.columns.fixed import Notation, find_notation, read_in_notation
from goodfit.data.columns.schema import Column

NUMBER, DATE, CATEGORY = (Column("c", kind, 0, True) for kind in ("number", "date", "category"))


@pytest.mark.parametrize(
    ("column", "cells", "alone", "expected"),
    [
        (NUMBER, ["1,5", "2,25", "n/a"], ["1.500", "7", None], [1500.0, 7.0, None]),
        (NUMBER, ["1,234.5", "2", "3,000"], ["1,500", "x"], [1500.0, None]),
        (NUMBER, ["13:05", "7:30"], ["5", "0:01"], [None, 60.0]),
        (NUMBER, ["1.5", "2"], ["1.500", " 7 "], [1.5, 7.0]),
        (DATE, ["13/4/2021", "2/4/2021"], ["3/4/2021"], [datetime(2021, 4, 3)]),
        (DATE, ["4/13/2021", "2/4/2021"], ["3/4/2021"], [datetime(2021, 3, 4)]),
        (DATE, ["2021-04-13"], ["2021-05-01", "?"], [datetime(2021, 5, 1), None]),
        (CATEGORY, ["True", "FALSE"], ["True", "true"], ["true", "true"]),
        (CATEGORY, ["True", "maybe"], ["True", "FALSE"], ["True", "FALSE"]),
        (CATEGORY, ["3.0", "a"], ["3.0", "3"], ["3", "3"]),
    ],
)
def test_the_notation_of_many_cells_reads_a_few(column, cells, alone, expected):
    notation = find_notation(column, pa.array(cells), decimal_comma=False)
    assert read_in_notation(column, pa.array(alone, pa.string()), notation).to_pylist() == expected
    encoded = pa.array(alone, pa.string()).dictionary_encode()
    assert read_in_notation(column, encoded, notation).to_pylist() == expected


def test_typed_columns_need_no_notation_and_what_cannot_be_read_is_missing():
    assert find_notation(NUMBER, pa.array([1, 2]), decimal_comma=True) == Notation()
    assert read_in_notation(NUMBER, pa.array([1, None]), Notation()).to_pylist() == [1.0, None]
    assert read_in_notation(DATE, pa.array([1, 2]), Notation()).to_pylist() == [None, None]
    assert read_in_notation(CATEGORY, pa.array([[1], [2]]), Notation()).to_pylist() == [None, None]
