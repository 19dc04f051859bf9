"""Every script in examples/ runs to its end, in an empty folder; the server answers."""

import json
import runpy
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import goodfit

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "examples" / "serve_onnx.py"
EXAMPLES = sorted(set((ROOT / "examples").glob("*.py")) - {SERVER})

GRID = "--l2 0,0.01 --learning-rate 0.01 --epochs 5"
ARGUMENTS = {"draw_demo.py": ("iris.svg", f"goodfit train iris {GRID} --out runs/iris", "goodfit test runs/iris")}
"""Arguments of scripts that take long without: the default commands of the demo are those of a block of README, too."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script in an empty folder; returns its names."""

    def run(path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [path.name, *ARGUMENTS.get(path.name, ())])
        return runpy.run_path(str(path), run_name="__main__")

    return run


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, run):
    run(path)


def test_the_demo_draws_what_make_demo_runs(run, tmp_path):
    commands = run(ROOT / "examples" / "draw_demo.py")["COMMANDS"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"$(BIN)/{command}\n" in makefile for command in commands)
    drawn = (tmp_path / "iris.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert all(said in drawn for said in ("$ goodfit train iris", "verdict", "$ goodfit test runs/iris", "scored once"))


@pytest.fixture(scope="module")
def trained():
    table = {
        "age": [20.0, 30.0, 40.0, None] * 20,
        "city": ["Bonn", "Rome"] * 40,
        "target": ["no", "yes", "yes", "no"] * 20,
    }
    return goodfit.train(table, l2=0.001, learning_rate=0.01, epochs=20)


@pytest.fixture
def server(trained, tmp_path):
    """The address of a running server."""
    model = trained.export_onnx(tmp_path / "model.onnx")
    with subprocess.Popen([sys.executable, SERVER, model, "0"], stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()


def ask(address, rows):
    """Status and answer of the server."""
    try:
        with urllib.request.urlopen(address, json.dumps(rows).encode(), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_server_predicts_rows_as_goodfit_does(server, trained):
    rows = {"age": [25.0, None, 41.0], "city": ["Bonn", "Rome", None]}
    status, answer = ask(server, [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)])
    expected = trained.predict(rows)
    assert status == 200
    assert answer["prediction"] == expected.values.tolist()
    assert answer["probabilities"] == [pytest.approx(row.tolist(), abs=1e-5) for row in expected.probabilities]
    status, answer = ask(server, [{"age": "old", "city": "Bonn"}])
    assert (status, "could not convert string to float: 'old'" in answer["error"]) == (400, True)
