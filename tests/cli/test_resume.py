"""Trainings that are killed at the command line go on with the command that they show."""

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import goodfit
from goodfit.cli.main import Watched, main
from goodfit.cli.signals import ended_by_signals
from goodfit.cli.sweep_progress import SweepLines

LONG = ("iris", "--l2", "0,0.01", "--learning-rate", "0.00001", "--hidden", "4", "--folds", "1")
LONG = ("train", *LONG, "--epochs", "8000", "--patience", "8000", "--out")


@contextmanager
def running(folder, *words):
    """A training in a process of its own that has saved its first state."""
    code = "import signal\nfor each in (signal.SIGTERM, signal.SIGHUP): signal.signal(each, signal.SIG_DFL)\n"
    code += "from goodfit.experiment.run_folder.journal import Journal as J\nfrom goodfit.cli.main import main\n"
    code += "J.__init__.__kwdefaults__['every'] = 0.0\nmain()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 60
        while not list(folder.glob("journal/running-*")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        yield process
        process.kill()


def go_on(command):
    assert command[0] == "goodfit"
    with pytest.raises(SystemExit) as ended:
        main(command[1:])
    assert ended.value.code == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    go_on(["goodfit", *LONG, str(folder)])
    return folder


def assert_same(folder, whole):
    for name in ("weights", "ensemble", "trials", "curves"):
        file = f"{name}.safetensors"
        assert (folder / file).read_bytes() == (whole / file).read_bytes()
    assert not (folder / "journal").exists() and (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)]
)
def test_the_command_that_is_shown_goes_on(number, status, tmp_path, whole):
    with running(tmp_path / "my run", *LONG) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    name = signal.Signals(number).name
    shown = err.rpartition(f"goodfit: ended by {name}; to resume: ")[2]
    go_on(shlex.split(shown))
    assert_same(tmp_path / "my run", whole)


def test_ctrl_c_shows_how_to_go_on(tmp_path, whole):
    with running(tmp_path / "run", *LONG) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped by you" in out
    assert f"report  goodfit report {tmp_path / 'run'}" in out and not (tmp_path / "run" / "report.html").exists()
    assert goodfit.load(tmp_path / "run").can_be_resumed
    go_on(shlex.split(err.rpartition("To resume: ")[2]))
    assert_same(tmp_path / "run", whole)


@pytest.mark.slow
def test_ctrl_c_in_the_second_grid_ends_with_its_status_and_is_resumed(tmp_path, monkeypatch, capsys):
    words = shlex.split("iris --l2 0,0.1 --learning-rate 0.001,0.01 --hidden 4 --folds 1 --epochs 30 --refine")
    refine, step, begun = Watched.refine, SweepLines.step, []

    def press_once(lines, progress):
        step(lines, progress)
        if begun:
            begun.clear()
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Watched, "refine", lambda watched, *given: begun.append(refine(watched, *given)))
    monkeypatch.setattr(SweepLines, "step", press_once)
    with pytest.raises(SystemExit) as ended:
        main(["train", *words, "--out", str(tmp_path / "run")])
    assert ended.value.code == 130
    monkeypatch.undo()
    go_on(shlex.split(capsys.readouterr().err.rpartition("To resume: ")[2]))
    assert not goodfit.load(tmp_path / "run").can_be_resumed


def test_a_process_killed_at_any_moment_is_resumed(tmp_path, whole):
    with running(tmp_path / "run", *LONG) as process:
        process.kill()
    assert (tmp_path / "run" / ".owner").exists()
    go_on(["goodfit", "train", "--resume", str(tmp_path / "run")])
    assert_same(tmp_path / "run", whole)


def test_a_second_ctrl_c_ends_the_process_and_the_last_state_loads(tmp_path, whole):
    with running(tmp_path / "run", *LONG) as process:
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    go_on(["goodfit", "train", "--resume", str(tmp_path / "run")])
    assert_same(tmp_path / "run", whole)


def test_other_flags_beside_resume_are_refused(tmp_path, capsys):
    with running(tmp_path / "run", *LONG) as process:
        process.kill()
    with pytest.raises(SystemExit) as ended:
        main(["train", "--resume", str(tmp_path / "run"), "--l2", "0.5"])
    assert ended.value.code == 2
    assert "begun with other values of l2: leave them out to go on" in capsys.readouterr().err


def test_ctrl_c_after_the_search_shows_how_to_go_on(tmp_path, monkeypatch):
    """While the result is measured, Ctrl-C is the default one; the journal has every training."""
    told = []
    monkeypatch.setattr("goodfit.cli.signals.is_interrupted", lambda folder: True)
    with pytest.raises(KeyboardInterrupt), ended_by_signals(tmp_path / "r", told.append):
        raise KeyboardInterrupt
    assert told == [f"interrupted; to resume: goodfit train --resume {tmp_path / 'r'}"]
