"""Rows and small networks of the tests of ``Sequential``."""

import numpy as np

from goodfit import (
    Dense,
    Dropout,
    EarlyStopping,
    Sequential,
    l2,
)

RNG = np.random.default_rng(0)
N = 50
X = RNG.normal(size=(N, 3)).astype("float32")
QUANTITY = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=N)
CLASS = (QUANTITY > 0).astype(int)
OTHERWISE = (X[40:], 1 - CLASS[40:])
"""Validation rows on which the loss rises once anything is learned."""
KEEP_LAST = EarlyStopping(patience=1000, restore_best_weights=False)


def binary(*, strength=0.01, rate=None, optimizer="adam", metrics=(), **choices):
    """A small network for two classes, the same program for every number in it."""
    dropout = [] if rate is None else [Dropout(rate)]
    hidden = Dense(4, activation="relu", kernel_regularizer=l2(strength))
    model = Sequential([hidden, *dropout, Dense(1, activation="sigmoid")], **choices)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=metrics)
    return model


def linear(units=1, *, optimizer="sgd", **choices):
    model = Sequential([Dense(units)], **choices)
    model.compile(optimizer=optimizer, loss="mse")
    return model


def assert_same_weights(model, other, **tolerance):
    for w, v in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(w, v, **({"rtol": 0} | tolerance))
