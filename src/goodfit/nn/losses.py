"""Prediction error of each row.

    loss = Σ sᵢ·ℓ(f(xᵢ), yᵢ) / Σ sᵢ        ℓ of one row, s its weight; no penalty in it, ever

Cross-entropies are computed from logits (what stands before the last activation), by log-sum-exp and softplus, so that
a probability next to 0 or 1 loses no accuracy. When the last layer is a sigmoid or softmax and the loss expects
probabilities, the training leaves that activation out and takes the same function of the logits (``fused``).
"""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Protocol

import jax
import jax.numpy as jnp

from goodfit.errors import ConfigError
from goodfit.nn.pytrees import hyperparameters
from goodfit.nn.validation import is_finite

SMALLEST_PROBABILITY = 1e-7
"""Probabilities that come without logits are clipped to [1e-7, 1 − 1e-7], as in Keras."""


class Loss(Protocol):
    """What the training asks of a loss: the error of each row, and the activation it can take the inverse of."""

    fused: ClassVar[str | None]

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool) -> jax.Array:
        """Error of each row (rows,) from targets and outputs; ``logits`` when ``output`` is one activation short."""


@hyperparameters()
@dataclass(frozen=True)
class MeanSquaredError:
    """ℓ = mean over outputs of (y − f)²; y and f (rows, outputs)."""

    fused: ClassVar[str | None] = None

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        return jnp.mean(jnp.square(y - output), axis=-1)


@hyperparameters()
@dataclass(frozen=True)
class MeanAbsoluteError:
    """ℓ = mean over outputs of |y − f|; y and f (rows, outputs)."""

    fused: ClassVar[str | None] = None

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        return jnp.mean(jnp.abs(y - output), axis=-1)


@hyperparameters()
@dataclass(frozen=True)
class Huber:
    """ℓ = mean over outputs of ½e² where |e| ≤ δ, else δ·(|e| − ½δ); e = y − f, δ = 1 as in Keras. Huber 1964.

    Raises:
        ConfigError: ``delta`` is not a positive number.
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
    """ℓ = −mean over outputs of y·log p + (1 − y)·log(1 − p); y 0 or 1, (rows, outputs).

    From logits z: y·softplus(−z) + (1 − y)·softplus(z), which cancels nowhere.

    Args:
        from_logits: the last layer gives z, not p.
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
    """ℓ = −Σ over classes of y·log p; y (rows, classes), one-hot or probabilities.

    From logits z: Σy·(logsumexp(z) − z). Probabilities that do not come from a softmax are first divided by their sum,
    as in Keras.

    Args:
        from_logits: the last layer gives z, not p.
    """

    _: KW_ONLY
    from_logits: bool = False
    fused: ClassVar[str | None] = "softmax"

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        if logits or self.from_logits:
            # Shifted first: the difference of two numbers near 1000 would leave a float32 four digits.
            z = output - jax.lax.stop_gradient(jnp.max(output, axis=-1, keepdims=True))
            return jnp.sum(y, axis=-1) * jnp.log(jnp.sum(jnp.exp(z), axis=-1)) - jnp.sum(y * z, axis=-1)
        p = output / jnp.sum(output, axis=-1, keepdims=True)
        return -jnp.sum(y * jnp.log(jnp.clip(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)), axis=-1)


@hyperparameters(static=("from_logits",))
@dataclass(frozen=True)
class SparseCategoricalCrossentropy:
    """ℓ = −log p of the row's class; y (rows,) or (rows, 1) holds class numbers 0 … classes − 1.

    From logits z: logsumexp(z) − z[y].

    Args:
        from_logits: the last layer gives z, not p.
    """

    _: KW_ONLY
    from_logits: bool = False
    fused: ClassVar[str | None] = "softmax"

    def per_example(self, y: jax.Array, output: jax.Array, *, logits: bool = False) -> jax.Array:
        # A product with the one-hot targets costs the compiled step less than picking one entry of each row.
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
    """The loss of that name (or the loss itself); ConfigError when there is none."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ConfigError(f"loss {loss!r} is not known; choose one of {', '.join(LOSSES)}.")
        return LOSSES[loss]
    if not hasattr(loss, "per_example"):
        raise ConfigError(f"loss must be a name or a loss such as Huber(delta=2.0), not {loss!r}.")
    return loss


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    """Σ s·v / Σ s, and 0 where all weights are 0; both (rows,)."""
    total = jnp.sum(weights)
    return weights @ values / jnp.where(total == 0, 1, total)
