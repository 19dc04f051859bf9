"""A network: a tuple of layers, applied one after the other."""

from collections.abc import Sequence

import jax
import numpy as np

from goodfit.nn.arrays import AnyParams, Params
from goodfit.nn.layers import Dense, Layer


def init_network(layers: Sequence[Layer], *, n_inputs: int, seed: int, dtype: str = "float32") -> Params:
    """Return the initial weights of every layer.

    Layer i draws from its own random stream [seed, i], so that adding a layer after it changes none of its weights.
    """
    params = []
    for index, layer in enumerate(layers):
        weights, n_inputs = layer.init(np.random.default_rng([seed, index]), n_inputs)
        params.append({name: np.asarray(values, dtype) for name, values in weights.items()})
    return tuple(params)


def param_shapes(layers: Sequence[Layer], *, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], ...]:
    """Return the shapes of the weights of every layer, without making them.

    >>> param_shapes([Dense(2), Dense(1)], n_inputs=3)
    ({'kernel': (3, 2), 'bias': (2,)}, {'kernel': (2, 1), 'bias': (1,)})
    """
    found = []
    for layer in layers:
        shapes, n_inputs = layer.shapes(n_inputs)
        found.append(shapes)
    return tuple(found)


def apply_network(
    layers: Sequence[Layer],
    params: AnyParams,
    x: jax.Array,
    *,
    logits: bool = False,
    key: jax.Array | None = None,
) -> jax.Array:
    """Return the outputs (rows, n_outputs) of the last layer for ``x`` (rows, n_inputs).

    Args:
        logits: skip the activation of the last layer, which must be Dense.
        key: random key of this update; None outside training, where dropout does nothing.
    """
    for index, (layer, weights) in enumerate(zip(layers, params, strict=True)):
        if logits and index == len(layers) - 1:
            assert isinstance(layer, Dense)
            return layer.linear(weights, x)
        x = layer.apply(weights, x, key=None if key is None else jax.random.fold_in(key, index))
    return x


def apply_in_training(
    layers: Sequence[Layer], params: AnyParams, x: jax.Array, *, logits: bool = False, key: jax.Array | None = None
) -> tuple[jax.Array, Params]:
    """Return the same as ``apply_network`` in training, and the non-trainable arrays that the forward pass changes."""
    changed: list[dict[str, jax.Array]] = []
    for index, (layer, weights) in enumerate(zip(layers, params, strict=True)):
        if logits and index == len(layers) - 1:
            assert isinstance(layer, Dense)
            return layer.linear(weights, x), (*changed, {})
        own_key = None if key is None else jax.random.fold_in(key, index)
        x, new = layer.apply_in_training(weights, x, key=own_key)
        changed.append(new)
    return x, tuple(changed)


def trainable(layers: Sequence[Layer], params: AnyParams) -> Params:
    """Return the weights that gradients change; a layer without any has an empty mapping."""
    return tuple(
        {name: w for name, w in weights.items() if name not in layer.non_trainable()}
        for layer, weights in zip(layers, params, strict=True)
    )


def non_trainable(layers: Sequence[Layer], params: AnyParams) -> Params:
    """Return the arrays that no gradient changes: frozen weights, moving averages."""
    return tuple(
        {name: w for name, w in weights.items() if name in layer.non_trainable()}
        for layer, weights in zip(layers, params, strict=True)
    )


def joined(*parts: AnyParams) -> Params:
    """Return the arrays of each layer together; a later one replaces an earlier one of the same name."""
    return tuple({name: w for of_layer in layer for name, w in of_layer.items()} for layer in zip(*parts, strict=True))


def count_params(params: AnyParams) -> int:
    """Return the number of weights.

    >>> count_params(init_network([Dense(64), Dense(1)], n_inputs=30, seed=0))
    2049
    """
    return sum(int(np.size(array)) for layer in params for array in layer.values())
