"""``goodfit.train``: a table in, a run out, and how a training ends."""

import os
import signal
import threading

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)

from goodfit import (
    Outcome,
    Settings,
    load,
)
from goodfit.data.table import open_source
from goodfit.experiment.prepare import prepare
from tests.workflow.employees import (
    TABLE,
    N,
    assert_same_params,
    assert_same_predictions,
    fit,
)


def test_a_thousand_rows_are_640_160_and_200():
    table = open_source({"x": np.arange(1000.0), "y": np.arange(1000) % 2})
    splits = prepare(table, "y", Settings()).splits
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [640, 160, 200]


def test_two_classes():
    run = fit(epochs=60)
    assert run.record.target.classes == ("no", "Yes")
    found = run.predict(TABLE)
    assert found.probabilities.shape == (N, 2)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(found.values == "Yes", found.probabilities[:, 1] > 0.5)
    assert np.mean(found.values == TABLE["left"]) > 0.8


def test_several_classes():
    run = fit("team", epochs=40)
    found = run.predict(TABLE)
    assert run.record.target.classes == ("blue", "green", "red")
    assert found.probabilities.shape == (N, 3)
    np.testing.assert_array_equal(found.values, np.array(run.record.target.classes)[found.probabilities.argmax(axis=1)])
    assert run.record.validation_scores["accuracy"] > run.record.baseline_scores["accuracy"]


def test_scores_are_those_of_scikit_learn(run, pay):
    y, rows = TABLE["left"].to_numpy() == "Yes", run.splits.validation
    p = run.predict(TABLE).probabilities[:, 1]
    labels = p[rows] > 0.5
    expected = {
        "precision": precision_score(y[rows], labels),
        "recall": recall_score(y[rows], labels),
        "f1": f1_score(y[rows], labels),
        "specificity": recall_score(y[rows], labels, pos_label=0),
        "average_precision": average_precision_score(y[rows], p[rows]),
        "accuracy": accuracy_score(y[rows], p[rows] > 0.5),
        "balanced_accuracy": balanced_accuracy_score(y[rows], p[rows] > 0.5),
        "auc": roc_auc_score(y[rows], p[rows]),
        "log_loss": log_loss(y[rows], p[rows]),
    }
    assert run.record.validation_scores == pytest.approx(expected, rel=1e-6)
    y, rows = TABLE["pay"].to_numpy(), pay.splits.validation
    error = y[rows] - pay.predict(TABLE).values[rows]
    expected = {"rmse": np.sqrt(np.mean(error**2)), "mae": np.mean(np.abs(error))}
    expected["r2"] = r2_score(y[rows], y[rows] - error)
    expected["median_absolute_error"] = np.median(np.abs(error))
    expected["mape"] = np.mean(np.abs(error / y[rows]))
    assert pay.record.validation_scores == pytest.approx(expected, rel=1e-5)


def test_the_baseline_is_learned_from_training_rows(run, pay):
    left, rows = TABLE["left"].to_numpy() == "Yes", run.splits
    share = left[rows.train].mean()
    expected = log_loss(left[rows.validation], np.full(16, share))
    assert run.record.baseline_scores["log_loss"] == pytest.approx(expected)
    assert run.record.baseline_scores["accuracy"] == np.mean(left[rows.validation] == (share > 0.5))
    y, rows = TABLE["pay"].to_numpy(), pay.splits
    expected = np.sqrt(np.mean((y[rows.validation] - y[rows.train].mean()) ** 2))
    assert pay.record.baseline_scores["rmse"] == pytest.approx(expected)


def test_the_best_epoch_is_what_predicts(pay):
    rows = pay.splits.validation
    error = pay.predict(TABLE).values[rows] - TABLE["pay"].to_numpy()[rows]
    assert pay.history["val_rmse"][pay.training.best_epoch - 1] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)
    assert pay.history["val_loss"].min() == pay.history["val_loss"][pay.training.best_epoch - 1]


def test_same_seed_same_run_and_another_seed_another(run):
    again, other = fit(), fit(seed=7)
    assert_same_params(again.training.last_params, run.training.last_params)
    np.testing.assert_array_equal(again.splits.test, run.splits.test)
    assert other.splits.test.tolist() != run.splits.test.tolist()


def test_what_is_understood_is_told_before_the_first_epoch_and_each_epoch_in_the_unit_of_the_target():
    told = []
    run = fit("pay", on_prepared=told.append, on_epoch=told.append)
    assert told[0].splits is run.splits
    assert [record["epoch"] for record in told[1:]] == [1, 2, 3, 4, 5]
    assert [record["val_rmse"] for record in told[1:]] == run.history["val_rmse"].tolist()


def test_a_run_and_its_training_show_themselves(run):
    best = run.training.best_epoch
    assert repr(run).startswith("Run\n  target ")
    assert f"best epoch {best}" in repr(run.training)


def test_divergence_is_an_outcome_and_predictions_stay_finite():
    run = fit("pay", optimizer="sgd", learning_rate=1e6)
    assert run.training.outcome == Outcome.DIVERGED
    assert np.isfinite(run.predict(TABLE).values).all()
    assert np.isfinite(list(run.record.validation_scores.values())).all()


def press_ctrl_c_soon(record):
    if record["epoch"] == 1:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_keeps_the_best_weights_and_saves_the_run(tmp_path):
    run = fit(out=tmp_path / "run", epochs=200_000, patience=200_000, on_epoch=press_ctrl_c_soon)
    assert run.training.outcome == Outcome.STOPPED_BY_USER
    assert run.history["val_loss"].min() == run.history["val_loss"][run.training.best_epoch - 1]
    assert_same_predictions(load(tmp_path / "run").predict(TABLE), run.predict(TABLE))
