"""Runs that the report is written of: a sweep on a table whose every name is hostile, and a single training."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import goodfit

SCRIPT = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(2)>\u202e"
TARGET = "{{ 7 * 7 }}</title><script>alert(3)</script>"
CATEGORY = "\x00</style>\u202e&amp;" + "x" * 10_000
SECRET = 713.3971


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """A sweep, loaded from its folder, of a table with a leak, a rare category and names that mean harm."""
    folder = tmp_path_factory.mktemp("private place")
    rng = np.random.default_rng(0)
    n = 240
    x = rng.normal(size=(n, 3))
    classes = np.where(x[:, 0] + x[:, 1] + rng.normal(size=n) > 0, SCRIPT, QUOTES)
    table = pa.table(
        {
            "</script><svg onload=alert(4)>": x[:, 0],
            "a\x00b\u202ec": x[:, 1],
            CATEGORY: rng.choice(["</td>", "<b>", "rare"], p=[0.6, 0.35, 0.05], size=n),
            'copy"of': (classes == SCRIPT) + rng.normal(scale=0.001, size=n),
            TARGET: classes,
        }
    )
    settings = {
        "l2": [0, 0.001, 0.1],
        "learning_rate": [0.0001, 0.01, 1.0],
        "hidden": (8,),
        "epochs": 12,
        "patience": 3,
    }
    goodfit.train(table, TARGET, out=folder / "run", **settings).test()
    return goodfit.load(folder / "run")


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    """A single training of a quantity, from a file, with a value in it that no report may hold."""
    folder = tmp_path_factory.mktemp("private place")
    rng = np.random.default_rng(1)
    x = rng.normal(size=120)
    table = pa.table({"x": x, "y": 100 * x + rng.normal(size=120), "z": np.where(x > 2, SECRET, 0.0)})
    pyarrow.csv.write_csv(table, folder / "table of mine.csv")
    settings = {"l2": 0.01, "learning_rate": 0.01, "hidden": (8,), "epochs": 5}
    goodfit.train(folder / "table of mine.csv", "y", out=folder / "run", **settings)
    return goodfit.load(folder / "run")
