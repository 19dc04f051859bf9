"""One training in chunks of epochs: its row orders, what chunks must not change, and what it returns."""

import signal

import numpy as np
import pytest

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import SGD
from goodfit.training import fit as fitting
from goodfit.training import loop
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, fit, row_order
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N = 40
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=N)
LAYERS = (Dense(1),)


def train(*, epochs=12, early_stopping=None, learning_rate=0.01, **choices):
    recipe = make_recipe(
        LAYERS, optimizer=SGD(learning_rate), loss="mse", batch_size=8, early_stopping=early_stopping, dtype="float64"
    )
    rows = Dataset(X, make_labels(Y, None, "float64"))
    params = init_network(LAYERS, n_inputs=3, seed=0, dtype="float64")
    splits = {"train": np.arange(30), "validation": np.arange(30, N)}
    return fit(recipe, rows, params=params, epochs=epochs, **splits, **choices)


def order(rows, *, epoch=0, seed=0, shuffle=True):
    return row_order(np.asarray(rows), batch_size=4, padding=99, seed=seed, epoch=epoch, shuffle=shuffle)


# --- row orders ------------------------------------------------------------------------------------------------------


def test_every_row_comes_once_an_epoch_and_the_last_batch_is_padded():
    found = order([2, 3, 5, 7, 11, 13])
    assert found.shape == (2, 4)
    assert sorted(found[0].tolist() + found[1, :2].tolist()) == [2, 3, 5, 7, 11, 13]
    assert found[1, 2:].tolist() == [99, 99]


def test_rows_come_as_they_stand_without_shuffling():
    assert order([5, 3, 2], shuffle=False).tolist() == [[5, 3, 2, 99]]


def test_an_order_depends_on_seed_and_epoch_alone():
    rows = np.arange(20)
    np.testing.assert_array_equal(order(rows, epoch=3), order(rows, epoch=3))
    assert len({order(rows, epoch=e, seed=s).tobytes() for e in range(5) for s in (0, 1, 2**40)}) == 15


# --- chunks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CHUNK_SECONDS", "MAX_ORDERED_ROWS"])
def test_chunks_of_one_epoch_are_the_same_training_as_large_ones(name, monkeypatch):
    expected = train()
    monkeypatch.setattr(fitting, name, 0)
    found = train()
    np.testing.assert_array_equal(found.last_params[0]["kernel"], expected.last_params[0]["kernel"])
    for column in expected.history:
        np.testing.assert_array_equal(found.history[column], expected.history[column])


def test_the_first_epoch_is_told_before_the_second_is_run(monkeypatch):
    """However quick the training, so that someone sees at once that it runs."""
    run = []

    def advance(*arguments):
        run.append(int(arguments[-1]))
        return loop.advance(*arguments)

    monkeypatch.setattr(fitting, "advance", advance)
    records = []
    train(on_epoch=lambda record: records.append((record["epoch"], run[-1])))
    assert records[0] == (1, 1)
    assert records[-1] == (12, 12)
    assert len(run) < 12


def test_a_training_that_someone_leaves_leaves_ctrl_c_as_it_was():
    before = signal.getsignal(signal.SIGINT)

    def leave(record):
        raise RuntimeError(f"left after epoch {record['epoch']}")

    with pytest.raises(RuntimeError, match="left after epoch 1"):
        train(on_epoch=leave)
    assert signal.getsignal(signal.SIGINT) is before


# --- what it returns --------------------------------------------------------------------------------------------------


def test_the_last_epoch_is_the_best_where_none_could_be():
    """All of them stood before the epoch from which early stopping counts."""
    training = train(early_stopping=EarlyStopping(patience=1, start_from_epoch=100))
    assert (training.outcome, training.best_epoch) == (Outcome.FINISHED, 12)
    np.testing.assert_array_equal(training.params[0]["kernel"], training.last_params[0]["kernel"])


@pytest.mark.parametrize("restore_best", [True, False])
def test_a_training_that_diverged_gives_back_finite_weights(restore_best):
    training = train(learning_rate=1e200, early_stopping=EarlyStopping(patience=50, restore_best_weights=restore_best))
    assert training.outcome == Outcome.DIVERGED
    assert np.isfinite(training.params[0]["kernel"]).all()
    assert not np.isfinite(training.last_params[0]["kernel"]).all()


def test_rows_are_counted_from_one_in_the_history():
    history = train(epochs=3).history
    assert history.n_epochs == 3
    assert history.row(1)["loss"] == history["loss"][0]
    assert [row["epoch"] for row in history.rows()] == [1, 2, 3]
