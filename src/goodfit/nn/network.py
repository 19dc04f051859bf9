"""A network is a tuple of layers, applied one after the other."""

from collections.abc import Sequence

import jax
import numpy as np

from goodfit.nn.arrays import AnyParams, Params
from goodfit.nn.layers import Dense, Layer


def init_network(layers: Sequence[Layer], *, n_inputs: int, seed: int, dtype: str = "float32") -> Params:
    """First weights of every layer, a mapping of name to array each.

    Layer i draws from its own stream of ``seed``, so that adding a layer behind it changes none of its weights.
    """
    params = []
    for index, layer in enumerate(layers):
        weights, n_inputs = layer.init(np.random.default_rng([seed, index]), n_inputs)
        params.append({name: np.asarray(values, dtype) for name, values in weights.items()})
    return tuple(params)


def apply_network(
    layers: Sequence[Layer],
    params: AnyParams,
    x: jax.Array,
    *,
    logits: bool = False,
    key: jax.Array | None = None,
) -> jax.Array:
    """Outputs (rows, n_outputs) of the last layer for ``x`` (rows, n_inputs).

    Args:
        logits: leave out the activation of the last layer, which must be Dense.
        key: randomness of this step; None outside training, and then nothing is dropped.
    """
    for index, (layer, weights) in enumerate(zip(layers, params, strict=True)):
        if logits and index == len(layers) - 1:
            assert isinstance(layer, Dense)
            return layer.linear(weights, x)
        x = layer.apply(weights, x, key=None if key is None else jax.random.fold_in(key, index))
    return x


def count_params(params: AnyParams) -> int:
    """Number of single weights.

    >>> count_params(init_network([Dense(64), Dense(1)], n_inputs=30, seed=0))
    2049
    """
    return sum(int(np.size(array)) for layer in params for array in layer.values())
