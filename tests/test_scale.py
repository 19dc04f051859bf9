"""A large table and a limited time, from the table to the report: few rows for all configs, all rows for the best."""

import json
from pathlib import Path

import pytest

import goodfit
from goodfit.errors import ConfigError
from tests.cli.commands import run

CHOICES = {"hidden": (4,), "l2": [0, 0.01, 1], "learning_rate": [0.001, 0.01, 0.1], "epochs": 6, "split": "last"}
FLAGS = ["--hidden", "4", "--l2", "0,0.01,1", "--learning-rate", "0.001,0.01,0.1", "--epochs", "6", "--split", "last"]


@pytest.fixture(autouse=True)
def _small_rungs(monkeypatch, tmp_path):
    """Rungs of 50 training rows and of all 364."""
    monkeypatch.setattr("goodfit.search.race_arithmetic.RUNG_ROWS", (50,))
    monkeypatch.chdir(tmp_path)


def weights(trained):
    return [array.tobytes() for layer in trained.training.params for array in layer.values()]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("goodfit.search.race_arithmetic.RUNG_ROWS", (50,))
        return goodfit.train("breast_cancer", out=tmp_path_factory.mktemp("scale") / "full", **CHOICES)


def test_the_best_configs_of_a_sample_learn_from_all_rows(full):
    (few, n_configs), (all_rows, n_best) = full.sweep.rungs
    assert (few, n_configs, all_rows) == (50, 9, len(full.splits.train))
    assert 1 <= n_best <= 3
    assert full.sweep.rung == 1
    assert full.ensemble.n_rows == len(full.splits.validation)
    assert goodfit.load(full.path).sweep.rungs == full.sweep.rungs
    assert goodfit.dry_run("breast_cancer", **CHOICES).trials == 9 + 3


def test_the_command_says_which_configurations_learned_from_how_many_rows():
    told = run("train", "breast_cancer", *FLAGS, "--out", "scaled")
    said = " ".join(told.out.split())
    assert "9 trainings on 50 of the training rows; then up to 3 on 364" in said
    assert "trained on growing samples of the rows: 9 configurations on 50, " in said
    assert "9 configurations on 50 rows" in " ".join(Path("scaled/report.html").read_text(encoding="utf-8").split())


def test_a_search_whose_time_is_over_keeps_the_best_so_far_and_goes_on_later(full):
    told = run("train", "breast_cancer", *FLAGS, "--out", "r", "--budget", "0.001s")
    assert told.status == 0
    said = " ".join(told.out.split())
    assert "The time was over: " in said and "had started" in said
    assert "To resume: goodfit train --resume r" in told.err
    assert not goodfit.load("r").sweep.is_complete
    assert goodfit.load("r").record.measurements.importance is not None
    resumed = goodfit.train(resume="r")
    assert resumed.sweep.is_complete
    assert resumed.sweep.table.equals(full.sweep.table)
    assert weights(resumed) == weights(full)


def test_a_single_training_whose_time_is_over_says_so():
    long = ("--hidden", "4", "--l2", "0", "--learning-rate", "0.01", "--epochs", "100000", "--patience", "100000")
    told = run("train", "iris", *long, "--out", "r", "--budget", "0.5s", "--json")
    assert told.status == 0
    assert json.loads(told.out)["outcome"].lower() == "out_of_time"


@pytest.mark.parametrize("budget", ["soon", "0", "-5s", "5 days", True, "", "nan"])
def test_a_time_that_is_none_is_refused(budget):
    with pytest.raises(ConfigError, match="budget must be a time above zero, such as '90s'"):
        goodfit.train("iris", budget=budget)
