"""A whole model of Keras as one layer, so that the training loop runs it unchanged.

Its weights are the model's trainable variables. Its non-trainable arrays are frozen weights, moving averages and the
states of seed generators, which a forward pass in training updates as Keras does.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray, Params
from goodfit.nn.layers import Layer, LayerParams
from goodfit.nn.pytrees import hyperparameters
from goodfit.nn.regularizers import L1L2

WHOLE_NUMBERS = ("uint32", "int32")
HALF = int(np.iinfo(np.uint16).max) + 1
"""Whole numbers, such as the state of a seed generator, are kept as two digits of this base, which floats hold
exactly."""


@dataclass(frozen=True)
class Network:
    """What decides the compiled program of a model of Keras.

    model: ``keras.Model`` on JAX, built. trained, others: names of its trainable and non-trainable variables here, in
    its order; a name that begins with ``kernel`` says that weight decay acts on the variable. kernels: whether each
    trainable variable is the kernel of a layer, which can be penalised. row_shapes: of one row of each input; a row of
    x holds them one after the other.
    """

    model: Any
    trained: tuple[str, ...]
    others: tuple[str, ...]
    kernels: tuple[bool, ...]
    row_shapes: tuple[tuple[int, ...], ...]

    @property
    def variables(self) -> dict[str, Any]:
        """Every variable of the model by its name here."""
        own = (*self.model.trainable_variables, *self.model.non_trainable_variables)
        return dict(zip((*self.trained, *self.others), own, strict=True))

    def weights(self) -> dict[str, np.ndarray]:
        """Return the present weights of the model."""
        return {name: _encoded(np.asarray(variable.value)) for name, variable in self.variables.items()}

    def write(self, params: Params) -> None:
        """Write weights into the model."""
        for name, variable in self.variables.items():
            variable.assign(_decoded(params[0][name], str(variable.dtype)))

    def inputs(self, x: jax.Array) -> Any:  # noqa: ANN401
        """Return the inputs of the model, as it is called with them, from rows (rows, values)."""
        ends = np.cumsum([math.prod(shape) for shape in self.row_shapes])[:-1].tolist()
        parts = zip(jnp.split(x, ends, axis=1), self.row_shapes, self.model.inputs, strict=True)
        found = [part.reshape(-1, *shape).astype(of_model.dtype) for part, shape, of_model in parts]
        if isinstance(_structure(self.model), Mapping):
            return {name: found[number] for number, name in enumerate(input_names(self.model))}
        return found if len(found) > 1 else found[0]


def _structure(model: Any) -> Any:  # noqa: ANN401
    """Return the inputs as a functional model arranges them; None for a Sequential one, which has a single input."""
    return getattr(model, "input", None)


def input_names(model: Any) -> list[str]:  # noqa: ANN401
    """Return the names by which a model takes its inputs, in the order of ``model.inputs``."""
    structure = _structure(model)
    if not isinstance(structure, Mapping):
        return [each.name for each in model.inputs]
    return [next(name for name, given in structure.items() if given is each) for each in model.inputs]


def _encoded(array: AnyArray) -> np.ndarray:
    """Return floats as they are, and whole numbers (…) as their two digits (2, …)."""
    if array.dtype not in WHOLE_NUMBERS:
        return np.asarray(array)
    digits = array.astype(np.uint32)
    return np.stack([digits // HALF, digits % HALF]).astype(np.float32)


def _decoded(array: AnyArray, dtype: str) -> AnyArray:
    """Return the numbers that ``_encoded`` has made of an array of this type."""
    if dtype not in WHOLE_NUMBERS:
        return array.astype(dtype)
    digits = array.astype("uint32")
    return (digits[0] * np.uint32(HALF) + digits[1]).astype(dtype)


def _encoded_in_program(array: jax.Array, dtype: Any) -> jax.Array:  # noqa: ANN401
    """Return the same as ``_encoded`` in a compiled program, as ``dtype``."""
    if array.dtype not in WHOLE_NUMBERS:
        return array.astype(dtype)
    digits = array.astype(jnp.uint32)
    return jnp.stack([digits // np.uint32(HALF), digits % np.uint32(HALF)]).astype(dtype)


@hyperparameters(static=("network",))
@dataclass(frozen=True)
class KerasLayer(Layer):
    """The forward pass of a model of Keras.

    Args:
        strengths: regularizer of each penalised trainable variable, by name.
        network: the model.
    """

    strengths: Mapping[str, L1L2]
    network: Network

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        """Return the present weights of the model, whatever the seed."""
        return self.network.weights(), self.units

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        return {name: array.shape for name, array in self.network.weights().items()}, self.units

    def apply(self, params: LayerParams, x: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        return self._call(params, x, training=False)[0]

    def apply_in_training(
        self, params: LayerParams, x: jax.Array, *, key: jax.Array | None
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        return self._call(params, x, training=True)

    def _call(self, params: LayerParams, x: jax.Array, *, training: bool) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Return outputs (rows, units), and the non-trainable arrays after this call."""
        network, model = self.network, self.network.model
        own = network.variables
        trained, others = (
            [_decoded(params[name], str(own[name].dtype)) for name in names]
            for names in (network.trained, network.others)
        )
        # Keras' own arithmetic mixes ranks and types.
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            output, new = model.stateless_call(trained, others, network.inputs(x), training=training)
        changed = dict(zip(network.others, (_encoded_in_program(array, x.dtype) for array in new), strict=True))
        return output.astype(x.dtype), changed

    def regularizers(self) -> dict[str, L1L2]:
        return dict(self.strengths)

    def with_strength(self, term: str, value: float, *, everywhere: bool) -> Self:
        carried = {
            name: replace(given, **{term: value}) if getattr(given, term) is not None else given
            for name, given in self.strengths.items()
        }
        if everywhere:
            more = [
                name for name, is_kernel in zip(self.network.trained, self.network.kernels, strict=True) if is_kernel
            ]
            carried |= {name: replace(carried.get(name, L1L2()), **{term: value}) for name in more}
        return replace(self, strengths=carried)

    def non_trainable(self) -> frozenset[str]:
        return frozenset(self.network.others)

    @property
    def units(self) -> int:
        """Number of outputs."""
        return int(self.network.model.outputs[0].shape[-1])

    @property
    def width(self) -> int:
        outputs = jax.tree.leaves([layer.output for layer in self.network.model.layers])
        return int(max(math.prod(size or 1 for size in output.shape[1:]) for output in outputs))

    @property
    def mixes_rows(self) -> bool:
        own = self.network.variables
        return any(str(own[name].dtype) not in WHOLE_NUMBERS for name in self.network.others)
