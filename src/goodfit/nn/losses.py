"""Loss functions: the prediction error of each row.

    loss = Σ sᵢ·ℓ(f(xᵢ), yᵢ) / Σ sᵢ        ℓ: loss of one row, s: its weight; without penalty

Cross-entropies are computed from logits (the values before the last activation) with log-sum-exp and softplus, so that
probabilities near 0 and 1 lose no accuracy. If the last layer is a sigmoid or softmax and the loss expects
probabilities, training skips that activation and takes the same function of the logits (``fused``).
"""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Protocol

import jax
import jax.numpy as jnp

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyArray
from goodfit.nn.pytrees import hyperparameters
from goodfit.validation import is_finite

SMALLEST_PROBABILITY = 1e-7
"""Probabilities given without logits are clipped to [1e-7, 1 − 1e-7], as in Keras."""


class Loss(Protocol):
    """What training requires of a loss, which is a pytree of its numbers.

    fused: the activation whose inverse the loss can include; None if there is none.
    """

    fused: ClassVar[str | None]

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool) -> jax.Array:
        """Return the loss of each row (rows,) from targets and outputs; ``logits``: before the last activation."""


@hyperparameters()
@dataclass(frozen=True)
class MeanSquaredError:
    """Mean squared error: ℓ = mean over outputs of (y − f)²; y and f (rows, outputs)."""

    fused: ClassVar[str | None] = None

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        return jnp.mean(jnp.square(y - output), axis=-1)


@hyperparameters()
@dataclass(frozen=True)
class MeanAbsoluteError:
    """Mean absolute error: ℓ = mean over outputs of |y − f|; y and f (rows, outputs)."""

    fused: ClassVar[str | None] = None

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        return jnp.mean(jnp.abs(y - output), axis=-1)


@hyperparameters()
@dataclass(frozen=True)
class Huber:
    """Huber loss: ℓ = mean over outputs of ½e² where |e| ≤ δ, otherwise δ·(|e| − ½δ); e = y − f, (rows, outputs).

    Args:
        delta: δ, by default 1 as in Keras.

    Raises:
        ConfigError: ``delta`` is not a positive number.

    Source: Huber (1964).

    >>> Huber().per_example(jnp.zeros((2, 1)), jnp.array([[0.5], [3.0]])).tolist()
    [0.125, 2.5]
    """

    _: KW_ONLY
    delta: float = 1.0
    fused: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        if not (is_finite(self.delta) and self.delta > 0):
            raise ConfigError(f"delta of Huber must be a positive number, not {self.delta!r}.")

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        error = jnp.abs(y - output)
        return jnp.mean(
            jnp.where(error <= self.delta, 0.5 * jnp.square(error), self.delta * (error - 0.5 * self.delta)), axis=-1
        )


@hyperparameters(static=("from_logits",))
@dataclass(frozen=True)
class BinaryCrossentropy:
    """Binary cross-entropy: ℓ = −mean over outputs of y·log p + (1 − y)·log(1 − p); y is 0 or 1, (rows, outputs).

    From logits z: y·softplus(−z) + (1 − y)·softplus(z), which is free of cancellation.

    Args:
        from_logits: the last layer outputs z instead of p.

    >>> BinaryCrossentropy().per_example(jnp.ones((1, 1)), jnp.array([[0.5]])).round(4).tolist()
    [0.6931...]
    """

    _: KW_ONLY
    from_logits: bool = False
    fused: ClassVar[str | None] = "sigmoid"

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        if logits or self.from_logits:
            return jnp.mean(y * jax.nn.softplus(-output) + (1 - y) * jax.nn.softplus(output), axis=-1)
        p = jnp.clip(output, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log1p(-p), axis=-1)


@hyperparameters(static=("from_logits",))
@dataclass(frozen=True)
class CategoricalCrossentropy:
    """Cross-entropy: ℓ = −Σ over classes of y·log p; y (rows, classes), one-hot or probabilities.

    From logits z: Σy·(logsumexp(z) − z). Probabilities not computed by a softmax are first divided by their sum, as in
    Keras.

    Args:
        from_logits: the last layer outputs z instead of p.
    """

    _: KW_ONLY
    from_logits: bool = False
    fused: ClassVar[str | None] = "softmax"

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        if logits or self.from_logits:
            # Shifted first: a difference of two float32 numbers near 1000 has four digits.
            z = output - jax.lax.stop_gradient(jnp.max(output, axis=-1, keepdims=True))
            return jnp.sum(y, axis=-1) * jnp.log(jnp.sum(jnp.exp(z), axis=-1)) - jnp.sum(y * z, axis=-1)
        p = output / jnp.sum(output, axis=-1, keepdims=True)
        return -jnp.sum(y * jnp.log(jnp.clip(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)), axis=-1)


@hyperparameters(static=("from_logits",))
@dataclass(frozen=True)
class SparseCategoricalCrossentropy:
    """Cross-entropy for class numbers: ℓ = −log p of the row's class; y (rows,) or (rows, 1), 0 … classes − 1.

    From logits z: logsumexp(z) − z[y].

    Args:
        from_logits: the last layer outputs z instead of p.
    """

    _: KW_ONLY
    from_logits: bool = False
    fused: ClassVar[str | None] = "softmax"

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        # In the compiled step, a product with one-hot targets costs less than indexing each row.
        one_hot = jax.nn.one_hot(y.reshape(-1).astype(jnp.int32), output.shape[-1], dtype=output.dtype)
        if logits or self.from_logits:
            z = output - jax.lax.stop_gradient(jnp.max(output, axis=-1, keepdims=True))
            return jnp.log(jnp.sum(jnp.exp(z), axis=-1)) - jnp.sum(one_hot * z, axis=-1)
        return CategoricalCrossentropy().per_example(one_hot, output)


LOSSES: dict[str, Loss] = {
    "mean_squared_error": MeanSquaredError(),
    "mse": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "mae": MeanAbsoluteError(),
    "huber": Huber(),
    "binary_crossentropy": BinaryCrossentropy(),
    "categorical_crossentropy": CategoricalCrossentropy(),
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy(),
}


def get_loss(loss: "str | Loss") -> Loss:
    """Return the loss of that name, or the loss itself; ConfigError if there is none."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ConfigError(f"loss {loss!r} is not known; choose one of {', '.join(LOSSES)}.")
        return LOSSES[loss]
    if not hasattr(loss, "per_example"):
        raise ConfigError(f"loss must be a name or a loss such as Huber(delta=2.0), not {loss!r}.")
    if jax.tree_util.all_leaves([loss]):
        raise ConfigError(f"{type(loss).__name__} must be registered with @hyperparameters to be used as a loss.")
    return loss


def weighted_mean(values: AnyArray, weights: AnyArray) -> AnyArray:
    """Return Σ s·v / Σ s, or 0 if all weights are 0; values (rows,), weights (rows,) or several (rows, m)."""
    xp = weights.__array_namespace__()
    total = weights.sum(axis=0)
    return values @ weights / xp.where(total == 0, 1, total)
