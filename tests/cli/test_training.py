"""What `goodfit train` shows, and what it passes on."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

import goodfit
from goodfit.cli.main import app, main
from goodfit.experiment.settings import Settings
from tests.cli.commands import ONE, refusal, run, write_csv

pytestmark = pytest.mark.usefixtures("here")


def test_training_says_what_it_understood_of_the_table(trained):
    _, (status, out, _) = trained
    assert status == 0
    for said in (
        "120 rows, 12 columns, 114 missing cells (test rows not counted)",
        "numbers",
        "categories   2  flag, city",
        "holes (",
        "customer_id · id",
        "always · constant",
        "empty · all cells are missing",
        "answer, 2 classes: ",
    ):
        assert said in out
    assert "\x1b" not in out


def test_training_shows_the_splits_and_what_is_penalised(trained):
    folder, (_, out, _) = trained
    found = goodfit.load(folder)
    train, validation, test = (len(rows) for rows in found.splits.arrays().values())
    assert f"train {train} · validation {validation} · test {test}, sealed" in out
    assert "shuffled, stratified by class, seed 0" in out
    params = found.training.params
    kernels, biases = (sum(layer[name].size for layer in params) for name in ("kernel", "bias"))
    assert f"0.001 · Σw² of {kernels:,} kernel weights, not of the {biases} biases" in out


def test_training_ends_with_losses_metrics_beside_the_baseline_and_the_way_on(trained):
    folder, (_, out, err) = trained
    found = goodfit.load(folder)
    best = found.training.best_epoch
    row = found.history.row(best)
    assert "All 4 epochs completed." in out
    assert f"Restored the weights of epoch {best}" in out
    for label, name in (("loss", "loss"), ("validation loss", "val_loss"), ("penalty", "penalty")):
        assert re.search(rf"^{label} +{row[name]:.4f}", out, re.MULTILINE)
    references = found.record.measurements.reference_scores
    models = (found.record.validation_scores, references["linear"], references["trees"], found.record.baseline_scores)
    assert re.search("accuracy +" + " +".join(f"{scores['accuracy']:.4f}" for scores in models), out)
    assert f"goodfit test {folder}" in out
    assert re.search(r"^epoch 4 of 4: loss \S+, validation loss \S+, lowest \S+ at epoch \d\n\Z", err, re.MULTILINE)


def test_rare_positives_have_the_majority_beside_the_accuracy_and_absent_classes_are_warned_of():
    rng = np.random.default_rng(0)
    y = np.where(np.arange(200) < 196, "common", "rare")
    write_csv("rare.csv", x=rng.normal(size=200).round(3), y=y)
    result = run("train", "rare.csv", "--target", "y", "--split", "last", "--epochs", "1", *ONE, "--out", "r")
    assert (result.status, result.out) == (2, "")
    write_csv("rare.csv", x=rng.normal(size=200).round(3), y=y[::-1])
    result = run("train", "rare.csv", "--target", "y", "--split", "last", "--epochs", "1", *ONE, "--out", "r2")
    assert "goodfit: warning: the validation rows have none of class 'rare'" in result.err
    assert re.search(r"accuracy +1.0000 +1.0000", result.out)
    assert re.search(r"AUC +– +–", result.out)
    assert "always predicts common" in " ".join(result.out.split())


def test_divergence_is_said_with_what_to_try_and_the_run_is_kept():
    result = run(
        "train", "iris", "--learning-rate", "1e30", "--l2", "0.001", "--optimizer", "sgd", "--epochs", "3", "--out", "r"
    )
    assert result.status == 0
    assert "Diverged in epoch 1" in result.out
    assert "try  --learning-rate 1e+29" in result.out
    assert "next" not in result.out
    assert goodfit.load("r").training.outcome is goodfit.Outcome.DIVERGED


def test_a_target_of_any_size_has_the_same_r2():
    rng = np.random.default_rng(0)
    x = rng.normal(size=100).round(4)
    r2 = []
    for scale in (1e5, 1e-3):
        write_csv("scaled.csv", x=x, y=scale * (x + 0.5))
        result = run("train", "scaled.csv", "--target", "y", "--json", "--epochs", "5", *ONE, "--out", f"r{scale}")
        r2.append(json.loads(result.out)["validation"]["r2"])
    assert r2[0] == pytest.approx(r2[1], abs=1e-3)


def test_without_out_the_next_free_folder_is_taken_and_named(here):
    first, second = (run("train", "iris", "--test-size", "0", "--epochs", "1", "--json", *ONE) for _ in range(2))
    assert [json.loads(result.out)["run"] for result in (first, second)] == ["runs/iris-1", "runs/iris-2"]
    refusal("train", "iris", "--target", "nothing")
    assert sorted(path.name for path in (here / "runs").iterdir()) == ["iris-1", "iris-2"]


def test_every_setting_has_an_option():
    command = typer.main.get_command(app).commands["train"]
    assert set(Settings.__dataclass_fields__) <= {option.name for option in command.params}


def test_options_reach_the_settings_and_nothing_else_does(monkeypatch):
    words = (
        "train iris --hidden none --drop a --drop b=c --kind x=y=category --l2 0 --test-size 100 --split last "
        "--class-weight yes=2 --class-weight no=0.5 --learning-rate 0.1,0.01 --seeds 2 --folds 3 --choice 1se --refine"
    )
    given = {}
    monkeypatch.setattr(goodfit, "train", lambda **typed: sys.exit(given.update(typed)))
    with pytest.raises(SystemExit):
        main(shlex.split(words))
    assert {name: value for name, value in given.items() if not name.startswith("on_")} == {
        "refine": True,
        "verbose": 0,
        "table": "iris",
        "out": Path("runs/iris-1"),
        "learning_rate": (0.1, 0.01),
        "seeds": 2,
        "folds": 3,
        "choice": "1se",
        "hidden": (),
        "drop": ["a", "b=c"],
        "kinds": {"x=y": "category"},
        "l2": 0.0,
        "class_weight": {"yes": 2.0, "no": 0.5},
        "test_size": 100,
        "split": "last",
    }


def test_json_is_one_object_with_null_where_nothing_is_defined(here):
    result = run(
        "train",
        "iris",
        "--learning-rate",
        "1e30",
        "--l2=0",
        "--optimizer",
        "sgd",
        "--epochs",
        "1",
        "--out",
        "r",
        "--json",
    )
    summary = json.loads(result.out, parse_constant=pytest.fail)
    assert (summary["outcome"], summary["best_epoch"], summary["val_loss"]) == ("diverged", 0, None)
    assert summary["splits"] == {"train": 96, "validation": 24, "test": 30, "rule": "stratified", "seed": 0}
    assert set(summary["validation"]) == set(summary["baseline"])
    assert summary["run"] == "r"
