"""Arrays of a run as safetensors: names, types and shapes follow from the plan, and are compared before reading."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

from goodfit.arrays import Array
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Layer
from goodfit.nn.network import param_shapes

MAX_HEADER = 1 << 16
"""Most bytes of a header of safetensors, besides 256 for each array."""
_TYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "BOOL": np.dtype("?"),
}


class Spec(NamedTuple):
    """Type and shape of an array."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        return int(prod(self.shape) * _TYPES[self.dtype].itemsize)


def weight_specs(prefix: str, layers: Sequence[Layer], n_inputs: int) -> dict[str, Spec]:
    """Return the arrays of a network: ``<prefix>.<layer>.<name>``."""
    shapes = enumerate(param_shapes(layers, n_inputs=n_inputs))
    return {f"{prefix}.{i}.{name}": Spec("F32", shape) for i, layer in shapes for name, shape in layer.items()}


def named_weights(prefix: str, params: Params) -> dict[str, Array]:
    """Return the weights of a network by the names of ``weight_specs``."""
    return {f"{prefix}.{i}.{name}": w for i, layer in enumerate(params) for name, w in layer.items()}


def params_of(prefix: str, layers: Sequence[Layer], n_inputs: int, arrays: Mapping[str, Any]) -> Params:
    """Return the weights of a network, layer by layer: the reverse of ``named_weights``."""
    shapes = enumerate(param_shapes(layers, n_inputs=n_inputs))
    return tuple({name: arrays[f"{prefix}.{i}.{name}"] for name in layer} for i, layer in shapes)


def dump(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as the content of a file."""
    content: bytes = safetensors.numpy.save({name: np.ascontiguousarray(of) for name, of in arrays.items()})
    return content


def validate_size(name: str, size: int, specs: Mapping[str, Spec]) -> None:
    """Raise ValueError unless a file of this size can hold these arrays, and little else."""
    header = size - sum(spec.n_bytes for spec in specs.values())
    if not 0 < header <= MAX_HEADER + 256 * len(specs):
        raise ValueError(f"{name} has {size:,} bytes, which does not fit the plan of the run")


def spec_of(array: Array) -> Spec:
    """Return the type and shape of an array; LookupError for a type that no file holds."""
    names = {dtype: name for name, dtype in _TYPES.items()}
    return Spec(names[array.dtype], array.shape)


Found = Mapping[str, Spec]


def parse(name: str, content: bytes, specs: Found | Callable[[Found], Found]) -> dict[str, Array]:
    """Return the arrays of a file; ValueError unless they are those of the plan.

    specs: the arrays of the plan, or where it leaves sizes open, a function from those that were found to those.
    """
    found: dict[str, Any] = dict(safetensors.deserialize(content))  # type: ignore[no-untyped-call]
    there = {key: Spec(of["dtype"], tuple(of["shape"])) for key, of in found.items()}
    specs = specs(there) if callable(specs) else specs
    if there != dict(specs):
        raise ValueError(f"{name} has other arrays than the plan of the run")
    return {key: np.frombuffer(found[key]["data"], _TYPES[of.dtype]).reshape(of.shape) for key, of in specs.items()}
