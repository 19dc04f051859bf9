"""Numbers: scaled, in bins, with an indicator of missing cells."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import msgspec
import numpy as np
import pyarrow as pa

from goodfit.arrays import Numbers
from goodfit.data.features.base import (
    ALL_MISSING,
    CONSTANT,
    Block,
    Codes,
    ColumnFeature,
    Finite,
    Scale,
    read_numbers,
    rounded_span,
)
from goodfit.data.features.bins import bin_edges, bin_labels, in_bins
from goodfit.data.table import Kind


class NumberFeature(ColumnFeature, frozen=True, tag="number"):
    """A scaled number, its positions in bins if there are edges, an indicator of missing cells if training has any.

    `span` is the range of the training rows, rounded outwards. Missing cells become the training median, in the bins as
    well. A column without missing training cells has no indicator, so a cell that is missing at prediction becomes the
    median alone.
    """

    kind: ClassVar[Kind] = "number"

    scale: Scale
    indicator: bool
    edges: tuple[Finite, ...] = ()
    span: tuple[Finite, Finite] | None = None

    def __post_init__(self) -> None:
        if self.edges and (len(self.edges) < 3 or any(high <= low for low, high in pairwise(self.edges))):
            raise ValueError(f"edges of {self.name!r} do not ascend")

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> NumberFeature | str:
        values = read_numbers(name, column)
        present = values[~np.isnan(values)]
        if not present.size:
            return ALL_MISSING
        feature = cls(name, Scale.fit(present), present.size < values.size, span=rounded_span(present))
        return feature if feature.names else CONSTANT

    def binned(self, column: pa.ChunkedArray, y: Codes | Numbers | None, max_bins: int) -> NumberFeature:
        """Return the feature with at most `max_bins` bins, learned from the training rows; y: their targets."""
        values = read_numbers(self.name, column)
        present = ~np.isnan(values)
        edges = bin_edges(values[present], None if y is None else y[present], max_bins)
        return msgspec.structs.replace(self, edges=edges)

    @property
    def names(self) -> tuple[str, ...]:
        scaled = (self.name,) * (self.scale.factor > 0)
        bins = tuple(f"{self.name} {label}" for label in bin_labels(self.edges))
        return scaled + bins + (f"{self.name} is missing",) * self.indicator

    def is_bin(self, position: int) -> bool:
        """Whether the number at this position of `names` is one of the bins."""
        first = int(self.scale.factor > 0)
        return first <= position < first + max(len(self.edges) - 1, 0)

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        values = read_numbers(self.name, column)
        missing = np.isnan(values)
        if self.scale.factor > 0:
            out[:, 0] = self.scale(values)
        if self.edges:
            filled = np.where(missing, self.scale.center, values)
            out[:, 1 : len(self.edges)] = in_bins(filled, np.array(self.edges))
        if self.indicator:
            out[:, -1] = missing
