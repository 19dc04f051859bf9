"""The journal: a training that is killed at any save goes on, and ends with the same bits."""

import dataclasses
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import goodfit
from goodfit import ConfigError, DataError, RunError
from goodfit.experiment.run_folder import journal as module
from goodfit.experiment.run_folder.journal import FoldJournal, Journal
from goodfit.experiment.run_folder.plan import write_plan
from tests.experiment.conftest import AUDITED, QUICK, content

GRID = QUICK | {"l2": (0.0, 0.01), "learning_rate": 0.01, "folds": 2}
KINDS = {
    "grid": GRID,
    "two grids": GRID | {"learning_rate": (0.001, 0.01), "folds": 1, "refine": True},
    "single": QUICK | {"l2": 0.01, "learning_rate": 0.01},
    "from an earlier run": GRID | {"folds": 1, "test_size": 0, "start": True},
}


class Killed(BaseException):
    """What ends a training in these tests."""


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Save after every chunk."""
    monkeypatch.setitem(Journal.__init__.__kwdefaults__, "every", 0.0)


@pytest.fixture
def killed_after(monkeypatch):
    """Return a function that ends the training after so many files were written."""
    write = FoldJournal.write

    def kill(number):
        left = [number]

        def writes(self, kind, checkpoints):
            write(self, kind, checkpoints)
            left[0] -= 1
            if not left[0]:
                raise Killed

        monkeypatch.setattr(FoldJournal, "write", writes)

    return kill


@pytest.fixture(scope="module", params=KINDS)
def whole(request, table, tmp_path_factory):
    """A training without interruption, its folder and its settings."""
    settings = KINDS[request.param]
    if "start" in settings:  # from other rows than those of its exam
        settings = settings | {"start": goodfit.train(table, "target", **KINDS["single"] | {"test_size": 0})}
    folder = tmp_path_factory.mktemp("whole") / "run"
    goodfit.train(table, out=folder, **settings)
    return folder, settings


@pytest.fixture
def interrupted(table, tmp_path, killed_after):
    """A grid that was killed after its third file."""
    killed_after(3)
    with pytest.raises(Killed):
        goodfit.train(table, out=tmp_path / "run", **GRID)
    killed_after(-1)
    return tmp_path / "run"


@pytest.fixture
def searched_again(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid") / "run"
    goodfit.train(table, out=folder, **GRID)
    return folder


def journal_files(folder, kind=""):
    return sorted(path for path in (folder / "journal").iterdir() if path.name.startswith(kind))


def test_a_training_killed_at_every_save_ends_with_the_same_bits(whole, table, tmp_path, killed_after):
    reference, settings = whole
    folder, kills = tmp_path / "run", 0
    while True:
        killed_after(1)
        again = {"resume": folder, "start": settings.get("start")}
        try:
            goodfit.train(**(again if kills else {"table": table, "out": folder, **settings}))
            break
        except Killed:
            kills += 1
    assert kills > 3 and content(folder) == content(reference)


def test_the_moment_of_a_run_is_that_of_its_beginning(interrupted):
    created = Journal(interrupted).plan().created
    assert goodfit.train(resume=interrupted).record.created == created


def test_a_finished_training_leaves_no_journal(searched):
    assert not (searched / "journal").exists()
    with pytest.raises(RunError, match="cannot be resumed: its training is finished"):
        goodfit.train(resume=searched)


def test_what_a_killed_process_was_writing_is_removed(interrupted):
    for folder in (interrupted, interrupted / "journal"):
        (folder / f".{'0a' * 16}.tmp").write_text("half")
    goodfit.train(resume=interrupted)
    assert not (interrupted / "journal").exists() and not list(interrupted.glob(".*"))


def test_at_most_two_states_of_running_trials_are_kept(table, tmp_path, killed_after):
    killed_after(4)
    with pytest.raises(Killed):
        goodfit.train(table, out=tmp_path / "run", **GRID | {"epochs": 30, "learning_rate": 1e-5})
    assert len(journal_files(tmp_path / "run", "running")) == 2 + 1  # the third was to be deleted


@pytest.mark.parametrize("damage", [lambda old: old[: len(old) // 2], lambda old: bytes(len(old)), lambda old: b"",
                                    lambda old: old[:-9] + bytes([old[-9] ^ 1]) + old[-8:]])  # fmt: skip
def test_a_damaged_state_is_noticed_and_the_one_before_is_used(damage, interrupted, searched_again, monkeypatch):
    *_, before, latest = journal_files(interrupted, "running")
    latest.write_bytes(damage(latest.read_bytes()))
    used = []
    read = module._checkpoints
    monkeypatch.setattr(module, "_checkpoints", lambda path, *a, **b: used.append((path, read(path, *a, **b))))
    with pytest.warns(UserWarning, match=f"{latest.name} of the journal is damaged"), pytest.raises(AttributeError):
        goodfit.train(resume=interrupted)
    assert used[0][0] == before
    monkeypatch.setattr(module, "_checkpoints", read)
    with pytest.warns(UserWarning, match="is damaged"):
        goodfit.train(resume=interrupted)
    assert content(interrupted) == content(searched_again)


def test_what_the_journal_lacks_is_trained_again(interrupted, searched_again):
    for path in journal_files(interrupted, "finished") + journal_files(interrupted, "running"):
        path.unlink()
    goodfit.train(resume=interrupted)
    assert content(interrupted) == content(searched_again)


def test_a_clock_that_was_set_back_changes_nothing(interrupted, searched_again):
    """The latest file of the journal has the highest number, whatever its time."""
    for place, path in enumerate(reversed(journal_files(interrupted))):
        os.utime(path, (place, place))
    goodfit.train(resume=interrupted)
    assert content(interrupted) == content(searched_again)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_other_settings_are_refused_by_name_and_equal_ones_are_not(interrupted):
    with pytest.raises(RunError, match=r"begun with other values of l2, target: leave them out to go on"):
        goodfit.train(target="size", resume=interrupted, l2=(0.0, 0.1), epochs=QUICK["epochs"])
    with pytest.raises(RunError, match="begun with other values of refine"):
        goodfit.train(resume=interrupted, refine=True)
    with pytest.raises(ConfigError, match="Give out or resume, not both"):
        goodfit.train(resume=interrupted, out=interrupted)
    assert goodfit.train(target="target", resume=interrupted, **GRID).sweep.is_complete


def test_another_table_is_refused(interrupted, table, tmp_path):
    changed = tmp_path / "changed.csv"
    changed.write_text(table.read_text().replace("Bonn", "Cologne", 1))
    with pytest.raises(DataError, match=r"The table is not the one that the training in .* was begun with"):
        goodfit.train(changed, resume=interrupted)
    with pytest.raises(DataError, match=r"The table is not the one that the training in .* was begun with"):
        goodfit.train("breast_cancer", resume=interrupted)  # the default, but given
    assert goodfit.train(table, resume=interrupted).sweep.is_complete


def test_a_file_that_changed_meanwhile_is_refused(table, tmp_path, killed_after):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(table.read_bytes())
    killed_after(2)
    with pytest.raises(Killed):
        goodfit.train(copy, out=tmp_path / "run", **GRID)
    copy.write_bytes(table.read_bytes() + b"1.0,Rome,no\n")
    with pytest.raises(DataError, match=r"copy\.csv"):
        goodfit.train(resume=tmp_path / "run")


def test_a_table_in_memory_must_be_given_again(table, tmp_path, killed_after):
    frame = goodfit.read_table(table)
    killed_after(3)
    with pytest.raises(Killed):
        goodfit.train(frame, out=tmp_path / "run", **GRID)
    with pytest.raises(
        DataError, match="trained on a table in memory or from a pipe: give that table to the training that goes on"
    ):
        goodfit.train(resume=tmp_path / "run")
    killed_after(-1)
    assert goodfit.train(frame, resume=tmp_path / "run").sweep.is_complete


def test_a_folder_that_is_no_training_is_refused(tmp_path, searched):
    with pytest.raises(RunError, match="it is not the folder of a training"):
        goodfit.train(resume=tmp_path / "nowhere")
    (tmp_path / "journal").symlink_to(searched)
    with pytest.raises(RunError, match="is a symbolic link, which is not followed"):
        goodfit.train(resume=tmp_path)


def test_a_folder_with_a_journal_is_not_trained_into_from_the_beginning(interrupted, table):
    with pytest.raises(RunError, match=r"holds a training that was interrupted: resume it with resume='"):
        goodfit.train(table, out=interrupted, **GRID)
    with pytest.raises(RunError, match=r"was interrupted: resume it with resume='"):
        goodfit.load(interrupted)


def test_a_training_whose_exam_was_opened_is_over(interrupted):
    (interrupted / "ledger.jsonl").write_text("")
    with pytest.raises(RunError, match="has been opened, so its training is over"):
        goodfit.train(resume=interrupted)


@pytest.mark.parametrize(
    ("entry", "wrong"), [("format", 1), ("settings", {"l2": 0.1}), ("fingerprint", 7), ("refine", "yes")]
)
def test_a_plan_that_is_none_is_refused(entry, wrong, interrupted):
    plan = dataclasses.replace(Journal(interrupted).plan(), **{entry: wrong})
    write_plan(interrupted / "journal", plan)
    with pytest.raises(RunError, match="train again"):
        goodfit.train(resume=interrupted)


def test_other_versions_are_said(interrupted, searched_again):
    plan = Journal(interrupted).plan()
    write_plan(interrupted / "journal", dataclasses.replace(plan, versions=plan.versions | {"jax": "0.1"}))
    with pytest.warns(UserWarning, match="jax changed since the training began; the last bits"):
        goodfit.train(resume=interrupted)
    assert content(interrupted)[0] == content(searched_again)[0]


def renamed(path, old, new):
    """Change a file and mend its checksum, as an attacker would."""
    changed = path.read_bytes().replace(old, new)
    assert changed != path.read_bytes()
    path.unlink()
    digest = module.hashlib.sha256(changed).hexdigest()
    path.with_name(f"{path.name[:-77]}-{digest}.safetensors").write_bytes(changed)


@pytest.mark.parametrize(("old", "new"), [(b'"I64"', b'"F64"'), (b'"records"', b'"recordz"'), (b"F32", b"F64")])
def test_a_file_of_other_arrays_is_refused_whatever_its_checksum(old, new, interrupted, searched_again):
    renamed(journal_files(interrupted, "running")[-1], old, new)
    with pytest.warns(UserWarning, match="of the journal is damaged"):
        goodfit.train(resume=interrupted)
    assert content(interrupted) == content(searched_again)


# --- the disk, and signals -------------------------------------------------------------------------------------------


def test_a_disk_that_fills_up_during_the_training_does_not_end_it(table, tmp_path, monkeypatch, searched_again):
    write = module.write_file

    def full(path, content):
        if path.name.startswith("running"):
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(module, "write_file", full)
    with pytest.warns(UserWarning, match=r"cannot be saved while it runs \(No space left on device"):
        goodfit.train(table, out=tmp_path / "run", **GRID)
    assert content(tmp_path / "run") == content(searched_again)


def test_a_training_that_would_fail_again_leaves_no_journal(tmp_path):
    with pytest.raises(ConfigError, match="diverged"):
        goodfit.train("iris", out=tmp_path / "run", **GRID | {"learning_rate": 1e30, "optimizer": "sgd", "folds": 1})
    assert not os.listdir(tmp_path / "run")


def test_ctrl_c_keeps_a_run_and_the_journal_that_completes_it(table, tmp_path, searched_again):
    def press(progress):
        if not pressed:
            pressed.append(signal.raise_signal(signal.SIGINT))

    pressed = []
    run = goodfit.train(table, out=tmp_path / "run", on_progress=press, **GRID)
    with pytest.raises(RunError, match="No importance was measured, since the training was stopped"):
        run.importance()
    assert not run.sweep.is_complete and run.can_be_resumed and goodfit.load(tmp_path / "run").can_be_resumed
    whole = goodfit.train(resume=tmp_path / "run")
    assert not whole.can_be_resumed and content(tmp_path / "run") == content(searched_again)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_state_is_saved_before_a_signal_ends_the_process(number, table, tmp_path, searched_again):
    seen = []

    def end(*_):
        seen.extend(journal_files(tmp_path / "run", "running"))
        raise Killed

    before = signal.signal(number, end)
    try:
        with pytest.raises(Killed):
            goodfit.train(table, out=tmp_path / "run", on_progress=lambda _: signal.raise_signal(number), **GRID)
    finally:
        signal.signal(number, before)
    assert seen
    goodfit.train(resume=tmp_path / "run")
    assert content(tmp_path / "run") == content(searched_again)


WATCHED = (
    AUDITED
    + """
goodfit.train(resume=folder + " again")  # so that what goodfit and its libraries load themselves is loaded
sys.addaudithook(watch)
goodfit.train(resume=folder)
print(seen)
"""
)


def test_resuming_runs_nothing_and_writes_nowhere_else(interrupted, table, tmp_path):
    """Nothing outside the folder is read but the table and the libraries, and nothing is written."""
    shutil.copytree(interrupted, f"{interrupted} again")
    source = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [str(interrupted.resolve()), str(table.resolve()), "named_in_the_run"]
    done = subprocess.run([sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, env=source)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
    assert (interrupted / "run.json").exists() and not Path(interrupted / "journal").exists()


@pytest.mark.filterwarnings("ignore:the training cannot be saved while it runs")
def test_a_disk_that_is_full_from_any_write_on_loses_nothing(table, tmp_path, monkeypatch, searched_again):
    """From some write after the plan on; then there is room again, and the training goes on."""
    fsync, written = os.fsync, []

    def until_full(handle):
        if stat.S_ISREG(os.fstat(handle).st_mode):
            written.append(handle)
            if len(written) > room:
                raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    room, failures = 2, 0
    while True:
        written.clear()
        folder = tmp_path / f"run {room}"
        monkeypatch.setattr(os, "fsync", until_full)
        try:
            goodfit.train(table, out=folder, **GRID)
            break
        except RunError as error:
            assert "No space left on device" in str(error)
        finally:
            monkeypatch.setattr(os, "fsync", fsync)
        failures, room = failures + 1, room + 3
        goodfit.train(resume=folder)
        assert content(folder) == content(searched_again)
    assert failures > 4
