"""The target finds its task, keeps every class, and comes back from predictions in its own terms."""

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.table import Column, Table
from goodfit.data.target import Baseline, fit_target
from goodfit.errors import DataError


def make_table(values, kind=None):
    array = pa.array(values, from_pandas=True)
    array = array.cast(pa.float64()) if pa.types.is_integer(array.type) else array
    found = {pa.float64(): "number", pa.string(): "category"}.get(array.type, "date")
    return Table(pa.table({"y": array}), (Column("y", kind or found, array.null_count, True, ""),), "a table")


def fit(values, rows=None, **arguments):
    return fit_target(make_table(values), "y", range(len(values)) if rows is None else rows, **arguments)


def test_text_is_classes_and_yes_is_positive():
    target = fit(["no", "yes", "no", "no"])
    assert (target.task, target.classes) == ("binary", ("no", "yes"))
    codes = target.encode(make_table(["yes", "no"]))
    assert codes.dtype == np.int32 and codes.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["good", "bad"], ("bad", "good")),
        (["Yes", "zero"], ("zero", "Yes")),
        (["true", "unsure"], ("unsure", "true")),
        (["True", "False"], ("False", "True")),
        ([0, 1], (0, 1)),
        ([2, 1], (1, 2)),
        ([-1, 1], (-1, 1)),
        (["y", "n"], ("n", "y")),
    ],
)
def test_the_positive_class_is_the_second(values, classes):
    assert fit(values * 3).classes == classes


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1] * 20, "binary"),
        (list(range(20)) * 2, "multiclass"),
        (list(range(21)) * 2, "regression"),
        ([0.5, 1.0] * 20, "regression"),
        (["a", "b", "c"] * 5, "multiclass"),
    ],
)
def test_the_task_is_found(values, task):
    assert fit(values).task == task


def test_the_task_can_be_overridden_and_the_note_says_how():
    values = [1, 2, 3] * 4
    assert "task='regression'" in fit(values).note and fit(values).task == "multiclass"
    assert fit(values, task="regression").task == "regression" and fit(values, task="regression").note == ""
    assert fit([0.5, 1.0, 0.5], task="classification").classes == (0.5, 1)
    assert "task='classification'" in fit([0.5, 1.0, 0.7]).note
    assert fit(["a", "b"]).note == ""


def test_every_class_of_the_table_is_kept_but_only_training_rows_count():
    target = fit(["a", "b", "b", "c"], rows=[0, 1, 2])
    assert target.classes == ("a", "b", "c")
    assert target.baseline == Baseline("b", 2 / 3)
    assert target.decode(np.eye(3)).values.tolist() == ["a", "b", "c"]


def test_mean_and_scale_are_those_of_the_training_rows():
    target = fit([1.5, 2.5, 6.5, 1000.0], rows=[0, 1, 2], task="regression")
    training = np.array([1.5, 2.5, 6.5])
    assert target.mean == pytest.approx(training.mean(), rel=1e-15)
    assert target.scale == pytest.approx(training.std(), rel=1e-15)
    assert target.baseline == Baseline(target.mean, None)
    encoded = target.encode(make_table([1.5, 2.5, 6.5]))
    assert encoded.dtype == np.float64
    assert encoded.mean() == pytest.approx(0, abs=1e-15) and encoded.std() == pytest.approx(1)


@pytest.mark.parametrize("unit", [1e5, 1e-3, 1e300, 1e-300])
def test_the_unit_of_the_target_does_not_matter(unit):
    values = np.random.default_rng(0).normal(3, 2, 50)
    plain, scaled = fit(values, task="regression"), fit(values * unit, task="regression")
    one, two = plain.encode(make_table(values)), scaled.encode(make_table(values * unit))
    assert two == pytest.approx(one, rel=1e-12, abs=1e-13)
    assert scaled.decode(two).values == pytest.approx(values * unit, rel=1e-12)


def test_binary_probabilities_come_in_three_shapes():
    target = fit(["no", "yes"] * 3)
    for shape in ([0.2, 0.9, 0.5], [[0.2], [0.9], [0.5]], [[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]]):
        found = target.decode(shape)
        values, probabilities = found.values, found.probabilities
        assert values.tolist() == ["no", "yes", "no"]
        assert probabilities == pytest.approx(np.array([[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]]))


def test_labels_come_back_as_what_they_were():
    numbers = fit([3, 5, 7] * 3).decode(np.eye(3)).values
    assert numbers.tolist() == [3, 5, 7] and numbers.dtype.kind == "i"
    assert fit(["x", "z"] * 3).decode([0.9]).values.tolist() == ["z"]
    codes = fit([3, 5, 7] * 3).encode(make_table([7, 3]))
    assert codes.tolist() == [2, 0]


def test_regression_predictions_are_unscaled_in_float64():
    target = fit([1.5, 2.5, 6.5], task="regression")
    back = target.decode(np.array([[0.0], [1.0]], np.float32))
    assert back.probabilities is None and back.values.dtype == np.float64
    assert back.values == pytest.approx([target.mean, target.mean + target.scale])


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (2, 3, 1), ()])
def test_predictions_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match="do not fit the multiclass target 'y'"):
        fit(["a", "b", "c"] * 3).decode(np.zeros(shape))


def test_predictions_leave_the_range_of_the_training_rows_by_half_of_it_at_most():
    target = fit([10.0, 99.0, 30.0, 12.0], rows=[0, 2, 3], task="regression")
    assert target.limits == (0.0, 40.0)
    found = np.array([-1e30, -50.0, 0.5, 39.9, 41.0, 1e30])
    back = target.decode(target.limit((found - target.mean) / target.scale)).values
    assert back == pytest.approx([0.0, 0.0, 0.5, 39.9, 40.0, 40.0], abs=1e-12)
    huge = fit([-1.7e308, 1.7e308, 0.5], task="regression")
    assert np.isfinite(huge.decode(huge.limit(np.array([0.5, 1.0]))).values).all()


def test_probabilities_have_no_limits():
    assert fit(["a", "b", "a"]).limit(np.array([[0.0, 1.0]])).tolist() == [[0.0, 1.0]]


def test_missing_cells_are_named_by_row():
    with pytest.raises(DataError, match=r"'y' is missing in rows 2, 4 \(the first row"):
        fit(["a", None, "b", None])
    with pytest.raises(DataError, match="in rows 1, 2, 3, 4, 5 and 2 more"):
        fit([None] * 7 + [1.0, 2.5])
    with pytest.raises(DataError, match="in rows 1 "):
        fit([1.5, 2.5, 6.5]).encode(make_table([None, 2.0]))


def test_infinite_cells_are_named():
    with pytest.raises(DataError, match="'y' is infinite in 1 cell, first in row 2"):
        fit([1.5, np.inf, 2.0])


@pytest.mark.parametrize(
    ("values", "rows", "message"),
    [
        (["a"] * 4, None, "one class 'a' only"),
        ([1] * 4, None, "one class 1 only"),
        (["a", "a", "b"], [0, 1], "one class only in the training rows"),
        ([1.5, 1.5, 2.5], [0, 1], "constant in the training rows"),
        ([f"name{i}" for i in range(40)], None, "40 different values in 40 rows"),
        (np.array(["2024-01-01", "2024-01-02"], "datetime64[us]"), None, "holds dates"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values, rows, message):
    with pytest.raises(DataError, match=message):
        fit(values, rows)


def test_text_is_no_quantity():
    with pytest.raises(DataError, match="y"):
        fit(["a", "b", "c"], task="regression")


def test_a_task_or_column_that_is_not_there():
    with pytest.raises(DataError, match="task must be one of auto, classification, regression"):
        fit([1, 2], task="ranking")
    with pytest.raises(DataError, match="z"):
        fit_target(make_table([1, 2]), "z", range(2))


def test_a_class_that_was_never_seen_is_named():
    with pytest.raises(DataError, match="the class 'maybe'"):
        fit(["no", "yes"] * 3).encode(make_table(["no", "maybe"]))
    with pytest.raises(DataError, match=r"the class 4\.0"):
        fit([1, 2, 3] * 3).encode(make_table([1, 4]))
