"""Adam and AdamW."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray
from goodfit.nn.optimizers.base import ArrayState, Optimizer
from goodfit.nn.pytrees import hyperparameters


@hyperparameters(static=("amsgrad",))
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam in the ε̂ form: the step of each weight is scaled by running means of its gradient and squared gradient.

        α_t = η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)
        m += (g − m)(1 − β₁)        v += (g² − v)(1 − β₂)        w −= α_t·m/(√v + ε)

    An L2 penalty is part of g and so passes through m and v (coupled); ``weight_decay`` is decoupled (AdamW) and acts
    on kernels only. torch and optax add ε after the bias correction of v: their ε equals ours divided by √(1 − β₂ᵗ).

    Args:
        learning_rate: η, by default 0.001.
        beta_1, beta_2: decay of the two running means, by default 0.9 and 0.999.
        epsilon: ε, by default 1e-7.
        amsgrad: divide by the largest √v so far (Reddi et al. 2018), the maximum taken before the bias correction.
        weight_decay: decoupled decay of the kernels (Loshchilov & Hutter 2019); None for none.
        clipnorm, global_clipnorm, clipvalue: limit of the gradient norm of each array, of the norm of all, of each
            entry; at most one.
        schedule: multiplier of η over the updates.

    Raises:
        ConfigError: a number is out of range, or two clips are set.

    Source: Kingma & Ba (2015), the efficient form before section 2.1; Keras 3.

    >>> from goodfit.nn.optimizers.base import init_optimizer, update_weights
    >>> adam, w, g = Adam(0.1), ({"kernel": np.ones(1)},), ({"kernel": np.array([5.0])},)
    >>> w, _, _ = update_weights(adam, g, init_optimizer(adam, w), w, step=np.array(0))
    >>> round(float(w[0]["kernel"][0]), 4)
    0.9
    """

    learning_rate: float = 0.001
    _: KW_ONLY
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    below_one: ClassVar = ("beta_1", "beta_2")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("momentum", "velocity", "velocity_hat") if self.amsgrad else ("momentum", "velocity")

    def update(self, g: jax.Array, state: ArrayState, *, eta: jax.Array, t: jax.Array) -> tuple[jax.Array, ArrayState]:
        alpha = eta * jnp.sqrt(1 - jnp.power(self.beta_2, t)) / (1 - jnp.power(self.beta_1, t))
        m = state["momentum"] + (g - state["momentum"]) * (1 - self.beta_1)
        v = state["velocity"] + (jnp.square(g) - state["velocity"]) * (1 - self.beta_2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = jnp.maximum(state["velocity_hat"], v)
        return -alpha * m / (jnp.sqrt(v) + self.epsilon), new

    def step_sizes(self, state: ArrayState, *, t: AnyArray) -> AnyArray:
        """Return the step of each weight at update ``t`` per unit of momentum: α_t/(√v + ε), without the schedule.

        >>> Adam().step_sizes({"velocity": np.array([1.0, 0.0001])}, t=np.array(10**6)).round(4)
        array([0.001, 0.1  ])
        """
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        alpha = self.learning_rate * np.sqrt(1 - beta_2 ** float(t)) / (1 - beta_1 ** float(t))
        v = state["velocity_hat" if self.amsgrad else "velocity"]
        return np.asarray(alpha / (np.sqrt(v) + self.epsilon))
