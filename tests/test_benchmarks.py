"""The benchmarks run: the smallest piece of each. Nothing is timed here."""

import gzip
import os
import re
import struct
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import goodfit
from benchmarks import (
    cluster,
    contestants,
    estimators,
    fashion,
    fine_tuning,
    from_keras,
    grid_search,
    growth,
    harness,
    limits,
    one_training,
    quality,
    racing,
    rows,
    scale,
    start_up,
    tables,
    whole_grid,
)
from benchmarks.__main__ import BENCHMARKS


def test_the_package_runs_every_script_that_there_is():
    place = Path(harness.__file__).parent
    scripts = {path.stem for path in place.glob("*.py")} | {path.parent.name for path in place.glob("*/__main__.py")}
    helpers = {
        "bank",
        "__init__",
        "__main__",
        "harness",
        "contestants",
        "tables",
        "peers",
        "examination",
        "quality_report",
    }
    assert {benchmark.MODULE for benchmark in BENCHMARKS} == {f"benchmarks.{name}" for name in scripts - helpers}


def peers_are_slow(names):
    """Peers take long to import and to compile."""
    return [
        name if name in ("goodfit", "scikit-learn") else pytest.param(name, marks=pytest.mark.slow) for name in names
    ]


@pytest.fixture
def few_digits(tmp_path):
    """Path of a file like that of save_digits, of 70 rows."""
    contestants.save_digits(tmp_path / "digits.npz")
    rows = {key: rows[:70] for key, rows in np.load(tmp_path / "digits.npz").items()}
    np.savez(tmp_path / "few.npz", **rows)
    return os.fspath(tmp_path / "few.npz")


@pytest.mark.parametrize("name", peers_are_slow(contestants.CONTESTANTS))
def test_every_contestant_trains_a_new_network_and_a_warm_one(name, few_digits, request):
    pytest.importorskip({"scikit-learn": "sklearn"}.get(name, contestants.PACKAGES.get(name, name)))
    if name == "Keras on JAX":
        request.getfixturevalue("keras")
    train, again = contestants.CONTESTANTS[name](dict(np.load(few_digits)), 1)
    assert train(0.1, 0.01) is not None
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


def test_commands_are_shown_beside_the_floor(capsys):
    start_up.show_commands(1, ["goodfit --version", "goodfit train, wrong path"])
    table = capsys.readouterr().out
    assert re.search(r"\| `goodfit --version` \| 0\.\d\d \| 0\.\d\d \| 0\.\d \| 0\.4 \|", table)
    assert "The floor is" in table


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--quick", "--rounds", "2"], {"quick": True, "rounds": 2}),
        (["--only", "b", "--all"], {"only": ["b"], "all": True}),
        ([], {}),
    ],
)
def test_a_script_runs_as_its_options_say(words, options, monkeypatch):
    found = []
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words])
    harness.start(dict, lambda **given: found.append(given), names=["a", "b"], all="everything")
    assert found == [options]


def test_a_script_that_is_told_words_measures_once(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "digits", "3"])
    harness.start(lambda *words: dict.fromkeys(words, 1.0), main=pytest.fail)
    assert capsys.readouterr().out == '{"digits": 1.0, "3": 1.0}\n'


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
    found = fashion.measure(library, harness.shared("fashion_mnist"), "1")
    assert found["warm"] > 0
    assert 0 <= found["accuracy"] <= 1
    assert found["trained"] >= found["read"] >= 0


def test_without_real_tables_the_benchmarks_say_that_they_skip(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GOODFIT_SHARED", os.fspath(tmp_path))
    fashion.main()
    quality.main(tables=["adult"])
    assert capsys.readouterr().out.count("skipped: ") == 2


@pytest.mark.slow
def test_a_model_of_keras_is_trained_on_both_sides(capsys):
    from_keras.main(quick=True)
    assert "goodfit × faster" in capsys.readouterr().out


@pytest.mark.slow
def test_estimators_are_shown_beside_those_of_scikit_learn(capsys):
    estimators.main(quick=True)
    assert capsys.readouterr().out.count("| iris | ") == 2


def test_difference_of_scores_and_its_standard_error():
    wrong = np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 0])
    # The differences 0, −1, −1, 1 have the standard deviation √(11/12).
    expected = ["0.7500", "0.5000", f"+0.2500 ± {(11 / 12) ** 0.5 / 2:.4f}"]
    assert grid_search.compared(*wrong, regression=False) == expected
    squares = np.array([100.0, 300]), np.array([400.0, 400])
    assert grid_search.compared(*squares, regression=True)[:2] == ["14", "20"]


@pytest.mark.parametrize("library", peers_are_slow(["goodfit", "keras", "torch", "sklearn"]))
def test_whole_grid_is_measured_from_the_import_and_warm(library, few_digits, request):
    pytest.importorskip(library)
    if library == "keras":
        request.getfixturevalue("keras")
    found = whole_grid.measure(library, few_digits, "1", *(["2"] if library != "goodfit" else []))
    assert min(found.values()) > 0


def test_goodfits_grid_is_the_thirty_points_of_the_peers(few_digits):
    found = whole_grid.goodfit_grid(dict(np.load(few_digits)), 1)()
    configs = zip(found.table["l2"].to_pylist(), found.table["learning_rate"].to_pylist(), strict=True)
    assert sorted(configs) == sorted(whole_grid.GRID)
    assert len(whole_grid.GRID) == 30


def test_time_of_some_trainings_is_scaled_to_thirty(monkeypatch):
    done = []
    monkeypatch.setattr(whole_grid, "seconds", lambda run: len(run()) * 2.0)
    assert whole_grid.thirty(lambda *config: done.append(config), 10) == 60.0
    assert len(set(done)) == 10


def test_products_of_a_step_are_counted():
    net = limits.Net((64, 64, 64, 10), batch=32, n_rows=100, epochs=3, trials=2)
    forward = 32 * (64 * 64 + 64 * 64 + 64 * 10)
    assert net.flops == 2 * (forward + forward + 32 * (64 * 64 + 64 * 10))
    assert net.steps == 3 * 4


def test_a_step_is_compared_with_the_peak_of_all_cores(monkeypatch):
    monkeypatch.setattr(limits, "n_cores", lambda: 2)
    net = limits.Net((1000, 1000), batch=500, n_rows=100, epochs=3, trials=2)
    # Two products of 1 GFLOP: 10 ms on a core alone, and on one of two that do 250 GFLOP/s together 16 ms.
    found = limits.row(net, {"us": 40_000.0}, {"gflops": 200.0, "gbytes": 1.0}, {"gflops": 250.0, "gbytes": 1.0})
    assert found[1:4] == ["40,000.0", "10,000.0", "16,000.0"]
    assert found[-1] == "2.5"


def test_steps_and_the_machine_are_measured():
    assert limits.measure("goodfit", "small", "20")["us"] > 0
    assert limits.best_rate(6, lambda: None) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_scale_trains_on_a_table_in_blocks(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "CHUNK", 3_000)
    assert scale.write(tmp_path / f"table.{kind}", 1e5) == 3_000
    found = scale.measure("train", str(tmp_path / f"table.{kind}"), "1MB", "1")
    assert found["rows"] == 3_000
    assert found["accuracy"] > 0.4


def test_rows_measures_a_model_by_the_number_of_rows():
    found = rows.measure("MLPClassifier", "300")
    assert 0 < found["loss"] < 1
    assert found["cpu"] > 0 < found["table"]
    assert rows.slope([10, 100, 1000], [1, 10, 100]) == pytest.approx(1)


def test_growth_measures_trials_beside_ten(few_digits):
    found = growth.measure(few_digits, "10", "2")
    assert min(found.values()) > 0
    few = {"ms": 40.0, "few": 40.0, "peak": 500.0}
    many = {"ms": 44.0, "few": 40.0, "peak": 600.0}
    assert growth.row(100, many, few) == ["100", "4.40", "44.0", "1.10", "600", "100"]


def test_arff_file_becomes_a_data_frame(tmp_path):
    path = tmp_path / "table.arff"
    path.write_text("@relation t\n@attribute n real\n@attribute c {'a b',c}\n@data\n1,'a b'\n2.5,c\n")
    frame = tables.read(path)
    assert frame["n"].tolist() == [1, 2.5]
    assert frame["c"].tolist() == ["a b", "c"]
    assert tables.read("digits") == "digits"


def test_a_sample_of_a_table_is_always_the_same_one():
    first, second = (tables.sample("diabetes", 100) for _ in range(2))
    assert first.equals(second)
    assert len(first) == 100


@pytest.mark.parametrize(("table", "factor"), [("breast_cancer", 2 * 32), ("diabetes", 32)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_grid_search_trains_the_grid_of_goodfit(table, factor, monkeypatch):
    monkeypatch.setattr(grid_search, "n_cores", lambda: 1)
    run = goodfit.train(table, **grid_search.TINY)
    search = grid_search.peers(run)[grid_search.SEARCH]
    assert search.param_grid == {"alpha": [factor * 0.001], "learning_rate_init": [0.001, 0.01]}
    assert search.estimator.hidden_layer_sizes == (4,)
    if table == "diabetes":
        np.testing.assert_allclose(grid_search.in_own_terms(run, np.zeros(2)), run.record.target.mean)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_all_three_are_judged_on_the_same_test_rows(monkeypatch):
    monkeypatch.setattr(grid_search, "n_cores", lambda: 1)
    found = grid_search.examine("breast_cancer", "target", 0, **grid_search.TINY)
    assert {name: len(of) for name, of in found.errors.items()} == dict.fromkeys(("goodfit", "MLP", "grid search"), 114)
    assert found.errors["MLP"].mean() < 0.1
    row = grid_search.row("t", [found._replace(seconds={"goodfit": 2.0, "MLP": 1.0, "grid search": 30.0})])
    assert row[-5:] == ["2.0", "1.0", "30.0", "15.0", "1 × 114"]


def test_racing_compares_a_draw_with_the_full_grid_and_counts_words(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(racing, "FULL_GRIDS", 1)
    found = racing.main(quick=True, rounds=2, only=["iris"], cache=os.fspath(tmp_path / "draws"))
    first, second = found["iris"]
    assert first["trials"] == first["all_trials"] == 10  # two configs are both contenders
    assert first["behind"] == first["error"] == 0
    assert "behind" not in second
    assert first["low"] < first["known"] < first["high"]
    again = racing.main(quick=True, rounds=2, only=["iris"], cache=os.fspath(tmp_path / "draws"))
    assert again == found
    assert "1 of 1" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:.*far outside the training range")
def test_fine_tuning_compares_three_networks_on_the_same_rows(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)).round(3)
    path = tmp_path / "table.csv"
    path.write_text("a,b,y\n" + "\n".join(f"{a},{b},{'yes' if a + b > 0 else 'no'}" for a, b in x.tolist()))
    case = fine_tuning.Halves("table.csv", "y", "a", 0.2)
    (found,) = fine_tuning.measure(case, path, 1, **fine_tuning.QUICK)
    assert all(0 < found[name] < 5 for name in ("tuned", "scratch", "unchanged"))
    found |= {"tuned": 0.25, "scratch": 0.5, "unchanged": 0.75, "selected": True, "clear": False}
    assert fine_tuning.row("table", [found]) == ["table", "1 of 1", "0.25", "0.5", "0.75", "1", "0"]


def test_simulated_workers_wait_for_compilations_for_each_other_and_for_the_process_that_hands_out():
    def efficiency(n_workers, **changed):
        measured = {"per_trial": [1.0], "compiling": 0.0, "per_pack": 0.0} | changed
        return cluster.simulate(n_workers, 200, **measured)[0]

    assert efficiency(1) == efficiency(4) == 1
    assert efficiency(400) == pytest.approx(0.5)  # half of them have nothing to do
    assert efficiency(4, compiling=10.0) < 0.9
    assert efficiency(4, per_pack=1.0) < 0.5


@pytest.mark.slow
def test_workers_and_many_trials_are_measured(capsys):
    cluster.main(quick=True)
    assert "Simulated workers" in capsys.readouterr().out
