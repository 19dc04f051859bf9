"""Sparse X, such as the words of texts: entries by column and value from the matrix to the network, never all columns.

Where rows are split, merged and ordered, a hash of each row stands in for its columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from goodfit.arrays import Array, Indices
from goodfit.data.arrays import MAX_EXACT_FLOAT32
from goodfit.data.table import Table
from goodfit.errors import DataError
from goodfit.estimators.joint import JointRows
from goodfit.experiment.prepare import Prepared
from goodfit.nn.layers import Dense, Layer
from goodfit.nn.sparse_inputs import SparseDense, entries
from goodfit.search.padding import shared_size

KEYS = ("first half of the row's hash", "second half of the row's hash")
"""Names of the columns that stand in for those of a row."""


def canonical(X: Any) -> csr_array:  # noqa: ANN401
    """Return a sparse matrix with ascending columns, none twice and no entry of 0; DataError if one is not finite."""
    found = csr_array(X, dtype=np.float64, copy=True)
    found.sum_duplicates()
    found.eliminate_zeros()
    bad = np.flatnonzero(~np.isfinite(found.data))
    if len(bad):
        row = np.searchsorted(found.indptr, bad[0], side="right") - 1
        raise DataError(
            f"X has {found.data[bad[0]]} in row {row}, column {found.indices[bad[0]]}: entries of a sparse matrix "
            "must be finite."
        )
    return found


def row_keys(rows: csr_array) -> dict[str, Array]:
    """Return both halves of a hash of the content of every row, as numbers that a float64 holds exactly."""
    columns, values = rows.indices.astype("<i8"), rows.data.astype("<f8")
    bounds = zip(rows.indptr[:-1].tolist(), rows.indptr[1:].tolist(), strict=True)
    content = (columns[begin:end].tobytes() + values[begin:end].tobytes() for begin, end in bounds)
    hashes = b"".join(blake2b(row, digest_size=8).digest() for row in content)
    return dict(zip(KEYS, np.frombuffer(hashes, "<u4").reshape(-1, 2).T.astype(float), strict=True))


class SparseInputs(NamedTuple):
    """From rows of a sparse matrix to the inputs of ``SparseDense``, as the training rows of a fold make it.

    columns: numbers of the columns with an entry in any known row, in order. factors: by which the entries of each are
    multiplied; 0 without an entry in a training row.
    """

    columns: Indices
    factors: Array

    def transform(self, rows: csr_array) -> Array:
        """Return the inputs (rows, 2·entries)."""
        known = rows[:, self.columns]
        known.data = known.data * self.factors[known.indices]
        known.eliminate_zeros()
        return entries(known.indptr, known.indices, known.data)


@dataclass(frozen=True)
class SparseRows:
    """The rows of a sparse matrix, and the hash of each."""

    matrix: csr_array
    keys: Array

    @classmethod
    def of(cls, matrix: csr_array) -> "SparseRows":
        return cls(matrix, _whole(*row_keys(matrix).values()))

    def of_table(self, table: Table) -> csr_array:
        """Return the rows for which those of this table stand in."""
        order = np.argsort(self.keys, kind="stable")
        wanted = _whole(*(np.asarray(table.values(name), float) for name in KEYS))
        return self.matrix[order[np.searchsorted(self.keys[order], wanted)]]

    def fitting(
        self, folds: Sequence[Prepared], rows: Sequence[JointRows], layers: Sequence[Layer]
    ) -> tuple[list[JointRows], tuple[Layer, ...]]:
        """Return the rows of every fold with the entries as inputs, and the layers for them.

        Raises:
            DataError: more columns have an entry than float32 can number.
        """
        known = self.of_table(folds[0].table)
        columns = np.unique(known.indices)
        if len(columns) > MAX_EXACT_FLOAT32:
            raise DataError(
                f"X has entries in {len(columns):,} columns, more than {MAX_EXACT_FLOAT32:,}: select columns."
            )
        found = [self._fold(prepared, each, columns) for prepared, each in zip(folds, rows, strict=True)]
        first = layers[0]
        assert isinstance(first, Dense)
        most = shared_size(max(each.fold.rows.x.shape[1] for each in found)) // 2
        return found, (SparseDense.like(first, columns=shared_size(len(columns)), entries=most), *layers[1:])

    def _fold(self, prepared: Prepared, rows: JointRows, columns: Indices) -> JointRows:
        places = prepared.places
        own = self.of_table(prepared.table.take(np.concatenate([places.train, places.validation])))
        inputs = SparseInputs(columns, _factors(own[: len(places.train), columns]))
        data = rows.fold.rows._replace(x=inputs.transform(own))
        return rows._replace(fold=rows.fold._replace(rows=data), inputs=inputs)


def _factors(train: csr_array) -> Array:
    """Return 1 / the largest absolute value of each column, 0 of a column without an entry."""
    largest = abs(train).max(axis=0).toarray().ravel()
    return np.asarray(np.divide(1.0, largest, out=np.zeros_like(largest), where=largest > 0))


def _whole(first: Array, second: Array) -> Array:
    """Return a hash from its halves."""
    return first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64)
