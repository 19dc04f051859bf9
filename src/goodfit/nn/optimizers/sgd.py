"""Stochastic gradient descent."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import jax

from goodfit.nn.optimizers.base import ArrayState, Optimizer
from goodfit.nn.pytrees import hyperparameters


@hyperparameters(static=("nesterov",))
@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: ``v = μ·v − η·g``, ``w += v``; with Nesterov momentum ``w += μ·v − η·g``.

    Args:
        learning_rate: η, by default 0.01 as in Keras.
        momentum: μ, 0 ≤ μ < 1.
        nesterov: use Nesterov momentum (Sutskever et al. 2013).
        weight_decay: decoupled decay of the kernels; None for none.
        clipnorm, global_clipnorm, clipvalue: limit of the gradient norm of each array, of the norm of all, of each
            entry; at most one.
        schedule: multiplier of η over the updates.

    Raises:
        ConfigError: a number is out of range, or two clips are set.

    >>> import numpy as np
    >>> from goodfit.nn.optimizers.base import init_optimizer, update_weights
    >>> w, g = ({"kernel": np.ones(1)},), ({"kernel": np.array([5.0])},)
    >>> w, _, _ = update_weights(SGD(0.1), g, init_optimizer(SGD(0.1), w), w, step=np.array(0))
    >>> float(w[0]["kernel"][0])
    0.5
    """

    learning_rate: float = 0.01
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False
    below_one: ClassVar = ("momentum",)

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("velocity",)

    def update(self, g: jax.Array, state: ArrayState, *, eta: jax.Array, t: jax.Array) -> tuple[jax.Array, ArrayState]:
        velocity = self.momentum * state["velocity"] - eta * g
        return self.momentum * velocity - eta * g if self.nesterov else velocity, {"velocity": velocity}
