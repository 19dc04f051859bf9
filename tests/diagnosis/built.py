"""Observations from which the tests of the diagnosis start."""

from dataclasses import replace

import numpy as np

from goodfit.diagnosis.observations import Neighbour, Observations

EPOCHS = 60


def falling(low, high=1.0, speed=0.15, n=EPOCHS):
    """A curve that falls from high towards low."""
    return tuple((low + (high - low) * np.exp(-speed * np.arange(n))).tolist())


def jumping(low, size):
    return tuple((low + size * (np.arange(EPOCHS) % 2)).tolist())


GOOD = Observations(
    loss=falling(0.20),
    val_loss=falling(0.22),
    penalty=(0.01,) * EPOCHS,
    restored_epoch=EPOCHS,
    epochs=EPOCHS,
    patience=10,
    learning_rate=0.001,
    l2=0.001,
    hidden=(64, 64),
    n_train=2000,
    n_validation=500,
    val_loss_error=0.01,
    baseline_loss=1.0,
    baseline_difference=(0.78, 0.02),
    linear_loss=0.5,
    linear_difference=(0.28, 0.02),
    units=(64, 64),
    dead_units=(3, 1),
    confusion=((40, 3), (2, 55)),
    classes=("no", "yes"),
)
"""Both losses came down from 1 to about 0.2, the gap is small, and there are rows enough."""


def good(**changes):
    return replace(GOOD, **changes)


def beside(*neighbours, **changes):
    """The good training with neighbours (l2, rate, loss, val_loss), each gain measured to ± 0.003."""
    found = good(**changes)
    return replace(found, neighbours=tuple(Neighbour(*n, found.restored_val_loss - n[3], 0.003) for n in neighbours))


def measured(gain, error, l2=0.01, rate=0.001, loss_there=0.5, **changes):
    """A training whose losses are about 0.6 and 0.8, with a neighbour that gains something, measured row by row."""
    curves = {"loss": falling(0.6), "val_loss": falling(0.8), "linear_difference": (0.1, 0.01), "linear_loss": 0.9}
    neighbour = Neighbour(l2, rate, loss_there, 0.8 - gain, gain, error)
    return good(neighbours=(neighbour,), **curves | changes)
