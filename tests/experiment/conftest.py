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


AUDITED = """
import os, sys
import goodfit

folder, table, *named = sys.argv[1:]
own = (os.path.dirname(goodfit.__file__), os.environ["GOODFIT_CACHE"])
libraries, seen = (sys.prefix, sys.base_prefix, *own, "/proc", "/sys", "/dev/urandom", "/etc/machine-id"), []
FORBIDDEN = ("pickle.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.", "socket.", "ctypes.dlopen")

def watch(event, arguments):
    if event.startswith(FORBIDDEN) or (event == "exec" and named[0] in str(arguments)):
        seen.append((event, str(arguments)))
    elif event == "import" and arguments[0].split(".")[0] in named:
        seen.append((event, str(arguments)))
    elif event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path, writes = os.path.realpath(os.fsdecode(arguments[0])), arguments[2] & (os.O_WRONLY | os.O_RDWR)
        inside = path == table or path.startswith(folder)
        if not inside and (writes or not path.startswith(libraries)):
            seen.append((event, path, writes))
    elif event in ("os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"):
        seen.extend((event, path) for path in arguments[:2] if isinstance(path, str) and not path.startswith(folder))
"""
"""Beginning of a program that sees what goodfit does: the folder, the table and the names it may not import are its
arguments, and ``watch`` is the hook that fills ``seen``."""


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
