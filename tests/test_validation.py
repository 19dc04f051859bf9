"""Arguments: numbers of Python and of NumPy are taken, whatever else looks like one is refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from goodfit.errors import ConfigError, SplitError
from goodfit.experiment.settings import Settings
from goodfit.validation import is_finite, is_integer, is_number, is_weight, validate_size


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
def test_integers_are_numbers_of_both_kinds(kind):
    assert is_integer(kind(3)) and is_number(kind(3)) and is_finite(kind(3)) and is_weight(kind(3))
    validate_size("test_size", kind(3), counts=True)
    with pytest.raises(SplitError, match="validation_split must be a fraction between 0 and 1"):
        validate_size("validation_split", kind(3))


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_floats_are_numbers(kind):
    assert is_number(kind(0.5)) and is_finite(kind(0.5)) and is_weight(kind(0.5)) and not is_integer(kind(0.5))
    assert is_number(kind("nan")) and not any(is_finite(kind(text)) for text in ("nan", "inf"))
    assert not any(is_weight(kind(text)) for text in ("nan", "inf", "-0.5"))


@pytest.mark.parametrize("value", ["3", None, Fraction(1, 2), Decimal(3), 1j, np.array(3), [3], True, np.True_])
def test_nothing_else_is_a_number(value):
    assert not (is_integer(value) or is_number(value) or is_finite(value))


def test_an_integer_too_large_for_a_float_is_not_finite():
    assert is_number(10**400) and not is_finite(10**400) and not is_weight(10**400)
    with pytest.raises(ConfigError, match="l2 must be a number"):
        Settings(l2=10**400)


def test_settings_hold_numbers_and_texts_of_numpy_as_those_of_python():
    found = Settings(l2=np.array([0.1, 0.01]), dropout=np.float32(0.5), folds=np.int64(3), activation=np.str_("relu"))
    assert found == Settings(l2=(0.1, 0.01), dropout=0.5, folds=3, activation="relu")
    assert [type(value) for value in (*found.l2, found.dropout, found.folds, found.activation)] == [
        *(float, float, float, int, str)
    ]
