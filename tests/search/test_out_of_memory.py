"""Memory that runs out while trials run: fewer at a time, then shorter chunks, and nothing is lost."""

import jax
import numpy as np
import pytest

from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.search import parallel
from goodfit.search.parallel import Fold, Trial, run_trials
from goodfit.training import fit as single
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.interrupt import Interruption
from goodfit.training.recipe import make_recipe

N, EPOCHS, N_TRIALS = 40, 20, 6
LAYERS = (Dense(3, activation="relu"), Dense(1))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2)).astype("float32")
FOLD = Fold(Dataset(X, make_labels(X[:, 0] - X[:, 1], None, "float32")), np.arange(28), np.arange(28, N))
RECIPES = [make_recipe(LAYERS, loss="mse", optimizer="sgd", seed=i // 3) for i in range(N_TRIALS)]
TRIALS = [Trial(recipe, i // 3, init_network(LAYERS, n_inputs=2, seed=i // 3)) for i, recipe in enumerate(RECIPES)]
EXHAUSTED = [
    MemoryError("no memory"),
    jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes."),
]


class Memory:
    """Stands in for the memory of a machine: a chunk of more slots or epochs than fit fails, from some call on."""

    def __init__(self, error, *, slots=10**6, epochs=10**6, calls=0):
        self.error, self.slots, self.epochs, self.calls, self.chunks = error, slots, epochs, calls, []

    def parallel(self, real):
        def advance(layout, mesh, side_by_side, rows, evaluated, recipes, states, orders, until):
            self.hold(*orders.shape[:2])
            return real(layout, mesh, side_by_side, rows, evaluated, recipes, states, orders, until)

        return advance

    def single(self, real):
        def advance(recipe, layout, rows, evaluated, state, orders, until):
            self.hold(1, len(orders))
            return real(recipe, layout, rows, evaluated, state, orders, until)

        return advance

    def hold(self, slots, epochs):
        self.chunks.append((slots, epochs))
        if len(self.chunks) > self.calls and (slots > self.slots or epochs > self.epochs):
            raise self.error


class Kept:
    """Checkpoints in memory."""

    def __init__(self):
        self.finished, self.running = {}, {}

    def restore(self, like, *, columns, epochs):
        return self.running | self.finished

    def is_due(self, n_bytes):
        return False

    def save(self, finished, running):
        self.finished |= finished
        self.running = dict(running)


@pytest.fixture
def limited(monkeypatch):
    """Return a function that limits the memory of the trials that follow."""

    def limit(memory):
        monkeypatch.setattr(parallel, "_advance_slots", memory.parallel(parallel._advance_slots))
        return memory

    return limit


def assert_same(found, expected):
    for training, other in zip(found, expected, strict=True):
        assert training.history["val_loss"].tobytes() == other.history["val_loss"].tobytes()
        for leaf, of_other in zip(*map(jax.tree.leaves, (training.params, other.params)), strict=True):
            assert leaf.tobytes() == of_other.tobytes()


@pytest.mark.parametrize("error", EXHAUSTED, ids=["host", "device"])
@pytest.mark.parametrize("calls", [0, 2], ids=["at once", "later"])
def test_trials_run_fewer_at_a_time_and_lose_nothing(error, calls, limited):
    whole = run_trials(TRIALS, FOLD, epochs=EPOCHS)
    most = len(jax.devices())
    memory = limited(Memory(error, slots=most, calls=calls))
    with pytest.warns(UserWarning, match=r"memory ran out; the training goes on with \d trials? at a time"):
        found = run_trials(TRIALS, FOLD, epochs=EPOCHS)
    assert_same(found, whole)
    slots = [slots for slots, _ in memory.chunks]
    assert slots[0] > most and slots[-1] == most and sorted(slots, reverse=True) == slots


def test_slots_side_by_side_as_on_a_gpu_are_halved_too(limited, monkeypatch):
    monkeypatch.setattr(parallel, "_side_by_side", lambda: True)
    whole = run_trials(TRIALS, FOLD, epochs=EPOCHS)
    limited(Memory(EXHAUSTED[1], slots=len(jax.devices()), calls=2))
    with pytest.warns(UserWarning, match="memory ran out"):
        found = run_trials(TRIALS, FOLD, epochs=EPOCHS)
    for training, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(training.history["val_loss"], other.history["val_loss"], rtol=1e-5)


def test_chunks_are_halved_where_one_trial_is_too_much(limited):
    whole = run_trials(TRIALS[:1], FOLD, epochs=EPOCHS)
    memory = limited(Memory(EXHAUSTED[1], epochs=EPOCHS // 2, calls=1))
    with pytest.warns(UserWarning, match="goes on with 10 epochs at a time"):
        found = run_trials(TRIALS[:1], FOLD, epochs=EPOCHS)
    assert_same(found, whole)
    assert [epochs for _, epochs in memory.chunks][:3] == [20, 20, 10]


def test_where_nothing_smaller_is_left_all_is_saved_and_the_error_raised(limited):
    whole, kept = run_trials(TRIALS, FOLD, epochs=EPOCHS), Kept()
    memory = limited(Memory(EXHAUSTED[0], epochs=0, calls=2))
    with pytest.warns(UserWarning, match="memory ran out"), pytest.raises(MemoryError):
        run_trials(TRIALS, FOLD, epochs=EPOCHS, checkpoints=kept)
    assert sorted(kept.running) == list(range(N_TRIALS))
    memory.epochs = 10**6
    found = run_trials(TRIALS, FOLD, epochs=EPOCHS, checkpoints=kept)
    assert_same(found, whole)


def test_another_error_is_not_taken_for_it(limited):
    limited(Memory(jax.errors.JaxRuntimeError("INTERNAL: broken"), slots=0))
    with pytest.raises(jax.errors.JaxRuntimeError, match="broken"):
        run_trials(TRIALS, FOLD, epochs=EPOCHS)


def fit_alone(**choices):
    recipe, seed, params = TRIALS[0]
    return single.fit(recipe, *FOLD[:1], params=params, train=FOLD.train, validation=FOLD.validation, epochs=EPOCHS,
                      seed=seed, **choices)  # fmt: skip


@pytest.mark.parametrize("error", EXHAUSTED, ids=["host", "device"])
def test_a_single_training_goes_on_with_shorter_chunks(error, monkeypatch):
    whole = fit_alone()
    memory = Memory(error, epochs=16, calls=2)
    monkeypatch.setattr(single, "advance", memory.single(single.advance))
    with pytest.warns(UserWarning, match="goes on with 16 epochs at a time"):
        assert_same([fit_alone()], [whole])


def test_a_single_training_that_cannot_go_on_is_saved(monkeypatch):
    whole, kept = fit_alone(), Kept()
    memory = Memory(EXHAUSTED[0], epochs=0, calls=2)
    with monkeypatch.context() as patch:
        patch.setattr(single, "advance", memory.single(single.advance))
        with pytest.warns(UserWarning, match="memory ran out"), pytest.raises(MemoryError):
            fit_alone(checkpoints=kept)
    assert 0 < len(kept.running[0].records) < EPOCHS
    assert_same([fit_alone(checkpoints=kept)], [whole])


def test_trials_that_wait_with_their_states_are_saved_and_stopped_as_those_that_run(monkeypatch):
    """As after a resume on fewer cores."""
    kept, interrupted = Kept(), Interruption()
    run_trials(TRIALS, FOLD, epochs=EPOCHS, checkpoints=kept, interrupted=set_event(interrupted))
    before = {number: len(checkpoint.records) for number, checkpoint in kept.running.items()}
    monkeypatch.setattr(parallel, "SLOT_BYTES", 1)
    found = run_trials(TRIALS, FOLD, epochs=EPOCHS, checkpoints=kept, interrupted=interrupted)
    assert sorted(before) == sorted(kept.running) == list(range(N_TRIALS))
    lengths = [len(training.history["loss"]) for training in found]
    assert all(length >= before[number] > 0 for number, length in enumerate(lengths))


def set_event(event):
    event.set()
    return event
