"""A search in processes of their own, from a table to a run folder, and on arrays."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import goodfit
from tests.experiment.conftest import QUICK, content


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as found:
        yield found


def test_a_run_trained_by_other_processes_is_the_same_file_by_file(pool, table, searched, tmp_path):
    goodfit.train(table, out=tmp_path / "run", l2=(0.0, 0.01), learning_rate=0.01, folds=2, executor=pool, **QUICK)
    assert content(tmp_path / "run") == content(searched)


def test_a_sweep_on_arrays_too(pool):
    x = np.random.default_rng(0).normal(size=(40, 3))
    found = []
    for choices in ({}, {"executor": pool}):
        model = goodfit.Sequential([goodfit.Dense(4, activation="relu"), goodfit.Dense(1)])
        model.compile(loss="mse")
        sweep = model.sweep(x, x[:, 0] - x[:, 1], learning_rate=[0.01, 0.1], epochs=4, **choices)
        found.append((sweep.table, [weights for layer in model.params for weights in layer.values()]))
    assert found[0][0].equals(found[1][0])
    assert all(np.array_equal(one, other) for one, other in zip(found[0][1], found[1][1], strict=True))
