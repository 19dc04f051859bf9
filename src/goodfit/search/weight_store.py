"""Weight store: the weights of all finished trials in one array, or in a temporary file if they are many."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.nn.arrays import Params
from goodfit.nn.network import count_params
from goodfit.nn.packing import layout_of, pack, unpack
from goodfit.training.fit import Training

MAX_BYTES_IN_MEMORY = 2**28
"""Larger weight stores are kept in a temporary file."""


def make_weight_store(n_trials: int, params: Params, dtype: str) -> Callable[[int, Training], Training]:
    """Return a function that moves the weights of a trial's training into the store, and returns that training."""
    shape = (n_trials, 2, count_params(params))
    if np.dtype(dtype).itemsize * np.prod(shape) > MAX_BYTES_IN_MEMORY:
        with tempfile.TemporaryFile() as file:  # the memory map keeps the deleted file open
            store: npt.NDArray[Any] = np.memmap(file, dtype, shape=shape)
    else:
        store = np.empty(shape, dtype)

    def keep(index: int, training: Training) -> Training:
        best, last = (
            _moved(store[index, which], weights)
            for which, weights in enumerate((training.params, training.last_params))
        )
        return replace(training, params=best, last_params=last)

    return keep


def _moved(room: npt.NDArray[Any], params: Params) -> Params:
    """Copy the weights into ``room`` (n_weights,), and return views of it."""
    room[:] = pack(params)[0]["all"]
    return unpack(({"all": room},), layout_of(params))
