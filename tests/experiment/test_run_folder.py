"""A run is a folder: what it holds comes back bit for bit, damage is noticed, and nothing in it is ever run."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

import goodfit
from goodfit import RunError, load, train
from goodfit.experiment.run_folder import claimed
from goodfit.experiment.run_folder.layout import FILES, with_checksum
from tests.experiment.conftest import AUDITED

N = 60
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RNG.normal(size=N),
        "place": RNG.choice(["Bonn", "Rome", "Oslo"], N),
        "when": pd.date_range("2026-01-31", periods=N).astype(str),
        "letter": [f"to row{i} with love{i} from row{i + 1}" for i in range(N)],
        "customer_id": [f"C{1000 + i}" for i in range(N)],
        "price": RNG.normal(size=N),
    }
)
CHOICES = {"hidden": (4,), "epochs": 3, "test_size": 10, "class_weight": None, "l2": 0.01, "learning_rate": 0.001}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(TABLE, "price", out=tmp_path_factory.mktemp("runs") / "run", **CHOICES)


@pytest.fixture
def folder(run, tmp_path):
    """A copy of the run that may be damaged."""
    return shutil.copytree(run.path, tmp_path / "copy")


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_loaded_run_predicts_the_same_bit_for_bit(run):
    np.testing.assert_array_equal(load(run.path).predict(TABLE).values, run.predict(TABLE).values)


def test_a_loaded_run_is_the_run_that_was_saved(run):
    found = load(str(run.path))
    for name in ("settings", "source", "fingerprint", "schema", "encoder", "target", "seal", "created", "versions"):
        assert getattr(found.record, name) == getattr(run.record, name), name
    assert found.record.validation_scores == pytest.approx(run.record.validation_scores, rel=0, nan_ok=True)
    assert found.record.baseline_scores == pytest.approx(run.record.baseline_scores, rel=0, nan_ok=True)
    assert (found.training.outcome, found.training.best_epoch) == (run.training.outcome, run.training.best_epoch)
    assert (found.splits.rule, found.splits.seed) == (run.splits.rule, run.splits.seed)
    for name, rows in run.splits.arrays().items():
        np.testing.assert_array_equal(found.splits.arrays()[name], rows)
    assert list(found.history) == list(run.history)
    for name in run.history:
        np.testing.assert_array_equal(found.history[name], run.history[name])
    for params, expected in (
        (found.training.params, run.training.params),
        (found.training.last_params, run.training.last_params),
    ):
        assert [list(layer) for layer in params] == [list(layer) for layer in expected]
        for layer, other in zip(params, expected, strict=True):
            for name in layer:
                assert layer[name].dtype == np.float32
                np.testing.assert_array_equal(layer[name], other[name])


@pytest.mark.filterwarnings("ignore::goodfit.errors.DataWarning")
def test_a_run_that_diverged_comes_back_too(tmp_path):
    """Its history has infinite and missing numbers, which JSON does not know; and one row has no R²."""
    numbers = {"optimizer": "sgd", "learning_rate": 1e30, "validation_split": 0.01}
    run = train(TABLE.head(20), "price", out=tmp_path / "run", **CHOICES | numbers)
    found = load(run.path)
    assert not np.isfinite(run.history["loss"]).all()
    for name in run.history:
        np.testing.assert_array_equal(found.history[name], run.history[name])
    assert np.isnan(found.record.validation_scores["r2"])
    np.testing.assert_array_equal(found.predict(TABLE).values, run.predict(TABLE).values)


def test_settings_of_every_type_of_number_can_be_saved(tmp_path):
    """NumPy's numbers are no numbers to JSON; that must not show after the training."""
    numbers = {"l2": np.float32(0.5), "hidden": np.array([4]), "seed": np.int64(3), "batch_size": np.int16(32)}
    numbers |= {"patience": np.int32(3), "test_size": np.int64(10), "dropout": np.float64(0), "epochs": np.uint8(1)}
    train(TABLE, "price", out=tmp_path / "run", **CHOICES | numbers)
    assert load(tmp_path / "run").settings.l2 == 0.5


def test_class_weights_of_numbers_come_back(tmp_path):
    assert goodfit.Settings(class_weight={0: 1, 1: np.float32(2)}).to_json()["class_weight"] == {"0": 1.0, "1": 2.0}


# --- what stands in the folder ---------------------------------------------------------------------------------------


def test_the_files_of_a_run(run):
    assert {path.name for path in run.path.iterdir()} == {*FILES, "run.json"}


def test_history_and_settings_can_be_read_by_anyone(run):
    history = safetensors.numpy.load_file(run.path / "curves.safetensors")
    assert history["val_loss"].tolist() == run.history["val_loss"].tolist()
    summary = json.loads((run.path / "run.json").read_text())
    assert summary["settings"]["l2"] == 0.01
    assert {"python", "goodfit", "jax", "numpy"} <= set(summary["versions"])
    weights = safetensors.numpy.load_file(run.path / "weights.safetensors")
    assert {"best.0.kernel", "best.1.bias", "last.0.kernel"} <= set(weights)


def test_no_rows_of_the_table_stand_in_the_folder(run):
    """Names of categories do, and a few quantiles of each number."""
    written = b"".join(path.read_bytes() for path in run.path.iterdir())
    assert b"Rome" in written
    for column in ("customer_id", "letter", "when"):
        assert not [value for value in TABLE[column] if value.encode() in written], column
    for column in ("size", "price"):
        assert sum(str(value).encode() in written for value in TABLE[column]) <= 1, column


def test_the_summary_is_written_last(tmp_path, monkeypatch):
    """So a run that was cut short is no run."""
    written = []
    monkeypatch.setattr(
        goodfit.experiment.run_folder.save, "write_file", lambda path, content: written.append(path.name)
    )
    goodfit.experiment.run_folder.save_run(tmp_path, train(TABLE, "price", **CHOICES).record)
    assert sorted(written[:-1]) == sorted(FILES)
    assert written[-1] == "run.json"


# --- a folder that cannot be used, before the training ---------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch):
    def fit(*_, **__):
        raise AssertionError("trained before the folder was looked at")

    for name in ("fit", "sweep"):
        monkeypatch.setattr(goodfit.experiment.experiment, name, fit)


def test_a_folder_with_something_in_it_is_left_alone(run, no_training):
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match="is not empty: choose another folder"):
        train(TABLE, "price", out=run.path)
    assert (run.path / "run.json").read_bytes() == before


def test_an_empty_folder_and_one_that_is_not_there_are_fine(tmp_path):
    with claimed(tmp_path), claimed(tmp_path / "a" / "b"):
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [".owner"]


@pytest.mark.parametrize("name", ["file", "file/in it", "a\0b", "a" * 300])
def test_a_folder_that_cannot_be_is_told_before_the_training(name, tmp_path, no_training):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written to \(.*\): choose another folder"):
        train(TABLE, "price", out=tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_told_before_the_training(tmp_path, no_training):
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written to"):
        train(TABLE, "price", out=tmp_path / "run")


def test_a_disk_that_refuses_before_the_training(tmp_path, monkeypatch, no_training):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RunError, match=r"cannot be written to \(Permission denied\)"):
        train(TABLE, "price", out=tmp_path / "run")


# --- damage ----------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_run_is_said(tmp_path):
    for name in ("", "nowhere", "a\0b"):
        with pytest.raises(RunError, match="is not a finished run"):
            load(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "cut short", "empty", "a bit", "of another run"])
def test_files_that_are_not_as_they_were_written_are_noticed(name, damage, folder):
    path = folder / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "a bit":
        content[-1] ^= 1
        path.write_bytes(content)
    else:
        path.write_bytes({"cut short": content[:-9], "empty": b"", "of another run": bytes(len(content))}[damage])
    with pytest.raises(RunError, match=rf"is damaged \({name} is (missing|not as it was written)\): train again"):
        load(folder)


def rewrite(folder, change):
    """Change run.json and mend its checksum, as an attacker would."""
    summary = json.loads((folder / "run.json").read_text())
    del summary["checksum"]
    change(summary)
    (folder / "run.json").write_bytes(with_checksum(json.dumps(summary, indent=1).encode() + b"\n"))


@pytest.mark.parametrize(
    "change",
    [
        lambda summary: summary.pop("target"),
        lambda summary: summary.pop("files"),
        lambda summary: summary["target"].update(scale=0),
        lambda summary: summary["settings"].update(new_in_version_9=True),
        lambda summary: summary["settings"].update(l2=-1),
        lambda summary: summary["splits"].update(seal=None),
        lambda summary: summary.update(outcome="BROKEN"),
        lambda summary: summary.update(schema=[{"name": "a"}]),
        lambda summary: summary.update(splits=3),
    ],
)
def test_a_summary_that_makes_no_sense_is_noticed(change, folder):
    rewrite(folder, change)
    with pytest.raises(RunError, match="is damaged"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_summary_that_is_none_is_noticed(content, folder):
    (folder / "run.json").write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        load(folder)


def test_a_run_of_another_format_is_explained(folder):
    rewrite(folder, lambda summary: summary.update(format=99))
    with pytest.raises(RunError, match="has run format 99, but this goodfit reads 12"):
        load(folder)


# --- nothing in a run folder is code ---------------------------------------------------------------------------------

AUDIT = (
    AUDITED
    + """
def use():
    run = goodfit.load(folder)
    run.predict(table)
    goodfit.report(run, os.path.join(folder, "report.html"))
    try:
        run.test(table)
    except goodfit.GoodFitError:
        pass

use()  # once before, so that what goodfit and its libraries load themselves is loaded
sys.addaudithook(watch)
use()
print(seen)
"""
)


def test_nothing_is_imported_unpickled_or_run(folder, tmp_path):
    """Every text in the folder that may be anything names a module that would betray itself.

    Nothing outside the folder is read but the table and the libraries, and nothing is written.
    """
    module = tmp_path / "named_in_the_run.py"
    module.write_text("raise SystemExit('imported')")
    strange = "named_in_the_run"

    def plant(summary):
        summary["source"] = summary["fingerprint"] = f"{strange}.{strange}"
        summary["versions"] = {strange: strange}
        summary["target"]["note"] = f"__import__('{strange}')"
        summary["splits"]["rule"] = f"{strange}:{strange}"
        for column in summary["schema"]:
            column["note"] = f"!!python/object:{strange}.{strange}"

    rewrite(folder, plant)
    (folder / "weights.pkl").write_bytes(pickle.dumps(subprocess.Popen))
    (folder / f"{strange}.py").write_text("raise SystemExit('imported')")
    table = tmp_path / "table.csv"
    TABLE.to_csv(table, index=False)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, str(folder.resolve()), str(table.resolve()), strange],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
