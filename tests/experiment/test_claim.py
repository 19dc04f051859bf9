"""The folder of a run while it is trained: one process at a time, and no training is lost with its folder."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

import goodfit
from goodfit import ConfigError, RunError, load
from goodfit.experiment.memory import memory_explained, validate_network_size
from goodfit.experiment.run_folder.claim import OWNER, Owner, claimed
from goodfit.experiment.run_folder.layout import FILES
from goodfit.nn.layers import Dense

UNSAVED = pytest.mark.filterwarnings("ignore:the training cannot be saved while it runs")
QUICK = {"hidden": (), "epochs": 1, "l2": 0.1, "learning_rate": 0.1}


def owned(folder, process, host=None):
    folder.mkdir()
    (folder / OWNER).write_bytes(msgspec.json.encode(Owner(process, host or platform.node())))
    return folder


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_process_leaves_and_names_the_owner(tmp_path):
    told = rf"is in use by process {os.getpid()} on {platform.node()}: choose another"
    with claimed(tmp_path / "run"), pytest.raises(RunError, match=told):
        goodfit.train("iris", out=tmp_path / "run", **QUICK)
    goodfit.train("iris", out=tmp_path / "run", **QUICK)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*FILES, "run.json"}


def test_an_owner_of_another_machine_may_be_alive(tmp_path, dead):
    with pytest.raises(RunError, match="is in use by process"), claimed(owned(tmp_path / "run", dead, "elsewhere")):
        raise AssertionError


def test_a_dead_owner_and_what_it_left_are_replaced(tmp_path, dead):
    folder = owned(tmp_path / "run", dead)
    for name in ("encoder.json", f".{'0' * 32}.tmp"):
        (folder / name).touch()
    with claimed(folder):
        assert os.listdir(folder) == [OWNER]


@pytest.mark.parametrize("name", ["run.json", "thesis.txt"])
def test_a_finished_run_or_a_file_of_a_person_is_never_replaced(name, tmp_path, dead):
    folder = owned(tmp_path / "run", dead)
    (folder / name).write_text("mine")
    with pytest.raises(RunError, match="is not empty"), claimed(folder):
        raise AssertionError
    assert (folder / name).read_text() == "mine"


def test_a_training_that_fails_frees_its_folder(tmp_path):
    with pytest.raises(goodfit.DataError):
        goodfit.train("nowhere.csv", out=tmp_path / "run", **QUICK)
    assert os.listdir(tmp_path / "run") == []


@UNSAVED
def test_a_folder_that_is_removed_during_the_training_is_made_again(tmp_path):
    remove = lambda _: shutil.rmtree(tmp_path / "run")  # noqa: E731
    goodfit.train("iris", out=tmp_path / "run", on_prepared=remove, **QUICK)
    assert load(tmp_path / "run").settings.epochs == 1


@UNSAVED
def test_a_run_that_cannot_be_saved_is_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def block(_):
        shutil.rmtree(tmp_path / "run")
        (tmp_path / "run").write_text("in the way")

    with pytest.raises(RunError, match="cannot be written to") as error:
        goodfit.train("iris", out=tmp_path / "run", on_prepared=block, **QUICK)
    kept = re.search(r"it is kept in (.*), move it from there", str(error.value))[1]
    assert Path(kept).parent == tmp_path and load(kept).settings.epochs == 1


@UNSAVED
def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    def fill(_):
        monkeypatch.setattr(os, "fsync", full)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = r"\(No space left on device\), nor to a temporary folder: make room"
    with pytest.raises(RunError, match=told):
        goodfit.train("iris", out=tmp_path / "run", on_prepared=fill, **QUICK)
    left = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert left <= {OWNER, "plan.json"}


def test_little_room_on_the_disk_is_said_before_the_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**10))
    told, wide = [], QUICK | {"hidden": (64,)}
    with pytest.warns(UserWarning, match=r"has 0\.0 MB of free space, and the training may need 0\.\d MB: make room"):
        goodfit.train("iris", out=tmp_path / "run", on_prepared=told.append, **wide)
    assert told and load(tmp_path / "run").path


@pytest.mark.parametrize("name", ["a\0b", "", "x" * 300])
def test_a_folder_of_an_impossible_name_is_refused(name, tmp_path):
    with pytest.raises(RunError, match="choose another folder"):
        goodfit.train("iris", out=str(tmp_path / name) if name else str(tmp_path.parent), **QUICK)


def test_nothing_that_is_written_holds_a_secret_of_the_environment(tmp_path, monkeypatch):
    secret = "9f2c77-not-for-others"
    monkeypatch.setenv("API_TOKEN", secret)
    run = goodfit.train("iris", out=tmp_path / "run", **QUICK)
    goodfit.report(run, tmp_path / "run" / "report.html")
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path.name


# --- memory ----------------------------------------------------------------------------------------------------------


def test_a_network_that_no_machine_holds_is_refused_before_it_is_made():
    with pytest.raises(ConfigError, match=r"weights, which take .* GB of memory, and this machine has"):
        validate_network_size([Dense(2**20), Dense(2**20), Dense(1)], 4)
    with pytest.raises(ConfigError, match="choose fewer hidden units"):
        goodfit.train("iris", **QUICK | {"hidden": (2**20, 2**20)})


def test_the_cost_of_such_a_network_takes_no_memory():
    assert goodfit.dry_run("iris", **QUICK | {"hidden": (2**20, 2**20)}).running_bytes > 2**42


def test_memory_that_runs_out_is_explained():
    with pytest.raises(ConfigError, match="there is not enough memory"), memory_explained():
        np.empty((2**40, 16))


@pytest.mark.parametrize(
    "wrong",
    [{"seed": 2**32}, {"kinds": 5}, {"drop": 5}, {"drop": [5]}, {"batch_size": 10**12}, {"patience": 10**12},
     {"group": 5}, {"epochs": 10**12}, {"seeds": 10**9}, {"hidden": 10**9}, {"hidden": [1] * 101}, {"activation": 5}],
)  # fmt: skip
def test_arguments_that_no_machine_can_take_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=name):
        goodfit.train("iris", **QUICK | wrong)
