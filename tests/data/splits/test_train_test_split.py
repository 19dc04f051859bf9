"""The front-door split keeps rows together, types as they are, and proportions of labels."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from goodfit.data.splits.train_test_split import train_test_split
from goodfit.errors import SplitError

ROWS = np.arange(100)


def values(array):
    if isinstance(array, pd.DataFrame | pl.DataFrame):
        return list(array["v"])
    if isinstance(array, pa.Table):
        return array["v"].to_pylist()
    if isinstance(array, pa.Array | pa.ChunkedArray):
        return array.to_pylist()
    return list(array.toarray()[:, 0] if sp.issparse(array) else np.asarray(array).reshape(len(array), -1)[:, 0])


@pytest.mark.parametrize(
    "array",
    [
        ROWS,
        ROWS.reshape(100, 1),
        ROWS.astype(np.float32),
        list(range(100)),
        tuple(range(100)),
        pd.Series(ROWS, index=ROWS + 7),
        pd.DataFrame({"v": ROWS}, index=ROWS[::-1]),
        pl.Series(ROWS),
        pl.DataFrame({"v": ROWS}),
        pa.array(ROWS),
        pa.chunked_array([ROWS[:30], ROWS[30:]]),
        pa.table({"v": ROWS}),
        sp.csr_array(ROWS.reshape(100, 1)),
    ],
    ids=lambda array: type(array).__name__,
)
def test_every_type_comes_back_as_itself_with_its_rows_together(array):
    train, test, y_train, y_test = train_test_split(array, ROWS * 10, stratify=None)
    assert isinstance(test, list if isinstance(array, tuple) else type(array))
    assert [10 * v for v in values(train)] == list(y_train) and [10 * v for v in values(test)] == list(y_test)
    assert len(y_test) == 20 and set(y_train) | set(y_test) == set(ROWS * 10)


def test_the_order_is_shuffled_on_both_sides():
    train, test = train_test_split(ROWS)
    assert (np.diff(train) < 0).any() and (np.diff(test) < 0).any()


def test_random_state_is_another_name_of_seed_and_the_default_is_fixed():
    assert np.array_equal(train_test_split(ROWS, seed=4)[1], train_test_split(ROWS, random_state=4)[1])
    assert np.array_equal(train_test_split(ROWS)[1], train_test_split(ROWS, seed=0)[1])
    assert not np.array_equal(train_test_split(ROWS, seed=4)[1], train_test_split(ROWS)[1])


@pytest.mark.parametrize(
    "y",
    [
        np.repeat([0, 1], [90, 10]),
        np.repeat([False, True], [90, 10]),
        np.repeat(["no", "yes"], [90, 10]),
        np.repeat(np.array(["no", "yes"], object), [90, 10]),
        np.repeat([0, 1], [90, 10]).reshape(100, 1),
        pd.Series(np.repeat(["no", "yes"], [90, 10])),
        pd.Series(np.repeat(["no", "yes"], [90, 10]), dtype="category"),
        pl.Series(np.repeat([0, 1], [90, 10])),
        pa.array(["no"] * 90 + ["yes"] * 10),
        ["no"] * 90 + ["yes"] * 10,
    ],
)
def test_labels_are_stratified_unasked(y):
    rare = np.asarray(y).ravel()[-1]
    for seed in range(5):
        _, _, _, y_test = train_test_split(ROWS, y, seed=seed)
        assert sum(np.asarray(y_test).ravel() == rare) == 2


@pytest.mark.parametrize(
    "y", [np.linspace(0, 1, 100), np.arange(100), np.repeat([0.0, 1.0], 50), np.repeat([[0, 1]], 100, axis=0)]
)
def test_what_is_no_label_is_not_stratified(y):
    assert np.array_equal(train_test_split(ROWS, y)[1], train_test_split(ROWS, y, stratify=None)[1])


def test_a_single_array_is_no_label():
    assert len(train_test_split(np.arange(100) % 2)[1]) == 20


def test_labels_are_left_alone_where_each_class_cannot_keep_a_row():
    assert len(train_test_split(ROWS[:4], ["a", "b", "c", "d"])[1]) == 1
    with pytest.raises(SplitError, match="4 classes"):
        train_test_split(ROWS[:4], stratify=["a", "b", "c", "d"])


def test_explicit_labels_are_used():
    labels = np.repeat([0.5, 1.5], [90, 10])
    assert all((labels[train_test_split(ROWS, stratify=labels, seed=s)[1]] > 1).sum() == 2 for s in range(5))


def test_without_shuffle_the_last_rows_are_the_test():
    train, test, _, y_test = train_test_split(ROWS, np.repeat([0, 1], 50), shuffle=False, test_size=0.25)
    assert list(train) == list(range(75)) and list(test) == list(range(75, 100)) and set(y_test) == {1}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"test_size": 0}, "test_size"),
        ({"test_size": 1.0}, "test_size"),
        ({"test_size": float("nan")}, "test_size"),
        ({"test_size": 100}, "at least 101 rows"),
        ({"seed": -3}, "seed"),
        ({"random_state": "x"}, "seed"),
        ({"stratify": "labels"}, "stratify"),
        ({"stratify": ROWS[:5]}, "stratify"),
        ({"stratify": ROWS % 2, "shuffle": False}, "shuffle=True"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(SplitError, match=named):
        train_test_split(ROWS, **arguments)


def test_lengths_that_differ_and_no_arrays_at_all():
    with pytest.raises(SplitError, match="not 100, 99"):
        train_test_split(ROWS, ROWS[1:])
    with pytest.raises(SplitError, match="at least one array"):
        train_test_split()


def test_nothing_is_printed(capsys):
    train_test_split(ROWS, ROWS % 2)
    assert capsys.readouterr() == ("", "")
