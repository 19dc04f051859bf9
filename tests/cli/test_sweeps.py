"""`goodfit train` with several values: the grid, the selection, and what cannot be searched."""

import json
import re
import signal
import subprocess
import sys

import pytest

import goodfit
from tests.cli.commands import ONE, SMALL_GRID, refusal, run

pytestmark = pytest.mark.usefixtures("here")


def test_a_sweep_shows_the_grid_of_mean_losses_with_the_winner_marked(swept):
    folder, (status, out, err) = swept
    assert status == 0
    found = goodfit.load(folder)
    said = "2 λ (0 to 0.01) × 2 learning rates (0.001 to 0.01) × 2 seeds × 3 folds = 24 trainings"
    assert said in " ".join(out.split())
    assert "in 3 folds · test" in out
    assert "mean of 2 seeds × 3 folds" in out
    losses = found.sweep.table.to_pandas().groupby(["l2", "learning_rate"]).val_loss.mean()
    chosen = tuple(found.config.values())
    for l2 in (0.0, 0.01):
        written = [f"{losses[l2, rate]:.4f}" + (r"\*" if (l2, rate) == chosen else " ") for rate in (0.001, 0.01)]
        row = rf"^{l2:g} +{written[0].strip()} +{written[1].strip()} *$"
        assert re.search(row, out, re.MULTILINE), out
    assert re.search(r"^24 of 24 trainings done(, lowest validation loss 0\.\d{4})?, in \d+\.\d s$", err, re.MULTILINE)


def test_a_sweep_says_what_won_what_that_is_worth_and_which_weights_are_kept(swept):
    folder, (_, out, _) = swept
    found, text = goodfit.load(folder), " ".join(out.split())
    choice = found.sweep.selection
    l2, rate = found.config.values()
    assert f"Selected: λ {l2:g}, learning rate {rate:g}, epoch {found.training.best_epoch};" in text
    assert f"validation loss {choice.chosen.mean:.4f} ± {choice.chosen.standard_error:.4f}" in text
    assert "Of its 6 trainings, the one on the first fold, seed " in text
    assert found.sweep.table["fold"][choice.trial].as_py() == 0
    assert "Predictions are the weighted mean of " in text
    assert "As the lowest of 4, this loss is " in text
    assert "L2 " in text
    assert f"goodfit test {folder}" in out


def test_a_sweep_in_json_has_space_trials_choice_gain_and_optimism():
    summary = json.loads(
        run("train", "iris", *SMALL_GRID, "--folds", "3", "--out", "r", "--json").out, parse_constant=pytest.fail
    )
    swept = summary["sweep"]
    assert swept["space"] == {"l2": [0.0, 0.01], "learning_rate": [0.001, 0.01]}
    assert len(swept["trials"]) == 12 and set(swept["trials"][0]) >= {
        "l2",
        "learning_rate",
        "seed",
        "fold",
        "val_loss",
    }
    assert summary["config"] == swept["chosen"]["config"]
    assert swept["optimism"] >= 0 and set(swept["gain"]) == {"value", "standard_error", "optimism"}
    assert swept["diverged"] == 0


def test_one_value_for_each_axis_is_no_sweep():
    summary = json.loads(run("train", "iris", *ONE, "--epochs", "1", "--out", "r", "--json").out)
    assert (summary["sweep"], summary["config"]) == (None, {"l2": 0.001, "learning_rate": 0.001})


def test_an_edge_is_named_with_what_extends_the_grid_and_refine_goes_there():
    words = ("--l2", "0", "--learning-rate", "0.00001,0.00003,0.0001", "--hidden", "4", "--epochs", "3")
    said = " ".join(run("train", "iris", *words, "--out", "r").out.split())
    found = re.search(
        r"at the largest learning rate of the grid. Search further: --learning-rate (\S+), or --refine", said
    )
    further = found[1]
    assert float(further.split(",")[-1]) > 0.0001
    summary = json.loads(run("train", "iris", *words, "--refine", "--out", "r2", "--json").out)
    assert summary["sweep"]["space"]["learning_rate"] == [float(rate) for rate in further.split(",")]
    assert summary["sweep"]["best"]["mean"] < goodfit.load("r").sweep.selection.best.mean
    assert "second grid" in " ".join(run("train", "iris", *words, "--refine", "--out", "r3").out.split())


def test_1se_marks_the_lowest_as_well():
    out = run("train", "iris", *SMALL_GRID, "--seed", "1", "--choice", "1se", "--out", "r").out
    choice = goodfit.load("r").sweep.selection
    assert choice.chosen.config["l2"] >= choice.best.config["l2"]
    assert (choice.chosen.config == choice.best.config) != ("° lowest" in out)
    assert ("within one standard error of the lowest" in " ".join(out.split())) == ("° lowest" in out)


def test_trials_that_diverge_are_counted_and_drawn_as_a_dash():
    words = ("--l2", "0", "--learning-rate", "0.1,1e30", "--optimizer", "sgd", "--hidden", "4", "--epochs", "3")
    out = run("train", "iris", *words, "--out", "r").out
    assert "1 of 6 trainings diverged" in out
    assert re.search(r"^0 +\d\.\d{4}\* +– *$", out, re.MULTILINE)


def test_a_dry_run_says_what_it_takes_and_trains_nothing(here, monkeypatch):
    monkeypatch.setattr(goodfit, "train", lambda *_, **__: pytest.fail("trained"))
    text = run("train", "iris", "--dry-run", "--folds", "3")
    assert text.status == 0
    assert "90 trainings, 30 at a time" in text.out and "MB" in text.out and "1 compilation" in text.out
    assert json.loads(run("train", "iris", *ONE, "--dry-run", "--json").out)["trials"] == 1
    assert not (here / "runs").exists()


SWEEPS = [
    (("--l2", ","), "l2 has no values"),
    (("--l2=0.1,-1",), "l2"),
    (("--learning-rate", "0.1,inf"), "learning_rate"),
    (("--folds", "500"), "folds=500 (--folds) is more than the 120 rows"),
    (("--folds", "0"), "folds"),
    (("--seeds", "0"), "seeds"),
    (("--choice", "worst"), "worst"),
    (("--time", "sepal length (cm)", "--target", "petal width (cm)", "--folds", "3"), "order of time"),
]


@pytest.mark.parametrize(("words", "said"), SWEEPS, ids=lambda value: value if isinstance(value, str) else value[-1])
def test_a_sweep_that_cannot_be_is_refused_at_once(words, said):
    assert said in refusal("train", "iris", *words, "--out", "r")


def test_a_list_with_something_else_in_it_is_not_understood():
    result = run("train", "iris", "--l2", "0.1,much")
    assert result.status == 2
    assert "--l2" in result.err and "0.1,much" in result.err


def test_a_grid_in_which_everything_diverges_is_a_mistake():
    words = ("--l2", "0,1", "--learning-rate", "1e30", "--optimizer", "sgd", "--hidden", "4", "--epochs", "3")
    result = run("train", "iris", *words, "--out", "r")
    assert result.status == 2
    assert "every trial of the grid diverged; try learning rates ten times smaller" in result.err


def test_ctrl_c_keeps_what_a_sweep_has():
    words = ("iris", "--l2", "0,0.01", "--learning-rate", "0.001", "--epochs", "1000000", "--patience", "1000000")
    with subprocess.Popen(
        [sys.executable, "-c", "from goodfit.cli.main import main; main()", "train", *words, "--out", "r"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "0 of 10 trainings done" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped by you: 0 of 10 trainings finished, 2 had started." in out
    assert len(goodfit.load("r").sweep.table) == 2
