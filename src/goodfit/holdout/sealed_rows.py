"""Test rows between the split and the exam."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from goodfit.arrays import Indices
from goodfit.data.row_keys import KeyRule, Keys, row_keys
from goodfit.data.table import Column, Source, Table, fingerprint, row_hashes
from goodfit.errors import DataError, ExamError
from goodfit.holdout.seal import Seal


@dataclass(frozen=True, eq=False)
class SealedRows:
    """The test rows of a table. Hashes of them may be known before the exam, and nothing else.

    rows: their numbers in the source. schema: the columns as the known rows have them.
    """

    _source: Source
    rows: Indices
    schema: Sequence[Column]
    _fingerprints: dict[int, tuple[Table, str]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows of the whole table."""
        return self._source.n_rows

    def keys(self, rule: KeyRule) -> Keys:
        """Return the key of every test row, for the search for duplicates: uint64 (rows,)."""
        return row_keys(self._table, rule)

    def keys_beside(self, rows: Indices, rule: KeyRule) -> Keys:
        """Return the key of other rows of the same source, given by number."""
        return row_keys(self._source.read_as(self.schema, rows), rule)

    def seal(self) -> Seal:
        """Return the seal of these rows.

        Raises:
            ExamError: there are none.
        """
        if not len(self.rows):
            raise ExamError("There are no test rows to seal: train with test_size above 0.")
        content = hashlib.sha256(self._hashes.astype("<u8").tobytes()).hexdigest()
        return Seal(tuple(self.rows.tolist()), content)

    def fingerprint(self, known: Table) -> str:
        """Return the fingerprint of the table, or of the sample of it, read as the kinds of the known rows."""
        if id(known) not in self._fingerprints:  # of a million rows it takes seconds
            self._fingerprints[id(known)] = known, self._fingerprint(known)
        return self._fingerprints[id(known)][1]

    def _fingerprint(self, known: Table) -> str:
        source = self._source
        hashes = np.empty(len(source.row_numbers), np.uint64)
        hashes[source.places(known.row_numbers)] = row_hashes(known)
        hashes[source.places(self.rows)] = self._hashes
        left = np.setdiff1d(source.row_numbers, np.append(known.row_numbers, self.rows))
        if len(left):  # rows that a splitter of scikit-learn leaves out of every split
            hashes[source.places(left)] = row_hashes(source.read_as(self.schema, left))
        return fingerprint(known, hashes)

    def open(self, seal: Seal) -> Table:
        """Return the test rows as a table, for the exam.

        Raises:
            ExamError: they are not the rows that were sealed.
        """
        try:
            sound = self.rows.max() < self._source.n_rows and self.seal() == seal
        except DataError as error:
            raise ExamError(f"The exam needs the table that the run was trained on: {error}") from error
        if not sound:
            raise ExamError(
                f"The test rows of {self._source.name} are not the rows that were sealed: "
                "give the table as it was at training, or train again."
            )
        return self._table

    @cached_property
    def _hashes(self) -> Keys:
        return row_hashes(self._table)

    @cached_property
    def _table(self) -> Table:
        return self._source.read_as(self.schema, self.rows)
