"""The penalty that regularization adds to the prediction error.

    penalty = Σ over penalised weight arrays W of  l1·Σ|w| + l2·Σw²        objective = loss + penalty

There is no ½ and no division by the number of rows or the batch size, so a strength means the same for every batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from goodfit.nn.arrays import AnyParams
from goodfit.nn.pytrees import hyperparameters
from goodfit.validation import validate_not_negative


@hyperparameters()
@dataclass(frozen=True)
class L1L2:
    """Penalty ``l1·Σ|w| + l2·Σw²`` on one weight array; None leaves a term out.

    A strength of 0 keeps its term in the compiled program: 0 and 0.01 are two values of one number and share one
    compilation, None and 0 do not.

    Raises:
        ConfigError: a strength is not a finite number, zero or larger.
    """

    l1: float | None = None
    l2: float | None = None

    def __post_init__(self) -> None:
        for name, strength in (("l1", self.l1), ("l2", self.l2)):
            if strength is not None:
                validate_not_negative(name, strength)

    def __call__(self, weights: ArrayLike | Sequence[float]) -> jax.Array:
        """Return the penalty of one weight array of any shape, a scalar, as regularizers of Keras do.

        >>> print(f"{l2(0.01)([2, 3, 1, 4]):.2f}")
        0.30
        """
        w = jnp.asarray(weights)
        w = w if jnp.issubdtype(w.dtype, jnp.floating) else w.astype(jnp.result_type(float))
        return penalty([{"weights": w}], [{"weights": self}])


Regularizers = Sequence[Mapping[str, L1L2]]
"""For each layer, the regularizer of each penalised weight array by name."""


def l2(strength: float = 0.01) -> L1L2:
    """Penalty ``strength · Σw²`` on a weight array (ridge); equals Keras' ``L2(strength)``.

    >>> l2(0.01)
    L1L2(l1=None, l2=0.01)
    >>> float(penalty([{"kernel": jnp.array([2.0, 3.0, 1.0, 4.0])}], [{"kernel": l2(0.01)}]).round(6))
    0.3

    Raises:
        ConfigError: ``strength`` is not a finite number, zero or larger.
    """
    return L1L2(l2=strength)


def l1(strength: float = 0.01) -> L1L2:
    """Penalty ``strength · Σ|w|`` on a weight array (lasso); equals Keras' ``L1(strength)``.

    >>> float(penalty([{"kernel": jnp.array([2.0, -3.0, 1.0, 4.0])}], [{"kernel": l1(0.01)}]).round(6))
    0.1

    Raises:
        ConfigError: ``strength`` is not a finite number, zero or larger.
    """
    return L1L2(l1=strength)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Penalty ``l1 · Σ|w| + l2 · Σw²`` on a weight array (elastic net); equals Keras' ``L1L2(l1, l2)``.

    Raises:
        ConfigError: a strength is not a finite number, zero or larger.
    """
    return L1L2(l1=l1, l2=l2)


def penalty(params: AnyParams, regularizers: Regularizers) -> jax.Array:
    """Return the sum of all penalties, a scalar.

    Args:
        params: weight arrays of each layer by name.
        regularizers: of the penalised arrays of each layer, by the same names.
    """
    terms = (
        strength * jnp.sum(size(layer[name]))
        for term, size in (("l1", jnp.abs), ("l2", jnp.square))
        for layer, penalised in zip(params, regularizers, strict=True)
        for name, regularizer in penalised.items()
        if (strength := getattr(regularizer, term)) is not None
    )
    return sum(terms, start=jnp.zeros((), jnp.result_type(float)))


def add_penalty_gradient(
    grads: AnyParams, params: AnyParams, regularizers: Regularizers
) -> tuple[dict[str, jax.Array], ...]:
    """Return the gradient of the objective from that of the loss: ``g + 2·l2·w + l1·sign(w)``.

    Written by hand because it saves the compiled program a pass over the weights.
    """
    found = tuple(dict(layer) for layer in grads)
    for layer, weights, penalised in zip(found, params, regularizers, strict=True):
        for name, regularizer in penalised.items():
            w = weights[name]
            if regularizer.l2 is not None:
                layer[name] += regularizer.l2 * (w + w)  # 2 * strength would be one more operation
            if regularizer.l1 is not None:
                layer[name] += regularizer.l1 * jnp.sign(w)
    return found
