"""Arrays from users: what is taken as it is, what is turned into numbers, and what is refused by name."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from goodfit.data.arrays import class_factors, row_weights, validate_inputs, validate_probabilities, validate_targets
from goodfit.errors import DataError

X = np.array([[1, 0], [0, 3], [2, 1]])


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        X.astype(np.int64),
        X.astype(np.uint16),
        X.astype(np.float16),
        X.astype(np.float64),
        X.astype(">f8"),
        X.astype(object),
        np.asfortranarray(X, np.float32),
        pd.DataFrame(X),
        pd.DataFrame(X, dtype="Int64"),
        pd.DataFrame(X).astype(pd.SparseDtype(int, 0)),
        pl.DataFrame(X),
        pa.table({"a": X[:, 0], "b": X[:, 1]}),
        np.ma.masked_array(X),
    ],
    ids=lambda x: f"{type(x).__module__}.{type(x).__name__} {getattr(x, 'dtype', '')}",
)
def test_numbers_of_every_kind_become_float32(x):
    found = validate_inputs(x, "float32")
    assert found.dtype == np.float32
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, X)


def test_true_and_false_are_one_and_zero():
    np.testing.assert_array_equal(validate_inputs(X > 0, "float32"), X > 0)
    assert validate_inputs(X > 0, "float32").dtype == np.float32


def test_inputs_in_double_precision_on_request():
    third = np.full((1, 1), 1 / 3)
    assert validate_inputs(third, "float64")[0, 0] == 1 / 3
    assert validate_inputs(third, "float32")[0, 0] == np.float32(1 / 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_one_byte_integers_stay_as_they_are(dtype):
    x = X.astype(dtype)
    assert validate_inputs(x, "float32") is x


def test_inputs_of_the_right_type_are_not_copied():
    x = X.astype(np.float32)
    assert validate_inputs(x, "float32") is x


@pytest.mark.parametrize("order", ["C", "F"])
def test_checking_takes_no_second_copy(order):
    """8 MB in; one column-major and one row-major look at every cell must not lay out the matrix anew."""
    x = np.ones((2000, 1000), np.float32, order=order)
    tracemalloc.start()
    validate_inputs(x, "float32")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 4


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0, 3.0], r"shape is \(3,\): reshape it to \(1, 3\) for one row, to \(3, 1\) for one column"),
        (np.zeros((2, 2, 2)), r"x must have rows and columns, but its shape is \(2, 2, 2\)"),
        (3.0, r"x must have rows and columns, but its shape is \(\)"),
        (np.zeros((0, 2)), r"x is empty: its shape is \(0, 2\)"),
        (np.zeros((2, 0)), r"x is empty: its shape is \(2, 0\)"),
        ([[1, 2], [3]], "x cannot be read as an array because its rows differ in length"),
        ([["a", "b"]], "x must hold numbers, not <U1: for tables with text"),
        (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), "x has a value that is not a number .*goodfit.train"),
        (pd.DataFrame({"a": pd.to_datetime(["2026-01-31"])}), "x must hold numbers, not datetime64"),
        (np.ones((2, 2), complex), "x must hold numbers, not complex128"),
        (None, r"x must have rows and columns, but its shape is \(\)"),
        ({"a": [1]}, "x has a value that is not a number"),
        (sparse.eye_array(3), r"x is a sparse matrix: give x.toarray\(\)"),
        (np.ma.masked_equal(X, 3), "x is a masked array"),
        ([[1, 2], [3, np.nan]], "x has nan in row 1, column 1: fill in"),
        ([[1, None], [3, 4]], "x has nan in row 0, column 1"),
        ([[1, 2], [-np.inf, 4]], "x has -inf in row 1, column 0"),
        (pd.DataFrame({"a": pd.array([1, None], "Int64")}), "x has nan in row 1, column 0"),
        ([[1, 1e300]], r"x has 1e\+300 in row 0, column 1, too large for float32: scale it"),
        (np.full((2, 2), np.inf, np.float16), "x has inf in row 0, column 0"),
    ],
)
def test_inputs_that_are_refused(x, message):
    with pytest.raises(DataError, match=message):
        validate_inputs(x, "float32")


def test_numbers_too_large_for_float32_are_fine_in_float64():
    assert validate_inputs([[1e300]], "float64")[0, 0] == 1e300


def test_numbers_whose_squares_overflow_are_finite_all_the_same():
    assert validate_inputs([[3e38, -3e38]], "float32")[0, 0] == np.float32(3e38)


@pytest.mark.parametrize("large", [2**24 + 1, -(2**24) - 1, np.iinfo(np.int64).min])
def test_whole_numbers_that_float32_rounds_are_said(large):
    x = np.array([[1, 1], [1, large]])
    with pytest.warns(UserWarning, match=r"whole numbers above 2\*\*24 in column 1, which float32 rounds"):
        validate_inputs(x, "float32")
    validate_inputs(x, "float64")  # a warning would be an error


def test_whole_numbers_up_to_two_to_the_24_are_exact():
    x = np.array([[2**24, -(2**24)]])
    assert validate_inputs(x, "float32").tolist() == x.tolist()


# --- targets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [[0, 1, 1], [[0], [1], [1]], pd.Series([False, True, True]), np.array([0, 1, 1.0])])
def test_targets_of_one_output_are_one_column(y):
    found = validate_targets(y, 3, "float32", n_outputs=1, classes=False)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[0], [1], [1]])


def test_class_numbers_are_whole_numbers():
    found = validate_targets([2.0, 0.0, 1.0], 3, "float32", n_outputs=3, classes=True)
    assert found.dtype == np.int64
    assert found.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        ([1, 2], False, r"y must have one target for each of the 3 rows, but its shape is \(2,\)"),
        (1.0, False, r"for each of the 3 rows, but its shape is \(\)"),
        (np.zeros((3, 1, 1)), False, r"for each of the 3 rows, but its shape is \(3, 1, 1\)"),
        (np.zeros((3, 3)), False, "y has 3 columns, but the last layer has 2 units"),
        ([1, 2, 3], False, "y has 1 columns, .*sparse_categorical_crossentropy"),
        (np.full((3, 2), 1e39), False, r"y has 1e\+39, too large for float32: scale it"),
        (["no", "yes", "no"], True, r"y must hold numbers, not <U3: .*np.unique\(y, return_inverse=True\)\[1\]"),
        ([0, None, 1], True, "y is missing or infinite in row 1:"),
        ([np.nan, 0, np.inf], True, "y is missing or infinite in row 0, 2:"),
        (np.eye(3)[:, :2], True, "y must have one class number for each row: for one-hot rows use"),
        ([0, 1, 2], True, r"class numbers 0 to 1, one for each unit of the last layer, not 2 \(row 2\)"),
        ([0, -1, 1], True, r"not -1 \(row 1\)"),
        ([0, 0.5, 1], True, r"not 0.5 \(row 1\)"),
    ],
)
def test_targets_that_are_refused(y, classes, message):
    with pytest.raises(DataError, match=message):
        validate_targets(y, 3, "float32", n_outputs=2, classes=classes)


def test_only_the_first_rows_of_many_are_named():
    with pytest.raises(DataError, match=r"in row 0, 1, 2, 3, 4 and 95 more:"):
        validate_targets(np.full(100, np.nan), 100, "float32", n_outputs=1, classes=False)


def test_targets_of_a_cross_entropy_are_probabilities():
    validate_probabilities(np.array([[0.0], [0.3], [1.0]]))
    with pytest.raises(DataError, match=r"y must be between 0 and 1 for a cross-entropy, not -1 \(row 1\)"):
        validate_probabilities(np.array([[1.0], [-1.0]]))
    with pytest.raises(DataError, match="not 2"):
        validate_probabilities(np.array([[2.0]]))


# --- weights ---------------------------------------------------------------------------------------------------------


def test_weights_are_one_where_none_are_given():
    assert row_weights(None, 3).tolist() == [1, 1, 1]
    assert row_weights(pd.Series([0, 2, 0.5]), 3).tolist() == [0, 2, 0.5]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2], r"sample_weight must have one weight for each of the 3 rows, but its shape is \(2,\)"),
        (2.0, r"its shape is \(\)"),
        (np.ones((3, 1)), r"its shape is \(3, 1\)"),
        ([1, -1, 1], "sample_weight must be finite and not negative, but row 1 has -1"),
        ([1, 1, np.nan], "but row 2 has nan"),
        ([np.inf, 1, 1], "but row 0 has inf"),
        ([0, 0, 0], "sample_weight is zero in all rows"),
        (["a", "b", "c"], "sample_weight must hold numbers"),
    ],
)
def test_weights_that_are_refused(weight, message):
    with pytest.raises(DataError, match=message):
        row_weights(weight, 3)


LABELS = np.array([0, 0, 0, 1, 2, 2])
EVERY = np.arange(6)


def test_a_class_that_is_not_named_weighs_one():
    assert class_factors({1: 5, 2.0: 0}, LABELS, EVERY, n_classes=3).tolist() == [1, 1, 1, 5, 0, 0]


def test_a_class_without_rows_may_be_named():
    assert class_factors({3: 5}, LABELS, EVERY, n_classes=4).tolist() == [1] * 6


def test_balanced_classes_weigh_the_same_in_training():
    factors = class_factors("balanced", LABELS, EVERY, n_classes=3)
    np.testing.assert_allclose([factors[k == LABELS].sum() for k in range(3)], 2)


def test_balance_is_learned_from_training_rows_only():
    train = np.array([0, 1, 3])
    factors = class_factors("balanced", LABELS, train, n_classes=3)
    np.testing.assert_allclose(factors, [0.75, 0.75, 0.75, 1.5, 1, 1])
    others = np.array([0, 0, 1, 1, 0, 1])
    np.testing.assert_array_equal(class_factors("balanced", others, train, n_classes=3)[train], factors[train])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ({3: 1.0}, "class_weight names the class 3, but the classes are 0 to 2"),
        ({"a": 1.0, 7: 1.0}, "class_weight names the class 'a'"),
        ({0.5: 1.0}, "class_weight names the class 0.5"),
        ({1: -1.0}, "class_weight of class 1 must be a finite number, zero or larger, not -1"),
        ({1: np.nan}, "class_weight of class 1 must be .* not nan"),
        ({1: np.inf}, "class_weight of class 1 must be .* not inf"),
        ({1: "a"}, "class_weight of class 1 must be .* not 'a'"),
        ({1: None}, "class_weight of class 1 must be .* not None"),
        ({0: 0, 1: 0, 2: 0}, "class_weight is zero for every class of the training rows"),
        ("balance", "class_weight must map class numbers to weights, or be 'balanced', not 'balance'"),
        ([1, 2, 3], r"class_weight must map .* not \[1, 2, 3\]"),
    ],
)
def test_class_weights_that_are_refused(weight, message):
    with pytest.raises(DataError, match=message):
        class_factors(weight, LABELS, EVERY, n_classes=3)


def test_targets_that_are_no_classes_have_no_class_weights():
    with pytest.raises(DataError, match="class_weight needs targets that are classes: for others give sample_weight"):
        class_factors({0: 1.0}, None, EVERY, n_classes=1)
