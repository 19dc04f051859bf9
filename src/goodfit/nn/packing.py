"""Weight arrays laid end to end in one vector; with weight decay, which is for kernels alone, in two.

An optimizer treats every weight alike, so a small network is updated as one long vector instead of many arrays: the
compiled step has fewer and larger parts, and each part costs about as much to compile as any other.
"""

import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyParams, Array, Params

Layout = tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]
"""For each layer the name and shape of each weight array; hashable."""


def layout_of(params: AnyParams) -> Layout:
    """Names and shapes of the weight arrays of each layer."""
    return tuple(tuple((name, tuple(w.shape)) for name, w in layer.items()) for layer in params)


def pack(params: AnyParams, *, apart: bool = False) -> Params:
    """One mapping ``{"all": …}`` of one vector, or ``{"kernel": …, "other": …}`` of two; an empty one is left out.

    The arrays of a layer are taken by name, not as they stand: JAX gives mappings back in alphabetical order.

    >>> pack([{"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}])[0]["all"].shape
    (9,)
    """
    groups: dict[str, list[Array]] = {}
    for layer in params:
        for name, w in sorted(layer.items()):
            groups.setdefault(_group(name, apart=apart), []).append(w.reshape(-1))
    return ({group: _end_to_end(arrays) for group, arrays in groups.items()},)


def unpack(packed: Params, layout: Layout) -> Params:
    """The weight arrays of each layer again: the inverse of ``pack``."""
    begin = dict.fromkeys(packed[0], 0)
    layers, apart = [], "all" not in packed[0]
    for entries in layout:
        layer = {}
        for name, shape in sorted(entries):
            group, size = _group(name, apart=apart), int(np.prod(shape))
            layer[name] = packed[0][group][begin[group] : begin[group] + size].reshape(shape)
            begin[group] += size
        layers.append({name: layer[name] for name, _ in entries})
    return tuple(layers)


def _end_to_end(arrays: list[Array]) -> Array:
    return np.concatenate(arrays) if isinstance(arrays[0], np.ndarray) else jnp.concatenate(arrays)


def _group(name: str, *, apart: bool) -> str:
    if not apart:
        return "all"
    return "kernel" if name == "kernel" else "other"
