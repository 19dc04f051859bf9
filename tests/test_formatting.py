"""Numbers, names and curves in words."""

import math

import pytest

from goodfit.formatting import numbers, printable, sparkline


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((0.9780, 0.5), ["0.9780", "0.5000"]),
        ((1.5, -0.0003), ["1.5000", "-0.0003"]),
        ((68.4324, 7.0), ["68.43", "7.00"]),
        ((206855.2, 0.5), ["206,855", "0"]),
        ((0.00042, 0.0001), ["0.0004200", "0.0001000"]),
        ((1e300, 1.0), ["1.000e+300", "1.000e+00"]),
        ((1e-12,), ["1.000e-12"]),
        ((0.0,), ["0.0000"]),
        ((math.nan, math.inf), ["–", "–"]),
    ],
)
def test_numbers_have_four_digits_and_the_same_decimals(values, written):
    assert numbers(*values) == written


@pytest.mark.parametrize("name", ["\x1b[31m", "a\rb", "\u202egnp", "tab\there"])
def test_a_name_cannot_steer_the_terminal(name):
    assert printable(name).isprintable()
    assert printable(name) != name


def test_a_curve_ends_with_its_last_value_however_it_is_thinned():
    assert sparkline([1.0] * 99 + [8.0], 1.0, 8.0, width=10) == "▁" * 9 + "█"


def test_a_curve_leaves_a_gap_where_there_is_no_number():
    assert sparkline([8.0, math.nan, 1.0, 0.0], 1.0, 8.0, width=10) == "█ ▁▁"


def test_a_flat_curve_is_drawn():
    assert sparkline([2.0, 2.0], 2.0, 2.0, width=10) == "▁▁"
