"""Outputs for validation rows at an epoch that these rows did not choose.

Validation rows choose the epoch that is restored, so that their loss there is too low, and the fewer they are, the
more. Here they are dealt into five parts, and the outputs of each part are kept at the epoch at which the loss of the
other parts is lowest. What is measured by them is what new rows can expect.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray
from goodfit.nn.losses import weighted_mean

N_PARTS = 5
"""With two, half of the rows choose an epoch, and the test loss of the ensemble was 0.3 % higher."""


class CrossFittedState(NamedTuple):
    """State after an epoch.

    outputs: of each validation row at the best epoch of the other parts (rows, outputs). lowest: for each part, the
    lowest loss of the other parts so far (parts,).
    """

    outputs: AnyArray
    lowest: AnyArray


def init_cross_fitted(n_rows: int, n_outputs: int, dtype: str) -> CrossFittedState:
    """Return the state before the first epoch; with no rows, nothing is kept."""
    return CrossFittedState(np.zeros((n_rows, n_outputs), dtype), np.full(N_PARTS, np.inf, dtype))


def update_cross_fitted(
    state: CrossFittedState,
    outputs: jax.Array,
    losses: jax.Array,
    weights: jax.Array,
    *,
    counts: jax.Array | bool = True,
    improved: jax.Array | None = None,
) -> CrossFittedState:
    """Return the state after an epoch.

    Args:
        outputs: of the validation rows (rows, outputs). losses, weights: of each (rows,).
        counts: whether an epoch may be chosen yet; until then the outputs of the latest one are kept.
        improved: whether the epoch is the best so far by another value than the validation loss, which then chooses the
            epoch of all rows.
    """
    part = jnp.arange(len(losses)) % N_PARTS

    def loss_of_others(which: jax.Array) -> jax.Array:
        others = jnp.where(part == which, 0, weights)
        # A single row has no others: it is judged at its own best epoch.
        mean: jax.Array = weighted_mean(losses, jnp.where(others.sum() > 0, others, weights))
        return mean

    means = jax.vmap(loss_of_others)(jnp.arange(N_PARTS))
    better = means < state.lowest if improved is None else jnp.broadcast_to(improved, means.shape)
    kept = jnp.where((better | ~jnp.asarray(counts))[part][:, None], outputs, state.outputs)
    return CrossFittedState(kept, jnp.where(better & counts, means, state.lowest))
