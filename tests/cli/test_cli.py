"""The command line: what a person sees, what a program reads, and what a mistake looks like."""

import contextlib
import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

import goodfit
from goodfit.cli.arguments import OTHER_WORDS
from goodfit.cli.main import app, main
from goodfit.experiment.settings import Settings
from goodfit.training.compilation import use_compilation_cache

ONE = ("--l2", "0.001", "--learning-rate", "0.001")
"""A single training."""
DIVERGING = ("--l2", "0.001", "--learning-rate", "1e30", "--optimizer", "sgd")


class Result(NamedTuple):
    status: int
    out: str
    err: str


def run(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return Result(left.value.code or 0, out.getvalue(), err.getvalue())


def refusal(*words):
    """The sentence that a mistake is answered with."""
    result = run(*words)
    assert result.status == 2
    (line,) = result.err.strip().splitlines()
    assert line.startswith("goodfit: ")
    return line


def write_csv(path, **columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A table with something of everything: every kind, missing cells, nothing to learn from, hostile names."""
    rng = np.random.default_rng(0)
    n = 120
    x = rng.normal(size=n)
    return write_csv(
        tmp_path_factory.mktemp("mixed") / "mixed.csv",
        x=x.round(3),
        huge=[f"{value:.3e}" for value in 1e300 * rng.normal(size=n)],
        count=[2**53 - int(i) for i in rng.integers(0, 9, n)],
        holes=["" if i % 5 == 0 else value for i, value in enumerate(rng.normal(size=n).round(3))],
        flag=rng.choice(["true", "false"], n),
        city=rng.choice(["Bonn", "Rome", "Oslo"], n),
        day=[f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
        always=["same"] * n,
        empty=[""] * n,
        customer_id=[f"c{i:04d}" for i in range(n)],
        **{"[red]\x1b[31m": rng.normal(size=n).round(3)},
        answer=np.where(x + 0.3 * rng.normal(size=n) > 0, "=yes()", "@no"),
    )


@pytest.fixture(scope="module")
def trained(mixed):
    """A short training on it, and what was shown."""
    folder = mixed.parent / "run"
    return folder, run("train", mixed, "--target", "answer", "--epochs", "4", *ONE, "--out", folder)


@pytest.fixture
def folder(trained, here):
    """A copy of the run, so that each test has an exam to open."""
    return shutil.copytree(trained[0], here / "copy")


# What a training says


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


# What a program reads


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


def test_exam_and_predictions_speak_json_as_well(folder, mixed):
    exam = json.loads(run("test", folder, "--json").out)
    assert exam["opening"] == 1
    low, value, high = (exam["test"]["accuracy"][name] for name in ("low", "value", "high"))
    assert low <= value <= high
    made = json.loads(run("predict", folder, mixed, "--out", "p.csv", "--json").out)
    assert (made["rows"], made["out"], made["missing_cells"]) == (120, "p.csv", {"holes": 24})


# The exam


def test_the_exam_is_opened_once_and_again_only_with_a_reason(folder):
    first = run("test", folder)
    assert first.status == 0
    assert re.search(r"accuracy +0\.\d{4} +0\.\d{4} to \d\.\d{4} +0\.\d{4} +0\.\d{4}", first.out)
    second = run("test", folder)
    assert second.status == 2
    assert first.out == second.out
    assert "--reason" in second.err
    third = run("test", folder, "--reason", "the first was for another model")
    assert third.status == 0
    assert "scored 2 times, last on" in third.out and "the first was for another model" in " ".join(third.out.split())


def test_a_moved_table_is_named_again(folder, mixed, here):
    elsewhere = shutil.copy(mixed, here / "moved.csv")
    assert run("test", folder, "--data", elsewhere).status == 0


def test_another_table_is_no_exam(folder, mixed, here):
    lines = mixed.read_text().splitlines(keepends=True)
    (here / "other.csv").write_text("".join([lines[0], *lines[:0:-1]]))
    assert "not the rows that were sealed" in refusal("test", folder, "--data", "other.csv")


def test_a_run_without_test_rows_has_no_exam():
    result = run("train", "iris", "--test-size", "0", "--epochs", "1", *ONE, "--out", "r")
    assert "goodfit test" not in result.out
    assert "no test rows" in refusal("test", "r")


# Predictions


def test_predictions_are_written_as_csv_and_parquet(folder, mixed):
    out = run("predict", folder, mixed, "--out", "p.csv").out
    assert "120 predictions of answer" in out
    assert run("predict", folder, mixed, "--out", "p.parquet").status == 0
    with open("p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table("p.parquet")
    assert table.column_names == list(rows[0]) == ["prediction", "probability_=yes()", "probability_@no"]
    expected = goodfit.load(folder).predict(mixed)
    assert table["prediction"].to_pylist() == list(expected.values)
    np.testing.assert_allclose(table["probability_@no"], expected.probabilities[:, 1])
    assert [row["prediction"] for row in rows] == [f"'{label}" for label in expected.values]
    np.testing.assert_allclose([float(row["probability_@no"]) for row in rows], expected.probabilities[:, 1])


def test_prediction_finds_columns_by_name_and_says_what_it_ignored_and_filled_in(folder, mixed):
    with open(mixed, newline="") as file:
        rows = list(csv.DictReader(file))[:20]
    for row in rows:
        del row["answer"], row["always"]
        row["new"] = "1"
    names = sorted(rows[0], reverse=True)
    columns = {name: [row[name] for row in rows] for name in names}
    columns["city"][0], columns["x"][1] = "Atlantis", ""
    write_csv("new.csv", **columns)
    result = run("predict", folder, "new.csv", "--out", "p.parquet")
    assert result.status == 0
    assert "ignored, not in the training table: new" in result.out
    assert "x (1)" in result.out and "holes (4)" in result.out
    expected = goodfit.load(folder).predict(mixed).probabilities[2:20, 0]
    np.testing.assert_allclose(pq.read_table("p.parquet")["probability_=yes()"][2:].to_numpy(), expected, rtol=1e-6)


def test_a_missing_column_is_named(folder):
    pq.write_table(pa.table({"x": [1.0]}), "new.parquet")
    assert "'huge'" in refusal("predict", folder, "new.parquet", "--out", "p.csv")
    assert not Path("p.csv").exists()


def test_a_file_that_is_there_is_replaced_only_by_force(folder, mixed):
    Path("p.csv").write_text("mine")
    assert "overwrite" in refusal("predict", folder, mixed, "--out", "p.csv")
    assert Path("p.csv").read_text() == "mine"
    assert run("predict", folder, mixed, "--out", "p.csv", "--force").status == 0
    assert Path("p.csv").read_text().startswith('"prediction"')


@pytest.mark.parametrize(
    ("out", "said"), [("p.xlsx", ".csv or .parquet"), ("nowhere/p.csv", "nowhere/p.csv"), (".", "no known format")]
)
def test_a_file_that_cannot_be_written_is_named(folder, mixed, out, said):
    assert said in refusal("predict", folder, mixed, "--out", out)


# Mistakes


TABLES = {
    "one row": ({"x": [1], "y": [1]}, "one class"),
    "two rows": ({"x": [1, 2], "y": ["a", "b"]}, "at least 4 rows"),
    "one column": ({"y": ["a", "b"] * 10}, "No column is left"),
    "infinity": (
        {"x": ["inf", *range(19)], "y": ["a", "b"] * 10},
        "column 'x' is infinite in 1 cell, first in row 1:",
    ),
    "one class": ({"x": range(20), "y": ["a"] * 20}, "'y' has the one class 'a'"),
    "nothing but constants": ({"x": [1] * 20, "y": ["a", "b"] * 10}, "x: constant"),
    "target constant": ({"x": range(20), "y": [0.5] * 20}, "target 'y' is constant"),
    "every row its own class": ({"x": range(60), "y": [f"c{i}" for i in range(60)]}, "too many for classes"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_learned_from_is_named(case):
    columns, said = TABLES[case]
    write_csv("bad.csv", **columns)
    assert said in refusal("train", "bad.csv", "--target", "y", "--out", "r")


ARGUMENTS = [
    (("--learning-rate", "-1"), "learning_rate"),
    (("--learning-rate", "nan"), "learning_rate"),
    (("--l2", "inf"), "l2"),
    (("--l2=-0.1",), "l2"),
    (("--patience", "-1"), "patience"),
    (("--epochs", "0"), "epochs"),
    (("--batch-size", "0"), "batch_size"),
    (("--dropout", "1"), "dropout"),
    (("--optimizer", "adm"), "adm"),
    (("--activation", "relo"), "relo"),
    (("--hidden", "64,0"), "units"),
    (("--test-size", "1.5"), "test_size"),
    (("--validation-split", "0"), "validation_split"),
    (("--split", "sideways"), "sideways"),
    (("--split", "time"), "time"),
    (("--group", "nobody"), "nobody"),
    (("--seed", "-1"), "seed"),
    (("--task", "guess"), "guess"),
    (("--target", "Target"), "Target"),
    (("--drop", "petal"), "petal"),
    (("--kind", "target=colour"), "colour"),
    (("--class-weight", "rose=2"), "rose"),
    (("--class-weight", "setosa=-2"), "setosa"),
]


@pytest.mark.parametrize(("words", "said"), ARGUMENTS, ids=lambda value: value if isinstance(value, str) else value[-1])
def test_a_bad_argument_is_named_at_once(words, said):
    assert said in refusal("train", "iris", *words, "--out", "r")


@pytest.mark.parametrize(
    "words",
    [
        ("train", "iris", "--hidden", "64,a"),
        ("train", "iris", "--test-size", "much"),
        ("train", "iris", "--kind", "target"),
        ("train", "iris", "--class-weight", "setosa=heavy"),
        ("train", "iris", "--epochs", "many"),
        ("train", "iris", "--batch-size", "large"),
        ("train", "iris", "--no-such-option"),
        ("predict", "r", "iris"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_a_command_that_is_not_understood_ends_with_two_and_its_usage(words):
    result = run(*words)
    assert (result.status, result.out) == (2, "")
    assert "Usage" in result.err


@pytest.mark.parametrize(
    "words", [("train", "nowhere.csv"), ("train", "."), ("test", "nowhere"), ("predict", "x", "iris")]
)
def test_what_is_not_there_is_named(words):
    out = ("--out", "p.csv") if words[0] == "predict" else ()
    assert words[1] in refusal(*words, *out)


def test_a_folder_with_something_in_it_is_not_written_to(here):
    (here / "full").mkdir()
    (here / "full" / "file").touch()
    assert "full is not empty" in refusal("train", "iris", "--out", "full")


# The program as such


@pytest.mark.parametrize("name", ["train", "test", "predict"])
def test_help_begins_with_an_example(name):
    help_ = run(name, "--help").out
    first = re.search(r"Usage:.*?\n\s*\n\s*(.*)", help_)[1]
    assert first.startswith(f"Example: goodfit {name}")


def test_names_that_other_programs_give_to_options_lead_to_real_ones_and_hide_none():
    own = {flag for param in typer.main.get_command(app).commands["train"].params for flag in param.opts}
    assert {*OTHER_WORDS.values()} <= own
    assert not own & OTHER_WORDS.keys()


def test_help_shows_the_defaults_of_the_settings():
    help_ = run("train", "--help").out
    for default in ("auto", "64,64", "adam", "200", "random", "seed"):
        assert default in help_


def test_version():
    assert run("--version").out == f"goodfit {goodfit.__version__}\n"


def test_the_program_starts_without_what_is_slow():
    heavy = ["jax", "numpy", "pyarrow", "sklearn", "scipy"]
    code = f"import sys, goodfit.cli.main; print(*(set({heavy}) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


def loaded_by(*commands, among):
    """What commands in a process of their own complain of, and which modules it has imported when they end."""
    code = f"""if True:
        import contextlib, sys
        from goodfit.cli.main import main
        for words in {[[str(word) for word in words] for words in commands]}:
            with contextlib.suppress(SystemExit):
                main(words)
        print(*sorted({set(among)} & set(sys.modules)), file=sys.stderr)"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.splitlines()


PATHS = [
    *("train nowhere.csv", "train iris --from nowhere", "test nowhere", "predict nowhere iris --out p.csv"),
    *("report nowhere", "export nowhere --onnx new.onnx", "compare nowhere"),
]


def test_wrong_paths_are_refused_before_anything_slow_is_imported():
    *complaints, loaded = loaded_by(*map(str.split, PATHS), among=["jax", "numpy", "pyarrow"])
    assert loaded == "" and len(complaints) == len(PATHS)
    assert all("nowhere" in complaint for complaint in complaints)


WRONG = [
    *("--learning-rate -1", "--l2 -1", "--l2 ,", "--dropout 2", "--hidden 0", "--optimizer foo", "--activation foo"),
    *(
        "--folds 0",
        "--threshold 7",
        "--memory 1",
        "--test-size 1.5",
        "--split foo",
        "--group g --time t",
        "--budget soon",
    ),
]


def test_wrong_arguments_are_refused_and_help_is_shown_before_anything_slow_is_imported():
    commands = [("train", "iris", *words.split()) for words in WRONG]
    slow = ["jax", "numpy", "pyarrow", "sklearn"]
    *complaints, loaded = loaded_by(*commands, ("train", "--help"), among=slow)
    assert loaded == ""
    for words, complaint in zip(WRONG, complaints, strict=True):
        assert words.split()[0].strip("-").replace("-", " ") in re.sub("[-_]", " ", complaint)


def test_help_of_a_command_does_without_pydantic():
    assert loaded_by(("test", "--help"), among=["pydantic"]) == [""]


def test_a_prediction_waits_for_no_library_that_it_does_not_need(folder, mixed):
    loaded = loaded_by(("predict", folder, mixed, "--out", "p.csv"), among=["altair", "jax", "pandas", "sklearn.base"])
    assert loaded == ["jax"]
    assert Path("p.csv").exists()


def test_a_training_does_without_pandas(mixed):
    """scikit-learn and altair look for it."""
    words = ("train", mixed, "--target", "answer", "--epochs", "2", *ONE)
    assert loaded_by(words, among=["altair", "pandas", "sklearn"])[-1] == "altair sklearn"


def test_the_exam_draws_nothing_again(folder, mixed):
    """Only its own scores are new in the report."""
    loaded = loaded_by(("test", folder, "--data", mixed), among=["altair.vegalite", "pandas", "sklearn.base"])
    assert loaded == [""]
    assert "Score 1" in (folder / "report.html").read_text("utf-8")


def test_ctrl_c_keeps_the_best_weights_and_the_compiled_program_is_kept_for_the_next(here):
    rng = np.random.default_rng(0)
    write_csv("noise.csv", x=rng.normal(size=2000).round(3), y=rng.normal(size=2000).round(3))
    words = ("train", "noise.csv", "--target", "y", "--epochs", "1000000", "--patience", "1000000", *ONE, "--out", "r")
    with subprocess.Popen(
        [sys.executable, "-c", "from goodfit.cli.main import main; main()", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GOODFIT_CACHE": str(here / "cache")},
    ) as process:
        assert "epoch" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped by you" in out
    kept = goodfit.load("r")
    assert kept.training.outcome is goodfit.Outcome.STOPPED_BY_USER
    assert 1 <= kept.training.best_epoch <= kept.history.n_epochs
    assert any((here / "cache").iterdir())


# A sweep

SMALL_GRID = ("--l2", "0,0.01", "--learning-rate", "0.001,0.01", "--hidden", "4", "--epochs", "3")


@pytest.fixture(scope="module")
def swept(mixed):
    """Four configurations of two seeds and three folds, and what was shown."""
    folder = mixed.parent / "swept"
    words = ("--target", "answer", "--seeds", "2", "--folds", "3", *SMALL_GRID, "--out", folder)
    return folder, run("train", mixed, *words)


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


# What a stranger may put into a run folder or a table


def assert_steers_nothing(result):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", result.out + result.err)


def test_no_word_of_a_folder_steers_the_terminal(folder, mixed, here):
    """The table has a column whose name turns the terminal red; a reason and an error may hold anything."""
    for words in (
        ("test", folder, "--data", mixed),
        ("test", folder, "--data", mixed, "--reason", "\x1b[2J\u202egnp"),
        ("test", folder),
        ("predict", folder, mixed, "--out", "\x1b]0;title\x07.csv"),
        ("report", "\x1b[2J"),
    ):
        assert_steers_nothing(run(*words))


def test_long_text_of_a_folder_is_cut(here):
    assert len(refusal("report", "x" * 100_000)) < 5_000


def test_a_report_is_replaced_only_with_force(folder, here):
    (here / "mine.html").write_text("mine")
    assert refusal("report", folder, "--out", "mine.html") == (
        "goodfit: 'mine.html' already exists: choose another file, or replace it with overwrite=True (--force)."
    )
    assert (here / "mine.html").read_text() == "mine"
    assert run("report", folder, "--out", "mine.html", "--force").status == 0
    assert (here / "mine.html").read_text("utf-8") != "mine"


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
def test_no_report_replaces_a_device(folder, here):
    os.mkfifo("pipe")
    for words in (("--out", "pipe"), ("--out", "pipe", "--force")):
        assert "pipe" in refusal("report", folder, *words)
    assert Path("pipe").is_fifo()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners of POSIX")
def test_a_cache_that_anyone_may_write_to_is_not_used(here, monkeypatch):
    (here / "cache").mkdir()
    (here / "cache").chmod(0o777)
    monkeypatch.setattr(goodfit, "use_compilation_cache", use_compilation_cache)
    monkeypatch.setenv("GOODFIT_CACHE", str(here / "cache"))
    result = run("train", "iris", "--hidden", "none", "--epochs", "1", *ONE, "--out", "r")
    assert result.status == 0 and "which others may write to" in " ".join(result.err.split())
    assert not list((here / "cache").iterdir())
