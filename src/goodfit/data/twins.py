"""Rows that stand in two parts."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.check import Check
from goodfit.data.parts import Parts
from goodfit.data.table import Table

Keys = npt.NDArray[np.uint64]


def check_duplicates(table: Table, parts: Parts, columns: Sequence[str]) -> list[Check]:
    """Held-out rows whose columns all equal those of a row that trains."""
    keys = row_keys(table, columns)
    trained = keys[parts.train]
    held = np.concatenate([parts.validation, parts.test])
    twins = int(np.isin(keys[held], trained).sum())
    if not twins:
        return []
    sentence = f"{twins:,} of {len(held):,} validation and test rows are the same as a training row"
    return [Check("duplicates", "note", (), twins, sentence)]


def row_keys(table: Table, columns: Sequence[str]) -> Keys:
    """A number of every row that is the same for rows with equal values: uint64 (n_rows,).

    Σ_j multiplier_j · mixed(value_j) modulo 2⁶⁴ with odd random multipliers; for wide tables ten times as quick as
    `row_hashes`, and of use within one process only.
    """
    multipliers = np.random.default_rng(0).integers(2**63, size=len(columns), dtype=np.uint64) * np.uint64(2) + 1
    keys = np.zeros(table.n_rows, np.uint64)
    for name, multiplier in zip(columns, multipliers, strict=True):
        keys += _mixed(_words(table.arrow[name].combine_chunks())) * multiplier
    return keys


def _words(column: pa.Array) -> Keys:
    """64 bits of each cell: those of the number or moment, or which of the different strings it is."""
    if pa.types.is_string(column.type):
        codes = column.dictionary_encode().indices
        return np.asarray(codes.fill_null(-1)).astype(np.int64).view(np.uint64)
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.int64()).fill_null(np.iinfo(np.int64).min)
        return np.asarray(column).view(np.uint64)
    return (np.asarray(column.fill_null(np.nan)) + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0


def _mixed(words: Keys) -> Keys:
    """Every bit of a word spread over all others, so that sums of simple numbers do not meet (SplitMix64's mixer)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
