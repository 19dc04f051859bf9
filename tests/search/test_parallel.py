"""A trial is the training that it would be alone, however trials are distributed, and whatever happens beside it."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.search import parallel, weight_store
from goodfit.search.parallel import Fold, Trial, estimate, run_trials
from goodfit.training import fit as fitting
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, evaluation_rows, row_order
from goodfit.training.interrupt import Interruption
from goodfit.training.recipe import make_recipe
from tests.search.trials import (
    CONFIGS,
    DIVERGING,
    EPOCHS,
    ROWS,
    SPLITS,
    alone,
    numbers,
    recipe,
    together,
    trial,
    trials,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference():
    """Each trial trained alone."""
    return [alone(one) for one in trials()]


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-12, atol=1e-14)


# --- equality --------------------------------------------------------------------------------------------------------


def test_trials_end_in_every_way(reference):
    """Without which the tests below would show little."""
    assert {training.outcome for training in reference} == {Outcome.FINISHED, Outcome.STOPPED_EARLY, Outcome.DIVERGED}
    assert len({training.history.n_epochs for training in reference}) >= 4


def test_every_trial_is_the_training_that_it_would_be_alone(reference):
    assert_same(together(), reference)


CUTS = {
    "one slot for each device, one epoch in a chunk": {"SLOT_BYTES": 1},
    "five epochs in a chunk, at most": {"MAX_CHUNK_EPOCHS": 5},
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_the_number_of_slots_and_epochs_of_a_chunk_makes_no_difference(cut, reference, monkeypatch):
    for name, value in cut.items():
        monkeypatch.setattr(parallel, name, value)
    assert_same(together(), reference)


def test_one_epoch_in_every_chunk_makes_no_difference(reference, monkeypatch):
    monkeypatch.setattr(fitting, "CHUNK_SECONDS", 0.0)
    assert_same(together(), reference)


def test_side_by_side_as_on_a_gpu_trials_train_as_alone(reference, monkeypatch):
    monkeypatch.setattr(parallel, "_side_by_side", lambda: True)
    assert_same(together(), reference)


@pytest.mark.parametrize("devices", [1, 3])
def test_the_number_of_devices_makes_no_difference(devices, reference, tmp_path):
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.search.trials", str(tmp_path / "found.npz")]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == str(devices)
    with np.load(tmp_path / "found.npz") as found:
        for ours, theirs in zip(found.values(), reference, strict=True):
            np.testing.assert_allclose(ours, numbers(theirs), rtol=1e-12, atol=1e-14)


def test_a_trial_that_diverges_changes_no_bit_of_the_others():
    healthy = [CONFIGS[0] if config is DIVERGING else config for config in CONFIGS]
    for config, ours, theirs in zip(CONFIGS, together(), together(trials(healthy)), strict=True):
        if config is not DIVERGING:
            np.testing.assert_array_equal(numbers(ours), numbers(theirs))


def test_other_trials_of_the_same_number_compile_nothing(compiled):
    together()
    compiled.clear()
    together([trial({"l2": 0.3, "learning_rate": 0.02, "dropout": 0.0}, seed) for seed in range(7)])
    assert compiled == []


# --- row orders ------------------------------------------------------------------------------------------------------


def test_row_orders_that_trials_share_are_drawn_once(monkeypatch):
    drawn = []

    def draw(rows, *, seed, epoch, **choices):
        drawn.append((seed, epoch))
        return row_order(rows, seed=seed, epoch=epoch, **choices)

    monkeypatch.setattr(parallel, "row_order", draw)
    monkeypatch.setattr(parallel, "MAX_CHUNK_EPOCHS", 2)
    together([trial({"learning_rate": 0.01}, seed) for _ in range(3) for seed in range(9)])
    assert len(drawn) == len(set(drawn)) == 9 * EPOCHS


# --- progress and Ctrl-C ---------------------------------------------------------------------------------------------


def test_progress_counts_trials_and_shows_their_best_values(reference):
    seen = []
    together(on_progress=seen.append)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == seen[-1].trials == len(CONFIGS)
    assert all(progress.seconds > 0 for progress in seen)
    best = [np.nanmin(training.history["val_loss"]) for training in reference if training.best_epoch]
    finite = seen[-1].values[np.isfinite(seen[-1].values)]
    np.testing.assert_allclose(finite, best, atol=1e-3)  # improvements below min_delta do not count


def test_who_has_not_begun_when_the_sweep_is_stopped_is_left_out(monkeypatch):
    monkeypatch.setattr(parallel, "SLOT_BYTES", 1)
    n = len(jax.devices())
    interrupted = Interruption()
    interrupted.set()
    found = together([trial({"learning_rate": 0.01}, 0) for _ in range(7)], interrupted=interrupted)
    assert [training is None for training in found] == [False] * n + [True] * (7 - n)
    for training in found[:n]:
        assert training.outcome == Outcome.STOPPED_BY_USER
        assert training.best_epoch == training.history.n_epochs == 1


def test_what_was_done_before_the_stop_is_kept(reference, monkeypatch):
    """Stopped after the first trial is done: it is whole, the others are as far as they were."""
    monkeypatch.setattr(fitting, "CHUNK_SECONDS", 0.0)
    interrupted = Interruption()
    found = together(interrupted=interrupted, on_progress=lambda progress: progress.done and interrupted.set())
    done = [training.outcome != Outcome.STOPPED_BY_USER for training in found]
    assert 0 < sum(done) < len(CONFIGS)
    assert_same(
        [f for f, d in zip(found, done, strict=True) if d], [r for r, d in zip(reference, done, strict=True) if d]
    )


# --- memory ----------------------------------------------------------------------------------------------------------


def test_slots_are_bounded_by_memory_and_not_by_the_number_of_trials(monkeypatch):
    monkeypatch.setattr(parallel, "SLOT_BYTES", 10**6)
    few, many = (
        estimate(recipe({}), trials()[0].params, n_trials=n, n_train=1000, epochs=EPOCHS) for n in (1_000, 10_000)
    )
    assert few.parallel == many.parallel < 1_000
    assert few.running_bytes == many.running_bytes <= 10**6 * (1 + len(jax.devices()) / few.parallel)
    assert many.kept_bytes == 10 * few.kept_bytes


def test_the_estimate_counts_what_is_there():
    plan = estimate(recipe({}), trials()[0].params, n_trials=7, n_train=29, epochs=EPOCHS)
    evaluated = evaluation_rows(**SPLITS, seed=0)
    machine = parallel.ParallelTrials(
        trials(), Fold(ROWS, **SPLITS), evaluated, epochs=EPOCHS, shuffle=True, n_trials=7
    )
    states = [machine.states.params, machine.states.best_params, machine.states.optimizer_state, machine.orders]
    assert plan.parallel == len(machine.slots)
    assert plan.running_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(states))
    assert machine.orders.shape[:2] == (plan.parallel, plan.chunk_epochs)


def test_weights_of_many_trials_are_kept_in_a_file(reference, monkeypatch):
    monkeypatch.setattr(weight_store, "MAX_BYTES_IN_MEMORY", 0)
    found = together()
    assert_same(found, reference)
    for training in found:
        assert all(_is_mapped(w) for params in (training.params, training.last_params) for w in params[0].values())


def _is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory in use as Linux tells it")
def test_memory_does_not_grow_with_the_number_of_trials(monkeypatch):
    """80 trials of 2 × 0.8 MB of weights each: kept in a file, in slots of 4 MB."""
    monkeypatch.setattr(parallel, "SLOT_BYTES", 2**24)
    monkeypatch.setattr(weight_store, "MAX_BYTES_IN_MEMORY", 0)
    layers = (Dense(400, activation="relu"), Dense(1))
    recipe = make_recipe(layers, loss="mse", batch_size=8)
    x = np.random.default_rng(0).normal(size=(12, 500)).astype("float32")
    one = Trial(recipe, 0, init_network(layers, n_inputs=500, seed=0))
    used = []
    found = run_trials(
        [one] * 80,
        Fold(Dataset(x, make_labels(x[:, 0], None, "float32")), np.arange(8), np.arange(8, 12)),
        epochs=1,
        on_progress=lambda progress: used.append(_bytes_in_use()),
    )
    kept = sum(w.nbytes for training in found for layer in training.params for w in layer.values())
    assert kept > 60 * 2**20
    half = len(used) // 2
    assert (
        np.mean(used[half:]) - np.mean(used[1:half]) < kept / 2
    )  # in memory it would be ``kept`` itself: 2 × 40 trials


def _bytes_in_use():
    """Memory that stands in no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
