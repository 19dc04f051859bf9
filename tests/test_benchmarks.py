"""The benchmarks run: the smallest piece of each. Nothing is timed here."""

import gzip
import os
import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import contestants, fashion, harness, one_training, start_up, table_quality
from benchmarks.__main__ import BENCHMARKS


def test_the_package_runs_every_script_that_there_is():
    scripts = {path.stem for path in Path(harness.__file__).parent.glob("*.py")}
    helpers = {"__init__", "__main__", "harness", "contestants"}
    assert {benchmark.MODULE for benchmark in BENCHMARKS} == {f"benchmarks.{name}" for name in scripts - helpers}


def peers_are_slow(names):
    """Peers take long to import and to compile."""
    return [
        name if name in ("goodfit", "scikit-learn") else pytest.param(name, marks=pytest.mark.slow) for name in names
    ]


@pytest.mark.parametrize("name", peers_are_slow(contestants.CONTESTANTS))
def test_every_contestant_trains_a_new_network_and_a_warm_one(name, tmp_path, request):
    pytest.importorskip({"scikit-learn": "sklearn"}.get(name, contestants.PACKAGES.get(name, name)))
    if name == "Keras on JAX":
        request.getfixturevalue("keras")
    contestants.save_digits(tmp_path / "digits.npz")
    data = {key: rows[:70] for key, rows in np.load(tmp_path / "digits.npz").items()}
    train, again = contestants.CONTESTANTS[name](data, 1)
    assert train() is not None
    assert again() is not None


def test_digits_are_parted_64_to_16_to_20(tmp_path):
    contestants.save_digits(tmp_path / "digits.npz")
    data = np.load(tmp_path / "digits.npz")
    assert len(data["x"]) == contestants.N_TRAIN == 1149
    assert len(data["x_val"]) == contestants.N_VALIDATION == 288
    assert data["x"].max() == 1


def test_a_fresh_process_hands_back_its_numbers():
    found = harness.fresh(start_up.MODULE, "import", "import json")
    assert found["import"] >= 0


def test_contestants_take_turns_and_medians_are_kept():
    order, values = [], iter([1.0, 10.0, 5.0, 30.0, 2.0, 20.0])

    def run(name):
        order.append(name)
        return {"s": next(values)}

    found = harness.take_turns({name: partial(run, name) for name in "ab"}, rounds=3)
    assert order == list("ababab")
    assert found == {"a": {"s": 2.0}, "b": {"s": 20.0}}


def test_result_is_a_table_in_markdown_under_machine_and_command(capsys):
    harness.show("benchmarks.this", "Title", ["", "s"], [["goodfit", "1"]], "A note.")
    out = capsys.readouterr().out
    assert "`python -m benchmarks.this` · 20" in out
    assert "cores" in out
    assert "|  | s |\n| --- | ---: |\n| goodfit | 1 |\n\nA note.\n" in out


def test_ratio_says_how_many_times_goodfit_is_faster():
    ours = {"task": 1.0, "first": 0.75, "second": 0.5, "warm": 0.25}
    theirs = {"task": 4.0, "first": 3.5, "second": 3.25, "warm": 2.0}
    assert one_training.row("goodfit", ours, ours, 100) == ["goodfit", "1.00", "0.50", "0.50", "400", "1.0"]
    assert one_training.row("torch", theirs, ours, 100) == ["torch", "4.00", "–", "3.25", "50", "8.0"]


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Eleven images in the files of Fashion-MNIST, where the benchmarks look for them."""
    folder = tmp_path / "data" / "fashion_mnist"
    folder.mkdir(parents=True)
    pixels = np.arange(11 * 784, dtype=np.uint8).reshape(11, 784)
    for kind, header, values in (
        ("images-idx3", struct.pack(">4i", 2051, 11, 28, 28), pixels),
        ("labels-idx1", struct.pack(">2i", 2049, 11), np.arange(11, dtype=np.uint8) % 10),
    ):
        with gzip.open(folder / f"train-{kind}-ubyte.gz", "wb") as file:
            file.write(header + values.tobytes())
    monkeypatch.setenv("GOODFIT_SHARED", os.fspath(tmp_path))
    return pixels


def test_images_are_read_from_idx_files(images):
    x, y = harness.fashion_mnist(harness.shared("fashion_mnist"), "train")
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, images / 255, rtol=1e-6)
    assert y.tolist() == [*range(10), 0]


@pytest.mark.parametrize("library", peers_are_slow(["goodfit", "torch"]))
def test_fashion_measures_seconds_accuracy_and_memory(library, images):
    pytest.importorskip(library)
    found = fashion.measure(library, harness.shared("fashion_mnist"), 1)
    assert found["warm"] > 0
    assert 0 <= found["accuracy"] <= 1
    assert found["trained"] >= found["read"] >= 0


def test_without_real_tables_the_benchmarks_say_that_they_skip(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GOODFIT_SHARED", os.fspath(tmp_path))
    fashion.main()
    table_quality.main(("adult",))
    assert capsys.readouterr().out.count("skipped: ") == 2


def test_linear_model_is_judged_on_the_same_test_rows():
    found = table_quality.examine("breast_cancer", "target", "", seed=0)
    assert len(found.ours) == len(found.theirs) == 114
    assert found.ours.mean() < 0.1
    assert found.theirs.mean() < 0.1


def test_difference_of_scores_and_its_standard_error():
    classes = table_quality.Result(np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 0]), (1.0, 2.0))
    # The differences 0, −1, −1, 1 have the standard deviation √(11/12).
    assert table_quality.row("t", [classes])[1:4] == ["0.7500", "0.5000", f"+0.2500 ± {(11 / 12) ** 0.5 / 2:.4f}"]
    quantity = table_quality.Result(np.array([100.0, 300]), np.array([400.0, 400]), (1.0, 2.0), regression=True)
    assert table_quality.row("t", [quantity])[1:3] == ["14", "20"]
