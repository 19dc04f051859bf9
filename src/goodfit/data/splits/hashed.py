"""Splits and samples by a hash of seed and row number: each row can be placed without knowing any other.

    u = mix(64 bits of the seed and the purpose + (row + 1)·φ) / 2⁶⁴

A row is a test row if u < test_size, and one of the others a validation row if (u − test_size)/(1 − test_size) <
validation_split. A sample are the rows with the lowest hashes for another purpose ("bottom-k"): rows of any order, or
dealt out to any number of readers, give the same sample.

Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014), for mix and φ; Cohen and Kaplan,
Summarizing data using bottom-k sketches (2007).
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array, Indices
from goodfit.data.row_keys import Keys, mixed

Purpose = Literal["split", "sample", "block"]
TRAIN, VALIDATION, TEST = range(3)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hash_rows(rows: Indices, *, seed: int, purpose: Purpose) -> Keys:
    """Return the hash of each row number (rows,) for a purpose: uniform, and independent of those for others."""
    start = np.frombuffer(blake2b(f"{purpose}:{seed}".encode(), digest_size=8).digest(), "<u8")[0]
    return mixed(start + (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def hashed_splits(rows: Indices, *, test_size: float, validation_split: float, seed: int) -> Array:
    """Return TRAIN, VALIDATION or TEST of each row number: int8 (rows,).

    >>> found = hashed_splits(np.arange(100_000), test_size=0.2, validation_split=0.2, seed=0)
    >>> [round(float(np.mean(found == split)), 2) for split in (TRAIN, VALIDATION, TEST)]
    [0.64, 0.16, 0.2]
    """
    u = hash_rows(rows, seed=seed, purpose="split").astype(np.float64) / 2.0**64
    known = np.where((u - test_size) / (1 - test_size) < validation_split, VALIDATION, TRAIN)
    return np.where(u < test_size, TEST, known).astype(np.int8)


def block_of(rows: Indices, n_blocks: int, *, seed: int) -> Indices:
    """Return the block, from 0, to which each row is dealt out: int64 (rows,)."""
    return (hash_rows(rows, seed=seed, purpose="block") % np.uint64(n_blocks)).astype(np.int64)


@dataclass
class BottomK:
    """The k rows with the lowest keys of all that were added, in any order and any pieces.

    rows: their numbers, ascending. table: their cells.
    """

    k: int
    _keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    _rows: Indices = field(default_factory=lambda: np.empty(0, np.int64))
    _tables: list[pa.Table] = field(default_factory=list)

    def add(self, keys: Keys, rows: Indices, table: pa.Table, *, where: Array | bool = True) -> None:
        """Take in the rows of a table with these keys and numbers, or only those where a mask is true."""
        is_full = len(self._keys) >= self.k
        low = np.flatnonzero(np.broadcast_to(where, keys.shape) & (keys < self._keys.max() if is_full else True))
        if len(low):
            self._keys, self._rows = np.append(self._keys, keys[low]), np.append(self._rows, rows[low])
            self._tables.append(table.take(pa.array(low)))
        if len(self._keys) > 2 * self.k:
            self._keep_lowest()

    def merge(self, other: "BottomK") -> None:
        """Take in the rows of another sample."""
        for_other = other._table()
        if for_other is not None:
            self.add(other._keys, other._rows, for_other)

    def found(self) -> tuple[Indices, pa.Table | None]:
        """Return the numbers of the rows, ascending, and their cells in that order; None if there are none."""
        self._keep_lowest()
        order = np.argsort(self._rows)
        table = self._table()
        return self._rows[order], None if table is None else table.take(pa.array(order))

    def _table(self) -> pa.Table | None:
        return pa.concat_tables(self._tables).combine_chunks() if self._tables else None

    def _keep_lowest(self) -> None:
        table = self._table()
        if table is None:
            return
        lowest = np.lexsort((self._rows, self._keys))[: self.k]
        self._keys, self._rows, self._tables = self._keys[lowest], self._rows[lowest], [table.take(pa.array(lowest))]


def lowest_of_each(codes: Indices, keys: Keys, n: int) -> Indices:
    """Return the places of the n rows with the lowest keys of each code, ascending.

    >>> lowest_of_each(np.array([7, 7, 8, 7]), np.array([5, 1, 9, 3], np.uint64), 2).tolist()
    [1, 2, 3]
    """
    order = np.lexsort((keys, codes))
    first = np.searchsorted(codes[order], codes[order])
    return np.sort(order[np.arange(len(order)) - first < n])
