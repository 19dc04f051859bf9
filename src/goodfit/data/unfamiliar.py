"""Cells unlike all training rows: far outside the range, of an unknown category, or unreadable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Array
from goodfit.data.columns.cells import clean_text
from goodfit.data.columns.convert import is_text, one_array
from goodfit.data.encoder import Encoder
from goodfit.data.features.base import column_as
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.date import MICROSECONDS_PER_DAY, DateFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.table import Table
from goodfit.formatting import count, exact, join, printable

Reason = Literal["outside", "unknown", "unreadable"]
REACH = 0.5
"""A cell is far outside if it lies beyond the range of the training rows by more than this share of the range."""
N_EXAMPLES = 3


@dataclass(frozen=True)
class Unfamiliar:
    """Cells of one column.

    Attributes:
        column: its name.
        reason: ``outside``: beyond the range of the training rows by more than half that range; ``unknown``: a category
            that no training row has, in a column without rare ones; ``unreadable``: not a number or date, and so
            counted as missing.
        cells: number of these cells.
        known: the range of the training rows; "" for other reasons.
        examples: some of the cells.
    """

    column: str
    reason: Reason
    cells: int
    known: str = ""
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"{count(self.cells, 'cell')} of {printable(self.column)!r}"
        shown = f" ({join(printable(text) for text in self.examples)})" if self.examples else ""
        match self.reason:
            case "outside":
                return f"{what} far outside the training range {self.known}{shown}"
            case "unknown":
                return f"{what} with a category that training did not know{shown}"
        return f"{what} that cannot be read{shown}"


def unfamiliar_cells(encoder: Encoder, table: Table) -> tuple[Unfamiliar, ...]:
    """Return what is unfamiliar in each column that is used, in the order of the encoder."""
    return tuple(found for feature in encoder.features for found in _of_feature(feature, table))


def sentence(found: Sequence[Unfamiliar]) -> str:
    """Return one sentence about all of them; "" for none."""
    return f"{join(found, most=4, longest=600)}: these predictions are less certain." if found else ""


def _of_feature(feature: object, table: Table) -> Iterator[Unfamiliar]:
    if isinstance(feature, CategoryFeature):
        yield from _unknown(feature, column_as(table, feature.name, "category"))
    elif isinstance(feature, NumberFeature | DateFeature):
        column = column_as(table, feature.name, feature.kind)
        yield from _outside(feature, column)
        yield from _unreadable(feature.name, column, table)


def _unknown(feature: CategoryFeature, column: pa.ChunkedArray) -> Iterator[Unfamiliar]:
    """Where training rows have rare values, an unknown one is encoded as they are, and that is familiar."""
    if feature.others:
        return
    known = pc.is_in(column, value_set=pa.array(feature.values, column.type))
    cells = column.filter(pc.and_(pc.invert(known), column.is_valid()))
    if len(cells):
        yield Unfamiliar(feature.name, "unknown", len(cells), examples=_examples(cells))


def _outside(feature: NumberFeature | DateFeature, column: pa.ChunkedArray) -> Iterator[Unfamiliar]:
    if feature.span is None:
        return
    low, high = (value / 2 for value in feature.span)  # halved, so that no difference overflows
    values = _as_floats(column) / 2
    room = REACH * (high - low)
    far = np.flatnonzero((values < low - room) | (values > high + room))
    if len(far):
        shown = column.take(pa.array(far[:N_EXAMPLES]))
        yield Unfamiliar(
            feature.name, "outside", len(far), f"{_shown(feature, 0)} to {_shown(feature, 1)}", _texts(shown)
        )


def _as_floats(column: pa.ChunkedArray) -> Array:
    """Numbers as they are, dates as days since 1970; NaN where a cell is missing."""
    if not pa.types.is_timestamp(column.type):
        return np.asarray(column.to_numpy(), np.float64)
    microseconds = column.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(microseconds.to_numpy(), np.float64) / MICROSECONDS_PER_DAY


def _shown(feature: NumberFeature | DateFeature, end: int) -> str:
    assert feature.span is not None
    if isinstance(feature, NumberFeature):
        return exact(feature.span[end])
    return str(np.datetime64(int(feature.span[end]), "D"))


def _unreadable(name: str, column: pa.ChunkedArray, table: Table) -> Iterator[Unfamiliar]:
    place = -1 if table.raw is None else table.raw.columns.schema.get_field_index(name)
    if table.raw is None or place < 0:
        return
    raw = one_array(table.raw.columns.column(place))
    if not is_text(raw.type) or not column.null_count:
        return
    written = clean_text(raw).codes.is_valid()
    lost = raw.filter(pc.and_(written, one_array(column).is_null()))
    if len(lost):
        yield Unfamiliar(name, "unreadable", len(lost), examples=_examples(lost))


def _examples(cells: pa.ChunkedArray | pa.Array) -> tuple[str, ...]:
    return _texts(pc.unique(cells)[:N_EXAMPLES])


def _texts(cells: pa.ChunkedArray | pa.Array) -> tuple[str, ...]:
    return tuple(
        exact(cell) if isinstance(cell, float) else str(cell).removesuffix(" 00:00:00") for cell in cells.to_pylist()
    )
