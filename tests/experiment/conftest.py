"""Run folders that many tests read: made once, copied by those that change them."""

import json
import shutil

import numpy as np
import pytest

import goodfit
from goodfit.experiment.run_folder.layout import with_checksum
from goodfit.files import mark_of

N = 60
QUICK = {"hidden": (4,), "epochs": 4, "test_size": 10}


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A table as a file; its name says nothing about its place."""
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.3f},{rng.choice(['Bonn', 'Rome', 'Oslo'])},{'no' if i % 3 else 'yes'}" for i in range(N)]
    path = tmp_path_factory.mktemp("tables") / "people.csv"
    path.write_text("size,place,target\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="session")
def searched(table, tmp_path_factory):
    """A search with an ensemble."""
    folder = tmp_path_factory.mktemp("searched") / "run"
    goodfit.train(table, out=folder, l2=(0.0, 0.01), learning_rate=0.01, folds=2, **QUICK)
    return folder


@pytest.fixture(scope="session")
def single(table, tmp_path_factory):
    """A single training of a regression."""
    folder = tmp_path_factory.mktemp("single") / "run"
    goodfit.train(table, "size", out=folder, l2=0.01, learning_rate=0.01, **QUICK)
    return folder


@pytest.fixture
def folder(searched, tmp_path):
    """A copy of the search that may be changed."""
    return shutil.copytree(searched, tmp_path / "copy")


def mended(folder, change=None):
    """Change run.json, and mend all checksums and sizes as an attacker would."""
    path = folder / "run.json"
    summary = json.loads(path.read_text())
    del summary["checksum"]
    summary["files"] = {name: list(mark_of((folder / name).read_bytes())) for name in summary["files"]}
    if change is not None:
        change(summary)
    path.write_bytes(with_checksum(json.dumps(summary, indent=1).encode() + b"\n"))
    return folder


def mended_json(folder, name, change):
    """Change another JSON file, and mend all checksums."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    return mended(folder)


def content(folder):
    """All files of a run; ``run.json`` without what names the moment."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    summary = json.loads(files.pop("run.json"))
    return files, {name: of for name, of in summary.items() if name not in ("created", "checksum")}
