"""Early stopping: the worked example, the table of Keras' behaviour, and Keras itself over random sequences."""

import itertools
import math
import types
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import NEVER, EarlyStopping, init_stopping, update_stopping


class Ending(NamedTuple):
    """Epochs counted from 1; 0 where there is none."""

    stopped: int
    best_epoch: int


@jax.jit
def states_of(values, early_stopping):
    """The state after each epoch, ``stop`` ignored; the first axis of values and numbers are cases."""

    def one(values, early_stopping):
        def epoch(state, item):
            state = update_stopping(state, *item, early_stopping)
            return state, state

        return jax.lax.scan(epoch, init_stopping(), (values, jnp.arange(1, values.shape[0] + 1)))[1]

    return jax.vmap(one)(values, early_stopping)


def stacked(early_stoppings):
    return jax.tree.map(lambda *numbers: jnp.array(numbers, jnp.float32), *early_stoppings)


def endings(values, stoppings, *, higher_is_better=False):
    """Where each case stops, and its best epoch then; all cases have a baseline, or none has."""
    stoppings = [stopping.resolved("val_loss", higher_is_better=higher_is_better) for stopping in stoppings]
    states = jax.tree.map(np.asarray, states_of(jnp.array(values, jnp.float32), stacked(stoppings)))
    return [
        Ending(int(stop.argmax()) + 1 if stop.any() else 0, int(best[stop.argmax() if stop.any() else -1]))
        for stop, best in zip(states.stop, states.best_epoch, strict=True)
    ]


def ending(values, stopping, **kwargs):
    return endings([values], [stopping], **kwargs)[0]


def test_worked_example():
    values = [1.0, 0.8, 0.6, 0.4, 0.3, 0.35, 0.38, 0.40, 0.45, 0.50, 0.1, 0.1]
    assert ending(values, EarlyStopping(patience=5)) == Ending(stopped=10, best_epoch=5)


@pytest.mark.parametrize(("patience", "stopped"), [(0, 4), (1, 4), (2, 5), (3, 6)])
def test_patience_counts_as_in_keras(patience, stopped):
    """Keras 3.15 on these values: stopped_epoch 3, 3, 4, 5, counted from 0; best epoch 2."""
    values = [10, 9, 8, 9, 8.9, 8.8, 8.7, 8.6, 8.5]
    assert ending(values, EarlyStopping(patience=patience)) == Ending(stopped, best_epoch=3)


def keras_ending(keras, values, stopping):
    """Where Keras' callback stops on these values, and the epoch whose weights it restores."""
    peer = keras.callbacks.EarlyStopping(**{**vars(stopping), "restore_best_weights": True})
    model = types.SimpleNamespace(stop_training=False, get_weights=list, set_weights=lambda weights: None)
    peer.set_model(model)
    peer.on_train_begin()
    for epoch, value in enumerate(np.asarray(values, np.float32)):
        peer.on_epoch_end(epoch, {stopping.monitor: value})
        if model.stop_training:
            return Ending(epoch + 1, peer.best_epoch + 1)
    return Ending(0, peer.best_epoch + 1)


def random_values(rng):
    """Twenty values that fall and rise; multiples of 1/8, so that ties and differences of min_delta are exact."""
    return np.round(8 * (2 * np.exp(-0.3 * np.arange(20)) + np.cumsum(rng.normal(scale=0.2, size=20)))) / 8


MODES = pytest.mark.parametrize("mode", ["min", "max"])


@MODES
@pytest.mark.parametrize("baselines", [(None,), (0.5, 1.5)])
def test_every_ending_is_that_of_keras(mode, baselines, keras):
    rng = np.random.default_rng(0)
    grid = itertools.product((0, 1, 2, 3, 5, 30), (0.0, 0.125, -0.25), baselines, (0, 3, 8))
    cases, values = [], []
    for (patience, min_delta, baseline, start), _ in itertools.product(grid, range(4)):
        cases.append(
            EarlyStopping(patience=patience, min_delta=min_delta, baseline=baseline, start_from_epoch=start, mode=mode)
        )
        values.append(random_values(rng) if mode == "min" else 2 - random_values(rng))
    peers = [keras_ending(keras, *case) for case in zip(values, cases, strict=True)]
    assert endings(values, cases) == peers
    assert len({peer.stopped for peer in peers}) > 10


@MODES
def test_auto_follows_what_is_better(mode):
    values = [0.5, 0.4, 0.6, 0.3, 0.2]
    up = ending(values, EarlyStopping(patience=9), higher_is_better=mode == "max")
    assert up == ending(values, EarlyStopping(patience=9, mode=mode)) == Ending(0, 3 if mode == "max" else 5)


def test_an_equal_value_is_no_improvement():
    assert ending([1.0, 1.0, 1.0], EarlyStopping(patience=2)) == Ending(stopped=3, best_epoch=1)


def test_min_delta_itself_is_not_enough():
    assert ending([1.0, 0.75, 0.5], EarlyStopping(patience=9, min_delta=0.25)) == Ending(0, best_epoch=3)


@pytest.mark.parametrize("start", [0, 2])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_nan_is_never_best_and_counts_as_an_epoch_without_improvement(mode, start):
    values = [math.nan, math.nan, 5.0, math.nan, math.nan, math.nan]
    assert ending(values, EarlyStopping(patience=3, mode=mode, start_from_epoch=start)) == Ending(6, 3)


def test_nan_throughout_has_no_best_epoch():
    assert ending([math.nan] * 4, EarlyStopping(patience=2)) == Ending(stopped=2, best_epoch=0)


def test_never_stops_and_still_knows_the_best():
    values = jnp.array([[3.0, 1.0, *[2.0] * 50]])
    states = states_of(values, stacked([NEVER]))
    assert not states.stop.any()
    assert states.best_epoch[0, -1] == 2


def test_improved_marks_the_epochs_whose_weights_are_kept():
    values = jnp.array([[1.0, 2.0, 0.5, math.nan, 0.25]])
    states = states_of(values, stacked([NEVER]))
    assert states.improved[0].tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"patience": -1}, "patience"),
        ({"patience": 1.5}, "patience"),
        ({"patience": math.nan}, "patience"),
        ({"patience": "5"}, "patience"),
        ({"patience": None}, "patience"),
        ({"start_from_epoch": -1}, "start_from_epoch"),
        ({"min_delta": math.nan}, "min_delta"),
        ({"baseline": math.inf}, "baseline"),
        ({"baseline": "low"}, "baseline"),
        ({"mode": "up"}, "mode"),
    ],
)
def test_a_bad_argument_is_named(arguments, named):
    with pytest.raises(ConfigError, match=f"^{named}"):
        EarlyStopping(**arguments)
