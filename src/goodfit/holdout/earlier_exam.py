"""Rows of a new table that belong to the exam of an earlier run, or that it has learned from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Indices
from goodfit.data.row_keys import KeyRule, row_keys
from goodfit.data.table import Table
from goodfit.holdout.sealed_rows import SealedRows


class Met(NamedTuple):
    """Rows of a table that an earlier run has met, by their places in it.

    sealed: equal to a test row of the earlier run, and to none of its known rows. known: equal to a known row.
    """

    sealed: Indices
    known: Indices


def met_before(table: Table, exam: SealedRows, known: Indices, columns: Sequence[str]) -> Met:
    """Return which rows an earlier run has met, by the hashes of their cells.

    Args:
        table: with these columns as the kinds that they have in ``exam.schema``.
        exam: test rows of the earlier run. known: numbers of its known rows, in the same source.
        columns: by which rows are compared.
    """
    rule = KeyRule(tuple(columns))
    keys = row_keys(table, rule)
    is_known = np.isin(keys, exam.keys_beside(known, rule))
    return Met(np.flatnonzero(np.isin(keys, exam.keys(rule)) & ~is_known), np.flatnonzero(is_known))
