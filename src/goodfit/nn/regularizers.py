"""The penalty that regularisation adds to the prediction error.

    penalty = Σ over penalised weight arrays W of  l1·Σ|w| + l2·Σw²        objective = loss + penalty

No ½, no division by the number of rows or by the batch size: the same strength means the same thing for every batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyParams
from goodfit.nn.validation import is_finite

Strengths = Sequence[Mapping[str, jax.Array | float]]


@dataclass(frozen=True)
class L1L2:
    """Strength of the penalty on one weight array: ``l1·Σ|w| + l2·Σw²``; ``None`` leaves a term out.

    A strength of 0 keeps its term in the compiled program, so that 0 and 0.01 are two values of one number and share
    one compilation; ``None`` does not.

    Raises:
        ConfigError: a strength is negative, infinite or not a number.
    """

    l1: float | None = None
    l2: float | None = None

    def __post_init__(self) -> None:
        for name, strength in (("l1", self.l1), ("l2", self.l2)):
            if strength is not None and not (is_finite(strength) and strength >= 0):
                raise ConfigError(f"{name} must be a finite number, zero or larger, not {strength!r}.")


def l2(strength: float = 0.01) -> L1L2:
    """Penalty ``strength · Σw²`` on a weight array (ridge, the guide's λ); equals Keras' ``L2(strength)``.

    >>> l2(0.01)
    L1L2(l1=None, l2=0.01)
    >>> float(penalty([{"kernel": jnp.array([2.0, 3.0, 1.0, 4.0])}], l1=[{}], l2=[{"kernel": 0.01}]).round(6))
    0.3

    Raises:
        ConfigError: ``strength`` is negative, infinite or not a number.
    """
    return L1L2(l2=strength)


def l1(strength: float = 0.01) -> L1L2:
    """Penalty ``strength · Σ|w|`` on a weight array (lasso); equals Keras' ``L1(strength)``.

    Raises:
        ConfigError: ``strength`` is negative, infinite or not a number.
    """
    return L1L2(l1=strength)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Penalty ``l1 · Σ|w| + l2 · Σw²`` on a weight array (elastic net); equals Keras' ``L1L2(l1, l2)``.

    Raises:
        ConfigError: a strength is negative, infinite or not a number.
    """
    return L1L2(l1=l1, l2=l2)


def penalty(params: AnyParams, *, l1: Strengths, l2: Strengths) -> jax.Array:
    """Sum of all penalties, a scalar.

    Args:
        params: one mapping of name to weight array for each layer.
        l1, l2: for each layer, name to strength, for the arrays that carry that term and for no other.
    """
    terms = (
        strength * jnp.sum(size(layer[name]))
        for strengths, size in ((l1, jnp.abs), (l2, jnp.square))
        for layer, carried in zip(params, strengths, strict=True)
        for name, strength in carried.items()
    )
    return sum(terms, start=jnp.zeros((), jnp.result_type(float)))


def add_penalty_gradient(
    grads: AnyParams, params: AnyParams, *, l1: Strengths, l2: Strengths
) -> list[dict[str, jax.Array]]:
    """Gradient of the objective from the gradient of the loss: ``g + 2·l2·w + l1·sign(w)``.

    Written by hand because it saves the compiled program a pass over the weights.
    """
    out = [dict(layer) for layer in grads]
    for layer, weights, squared, absolute in zip(out, params, l2, l1, strict=True):
        for name, strength in squared.items():
            layer[name] += strength * (weights[name] + weights[name])  # 2 * strength would be a part of its own
        for name, strength in absolute.items():
            layer[name] += strength * jnp.sign(weights[name])
    return out
