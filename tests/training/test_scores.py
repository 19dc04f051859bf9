"""Metrics with intervals: those of the rows alone, whatever the size to which they are padded."""

import jax
import numpy as np
import pytest

from goodfit.nn.metrics import METRICS
from goodfit.training.scores import estimates, padded_rows


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
def test_padded_rows_have_no_weight(names, outputs, values, n):
    y, prediction = drawn(n, outputs, values=values)
    found = estimates(names, y, {"network": prediction}, seed=0)["network"]
    with jax.enable_x64(True):
        without = jax.jit(lambda *rows: [METRICS[name].function(*rows) for name in names])
        for name, expected in zip(names, map(float, without(y, prediction, np.ones(n))), strict=True):
            assert found[name].value == pytest.approx(expected, abs=1e-12, nan_ok=True), name
            assert np.isnan(expected) or found[name].low <= expected <= found[name].high


def test_small_tables_share_one_compiled_program(compiled):
    for n, models in ((30, ("network",)), (31, ("network", "linear")), (500, ("network", "linear", "baseline"))):
        y, prediction = drawn(n, 1)
        if n == 31:
            compiled.clear()
        estimates(("accuracy", "auc"), y, dict.fromkeys(models, prediction), seed=0)
    assert not compiled


def test_a_table_is_padded_by_half_at_most():
    sizes = [padded_rows(n) for n in (1, 512, 513, 768, 769, 1024, 1025, 100_000)]
    assert sizes == [512, 512, 768, 768, 1024, 1024, 1536, 131_072]
    assert all(padded_rows(n) < 1.5 * n for n in range(512, 5000))
