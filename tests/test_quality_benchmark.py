"""The benchmark of test loss: same rows for all, losses and their errors, a cache that resumes."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import examination, peers, quality, quality_report


def test_loss_of_probabilities_is_that_of_the_true_class_and_never_infinite():
    predicted, truth = np.array([[0.25, 0.75], [0.0, 1.0]]), np.array([1, 0])
    np.testing.assert_allclose(examination.losses(predicted, truth), [-np.log(0.75), -np.log(1e-15)], rtol=1e-12)
    assert examination.score(predicted, truth) == 0.5


def test_loss_of_values_is_the_squared_error():
    predicted, truth = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0])
    assert examination.losses(predicted, truth).tolist() == [0, 0, 4]
    assert examination.score(predicted, truth) == pytest.approx(1 - 4 / np.square(truth - truth.mean()).sum())


@pytest.mark.parametrize("table", ["iris", "diabetes"])
def test_peers_and_goodfit_are_judged_on_the_same_rows(table):
    ours = examination.examine_goodfit(table, 3, **quality.QUICK)
    theirs = examination.examine_peers(["linear", "HistGradientBoosting"], table, peers.Options(seed=3, threads=1))
    assert {ours["rows"], *(found["rows"] for found in theirs.values())} == {ours["rows"]}
    assert len(ours["losses"]) == len(theirs["linear"]["losses"]) > 0
    assert theirs["linear"]["score"] > (0.9 if table == "iris" else 0.3)
    assert json.loads(json.dumps(theirs)) == theirs


def test_a_peer_that_fails_leaves_the_others(monkeypatch, capsys):
    def broken(known, options):
        raise ValueError("no")

    monkeypatch.setitem(peers.PEERS, "MLP", peers.Peer("scikit-learn", broken))
    assert list(examination.examine_peers(["MLP", "linear"], "iris", peers.Options(0, 1))) == ["linear"]
    assert "MLP failed on iris, seed 0" in capsys.readouterr().err


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if "MLP-" in n or n == "TabM" else n for n in peers.PEERS]
)
def test_peers_take_empty_cells_and_new_categories(name, regression):
    if not quality.installed(peers.PEERS[name].package):
        pytest.skip("not installed")
    rng = np.random.default_rng(0)
    words = np.array(["a", "b", None], object)[rng.integers(3, size=80)]
    x = pd.DataFrame({"n {1}": np.where(rng.random(80) < 0.2, np.nan, rng.normal(size=80)), "c": words})
    y = rng.normal(size=80) if regression else rng.integers(3, size=80)
    known = peers.Rows(x, y, ["c"], regression, np.arange(80))
    predict = peers.PEERS[name].fit(known, peers.Options(seed=0, threads=1))
    found = predict(pd.DataFrame({"n {1}": [np.nan, 1.0], "c": ["never seen", None]}))
    assert found.shape == ((2,) if regression else (2, 3))
    assert np.isfinite(found).all()


def test_of_many_categories_the_frequent_ones_stay():
    words = [f"w{i}" for i in range(300)] + ["w299"]
    known = peers.Rows(pd.DataFrame({"c": words}), np.zeros(301), ["c"], True, np.arange(301))
    found = peers._categorical(known)(known.x)["c"]
    assert len(found.cat.categories) == peers.MOST_CATEGORIES
    assert "w299" in found.cat.categories


def result(losses, *, regression=False, rows="r", seconds=1.0):
    return {"rows": rows, "regression": regression, "score": 0.5, "seconds": seconds, "losses": losses}


def test_loss_is_the_mean_over_seeds_of_log_loss_or_root_mean_squared_error():
    assert quality_report.loss([result([1.0, 2.0]), result([3.0])]) == 2.25
    assert quality_report.loss([result([1.0, 7.0], regression=True), result([16.0], regression=True)]) == 3


def test_difference_of_losses_and_its_standard_error():
    gap, error = quality_report.difference([result([0.0, 0, 0, 1])], [result([0.0, 1, 1, 0])])
    assert gap == -0.25
    assert error == pytest.approx((11 / 12) ** 0.5 / 2)


def test_standard_error_of_a_root_is_that_of_the_delta_method():
    rng = np.random.default_rng(0)
    squares = rng.normal(size=(2, 2000)) ** 2 * [[4], [1]]
    _, error = quality_report.difference(*([result(each, regression=True)] for each in squares))
    drawn = rng.integers(2000, size=(2000, 2000))
    spread = (np.sqrt(squares[0][drawn].mean(axis=1)) - np.sqrt(squares[1][drawn].mean(axis=1))).std()
    assert error == pytest.approx(spread, rel=0.1)


def test_losses_are_compared_on_the_seeds_that_both_have():
    results = {"t": {"a": [result([2.0], rows="0"), result([9.0], rows="1")], "b": [result([1.0], rows="0")]}}
    assert quality_report.multiples(results, "b") == {"t": {"a": 2.0, "b": 1.0}}


def test_report_shows_multiples_and_their_geometric_mean(capsys):
    results = {t: {"linear": [result([1.0, 1])], "goodfit": [result([x, x])]} for t, x in (("s", 0.5), ("t", 2.0))}
    quality_report.report(results, "m", base="linear", groups={"all": ("s", "t")})
    out = capsys.readouterr().out
    assert "| s | 1.000 | 0.500 |" in out
    assert "| **all** | 1.000 (2) | 1.000 (2) |" in out
    assert "| t | 1 | +1 ± 0 | 1 × 2 |" in out


def test_contestants_that_cannot_run_are_left_out_with_a_word(monkeypatch):
    monkeypatch.setattr(quality, "installed", lambda package: package == "scikit-learn")
    assert quality.why_not("linear", "") == ""
    assert quality.why_not("CatBoost", "") == "catboost is not installed"
    assert quality.why_not(quality.BEFORE, "") == "--before names no source tree"
    monkeypatch.setitem(quality.OURS, "goodfit", {"kept": "one"})
    assert quality.why_not("goodfit", "") == "this version has no setting 'kept'"


def test_an_interrupted_benchmark_resumes_and_another_tag_is_measured_anew(tmp_path, monkeypatch, capsys):
    done = []

    def fresh(module, contestants, *words, environment):
        done.append((contestants, *words))
        return {name: result([1.0, 1.0], rows=words[1]) for name in contestants.split("+")}

    monkeypatch.setattr(quality, "fresh", fresh)
    options = {"tables": ["iris"], "only": ["linear", "goodfit", "MLP"], "cache": str(tmp_path / "c"), "threads": 1}
    quality.main(rounds=1, tag="one", **options)
    assert done == [("linear+MLP", "iris", "0", "1"), ("goodfit", "iris", "0", "1")]
    quality.main(rounds=2, tag="one", **options)
    assert done[2:] == [("linear+MLP", "iris", "1", "1"), ("goodfit", "iris", "1", "1")]
    quality.main(rounds=2, tag="two", **options)
    assert done[4:] == [("goodfit", "iris", "0", "1"), ("goodfit", "iris", "1", "1")]
    capsys.readouterr()
    quality.main(rounds=2, tag="two", **{**options, "only": []})
    assert len(done) == 6
    assert "| iris | 1.000 | 1.000 | 1.000 |" in capsys.readouterr().out


def test_goodfit_before_is_imported_from_its_own_tree(tmp_path):
    assert quality.environment(quality.BEFORE, str(tmp_path), 2)["PYTHONPATH"] == str(tmp_path / "src")
    assert "PYTHONPATH" not in quality.environment("goodfit", str(tmp_path), 2)
    assert quality.environment("goodfit", "", 2)["OMP_NUM_THREADS"] == "2"
