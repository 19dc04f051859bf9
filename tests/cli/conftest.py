"""A table of every kind of column, and runs that were trained on it."""

import shutil

import numpy as np
import pytest

from tests.cli.commands import ONE, SMALL_GRID, run, write_csv


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def trained(mixed):
    """A short training on it, and what was shown."""
    folder = mixed.parent / "run"
    return folder, run("train", mixed, "--target", "answer", "--epochs", "4", *ONE, "--out", folder)


@pytest.fixture
def folder(trained, here):
    """A copy of the run, so that each test has an exam to open."""
    return shutil.copytree(trained[0], here / "copy")


@pytest.fixture(scope="session")
def swept(mixed):
    """Four configurations of two seeds and three folds, and what was shown."""
    folder = mixed.parent / "swept"
    words = ("--target", "answer", "--seeds", "2", "--folds", "3", *SMALL_GRID, "--out", folder)
    return folder, run("train", mixed, *words)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path
