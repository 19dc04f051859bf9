"""Metrics with intervals: those of the compiled functions, without a compilation."""

import jax
import numpy as np
import pytest

from goodfit.nn.metrics import METRICS
from goodfit.training import scores
from goodfit.training.scores import estimates


def drawn(n, outputs, *, values=False):
    rng = np.random.default_rng(n)
    y = rng.normal(size=(n, 1)) if values else rng.integers(0, max(2, outputs), n)
    return y, rng.normal(size=(n, 1)) if values else rng.dirichlet(np.ones(max(2, outputs)), n)[:, -outputs:]


def names_for(targets):
    return tuple(name for name, metric in METRICS.items() if metric.targets == targets)


@pytest.mark.parametrize(
    ("names", "outputs", "values", "n"),
    [(names_for("classes"), 1, False, 600), (names_for("classes"), 3, False, 7), (names_for("values"), 1, True, 600)],
    ids=["two classes", "three classes", "values"],
)
def test_values_are_those_of_compiled_metrics(names, outputs, values, n):
    y, prediction = drawn(n, outputs, values=values)
    found = estimates(names, y, {"network": prediction}, seed=0)["network"]
    with jax.enable_x64(True):
        without = jax.jit(lambda *rows: [METRICS[name].function(*rows) for name in names])
        for name, expected in zip(names, map(float, without(y, prediction, np.ones(n))), strict=True):
            assert found[name].value == pytest.approx(expected, abs=1e-12, nan_ok=True), name
            assert np.isnan(expected) or found[name].low <= expected <= found[name].high


def test_nothing_is_compiled(compiled):
    y, prediction = drawn(30, 1)
    estimates(names_for("classes"), y, {"network": prediction}, seed=0)
    assert not compiled


@pytest.mark.parametrize("positive", [0.5, 0.004])
def test_intervals_of_very_many_rows_come_from_some_of_them_and_of_a_rare_class_from_all(monkeypatch, positive):
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < positive).astype(int)
    prediction = np.clip(0.3 + 0.35 * y + 0.15 * rng.normal(size=len(y)), 0.001, 0.999)[:, None]
    names = ("recall", "specificity", "auc", "log_loss")
    found = []
    for n_drawn in (20_000, 2_000):
        monkeypatch.setattr(scores, "MAX_DRAWN_ROWS", n_drawn)
        found.append(estimates(names, y, {"": prediction}, seed=0)[""])
    whole, some = found
    for name in names:
        assert some[name].value == whole[name].value
        assert some[name].low < some[name].value < some[name].high
        assert some[name].high - some[name].low == pytest.approx(whole[name].high - whole[name].low, rel=0.25), name


def test_intervals_of_a_sample_stay_within_what_a_metric_can_be(monkeypatch):
    y = np.arange(5_000) % 2
    prediction = np.where(y == 1, 0.99, 0.01)[:, None]
    prediction[:1] = 1 - prediction[:1]  # a sample that has it has ten times as many errors as all rows
    monkeypatch.setattr(scores, "MAX_DRAWN_ROWS", 500)
    found = [estimates(("auc", "log_loss"), y, {"": prediction}, seed=seed)[""] for seed in range(20)]
    assert max(each["auc"].high for each in found) == 1
    assert min(each["log_loss"].low for each in found) >= 0
