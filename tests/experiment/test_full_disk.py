"""A disk that refuses one write, or is full: real ones, by a limit of the kernel and by a file system of 2 MB."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import goodfit
from goodfit import RunError, files
from goodfit.experiment.run_folder.claim import OWNER
from goodfit.experiment.run_folder.journal import Journal
from tests.experiment.conftest import QUICK, content

resource = pytest.importorskip("resource")

GRID = QUICK | {"l2": (0.0, 0.01), "learning_rate": 0.01, "folds": 2}
UNSAVED = "ignore:the training cannot be saved while it runs"


@pytest.fixture(autouse=True)
def often(monkeypatch, tmp_path):
    """Save after every chunk; what cannot be saved is kept here."""
    monkeypatch.setitem(Journal.__init__.__kwdefaults__, "every", 0.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def refused(monkeypatch):
    """Return a function that lets the kernel refuse all but the first bytes of one file, by its number from now on."""
    made, limits = files._made, resource.getrlimit(resource.RLIMIT_FSIZE)
    numbers = {"now": 0, "refused": -1}

    def limited(path):
        number = numbers["now"] = numbers["now"] + 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 if number == numbers["refused"] else limits[0], limits[1]))
        return made(path)

    def refuse(number):
        numbers.update(now=0, refused=number)
        return numbers

    monkeypatch.setattr(files, "_made", limited)
    yield refuse
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.slow
@pytest.mark.filterwarnings(UNSAVED)
def test_the_kernel_refuses_every_single_write_in_turn_and_nothing_is_lost(table, tmp_path, refused):
    """Whatever is refused is said, and the run is there, or in another folder, or goes on from its journal."""
    numbers = refused(-1)
    goodfit.train(table, out=tmp_path / "whole", **GRID)
    whole, n_writes = content(tmp_path / "whole"), numbers["now"]
    told = 0
    for number in range(1, n_writes + 1):
        folder = tmp_path / f"run {number}"
        refused(number)
        try:
            run = goodfit.train(table, out=folder, **GRID)
            assert content(folder) == whole
        except RunError as error:
            told += 1
            refused(-1)
            assert "File too large" in str(error)
            kept = re.search(r"it is kept in (.*), move it from there", str(error))
            if kept:
                assert content(Path(kept[1])) == whole
            if (folder / "journal" / "plan.json").exists():
                goodfit.train(resume=folder)
            else:  # the owner's file or the plan: before the first epoch
                run = goodfit.train(table, out=folder, **GRID)
                assert run.path == folder
            assert content(folder) == whole
    assert n_writes > 15 and told > 8


@pytest.mark.slow
@pytest.mark.filterwarnings(UNSAVED, "ignore:.* of free space")
def test_a_disk_of_2_mb_that_fills_up_loses_nothing(table, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a file system")
    big = GRID | {"hidden": (64, 64), "epochs": 6}
    try:
        filler = disk / "filler"
        goodfit.train(table, out=tmp_path / "whole", **big)
        whole = content(tmp_path / "whole")
        ways = set()
        for megabytes in (0, 0.5, 1.0, 1.5, 1.9, 1.99):
            filler.write_bytes(bytes(int(megabytes * 2**20)))
            folder = disk / f"run {megabytes}"
            try:
                goodfit.train(table, out=folder, **big)
                ways.add("saved")
            except RunError as error:
                assert "No space left on device" in str(error)
                kept = re.search(r"it is kept in (.*), move it from there", str(error))
                assert kept is None or content(Path(kept[1])) == whole
                ways.add("kept elsewhere" if kept else "refused")
                assert kept or not (folder / "journal" / "plan.json").exists()
                filler.unlink()
                if (folder / "journal" / "plan.json").exists():
                    goodfit.train(resume=folder)
                else:
                    goodfit.train(table, out=folder, **big)
            assert content(folder) == whole and not (folder / OWNER).exists()
            subprocess.run(["rm", "-r", folder], check=True)
        assert "kept elsewhere" in ways
    finally:
        subprocess.run(["umount", disk], check=True)
        assert os.listdir(disk) == []
