"""Outputs for validation rows at an epoch that these rows did not choose.

Validation rows choose the epoch that is restored, so that their loss there is too low, and the fewer they are, the
more. Here they are dealt into two halves, and the outputs of each half are kept at the epoch at which the loss of the
other half is lowest. What is measured by them is what new rows can expect.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray
from goodfit.nn.losses import weighted_mean


class HalvesState(NamedTuple):
    """State after an epoch.

    outputs: of each validation row at the best epoch of the other half (rows, outputs). lowest: lowest loss of each
    half so far (2,).
    """

    outputs: AnyArray
    lowest: AnyArray


def init_halves(n_rows: int, n_outputs: int, dtype: str) -> HalvesState:
    """Return the state before the first epoch; with no rows, nothing is kept."""
    return HalvesState(np.zeros((n_rows, n_outputs), dtype), np.full(2, np.inf, dtype))


def update_halves(state: HalvesState, outputs: jax.Array, losses: jax.Array, weights: jax.Array) -> HalvesState:
    """Return the state after an epoch.

    Args:
        outputs: of the validation rows (rows, outputs). losses, weights: of each (rows,).
    """
    half = jnp.arange(len(losses)) % 2
    means = jnp.stack([weighted_mean(losses, jnp.where(half == which, weights, 0)) for which in (0, 1)])
    # A half without rows chooses nothing: a single row is judged at its own best epoch.
    means = jnp.where(jnp.stack([weights[::2].sum(), weights[1::2].sum()]) > 0, means, weighted_mean(losses, weights))
    improved = means < state.lowest
    kept = jnp.where(improved[1 - half][:, None], outputs, state.outputs)
    return HalvesState(kept, jnp.where(improved, means, state.lowest))
