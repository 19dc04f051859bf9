"""Folds of different widths padded to one, so that they share a compiled program.

What an encoder learns differs from fold to fold, and with it the number of columns. Columns of zeros are added on the
right, and rows of zeros to the first kernel. They receive no gradient and no penalty, so they stay zero, and nothing
that is learned depends on them.
"""

from dataclasses import replace

import numpy as np

from goodfit.nn.arrays import Params
from goodfit.search.parallel import Fold
from goodfit.training.fit import Training


def padded_fold(fold: Fold, n_features: int) -> Fold:
    """Return the fold with this number of columns."""
    missing = n_features - fold.rows.x.shape[1]
    if not missing:
        return fold
    x = np.pad(np.asarray(fold.rows.x), ((0, 0), (0, missing)))
    return fold._replace(rows=fold.rows._replace(x=x))


def padded_params(params: Params, n_features: int) -> Params:
    """Return the weights of a network with this number of inputs."""
    return tuple(
        {**layer, "kernel": np.pad(layer["kernel"], ((0, n_features - len(layer["kernel"])), (0, 0)))}
        if index == _first_dense(params)
        else layer
        for index, layer in enumerate(params)
    )


def unpadded(training: Training, n_features: int) -> Training:
    """Return the training with the weights of the first inputs alone."""
    if len(training.params[_first_dense(training.params)].get("kernel", ())) == n_features:
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
    """The first layer with a kernel: what lies before it, such as dropout, has no weights."""
    return next((index for index, layer in enumerate(params) if "kernel" in layer), -1)
