"""What a command imports and compiles, and what a user waits for."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import goodfit
from tests.cli.commands import ONE, write_csv

pytestmark = pytest.mark.usefixtures("here")


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


def test_a_program_ends_without_a_search_for_garbage():
    told_last = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))"
    code = f"{told_last}; from goodfit.cli.main import main; main()"
    told = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True)
    assert told.stdout.splitlines()[-1] == "True"
