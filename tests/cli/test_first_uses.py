"""What a new user does in the first five minutes, and the words that are seen: forty uses at the shell and in Python.

A use is a line of ``SHELL``: what is typed, its exit status, and what is read in the output; or a test of Python below.
Most trainings are for ``make test-slow``.
"""

import json
import os
import shlex
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

import goodfit
from tests.cli.commands import run

QUICK = "--hidden none --l2 0.01 --learning-rate 0.01 --epochs 2"
SMALL = {"hidden": (), "l2": 0.01, "learning_rate": 0.01, "epochs": 2}
N = 120


def customers():
    rng = np.random.default_rng(0)
    months = rng.integers(1, 60, N)
    left = np.where(rng.random(N) < np.where(months < 20, 0.8, 0.1), "yes", "no")
    return pd.DataFrame(
        {
            "customer_id": [f"C{row:04}" for row in range(N)],
            "Date": pd.date_range("2023-01-01", periods=N, freq="3D"),
            "months": months,
            "price": rng.uniform(10, 90, N).round(2),
            "plan": rng.choice(["basic", "family", "pro"], N),
            "left": left,
        }
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with tables, and two runs."""
    folder = tmp_path_factory.mktemp("desk")
    frame = customers()
    frame.to_csv(folder / "customers.csv", index=False)
    frame.drop(columns="left").to_csv(folder / "new.csv", index=False)
    frame.drop(columns=["left", "months"]).to_csv(folder / "lacking.csv", index=False)
    frame.assign(months=100_000, plan="gold").to_csv(folder / "strange.csv", index=False)
    frame.assign(left=frame["left"].where(frame.index > 2)).to_csv(folder / "gaps.csv", index=False)
    frame.to_csv(folder / "headerless.csv", index=False, header=False)
    (folder / "typo.toml").write_text("epoch = 3")
    (folder / "plan.toml").write_text('table = "customers.csv"\ntarget = "left"\nhidden = []\nepochs = 1\nl2 = 0\n')
    before = os.getcwd()
    os.chdir(folder)
    try:
        for name, more in (("first", ""), ("second", "--l2 0.1")):
            told = run(*shlex.split(f"train customers.csv --target left {QUICK} {more} --out runs/{name}"))
            assert told.status == 0, told.err
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def here(desk, tmp_path, monkeypatch):
    """A copy of it, so that each use finds the desk as it was."""
    shutil.copytree(desk, tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


SHELL = [
    # A table that is not there, or not understood
    ("train nowhere.csv", 2, "there is no file 'nowhere.csv': check the path"),
    ("train brest_cancer", 2, "did you mean 'breast_cancer'?"),
    ("train runs/first/weights.safetensors --target y", 2, "runs/first/weights.safetensors"),
    ("predict nowhere new.csv --out p.csv", 2, "nowhere is not a finished run"),
    # The target
    (
        "train customers.csv",
        2,
        "Name the column to predict with target='NAME' (--target). The columns are 'customer_id', 'Date', 'months', "
        "'price', 'plan', 'left'.",
    ),
    (
        "train customers.csv --target Left",
        2,
        "target names the column 'Left', which the table does not have: did you mean 'left'?",
    ),
    ("train customers.csv --target Date", 2, "'Date' holds dates and cannot be the target"),
    (f"train gaps.csv --target left {QUICK} --out r", 0, "3 of 120 rows have no value of 'left' and are left out."),
    ("train gaps.csv --target left --missing-target error", 2, "target 'left' is missing in rows 1, 2, 3"),
    (f"train headerless.csv --target column_6 {QUICK} --out r", 0, "column_6, 2 classes"),
    # Options by the names of other programs
    ("train customers.csv --target left --lr 0.01", 2, "There is no option --lr: did you mean --learning-rate?"),
    ("train customers.csv --target left --alpha=1", 2, "There is no option --alpha: did you mean --l2?"),
    ("train customers.csv --target left --early-stopping", 2, "did you mean --patience?"),
    ("train customers.csv --target left --cv 5", 2, "There is no option --cv: did you mean --folds?"),
    # Other columns
    (
        "train customers.csv --target left --drop pricee",
        2,
        "drop names the column 'pricee', which the table does not have: did you mean 'price'?",
    ),
    (
        "train customers.csv --target left --time date",
        2,
        "time names the column 'date', which the table does not have: did you mean 'Date'?",
    ),
    ("train customers.csv --target left --group left", 2, "group names the target 'left': name another column."),
    ("train customers.csv --target left --kind plan=word", 2, "column 'plan' cannot be of kind 'word': choose from"),
    (f"train customers.csv --target left --time Date {QUICK} --out r", 0, "ordered by Date", "date         1  Date"),
    (f"train customers.csv --target left --group plan {QUICK} --out r", 0, "plan · group of the split"),
    # Numbers that cannot be
    ("train customers.csv --target left --epochs 0", 2, "epochs must be a whole number, 1 or more, not 0."),
    ("train customers.csv --target left --dropout 1", 2, "dropout must be at least 0 and below 1, not 1.0."),
    ("train customers.csv --target left --l2 0,much", 2, "--l2"),
    ("train iris --threshold 0.3", 2, "threshold needs two classes, but 'target' has 3 classes: leave out threshold."),
    # Files of settings
    ("train --config typo.toml", 2, "typo.toml: 'epoch' is not a setting; did you mean 'epochs'?"),
    ("train --config plan.toml --learning-rate 0.01 --out r", 0, "learning rate 0.01, batch size 32, up to 1 epoch,"),
    ("train --config runs/first --seed 1 --out r", 0, "120 rows, 6 columns", "seed 1"),
    # What it costs, and where it goes
    ("train customers.csv --target left --dry-run", 0, "30 trainings"),
    (f"train customers.csv --target left {QUICK} --out runs/first", 2, "runs/first is not empty"),
    (
        f"train customers.csv --target left {QUICK}",
        0,
        "run     runs/customers-1",
        "next    goodfit test runs/customers-1",
    ),
    (f"train customers.csv --target left {QUICK} --costs fp=1,fn=5 --out r", 0, "The decision threshold is 0."),
    ("train --resume runs/first", 2, "cannot be resumed: its training is finished"),
    # The exam, predictions, the report
    ("test runs/first", 0, "24 test rows, not used for training or selection", "scored once", "true \\ predicted"),
    ("predict runs/first new.csv --out p.csv --id-columns customer_id", 0, "120 predictions of left"),
    ("predict runs/first new.csv --out new.csv", 2, "new.csv", "overwrite=True (--force)"),
    (
        "predict runs/first lacking.csv --out p.csv",
        2,
        "lacking.csv has no column 'months', which the training table had: add it",
    ),
    (
        "predict runs/first strange.csv --out p.csv",
        0,
        "far outside the training range",
        "a category that training did not know",
    ),
    ("report runs/first", 0, "report  runs/first/report.html"),
    ("compare runs/first runs/second", 0, "runs/second"),
    ("compare runs/first", 2, "two"),
    ("export runs/first", 2, "onnx='model.onnx' (--onnx)"),
]


def uses():
    """Each use with a short name; trainings are slow, but for the one with gaps in its target."""
    for typed, status, *seen in SHELL:
        slow = typed.startswith("train") and status == 0 and "gaps" not in typed
        yield pytest.param(typed, status, seen, id=typed.replace(QUICK, "…"), marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("typed", "status", "seen"), list(uses()))
def test_at_the_shell(typed, status, seen):
    result = run(*shlex.split(typed))
    said = " ".join((result.out + result.err).split())
    assert result.status == status, said
    for words in seen:
        assert " ".join(words.split()) in said, said
    assert "Traceback" not in said


def test_a_table_from_a_pipe(here):
    reading, writing = os.pipe()
    os.write(writing, (here / "customers.csv").read_bytes())
    os.close(writing)
    result = run("train", f"/dev/fd/{reading}", "--target", "left", *QUICK.split())
    os.close(reading)
    assert result.status == 0 and "next    goodfit test runs/table-1 --data TABLE" in result.out


def test_the_exam_is_not_given_twice():
    first, second = run("test", "runs/first"), run("test", "runs/first")
    assert (first.status, second.status) == (0, 2) and first.out == second.out
    assert "--reason" in second.err


def test_for_programs():
    told = json.loads(run("train", "customers.csv", "--target", "left", *QUICK.split(), "--json").out)
    assert told["verdict"]["word"] in ("good fit", "underfitting", "overfitting", "cannot tell")
    assert told["splits"] | {"rule": "", "seed": 0} == {
        "train": 76,
        "validation": 20,
        "test": 24,
        "rule": "",
        "seed": 0,
    }


# In Python


@pytest.fixture(scope="module")
def trained():
    return goodfit.train(customers(), "left", **SMALL)


def test_a_run_says_what_it_is_on_one_screen(trained):
    text = repr(trained)
    assert len(text.splitlines()) <= 24
    for words in (
        "target",
        "left, binary",
        "verdict",
        "accuracy",
        "76 train, 20 validation, 24 test; the test rows are sealed",
    ):
        assert words in text
    assert trained._repr_html_().startswith("<")


def test_a_run_has_its_verdict_checks_scores_and_importance_at_hand(trained):
    assert trained.verdict.word and trained.checks is not None
    assert 0 < trained.scores["auc"].value <= 1
    assert {each.column for each in trained.importance().columns} == {"Date", "months", "price", "plan"}


def test_predictions_carry_the_order_of_their_classes(trained):
    found = trained.predict(customers().drop(columns="left"))
    assert found.classes == ("no", "yes") and found.probabilities.shape == (N, 2)


def test_the_exam_in_python_is_opened_once():
    run_ = goodfit.train(customers(), "left", **SMALL)
    assert 0 < run_.test().scores["accuracy"].value <= 1
    with pytest.raises(goodfit.ExamError, match="reason"):
        run_.test()


def test_what_the_checks_find_is_a_warning_that_can_be_silenced():
    frame = pd.concat([customers().drop(columns="customer_id")] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=goodfit.DataWarning)
        run_ = goodfit.train(frame, "left", **SMALL)
    assert run_.checks[0].code == "duplicates" and run_.checks[0].severity == "serious"


def test_a_frame_without_names_is_like_the_array_it_is_made_of():
    values = np.random.default_rng(0).normal(size=(60, 3))
    run_ = goodfit.train(pd.DataFrame(values), "column_3", **SMALL)
    assert np.array_equal(run_.predict(values).values, run_.predict(pd.DataFrame(values)).values)


def test_a_target_that_was_forgotten_is_proposed():
    with pytest.raises(
        goodfit.DataError, match=r"Name the column to predict with target='NAME'. The columns are 'customer_id', 'Date'"
    ):
        goodfit.train(customers())


def test_a_penalty_can_be_asked_for_its_value():
    assert float(goodfit.l2(0.01)([2, 3, 1, 4])) == pytest.approx(0.30)
