"""Weight arrays laid end to end, kernels in one vector and all others in another.

An optimizer treats every weight alike, so a training updates two long vectors instead of many small arrays: the
compiled step has fewer and larger parts. Kernels stay apart because weight decay is for them alone.
"""

import jax.numpy as jnp
import numpy as np

from goodfit.learning.arrays import AnyParams, Array, Params

Layout = tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]
"""For each layer the name and shape of each weight array; hashable."""


def layout_of(params: AnyParams) -> Layout:
    """Names and shapes of the weight arrays of each layer."""
    return tuple(tuple((name, tuple(w.shape)) for name, w in layer.items()) for layer in params)


def pack(params: AnyParams) -> Params:
    """One mapping ``{"kernel": …, "other": …}`` of two vectors; a vector without weights is left out.

    The arrays of a layer are taken by name, not as they stand: JAX gives mappings back in alphabetical order.

    >>> pack([{"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}])[0]["kernel"].shape
    (6,)
    """
    groups: dict[str, list[Array]] = {}
    for layer in params:
        for name, w in sorted(layer.items()):
            groups.setdefault(_group(name), []).append(w.reshape(-1))
    return ({group: _end_to_end(arrays) for group, arrays in groups.items()},)


def unpack(packed: Params, layout: Layout) -> Params:
    """The weight arrays of each layer again: the inverse of ``pack``."""
    begin = dict.fromkeys(packed[0], 0)
    layers = []
    for entries in layout:
        layer = {}
        for name, shape in sorted(entries):
            group, size = _group(name), int(np.prod(shape))
            layer[name] = packed[0][group][begin[group] : begin[group] + size].reshape(shape)
            begin[group] += size
        layers.append({name: layer[name] for name, _ in entries})
    return tuple(layers)


def _end_to_end(arrays: list[Array]) -> Array:
    return np.concatenate(arrays) if isinstance(arrays[0], np.ndarray) else jnp.concatenate(arrays)


def _group(name: str) -> str:
    return "kernel" if name == "kernel" else "other"
