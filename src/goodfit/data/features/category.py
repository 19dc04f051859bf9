"""Categories: one column of 0 and 1 for each frequent value."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.features.base import ALL_MISSING, CONSTANT, Block, ColumnFeature, Text
from goodfit.data.table import Kind

MIN_ROWS_CATEGORY = 3
"""Fewest training rows of a value that gets a column of its own."""
MAX_CATEGORIES = 100
"""Most columns of one category, the most frequent values."""


class CategoryFeature(ColumnFeature, frozen=True, tag="category"):
    """One column of 0 and 1 for each value in `values`, and one for all other values if training rows have any.

    A missing cell is a value of its own (None). Infrequent values and values unseen in training share the column of
    other values; where training rows have none, nothing can be learned about them and an unseen value is all zeros.
    Two values and no others become one column of −1 and 1, with 0 for an unseen value. So every column spans one or
    two units, as a scaled number spans one between its quartiles, and one l2 suits both.
    """

    kind: ClassVar[Kind] = "category"

    values: tuple[Text | None, ...]
    others: bool

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> CategoryFeature | str:
        counted = pc.value_counts(column).to_pylist()
        if len(counted) < 2:
            return CONSTANT if counted and counted[0]["values"] is not None else ALL_MISSING
        frequent = [entry for entry in counted if entry["counts"] >= MIN_ROWS_CATEGORY]
        if not frequent:
            return f"no value is in {MIN_ROWS_CATEGORY} or more training rows"
        frequent.sort(key=lambda entry: (-entry["counts"], entry["values"] or ""))
        kept = sorted((entry["values"] for entry in frequent[:MAX_CATEGORIES]), key=lambda v: (v is None, v))
        return cls(name, tuple(kept), others=len(kept) < len(counted))

    @property
    def binary(self) -> bool:
        return len(self.values) == 2 and not self.others

    @property
    def names(self) -> tuple[str, ...]:
        shown = [f"{self.name} is missing" if value is None else f"{self.name}={value}" for value in self.values]
        return (shown[1],) if self.binary else (*shown, *[f"{self.name}: other"] * self.others)

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        found = pc.index_in(column, value_set=pa.array(self.values, column.type))
        codes = found.fill_null(len(self.values)).to_numpy()
        if self.binary:
            out[:, 0] = np.array([-1, 1, 0], np.float32)[codes]
            return
        out[:] = 0
        known = np.flatnonzero(codes < out.shape[1])
        out[known, codes[known]] = 1
