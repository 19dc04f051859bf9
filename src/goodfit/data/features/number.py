"""Numbers: scaled, with an indicator of missing cells."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from goodfit.data.features.base import ALL_MISSING, CONSTANT, Block, ColumnFeature, Scale, read_numbers
from goodfit.data.table import Kind


class NumberFeature(ColumnFeature, frozen=True, tag="number"):
    """A scaled number, and an indicator of missing cells if training rows have any.

    Missing cells become the training median. A column without missing training cells has no indicator, so a cell that
    is missing at prediction becomes the median alone.
    """

    kind: ClassVar[Kind] = "number"

    scale: Scale
    indicator: bool

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> NumberFeature | str:
        values = read_numbers(name, column)
        present = values[~np.isnan(values)]
        if not present.size:
            return ALL_MISSING
        feature = cls(name, Scale.fit(present), present.size < values.size)
        return feature if feature.names else CONSTANT

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) * (self.scale.factor > 0) + (f"{self.name} is missing",) * self.indicator

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        values = read_numbers(self.name, column)
        if self.scale.factor > 0:
            out[:, 0] = self.scale(values)
        if self.indicator:
            out[:, -1] = np.isnan(values)
