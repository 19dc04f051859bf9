"""Schedules: the number of updates made so far -> a multiplier of the learning rate.

A schedule multiplies, so that the learning rate itself stays one number that a sweep can vary.
"""

from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple, Protocol, Self

import jax
import jax.numpy as jnp

from goodfit.errors import ConfigError
from goodfit.nn.validation import is_finite, is_whole


class ScheduleKnobs(NamedTuple):
    """The numbers of a schedule as traced values: steps in updates, the two others without unit."""

    decay_steps: jax.Array | float
    warmup_steps: jax.Array | float
    rate: jax.Array | float


class Schedule(Protocol):
    """What an optimizer asks of a schedule."""

    def knobs(self, total_steps: int) -> ScheduleKnobs:
        """Its numbers; ``total_steps`` stands in where no number of steps was given."""

    def multiplier(self, step: jax.Array, knobs: ScheduleKnobs) -> jax.Array:
        """Multiplier of the learning rate for the update after ``step`` updates."""

    def structure(self) -> Self:
        """The same schedule with its numbers taken out."""


def _check_steps(argument: str, steps: int | None, smallest: int) -> None:
    if steps is not None and not (is_whole(steps) and steps >= smallest):
        raise ConfigError(f"{argument} must be a whole number of updates, {smallest} or more, not {steps!r}.")


@dataclass(frozen=True)
class Constant:
    """The learning rate as it is: multiplier 1."""

    def knobs(self, total_steps: int) -> ScheduleKnobs:
        return ScheduleKnobs(1.0, 0.0, 1.0)

    def multiplier(self, step: jax.Array, knobs: ScheduleKnobs) -> jax.Array:
        return jnp.ones_like(knobs.rate)

    def structure(self) -> Self:
        return self


CONSTANT = Constant()


@dataclass(frozen=True)
class ExponentialDecay:
    """multiplier = decay_rate^(step / decay_steps); with ``staircase`` the exponent is rounded down. As in Keras.

    Args:
        decay_rate: above 0; the factor after each ``decay_steps`` updates.
        decay_steps: in updates; None is the whole training.

    Raises:
        ConfigError: a number is outside its range.
    """

    decay_rate: float
    _: KW_ONLY
    decay_steps: int | None = None
    staircase: bool = False

    def __post_init__(self) -> None:
        if not (is_finite(self.decay_rate) and self.decay_rate > 0):
            raise ConfigError(f"decay_rate must be a positive number, not {self.decay_rate!r}.")
        _check_steps("decay_steps", self.decay_steps, 1)

    def knobs(self, total_steps: int) -> ScheduleKnobs:
        return ScheduleKnobs(float(self.decay_steps or total_steps), 0.0, self.decay_rate)

    def multiplier(self, step: jax.Array, knobs: ScheduleKnobs) -> jax.Array:
        exponent = step.astype(jnp.result_type(float)) / knobs.decay_steps
        return jnp.power(knobs.rate, jnp.floor(exponent) if self.staircase else exponent)

    def structure(self) -> Self:
        return replace(self, decay_rate=1.0, decay_steps=None)


@dataclass(frozen=True)
class CosineDecay:
    """Linear from 0 to 1 over ``warmup_steps``, then half a cosine from 1 down to ``alpha`` over ``decay_steps``.

    multiplier = step / warmup_steps, then alpha + (1 − alpha)·½(1 + cos(π·min(1, (step − warmup_steps)/decay_steps))).

    Args:
        decay_steps: in updates, counted after the warm-up; None is what the warm-up leaves of the whole training.
        warmup_steps: in updates.
        alpha: smallest multiplier, 0 … 1.

    Raises:
        ConfigError: a number is outside its range.

    Source: Loshchilov & Hutter 2017, without restarts; Keras' ``CosineDecay`` with ``warmup_target`` equal to the rate.
    """

    _: KW_ONLY
    decay_steps: int | None = None
    warmup_steps: int = 0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        _check_steps("decay_steps", self.decay_steps, 1)
        _check_steps("warmup_steps", self.warmup_steps, 0)
        if not (is_finite(self.alpha) and 0 <= self.alpha <= 1):
            raise ConfigError(f"alpha of CosineDecay must lie between 0 and 1, not {self.alpha!r}.")

    def knobs(self, total_steps: int) -> ScheduleKnobs:
        steps = self.decay_steps or max(1, total_steps - self.warmup_steps)
        return ScheduleKnobs(float(steps), float(self.warmup_steps), self.alpha)

    def multiplier(self, step: jax.Array, knobs: ScheduleKnobs) -> jax.Array:
        step = step.astype(jnp.result_type(float))
        progress = jnp.clip((step - knobs.warmup_steps) / knobs.decay_steps, 0, 1)
        decayed = knobs.rate + (1 - knobs.rate) * 0.5 * (1 + jnp.cos(jnp.pi * progress))
        return jnp.where(step < knobs.warmup_steps, step / jnp.maximum(knobs.warmup_steps, 1), decayed)

    def structure(self) -> Self:
        return replace(self, decay_steps=None, warmup_steps=0, alpha=0.0)
