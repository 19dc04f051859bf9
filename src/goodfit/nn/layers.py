"""Layers: frozen dataclasses with two pure functions, ``init`` (initial weights) and ``apply`` (forward pass).

Only weight arrays that carry a regularizer are penalised: kernels by ``kernel_regularizer``, biases by
``bias_regularizer``. A layer is a pytree: its strengths and rates are leaves, its units and activation are static.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.initializers import INITIALIZERS, validate_initializer
from goodfit.nn.names import validate_activation
from goodfit.nn.pytrees import hyperparameters
from goodfit.nn.regularizers import L1L2
from goodfit.validation import is_finite

LayerParams = Mapping[str, jax.Array]


class Layer(Protocol):
    """What a network requires of a layer, which is a pytree of its numbers."""

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        """Return the initial weights by name, in float64, and the number of outputs."""

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        """Return the shapes of the weights by name, in the order of ``init``, and the number of outputs."""

    def apply(self, params: LayerParams, x: jax.Array, *, key: jax.Array | None) -> jax.Array:
        """Return outputs (rows, n_outputs) from inputs (rows, n_inputs); ``key`` is None outside training."""

    def regularizers(self) -> dict[str, L1L2]:
        """Return the regularizer of each penalised weight array by name; none by default."""
        return {}

    def with_strength(self, term: str, value: float, *, everywhere: bool) -> Self:
        """Return the layer with another strength of ``l1`` or ``l2`` where it carries that term.

        Args:
            everywhere: give it to every kernel, too.
        """
        return self

    def non_trainable(self) -> frozenset[str]:
        """Return the names of the arrays that no gradient changes; none by default."""
        return frozenset()

    def apply_in_training(
        self, params: LayerParams, x: jax.Array, *, key: jax.Array | None
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Return outputs in training, and new values of those non-trainable arrays that the forward pass changes."""
        return self.apply(params, x, key=key), {}

    @property
    def width(self) -> int:
        """Most values that the layer computes from one row."""
        return 1

    @property
    def mixes_rows(self) -> bool:
        """Whether outputs in training depend on the other rows of the batch, as in batch normalization."""
        return False


CHOICES_OF_DENSE = ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "trainable")


@hyperparameters(static=CHOICES_OF_DENSE)
@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected layer: ``activation(x @ kernel + bias)``, as in Keras.

    Args:
        units: number of outputs, 1 or more.
        activation: one of ``ACTIVATIONS``; None is linear.
        use_bias: whether to add ``bias`` (units,).
        kernel_initializer, bias_initializer: one of ``INITIALIZERS``; the kernel has shape (n_inputs, units).
        kernel_regularizer, bias_regularizer: ``l1(…)``, ``l2(…)``, ``l1_l2(…)`` or None.
        trainable: False keeps kernel and bias as they are, and unpenalised, as in Keras.

    Raises:
        ConfigError: an argument is invalid; the message names it.
    """

    units: int
    _: KW_ONLY
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str = "glorot_uniform"
    bias_initializer: str = "zeros"
    kernel_regularizer: L1L2 | None = None
    bias_regularizer: L1L2 | None = None
    trainable: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int | np.integer) or self.units < 1:
            raise ConfigError(f"units must be a whole number, 1 or more, not {self.units!r}.")
        validate_activation(self.activation)
        validate_initializer("kernel_initializer", self.kernel_initializer)
        validate_initializer("bias_initializer", self.bias_initializer)
        for name in ("kernel_regularizer", "bias_regularizer"):
            if not isinstance(getattr(self, name), L1L2 | None):
                raise ConfigError(f"{name} must be l1(…), l2(…), l1_l2(…) or None, not {getattr(self, name)!r}.")
        if not isinstance(self.trainable, bool):
            raise ConfigError(f"trainable must be True or False, not {self.trainable!r}.")

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        params = {"kernel": INITIALIZERS[self.kernel_initializer](rng, (n_inputs, self.units))}
        if self.use_bias:
            params["bias"] = INITIALIZERS[self.bias_initializer](rng, (self.units,))
        return params, self.units

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        bias = {"bias": (self.units,)} if self.use_bias else {}
        return {"kernel": (n_inputs, self.units), **bias}, self.units

    def linear(self, params: LayerParams, x: jax.Array) -> jax.Array:
        """Return the values before the activation (the logits, in a last layer)."""
        outputs = x @ params["kernel"]
        return outputs + params["bias"][None, :] if self.use_bias else outputs

    def apply(self, params: LayerParams, x: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        return ACTIVATIONS[self.activation or "linear"](self.linear(params, x))

    def regularizers(self) -> dict[str, L1L2]:
        carried = {"kernel": self.kernel_regularizer, "bias": self.bias_regularizer if self.use_bias else None}
        return {
            name: regularizer for name, regularizer in carried.items() if regularizer is not None and self.trainable
        }

    def with_strength(self, term: str, value: float, *, everywhere: bool) -> Self:
        changes: dict[str, Any] = {}
        for name in ("kernel_regularizer", "bias_regularizer"):
            if (carried := getattr(self, name)) is not None and getattr(carried, term) is not None:
                changes[name] = replace(carried, **{term: value})
        if everywhere:
            changes["kernel_regularizer"] = replace(self.kernel_regularizer or L1L2(), **{term: value})
        return replace(self, **changes)

    def non_trainable(self) -> frozenset[str]:
        return frozenset() if self.trainable else frozenset(("kernel", "bias"))

    @property
    def width(self) -> int:
        return self.units


@hyperparameters()
@dataclass(frozen=True)
class Dropout(Layer):
    """Set each input to 0 with probability ``rate`` and divide the others by 1 − rate, in training only.

    Args:
        rate: 0 ≤ rate < 1.

    Raises:
        ConfigError: ``rate`` is out of range.

    Source: Srivastava et al. (2014), in the inverted form of Keras.
    """

    rate: float

    def __post_init__(self) -> None:
        if not (is_finite(self.rate) and 0 <= self.rate < 1):
            raise ConfigError(f"rate of Dropout must be at least 0 and below 1, not {self.rate!r}.")

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        return {}, n_inputs

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        return {}, n_inputs

    def apply(self, params: LayerParams, x: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        if key is None:
            return x
        keep = jax.random.uniform(key, x.shape, x.dtype) >= self.rate
        return jnp.where(keep, x / (1 - self.rate), 0)


@hyperparameters()
@dataclass(frozen=True)
class LayerNormalization(Layer):
    """Scale each row to mean 0 and variance 1 over its features: ``(x − μ)/√(σ² + ε)·gamma + beta``.

    Args:
        epsilon: ε, by default 0.001 as in Keras. gamma (n_inputs,) starts at 1 and beta (n_inputs,) at 0; neither is
            penalised.

    Raises:
        ConfigError: ``epsilon`` is not a positive number.

    Source: Ba, Kiros & Hinton (2016).
    """

    _: KW_ONLY
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        if not (is_finite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon of LayerNormalization must be a positive number, not {self.epsilon!r}.")

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        return {"gamma": np.ones(n_inputs), "beta": np.zeros(n_inputs)}, n_inputs

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        return {"gamma": (n_inputs,), "beta": (n_inputs,)}, n_inputs

    def apply(self, params: LayerParams, x: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        centred = x - jnp.mean(x, axis=-1, keepdims=True)
        variance = jnp.mean(jnp.square(centred), axis=-1, keepdims=True)
        scaled = centred * jax.lax.rsqrt(variance + self.epsilon)
        return scaled * params["gamma"][None, :] + params["beta"][None, :]
