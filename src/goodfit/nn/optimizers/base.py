"""What all optimizers share: learning rate, schedule, clipping, weight decay, and the update of a network's weights.

One update: clip the gradient of the objective, which includes the penalty's; take the step of the optimizer; subtract
the decoupled weight decay η·weight_decay·w from kernels. η is the learning rate times the multiplier of its schedule.
Formulas and defaults are those of Keras 3.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyArray, Params, is_kernel
from goodfit.nn.schedules import CONSTANT, Schedule
from goodfit.validation import validate_not_negative

ArrayState = dict[str, Any]
"""What an optimizer remembers of one weight array: arrays of its shape, by name."""
OptimizerState = tuple[dict[str, ArrayState], ...]
"""The state of each weight array of each layer."""

CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimizers; each is a pytree of its numbers.

    A subclass gives ``learning_rate`` its default, adds numbers of its own, and defines ``state_names`` and ``update``.
    """

    learning_rate: float
    _: KW_ONLY
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    schedule: Schedule = CONSTANT
    below_one: ClassVar[tuple[str, ...]] = ()
    """Names of the numbers that must be below 1."""

    def __post_init__(self) -> None:
        for name, value in numbers(self).items():
            validate_not_negative(name, value)
            if name in self.below_one and value >= 1:
                raise ConfigError(f"{name} must be below 1, not {value!r}.")
            if name in CLIPS and value == 0:
                raise ConfigError(f"{name} must be larger than 0; use None for no clipping.")
        if not hasattr(self.schedule, "multiplier"):
            raise ConfigError(
                f"schedule must be CosineDecay(…), ExponentialDecay(…) or Constant(), not {self.schedule!r}."
            )
        if sum(name in CLIPS for name in numbers(self)) > 1:
            raise ConfigError(f"only one of {', '.join(CLIPS)} can be set.")

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the arrays in the state of one weight array."""
        raise NotImplementedError

    def update(self, g: jax.Array, state: ArrayState, *, eta: jax.Array, t: jax.Array) -> tuple[jax.Array, ArrayState]:
        """Return the update of one weight array and its new state.

        Args:
            g: gradient of the objective, after clipping. eta: η. t: number of this update, counted from 1.
        """
        raise NotImplementedError

    def step_sizes(self, state: ArrayState, *, t: AnyArray) -> AnyArray | None:
        """Return the step of each weight at update ``t`` per unit of momentum; None where it is η for all."""
        return None


def numbers(optimizer: Optimizer) -> dict[str, float]:
    """Return every number of the optimizer that a sweep can vary, by name, without optional ones that are None."""
    values = ((field.name, field.type, getattr(optimizer, field.name)) for field in fields(optimizer))
    return {name: v for name, kind, v in values if kind is float or (kind == float | None and v is not None)}


def init_optimizer(optimizer: Optimizer, params: Params) -> OptimizerState:
    """Return the state of every weight array, all zero."""
    return tuple(
        {key: {name: np.zeros(w.shape, w.dtype) for name in optimizer.state_names} for key, w in layer.items()}
        for layer in params
    )


def sum_of_squares(arrays: Params) -> jax.Array:
    """Return the sum of the squares of all entries of all arrays.

    Each array is summed in 128 columns side by side: XLA would add a long vector entry by entry.
    """
    terms = (
        jnp.sum(jnp.sum(jnp.square(jnp.pad(a.reshape(-1), (0, -a.size % 128)).reshape(-1, 128)), axis=0))
        for layer in arrays
        for a in layer.values()
    )
    return sum(terms, start=jnp.zeros(()))


def clip_gradients(optimizer: Optimizer, grads: Params) -> Params:
    """Return the gradients under the one clip that is set: ``g·c/max(‖g‖, c)``, or each entry limited to [−c, c]."""

    def each(clipped: Callable[[jax.Array], jax.Array]) -> Params:
        return tuple({name: clipped(g) for name, g in layer.items()} for layer in grads)

    def scaled(g: jax.Array, norm: jax.Array, limit: float) -> jax.Array:
        return g * (limit / jnp.maximum(norm, limit))

    if (value := optimizer.clipvalue) is not None:
        return each(lambda g: jnp.clip(g, -value, value))
    if (limit := optimizer.clipnorm) is not None:
        return each(lambda g: scaled(g, jnp.sqrt(jnp.sum(jnp.square(g))), limit))
    if (limit_of_all := optimizer.global_clipnorm) is not None:
        norm = jnp.sqrt(sum_of_squares(grads))
        return each(lambda g: scaled(g, norm, limit_of_all))
    return grads


def update_weights(
    optimizer: Optimizer, grads: Params, state: OptimizerState, params: Params, *, step: jax.Array
) -> tuple[Params, OptimizerState, Params]:
    """Return the weights and the optimizer state after one update, and the update of each weight.

    Args:
        optimizer: its numbers may be traced.
        grads: gradient of the objective, with the shapes of ``params``.
        step: number of updates made before this one.
    """
    eta = optimizer.learning_rate * optimizer.schedule.multiplier(step)
    t = (step + 1).astype(jnp.result_type(eta))
    new_params, new_state, updates = [], [], []
    for layer_grads, layer_state, layer in zip(clip_gradients(optimizer, grads), state, params, strict=True):
        weights, remembered, moved = {}, {}, {}
        for name, w in layer.items():
            moved[name], remembered[name] = optimizer.update(layer_grads[name], layer_state[name], eta=eta, t=t)
            if optimizer.weight_decay is not None and is_kernel(name):
                moved[name] = moved[name] - optimizer.weight_decay * eta * w
            weights[name] = w + moved[name]
        new_params.append(weights)
        new_state.append(remembered)
        updates.append(moved)
    return tuple(new_params), tuple(new_state), tuple(updates)
