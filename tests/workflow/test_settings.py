"""Arguments of ``goodfit.train``, and mistakes in them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import ShuffleSplit

import goodfit
from goodfit import (
    Adam,
    ConfigError,
    DataError,
    RunError,
    SplitError,
    train,
)
from tests.workflow.employees import SCORE, TABLE, assert_same_params, fit


@pytest.mark.parametrize(
    "choice",
    [{"l2": 0.0}, {"learning_rate": 0.1}, {"patience": 2}, {"seed": 9}, {"epochs": 50}, {"class_weight": {"Yes": 5}}],
    ids=lambda choice: next(iter(choice)),
)
def test_a_new_number_compiles_nothing(choice, run, compiled):
    run.predict(TABLE)
    compiled.clear()
    fit(**choice).predict(TABLE)
    assert compiled == []


def test_class_weights_are_named_by_label(run):
    assert fit(class_weight={"no": 1, "Yes": 1}).history["loss"].tolist() == run.history["loss"].tolist()
    often = fit(class_weight={"Yes": 20}, epochs=40).predict(TABLE)
    assert (often.values == "Yes").mean() > (run.predict(TABLE).values == "Yes").mean()


def test_class_weights_of_numbers_are_named_as_they_are():
    table = TABLE.assign(left=(TABLE["left"] == "Yes").astype(int))
    by_number, by_word = (fit(table=table, class_weight={label: 3.0}) for label in (1, "1"))
    assert_same_params(by_number.training.params, by_word.training.params)


SETTINGS = {
    "unknown": ({"learning_rat": 1}, ConfigError, "'learning_rat' is not a setting; did you mean 'learning_rate'"),
    "learning rate": ({"learning_rate": -1}, ConfigError, "learning_rate must be .* not -1"),
    "learning rate NaN": ({"learning_rate": float("nan")}, ConfigError, "learning_rate must be .* not nan"),
    "learning rate in words": ({"learning_rate": "fast"}, ConfigError, "learning_rate must be .*'fast'"),
    "l2": ({"l2": float("inf")}, ConfigError, "l2 must be .* not inf"),
    "l2 of nothing": ({"l2": None}, ConfigError, "l2 must be .* not None"),
    "hidden": ({"hidden": (0,)}, ConfigError, "units in hidden must be a whole number, 1 or more, not 0"),
    "hidden in words": ({"hidden": "64,64"}, ConfigError, "units in hidden must be a whole number.*'64,64'"),
    "dropout": ({"dropout": 1.0}, ConfigError, "dropout must be at least 0 and below 1, not 1.0"),
    "dropout in words": ({"dropout": "half"}, ConfigError, "dropout must be at least 0 and below 1, not 'half'"),
    "activation": ({"activation": "foo"}, ConfigError, "activation 'foo' is not known; choose one of"),
    "optimizer": ({"optimizer": "foo"}, ConfigError, "optimizer must be one of adam, sgd, not 'foo'"),
    "an optimizer object": ({"optimizer": Adam(0.1)}, ConfigError, "optimizer must be one of adam, sgd, not Adam"),
    "epochs": ({"epochs": 0}, ConfigError, "epochs must be a whole number, 1 or more, not 0"),
    "batch_size": ({"batch_size": 0}, ConfigError, "batch_size must be a whole number, 1 or more, or 'auto', not 0"),
    "patience": ({"patience": -1}, ConfigError, "patience must be a whole number, 0 or more, not -1"),
    "seed": ({"seed": -1}, ConfigError, "seed must be a whole number, 0 or more, not -1"),
    "test_size": ({"test_size": 1.5}, SplitError, "test_size must be a fraction .* not 1.5"),
    "validation_split": ({"validation_split": 1.5}, SplitError, "validation_split must be a fraction .* not 1.5"),
    "split": ({"split": "foo"}, ConfigError, "split must be one of random, last, group, time, duplicates, not 'foo'"),
    "group without column": ({"split": "group"}, ConfigError, "split='group' needs the column"),
    "group and time": ({"group": "city", "time": "joined"}, ConfigError, "give group or time, not both"),
    "split against group": ({"group": "city", "split": "last"}, ConfigError, "group='city' needs split='group'"),
    "task": ({"task": "foo"}, ConfigError, "task must be one of auto, classification, regression, not 'foo'"),
    "class_weight": (
        {"class_weight": "foo"},
        ConfigError,
        "class_weight must map classes to weights, or be 'balanced'",
    ),
    "class_weight negative": ({"class_weight": {"Yes": -1}}, ConfigError, "class_weight of 'Yes' must be .* not -1"),
    "class_weight of whom": ({"class_weight": {"maybe": 1}}, DataError, "class_weight names 'maybe'.* no, Yes"),
    "kinds of whom": (
        {"kinds": {"foo": "number"}},
        DataError,
        "kinds names the column 'foo', which the table does not have: choose",
    ),
    "kind of what": ({"kinds": {"age": "foo"}}, DataError, "column 'age' cannot be of kind 'foo'"),
    "drop": ({"drop": "foo"}, DataError, "drop names the column 'foo', which"),
    "group column": ({"group": "foo"}, DataError, "group names the column 'foo', which"),
    "time column": ({"time": "join"}, DataError, r"time names the column 'join', which .*: did you mean 'joined'\?"),
    "target": ({"target": "foo"}, DataError, "target names the column 'foo', which"),
    "target as a number": ({"target": 3}, DataError, "not 3: columns without names are called column_1, column_2, …"),
    "no target": (
        {"target": None},
        DataError,
        "Name the column to predict with target='NAME'. The columns are 'age', 'city', 'joined'",
    ),
    "an array for a target": ({"target": SCORE}, DataError, "target must be the name of a column"),
    "target is a date": ({"target": "joined"}, DataError, "column 'joined' holds dates and cannot be the target"),
    "class weights of a quantity": (
        {"target": "pay", "class_weight": "balanced"},
        DataError,
        "class_weight needs targets that are classes",
    ),
    "no table": ({"table": None}, DataError, "a NoneType is not a table"),
    "no file": ({"table": "nowhere.csv"}, DataError, "no file 'nowhere.csv'"),
    "two groups": ({"target": "pay", "group": "left"}, SplitError, "2 groups are too few"),
    "the target groups": ({"group": "left"}, DataError, "group names the target 'left': name another column"),
    "the target orders": ({"time": "left"}, DataError, "time names the target 'left': name another column"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_mistakes_are_told_before_the_training(case, monkeypatch):
    choices, error, message = SETTINGS[case]

    def no_training(*_, **__):
        raise AssertionError("trained all the same")

    for name in ("fit", "sweep"):
        monkeypatch.setattr(goodfit.experiment.experiment, name, no_training)
    with pytest.raises(error, match=message):
        train(**{"table": TABLE, "target": "left"} | choices)


def test_a_splitter_of_scikit_learn_may_split_but_not_be_saved(tmp_path):
    splitter = ShuffleSplit(1, test_size=16, random_state=0)
    assert fit(split=splitter).splits.rule == "ShuffleSplit"
    with pytest.raises(ConfigError, match="a run folder cannot hold a splitter object"):
        fit(split=splitter, out=tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_told_before_the_table_is_read(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written to"):
        train("nowhere.csv", "y", out=tmp_path / "file")


def test_true_and_false_in_a_file_are_the_booleans_of_a_data_frame(tmp_path):
    rng = np.random.default_rng(0)
    flag, y = rng.random(60) < 0.5, rng.normal(size=60)
    columns = {"flag": flag, "other": rng.normal(size=60), "y": y + 3 * flag}
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    assert "True" in path.read_text()
    run = goodfit.train(path, "y", l2=0.001, learning_rate=0.01, epochs=5)
    from_file, from_frame = run.predict(path).values, run.predict(pd.DataFrame(columns)).values
    np.testing.assert_allclose(from_frame, from_file, rtol=1e-6)
    assert np.ptp(from_file) > 0
