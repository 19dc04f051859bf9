"""Losses of single known rows by models that were not trained on them: what two runs are compared by, row by row."""

from dataclasses import dataclass

import numpy as np

from goodfit.arrays import Array

MAX_ROWS = 1_000_000
"""Rows that are kept, the first of the table."""


@dataclass(frozen=True)
class OutOfFold:
    """Rows that judged what predicts, and the loss of each.

    rows: their numbers in the table, ascending. losses: log loss, or squared error in the target's own unit, without
    weights of rows or classes, to six digits.
    """

    rows: tuple[int, ...]
    losses: tuple[float, ...]


def out_of_fold(rows: Array, losses: Array) -> OutOfFold:
    """Return the losses of rows in the order of the table."""
    order = np.argsort(rows)[:MAX_ROWS]
    return OutOfFold(tuple(rows[order].tolist()), tuple(float(f"{loss:.6g}") for loss in losses[order].tolist()))
