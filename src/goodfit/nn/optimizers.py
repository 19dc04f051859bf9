"""Optimizers: frozen descriptions, and pure functions ``init_optimizer`` and ``update``; form and defaults of Keras 3.

One update, in this order: clip the gradient of the objective (the penalty's gradient with it), decoupled weight decay
of the kernels w −= w·weight_decay·η, then the step of SGD or Adam. η is the learning rate times the schedule's
multiplier.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import Array, Params
from goodfit.nn.schedules import CONSTANT, Schedule
from goodfit.nn.validation import is_finite

Knobs = Mapping[str, Any]
OptimizerState = dict[str, Any]
"""What an optimizer remembers of one weight array, by name; each of the array's shape."""


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: ``v = μ·v − η·g``, ``w += v``; with Nesterov ``w += μ·v − η·g``.

    Args:
        learning_rate: η, 0.01 as in Keras.
        momentum: μ, 0 ≤ μ < 1.
        nesterov: look ahead along the momentum (Sutskever et al. 2013).
        weight_decay: decoupled decay of the kernels; None for none.
        clipnorm, global_clipnorm, clipvalue: bound of each array's gradient norm, of the norm of all, of each entry.
        schedule: multiplier of η over the updates.

    Raises:
        ConfigError: a number is negative, infinite or not a number, or two clips are set.
    """

    learning_rate: float = 0.01
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    schedule: Schedule = CONSTANT
    state_names: ClassVar = ("velocity",)

    def __post_init__(self) -> None:
        _check(self)

    def change(
        self, g: jax.Array, slots: OptimizerState, *, eta: jax.Array, t: jax.Array, knobs: Knobs
    ) -> tuple[jax.Array, OptimizerState]:
        """Change of one weight array by its gradient ``g``, and its new slots."""
        velocity = knobs["momentum"] * slots["velocity"] - eta * g
        return knobs["momentum"] * velocity - eta * g if self.nesterov else velocity, {"velocity": velocity}


@dataclass(frozen=True)
class Adam:
    """Adam in the ε̂ form: every weight has a step of its own, small where gradients are frequent, large where rare.

        α_t = η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)
        m += (g − m)(1 − β₁)        v += (g² − v)(1 − β₂)        w −= α_t·m/(√v + ε)

    An L2 penalty is part of g and so passes through m and v (coupled); ``weight_decay`` is the other, decoupled thing
    (AdamW), for kernels only. torch and optax add ε after the bias correction of v instead: their ε equals ours divided
    by √(1 − β₂ᵗ).

    Args:
        learning_rate: η, 0.001.
        beta_1, beta_2: decay of the two running means, 0.9 and 0.999.
        epsilon: ε, 1e-7.
        amsgrad: divide by the largest √v so far (Reddi et al. 2018), the maximum taken before the bias correction.
        weight_decay: decoupled decay of the kernels (Loshchilov & Hutter 2019); None for none.
        clipnorm, global_clipnorm, clipvalue: bound of each array's gradient norm, of the norm of all, of each entry.
        schedule: multiplier of η over the updates.

    Raises:
        ConfigError: a number is negative, infinite or not a number, or two clips are set.

    Source: Kingma & Ba 2015, the efficient form before section 2.1; Keras 3.

    >>> w = ({"kernel": jnp.ones(1)},)
    >>> slots = init_optimizer(Adam(), w)
    >>> knobs = optimizer_knobs(Adam(learning_rate=0.1), total_steps=1)
    >>> w, _, change = update(Adam(), ({"kernel": jnp.array([5.0])},), slots, w, step=jnp.array(0), knobs=knobs)
    >>> round(float(w[0]["kernel"][0]), 4)
    0.9
    """

    learning_rate: float = 0.001
    _: KW_ONLY
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    schedule: Schedule = CONSTANT
    state_names: ClassVar = ("momentum", "velocity")

    def __post_init__(self) -> None:
        _check(self)

    def change(
        self, g: jax.Array, slots: OptimizerState, *, eta: jax.Array, t: jax.Array, knobs: Knobs
    ) -> tuple[jax.Array, OptimizerState]:
        """Change of one weight array by its gradient ``g``, and its new slots."""
        beta_1, beta_2 = knobs["beta_1"], knobs["beta_2"]
        alpha = eta * jnp.sqrt(1 - jnp.power(beta_2, t)) / (1 - jnp.power(beta_1, t))
        m = slots["momentum"] + (g - slots["momentum"]) * (1 - beta_1)
        v = slots["velocity"] + (jnp.square(g) - slots["velocity"]) * (1 - beta_2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = jnp.maximum(slots["velocity_hat"], v)
        return -alpha * m / (jnp.sqrt(v) + knobs["epsilon"]), new

    def step_sizes(self, slots: OptimizerState, *, t: Array, knobs: Knobs) -> Array:
        """By how much each weight moved at update ``t`` for a unit of momentum: α_t/(√v + ε), on the host.

        >>> slots = {"velocity": np.array([1.0, 0.0001])}
        >>> Adam().step_sizes(slots, t=np.array(10**6), knobs=optimizer_knobs(Adam(), total_steps=1)).round(4)
        array([0.001, 0.1  ])
        """
        beta_1, beta_2 = (float(knobs[name]) for name in ("beta_1", "beta_2"))
        alpha = knobs["learning_rate"] * np.sqrt(1 - beta_2 ** float(t)) / (1 - beta_1 ** float(t))
        v = slots["velocity_hat" if self.amsgrad else "velocity"]
        return np.asarray(alpha / (np.sqrt(v) + knobs["epsilon"]))


Optimizer = SGD | Adam
CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
OPTIONAL = ("weight_decay", *CLIPS)
SWITCHES = ("nesterov", "amsgrad")
BELOW_ONE = ("momentum", "beta_1", "beta_2")


def get_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of that name with its defaults (or the optimizer itself); ConfigError when there is none."""
    if optimizer in ("adam", "sgd"):
        return Adam() if optimizer == "adam" else SGD()
    if not isinstance(optimizer, SGD | Adam):
        raise ConfigError(f"optimizer must be 'adam', 'sgd', Adam(…) or SGD(…), not {optimizer!r}.")
    return optimizer


def numbers(optimizer: Optimizer) -> dict[str, float]:
    """Every number of the optimizer that can be swept, by name; what was left at None is not part of the program."""
    names = [field.name for field in fields(optimizer) if field.name not in (*SWITCHES, "schedule")]
    values = {name: getattr(optimizer, name) for name in names}
    return {name: value for name, value in values.items() if value is not None or name not in OPTIONAL}


def _check(optimizer: Optimizer) -> None:
    for name, value in numbers(optimizer).items():
        if not (is_finite(value) and value >= 0):
            raise ConfigError(f"{name} must be a finite number, zero or larger, not {value!r}.")
        if name in BELOW_ONE and value >= 1:
            raise ConfigError(f"{name} must be below 1, not {value!r}.")
        if name in CLIPS and value == 0:
            raise ConfigError(f"{name} must be larger than 0; leave it at None for no clipping.")
    if not hasattr(optimizer.schedule, "multiplier"):
        raise ConfigError(
            f"schedule must be CosineDecay(…), ExponentialDecay(…) or Constant(), not {optimizer.schedule!r}."
        )
    if sum(name in CLIPS for name in numbers(optimizer)) > 1:
        raise ConfigError(f"only one of {', '.join(CLIPS)} can be set.")


def optimizer_knobs(optimizer: Optimizer, *, total_steps: int) -> dict[str, Any]:
    """The numbers of the optimizer and its schedule; ``total_steps`` is the number of updates of the whole training."""
    return {**numbers(optimizer), "schedule": optimizer.schedule.knobs(total_steps)}


def optimizer_structure(optimizer: Optimizer) -> Optimizer:
    """The same optimizer with every number set to ½: what is left decides the compiled program."""
    changes: dict[str, Any] = dict.fromkeys(numbers(optimizer), 0.5)
    return replace(optimizer, schedule=optimizer.schedule.structure(), **changes)


def init_optimizer(optimizer: Optimizer, params: Params) -> tuple[dict[str, OptimizerState], ...]:
    """OptimizerState of every weight array, all zero."""
    names = (*optimizer.state_names, "velocity_hat") if getattr(optimizer, "amsgrad", False) else optimizer.state_names
    return tuple(
        {key: {name: np.zeros(w.shape, w.dtype) for name in names} for key, w in layer.items()} for layer in params
    )


def _bounded(g: jax.Array, norm: jax.Array, bound: jax.Array) -> jax.Array:
    return g * (bound / jnp.maximum(norm, bound))


def sum_of_squares(arrays: Params) -> jax.Array:
    """Σ of the squares of all entries of all arrays.

    Each array is summed in 128 columns side by side: XLA would add a long vector entry after entry.
    """
    terms = (
        jnp.sum(jnp.sum(jnp.square(jnp.pad(a.reshape(-1), (0, -a.size % 128)).reshape(-1, 128)), axis=0))
        for layer in arrays
        for a in layer.values()
    )
    return sum(terms, start=jnp.zeros(()))


def clip(grads: Params, knobs: Knobs) -> Params:
    """Gradients bounded by the one clip that is set: ``g·c/max(‖g‖, c)``, or each entry to [−c, c]."""

    def each(bound: Callable[[jax.Array], jax.Array]) -> Params:
        return tuple({name: bound(g) for name, g in layer.items()} for layer in grads)

    if "clipvalue" in knobs:
        return each(lambda g: jnp.clip(g, -knobs["clipvalue"], knobs["clipvalue"]))
    if "clipnorm" in knobs:
        return each(lambda g: _bounded(g, jnp.sqrt(jnp.sum(jnp.square(g))), knobs["clipnorm"]))
    if "global_clipnorm" in knobs:
        norm = jnp.sqrt(sum_of_squares(grads))
        return each(lambda g: _bounded(g, norm, knobs["global_clipnorm"]))
    return grads


def update(
    optimizer: Optimizer,
    grads: Params,
    slots: tuple[dict[str, OptimizerState], ...],
    params: Params,
    *,
    step: jax.Array,
    knobs: Knobs,
) -> tuple[Params, tuple[dict[str, OptimizerState], ...], Params]:
    """Weights and slots after one update, and by how much it moved each weight.

    Args:
        grads: gradient of the objective, shaped as ``params``.
        step: number of updates made before this one, a whole number.
        knobs: from ``optimizer_knobs``; every number in it may be traced.
    """
    eta = knobs["learning_rate"] * optimizer.schedule.multiplier(step, knobs["schedule"])
    t = (step + 1).astype(jnp.result_type(eta))
    new_params, new_slots, changes = [], [], []
    for layer_grads, layer_slots, layer in zip(clip(grads, knobs), slots, params, strict=True):
        weights, remembered, moved = {}, {}, {}
        for name, w in layer.items():
            change, remembered[name] = optimizer.change(layer_grads[name], layer_slots[name], eta=eta, t=t, knobs=knobs)
            decay = knobs["weight_decay"] * eta * w if "weight_decay" in knobs and name == "kernel" else None
            moved[name] = change if decay is None else change - decay
            weights[name] = w + moved[name]
        new_params.append(weights)
        new_slots.append(remembered)
        changes.append(moved)
    return tuple(new_params), tuple(new_slots), tuple(changes)
