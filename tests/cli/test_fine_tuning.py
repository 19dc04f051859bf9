"""``goodfit train --from``: what a person, a program and a reader of the report are told."""

import contextlib
import io
import json

import numpy as np
import pytest

from goodfit.cli.main import main

GRID = ("--l2", "0.001,0.01", "--learning-rate", "0.01", "--epochs", "5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tables, and a run on the first."""
    folder = tmp_path_factory.mktemp("tables")
    for seed, name in enumerate(("old", "new")):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(120, 2)).round(4)
        columns = ["a,b,y", *(f"{a},{b},{'yes' if a > b else 'no'}" for a, b in x.tolist())]
        (folder / f"{name}.csv").write_text("\n".join(columns))
    train(folder / "old.csv", "--target", "y", "--hidden", "5", "--out", folder / "old", *GRID)
    return folder


def train(*words):
    """What the command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as left:
        main(["train", *map(str, words)])
    assert not left.value.code
    return out.getvalue()


def test_summary_and_report_say_what_the_start_bought(folder, tmp_path):
    out = train(folder / "new.csv", "--from", folder / "old", "--out", tmp_path / "run", *GRID, "--refine")
    assert "the validation loss is" in " ".join(out.split())
    assert "from scratch" in out
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Fine-tuning</h2>" in page
    assert "--from old" in page
    assert str(folder) not in page


def test_json_has_the_numbers(folder, tmp_path):
    found = json.loads(train(folder / "new.csv", "--from", folder / "old", "--out", tmp_path / "run", *GRID, "--json"))
    transfer = found["transfer"]
    assert transfer["earlier"] == str(folder / "old")
    assert transfer["gain"] == pytest.approx(transfer["scratch_loss"] - transfer["loss"])
    assert found["settings"]["hidden"] == [5]
    cost = json.loads(train(folder / "new.csv", "--from", folder / "old", *GRID, "--dry-run", "--json"))
    assert cost["trials"] == 2 * len(GRID[1].split(",")) * 5
