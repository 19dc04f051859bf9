"""Packing: weight arrays concatenated into one vector, or two with weight decay, which acts on kernels alone.

An optimizer treats all weights alike, so a small network is updated as one long vector instead of many arrays. The
compiled step then has fewer and larger operations, and compile time grows with their number.
"""

import math

import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray, AnyParams, Params, is_kernel

Layout = tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]
"""Name and shape of each weight array of each layer; hashable."""


def layout_of(params: AnyParams) -> Layout:
    """Return the names and shapes of the weight arrays of each layer."""
    return tuple(tuple((name, tuple(w.shape)) for name, w in layer.items()) for layer in params)


def pack(params: AnyParams, *, apart: bool = False) -> Params:
    """Return all weights as ``{"all": vector}``, or with ``apart`` as ``{"kernel": vector, "other": vector}``.

    The arrays of a layer are sorted by name, because JAX returns mappings in alphabetical order.

    >>> pack([{"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}])[0]["all"].shape
    (9,)
    """
    groups: dict[str, list[AnyArray]] = {}
    for layer in params:
        for name, w in sorted(layer.items()):
            groups.setdefault(_group(name, apart=apart), []).append(w.reshape(-1))
    return ({group: _concatenate(arrays) for group, arrays in groups.items()},)


def unpack(packed: Params, layout: Layout) -> Params:
    """Return the weight arrays of each layer: the inverse of ``pack``."""
    begin = dict.fromkeys(packed[0], 0)
    layers, apart = [], "all" not in packed[0]
    for entries in layout:
        layer = {}
        for name, shape in sorted(entries):
            group, size = _group(name, apart=apart), math.prod(shape)
            layer[name] = packed[0][group][begin[group] : begin[group] + size].reshape(shape)
            begin[group] += size
        layers.append({name: layer[name] for name, _ in entries})
    return tuple(layers)


def _concatenate(arrays: list[AnyArray]) -> AnyArray:
    return np.concatenate(arrays) if isinstance(arrays[0], np.ndarray) else jnp.concatenate(arrays)


def _group(name: str, *, apart: bool) -> str:
    if not apart:
        return "all"
    return "kernel" if is_kernel(name) else "other"
