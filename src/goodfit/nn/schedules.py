"""Learning-rate schedules: from the number of updates made so far to a multiplier of the learning rate.

A schedule multiplies, so that the learning rate itself remains one number that a sweep can vary.
"""

from dataclasses import KW_ONLY, dataclass, replace
from typing import Protocol, Self

import jax
import jax.numpy as jnp

from goodfit.errors import ConfigError
from goodfit.nn.pytrees import hyperparameters
from goodfit.validation import is_finite, is_whole


class Schedule(Protocol):
    """What an optimizer requires of a schedule, which is a pytree of its numbers."""

    def resolved(self, total_steps: int) -> Self:
        """Return the same schedule, with the training's number of updates where no number of steps was given."""

    def multiplier(self, step: jax.Array) -> jax.Array:
        """Return the multiplier of the learning rate for the update after ``step`` updates."""


def _validate_steps(argument: str, steps: int | None, smallest: int) -> None:
    if steps is not None and not (is_whole(steps) and steps >= smallest):
        raise ConfigError(f"{argument} must be a whole number of updates, {smallest} or more, not {steps!r}.")


@hyperparameters()
@dataclass(frozen=True)
class Constant:
    """Constant learning rate: multiplier 1."""

    def resolved(self, total_steps: int) -> Self:
        return self

    def multiplier(self, step: jax.Array) -> jax.Array:
        return jnp.ones((), jnp.result_type(float))


CONSTANT = Constant()


@hyperparameters(static=("staircase",))
@dataclass(frozen=True)
class ExponentialDecay:
    """Exponential decay: multiplier = decay_rate^(step / decay_steps), as in Keras.

    Args:
        decay_rate: factor after each ``decay_steps`` updates, above 0.
        decay_steps: number of updates; None for the whole training.
        staircase: round the exponent down.

    Raises:
        ConfigError: an argument is out of range; the message names it.

    >>> float(ExponentialDecay(0.5, decay_steps=10).multiplier(jnp.array(20)))
    0.25
    """

    decay_rate: float
    _: KW_ONLY
    decay_steps: int | None = None
    staircase: bool = False

    def __post_init__(self) -> None:
        if not (is_finite(self.decay_rate) and self.decay_rate > 0):
            raise ConfigError(f"decay_rate must be a positive number, not {self.decay_rate!r}.")
        _validate_steps("decay_steps", self.decay_steps, 1)

    def resolved(self, total_steps: int) -> Self:
        return replace(self, decay_steps=self.decay_steps or total_steps)

    def multiplier(self, step: jax.Array) -> jax.Array:
        assert self.decay_steps is not None, "resolved(total_steps) comes first"
        exponent = step.astype(jnp.result_type(float)) / self.decay_steps
        return jnp.power(self.decay_rate, jnp.floor(exponent) if self.staircase else exponent)


@hyperparameters()
@dataclass(frozen=True)
class CosineDecay:
    """Linear warm-up from 0 to 1, then half a cosine from 1 down to ``alpha``.

        multiplier = step / warmup_steps                                                  step < warmup_steps
        multiplier = alpha + (1 − alpha)·½(1 + cos(π·min(1, (step − warmup_steps)/decay_steps)))    otherwise

    Args:
        decay_steps: number of updates after the warm-up; None for the rest of the training.
        warmup_steps: number of updates of the warm-up.
        alpha: smallest multiplier, 0 ≤ alpha ≤ 1.

    Raises:
        ConfigError: an argument is out of range; the message names it.

    Source: Loshchilov & Hutter (2017), without restarts; Keras' ``CosineDecay`` with ``warmup_target`` equal to the
    learning rate.

    >>> round(float(CosineDecay(decay_steps=10).multiplier(jnp.array(5))), 6)
    0.5
    """

    _: KW_ONLY
    decay_steps: int | None = None
    warmup_steps: int = 0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        _validate_steps("decay_steps", self.decay_steps, 1)
        _validate_steps("warmup_steps", self.warmup_steps, 0)
        if not (is_finite(self.alpha) and 0 <= self.alpha <= 1):
            raise ConfigError(f"alpha of CosineDecay must be between 0 and 1, not {self.alpha!r}.")

    def resolved(self, total_steps: int) -> Self:
        return replace(self, decay_steps=self.decay_steps or max(1, total_steps - self.warmup_steps))

    def multiplier(self, step: jax.Array) -> jax.Array:
        assert self.decay_steps is not None, "resolved(total_steps) comes first"
        step = step.astype(jnp.result_type(float))
        progress = jnp.clip((step - self.warmup_steps) / self.decay_steps, 0, 1)
        decayed = self.alpha + (1 - self.alpha) * 0.5 * (1 + jnp.cos(jnp.pi * progress))
        return jnp.where(step < self.warmup_steps, step / jnp.maximum(self.warmup_steps, 1), decayed)
