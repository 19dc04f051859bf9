"""Where the weights of finished trials stand: one array for all, in a temporary file when they are many."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.nn.arrays import Params
from goodfit.nn.network import count_params
from goodfit.training.fit import Training

KEPT_BYTES = 2**28
"""Weights of more trials than fit here are kept in a temporary file instead of in memory."""


def make_weight_store(n_trials: int, params: Params, dtype: str) -> Callable[[int, Training], Training]:
    """A function that puts the weights of a trial's training on the store and gives the training back with them."""
    shape = (n_trials, 2, count_params(params))
    if np.dtype(dtype).itemsize * np.prod(shape) > KEPT_BYTES:
        with tempfile.TemporaryFile() as file:  # the map keeps the file's room until it goes itself
            store: npt.NDArray[Any] = np.memmap(file, dtype, shape=shape)
    else:
        store = np.empty(shape, dtype)

    def keep(index: int, training: Training) -> Training:
        best, last = (
            _placed(store[index, which], weights)
            for which, weights in enumerate((training.params, training.last_params))
        )
        return replace(training, params=best, last_params=last)

    return keep


def _placed(room: npt.NDArray[Any], params: Params) -> Params:
    """The weights copied into ``room`` (n_weights,), as views of it."""
    begin = 0
    layers = []
    for layer in params:
        views = {}
        for name, w in layer.items():
            views[name] = room[begin : begin + w.size].reshape(w.shape)
            views[name][...] = w
            begin += w.size
        layers.append(views)
    return tuple(layers)
