"""What the kinds of columns share."""

from __future__ import annotations

import sys
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Indices, Numbers
from goodfit.data.columns.names import nearest
from goodfit.data.table import Kind, Table
from goodfit.errors import DataError
from goodfit.formatting import count

Block = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]
"""Texts of a run folder: names of columns and classes, values of categories."""

CONSTANT = "constant in the training rows"
ALL_MISSING = "all missing in the training rows"


class ColumnFeature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """A column of a table as numbers, one subclass for each kind of column.

    `fit` learns it from the training rows, or returns the reason why the column is not used. `names` are the numbers
    that the column becomes; `write` fills a float32 block of shape (rows, len(names)) for any rows.
    """

    kind: ClassVar[Kind]

    name: Text


class Scale(NamedTuple):
    """Robust scaling with a smooth clip: z = (x − center)·factor, then z/√(1 + (z/3)²), which stays within ±3."""

    center: Finite
    factor: Finite

    @classmethod
    def fit(cls, values: Numbers) -> Scale:
        """Center is the median; factor is 1/(q75 − q25), or 1/σ where the quartiles agree, 0 if constant.

        σ is the standard deviation (divided by n). The source divides by half the range there, which squeezes numbers
        that are mostly zero, such as capital gains, to a fraction of their place.

        Source: Holzmüller, Grinsztajn and Steinwart, Better by default (2024), section 3.

        >>> Scale.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        Scale(center=3.0, factor=0.5)
        >>> Scale.fit(np.array([0.0, 0.0, 0.0, 0.0, 5.0]))
        Scale(center=0.0, factor=0.5)
        """
        if values.min() == values.max():
            return cls(float(values[0]), 0.0)
        # Halved first, so that the differences of numbers near the largest float do not overflow.
        q25, median, q75 = np.quantile(values / 2, [0.25, 0.5, 0.75])
        half_spread = q75 - q25 or _deviation(values / 2)
        return cls(float(median * 2), float(0.5 / max(half_spread, np.finfo(np.float64).tiny)))

    def __call__(self, values: Numbers) -> Numbers:
        """Values scaled and clipped in float64, so that whole numbers above 2²⁴ stay distinct; NaN becomes 0."""
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.center) * self.factor, -1e300, 1e300)
        return np.nan_to_num(scaled / np.hypot(1.0, scaled / 3.0), copy=False)


def rounded_span(values: Numbers) -> tuple[float, float]:
    """Return the range of values, rounded outwards to about two digits of its width: it stands for many rows, not two.

    >>> rounded_span(np.array([20.31, 59.87, 41.0])), rounded_span(np.array([-7.0, -7.0]))
    ((20.0, 60.0), (-7.0, -7.0))
    """
    low, high = float(values.min()), float(values.max())
    width = high / 2 - low / 2
    if width <= 0:
        return low, high
    step = 10.0 ** (np.floor(np.log10(width)) - 1)
    ends = np.array([np.floor(low / step), np.ceil(high / step)]) * step
    return (low, high) if not np.isfinite(ends).all() else (float(ends[0]), float(ends[1]))


def _deviation(values: Numbers) -> float:
    """Standard deviation. A power of two is taken out, which is exact and keeps the squares within floats' range."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return float(np.ldexp(np.ldexp(values, -exponent).std(), exponent))


def column_as(table: Table, name: str, kind: Kind) -> pa.ChunkedArray:
    """Return the column of this name, read as this kind; DataError if there is none, or no cell can be read so."""
    if table.arrow.schema.get_field_index(name) < 0:
        near = nearest(name, table.names)
        fix = f"add it, or rename {near!r} if that is the same" if near else "add it"
        raise DataError(f"{table.source} has no column {name!r}, which the training table had: {fix}.")
    known = table.column(name).kind == kind
    return (table if known else table.override(kinds={name: kind})).arrow.column(name)


def read_numbers(name: str, column: pa.ChunkedArray, *, rows: Indices | None = None) -> Numbers:
    """Return a float64 column as an array, with NaN for missing cells; DataError if a cell is infinite.

    rows: number of each row in the source, for the message.
    """
    values: Numbers = column.to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        first = infinite[0] if rows is None else rows[infinite[0]]
        raise DataError(
            f"column {name!r} is infinite in {count(infinite.size, 'cell')}, first in row {first + 1:,}: "
            "write a number or leave the cell empty."
        )
    return values
