"""Folds of different sizes padded to one, so that they share a compiled program.

What an encoder learns differs from fold to fold, and with it the number of columns. Columns of zeros are added on the
right, and rows of zeros to the first kernel. They receive no gradient and no penalty, so they stay zero, and nothing
that is learned depends on them. Rows of zeros below belong to neither split.
"""

from dataclasses import replace

import numpy as np

from goodfit.arrays import Array
from goodfit.nn.arrays import Params, is_kernel
from goodfit.search.parallel import Fold
from goodfit.training.fit import Training


def shared_size(n: int) -> int:
    """Return the size from n on that sizes near it share: a multiple of 8, from 128 on at most an eighth more.

    >>> [shared_size(n) for n in (7, 30, 364, 365, 1000)]
    [8, 32, 384, 384, 1024]
    """
    unit = max(8, (1 << (n - 1).bit_length()) >> 4)
    return -(-n // unit) * unit


def padded_fold(fold: Fold, n_features: int, n_rows: int = 0) -> Fold:
    """Return the fold with this number of columns, and at least this number of rows."""
    more, wider = max(0, n_rows - len(fold.rows.x)), n_features - fold.rows.x.shape[1]
    if not more and not wider:
        return fold
    x = np.pad(np.asarray(fold.rows.x), ((0, more), (0, wider)))
    labels = np.pad(np.asarray(fold.rows.labels), ((0, more), (0, 0)))
    return fold._replace(rows=fold.rows._replace(x=x, labels=labels))


def shared_inputs(x: Array) -> Array:
    """Return inputs (rows, features) with as many columns as tables of about the same width share."""
    return np.pad(x, ((0, 0), (0, shared_size(x.shape[1]) - x.shape[1])))


def padded_params(params: Params, n_features: int) -> Params:
    """Return the weights of a network with this number of inputs."""
    return tuple(
        {**layer, "kernel": np.pad(layer["kernel"], ((0, n_features - len(layer["kernel"])), (0, 0)))}
        if index == _first_dense(params) and "kernel" in layer
        else layer
        for index, layer in enumerate(params)
    )


def unpadded(training: Training, n_features: int) -> Training:
    """Return the training with the weights of the first inputs alone."""
    kernel = training.params[_first_dense(training.params)].get("kernel")
    if kernel is None or len(kernel) == n_features:
        return training
    steps = training.input_steps
    return replace(
        training,
        params=_cut(training.params, n_features),
        last_params=_cut(training.last_params, n_features),
        input_steps=None if steps is None else steps[:n_features],
    )


def _cut(params: Params, n_features: int) -> Params:
    first = _first_dense(params)
    return tuple(
        {**layer, "kernel": layer["kernel"][:n_features]} if index == first else layer
        for index, layer in enumerate(params)
    )


def _first_dense(params: Params) -> int:
    """The first layer with a kernel, which is none of the inputs if it has another name."""
    return next((index for index, layer in enumerate(params) if any(map(is_kernel, layer))), -1)
