"""Rows of which most values are 0, given by the others, and the first layer of a network for them."""

from dataclasses import dataclass, fields
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.layers import CHOICES_OF_DENSE, Dense, LayerParams
from goodfit.nn.pytrees import hyperparameters
from goodfit.nn.regularizers import L1L2

KERNEL = "kernel_by_column"
"""Name of the kernel, whose rows are not as many as the numbers of an input."""


def entries(indptr: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the entries of a CSR matrix as the inputs of ``SparseDense``, float32.

    Row i has column, value, column, value, …, and then pairs of zeros, up to the row with the most entries.

    >>> entries(np.array([0, 2, 3]), np.array([0, 5, 2]), np.array([0.5, 2.0, 1.0])).tolist()
    [[0.0, 0.5, 5.0, 2.0], [2.0, 1.0, 0.0, 0.0]]
    """
    counts = np.diff(indptr)
    x = np.zeros((len(counts), max(1, counts.max(initial=0)), 2), np.float32)
    rows = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(columns)) - np.repeat(indptr[:-1], counts)
    x[rows, places, 0], x[rows, places, 1] = columns, values
    return x.reshape(len(x), -1)


@hyperparameters(static=(*CHOICES_OF_DENSE, "columns", "entries"))
@dataclass(frozen=True)
class SparseDense(Dense):
    """The same as ``Dense`` on rows that are given by their entries: ``activation(Σ value·kernel[column] + bias)``.

    Args:
        columns: number of columns of the rows, at most 2²⁴, since float32 holds their numbers exactly; the kernel has
            shape (columns, units).
        entries: most entries of a row.
    """

    columns: int = 0
    entries: int = 0

    @classmethod
    def like(cls, dense: Dense, *, columns: int, entries: int) -> Self:
        """Return the layer for such rows that is otherwise the same."""
        same = {field.name: getattr(dense, field.name) for field in fields(dense)}
        return cls(columns=columns, entries=entries, **same)

    def init(self, rng: np.random.Generator, n_inputs: int) -> tuple[dict[str, np.ndarray], int]:
        params, units = super().init(rng, self.columns)
        return {KERNEL if name == "kernel" else name: values for name, values in params.items()}, units

    def shapes(self, n_inputs: int) -> tuple[dict[str, tuple[int, ...]], int]:
        shapes, units = super().shapes(self.columns)
        return {KERNEL if name == "kernel" else name: shape for name, shape in shapes.items()}, units

    def linear(self, params: LayerParams, x: jax.Array) -> jax.Array:
        columns, values = x[:, ::2].astype(jnp.int32), x[:, 1::2]
        rows = params[KERNEL].at[columns].get(mode="clip", wrap_negative_indices=False)
        outputs = jnp.einsum("re,reu->ru", values, rows)
        return outputs + params["bias"][None, :] if self.use_bias else outputs

    def regularizers(self) -> dict[str, L1L2]:
        return {KERNEL if name == "kernel" else name: of for name, of in super().regularizers().items()}

    def non_trainable(self) -> frozenset[str]:
        return frozenset(KERNEL if name == "kernel" else name for name in super().non_trainable())

    @property
    def width(self) -> int:
        return self.units * max(1, self.entries)
