"""Ctrl-C: the first asks, the second aborts, and afterwards it means what it meant before."""

import signal
import threading

import numpy as np
import pytest

from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, fit
from goodfit.training.interrupt import interruptible
from goodfit.training.recipe import make_recipe


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_gives_back_the_best_weights_so_far():
    x = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    layers = (Dense(1),)
    recipe = make_recipe(layers, loss="mse")
    records = []

    def press_in_the_third_epoch(record):
        records.append(record)
        if record["epoch"] == 3:
            press_ctrl_c()

    training = fit(
        recipe,
        Dataset(x, make_labels(x[:, 0], None, "float32")),
        params=init_network(layers, n_inputs=2, seed=0),
        train=np.arange(15),
        validation=np.arange(15, 20),
        epochs=10_000,
        on_epoch=press_in_the_third_epoch,
    )
    assert training.outcome == Outcome.STOPPED_BY_USER
    assert 3 <= len(training.history["loss"]) == len(records) < 10_000
    assert training.best_epoch == np.argmin(training.history["val_loss"]) + 1


def test_the_second_ctrl_c_aborts():
    with pytest.raises(KeyboardInterrupt), interruptible() as asked:
        press_ctrl_c()
        assert asked.is_set()
        press_ctrl_c()


def test_ctrl_c_means_afterwards_what_it_meant_before():
    before = signal.getsignal(signal.SIGINT)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_in_another_thread_ctrl_c_is_left_alone():
    handlers = []

    def work():
        with interruptible() as asked:
            handlers.append((signal.getsignal(signal.SIGINT), asked.is_set()))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [(before, False)]
