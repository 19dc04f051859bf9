"""Which rows may influence what."""

import numpy as np
import pandas as pd
import pytest

from goodfit import (
    Settings,
)
from goodfit.data.table import open_source
from goodfit.experiment.prepare import prepare, prepare_folds
from tests.workflow.employees import RNG, TABLE, N, assert_same_params, fit


def corrupted(table, rows):
    """The same rows, with wild numbers, other categories and other dates in these."""
    wild = table.copy()
    wild.loc[rows, "age"] = 1e9 * RNG.normal(size=len(rows))
    wild.loc[rows, "city"] = [f"nowhere {i}" for i in range(len(rows))]
    wild.loc[rows, "joined"] = "1999-12-31"
    return wild


@pytest.mark.parametrize("target", ["left", "pay"])
def test_test_rows_influence_nothing(target):
    run = fit(target)
    other = fit(target, corrupted(TABLE, run.splits.test))
    assert other.record.encoder == run.record.encoder
    assert other.record.target == run.record.target
    assert other.record.validation_scores == run.record.validation_scores
    assert_same_params(other.training.params, run.training.params)
    for name in run.history:
        np.testing.assert_array_equal(other.history[name], run.history[name])


def test_test_targets_influence_nothing(pay):
    table = TABLE.copy()
    table.loc[pay.splits.test, "pay"] *= -1000
    other = fit("pay", table)
    assert other.record.target == pay.record.target
    assert_same_params(other.training.params, pay.training.params)


def test_validation_rows_influence_only_the_choice_of_the_epoch(pay):
    table = corrupted(TABLE, pay.splits.validation)
    table.loc[pay.splits.validation, "pay"] *= -1000
    other = fit("pay", table)
    assert other.record.encoder == pay.record.encoder
    assert other.record.target == pay.record.target
    assert_same_params(other.training.last_params, pay.training.last_params)
    np.testing.assert_array_equal(other.history["loss"], pay.history["loss"])
    assert (other.history["val_loss"] != pay.history["val_loss"]).all()


def test_balanced_classes_are_balanced_by_training_rows():
    table = TABLE.drop(columns=["team", "pay"])
    splits = prepare(open_source(table), "left", Settings(split="last", test_size=16)).splits
    other = table.copy()
    other.loc[splits.validation[1:], "left"] = "Yes"
    other.loc[splits.validation[0], "left"] = "no"
    runs = [fit(table=t, split="last", class_weight="balanced") for t in (table, other)]
    assert_same_params(runs[0].training.last_params, runs[1].training.last_params)


def test_groups_stay_together_and_their_column_is_not_learned():
    table = TABLE.assign(family=np.arange(N) // 3)
    run = fit(table=table, group="family", test_size=0.2)
    families = [set(table["family"].to_numpy()[rows]) for rows in run.splits.arrays().values()]
    assert not families[0] & families[1]
    assert not families[0] & families[2]
    assert not families[1] & families[2]
    assert run.splits.rule == "group"
    assert "family" not in run.record.encoder.columns


@pytest.mark.parametrize("change", [lambda x: x, np.float32], ids=["exact", "rounded"])
def test_copies_stay_together_also_in_folds(change):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    y = a - b + 0.3 * rng.normal(size=200)
    table = pd.DataFrame({"a": np.r_[a, change(a[:80])], "b": np.r_[b, change(b[:80])], "y": np.r_[y, y[:80]]})
    prepared = prepare(open_source(table), "y", Settings(split="duplicates", folds=4))
    assert prepared.splits.rule == "duplicates"
    splits = prepared.splits.arrays().values()
    assert all(np.isin(rows[rows < 80] + 200, rows).all() and len(rows) for rows in splits)
    assert not [check for check in prepared.checks if check.code == "duplicates"]
    for fold in prepare_folds(prepared):
        rows = fold.splits.validation
        assert np.isin(rows[rows < 80] + 200, rows).all()


def test_time_runs_from_training_to_the_exam_and_its_column_is_a_feature_unless_it_is_dropped():
    table = TABLE.sample(frac=1, random_state=0)
    run = fit(table=table, time="joined")
    days = [pd.to_datetime(table["joined"]).to_numpy()[rows] for rows in run.splits.arrays().values()]
    assert days[0].max() < days[1].min()
    assert days[1].max() < days[2].min()
    assert "joined" in run.record.encoder.columns
    assert "joined" not in fit(table=table, time="joined", drop="joined").record.encoder.columns
