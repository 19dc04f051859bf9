"""Dates: calendar and elapsed time as scaled numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Array, Numbers
from goodfit.data.features.base import ALL_MISSING, CONSTANT, Block, ColumnFeature, Finite, Scale, rounded_span
from goodfit.data.table import Kind

Dates = npt.NDArray[np.datetime64]
DatePart = Literal[
    "year", "month", "weekday", "hour", "days since 1970",
    "sine of the day of the year", "cosine of the day of the year",
]  # fmt: skip
MICROSECONDS_PER_DAY = 86_400_000_000


class DateFeature(ColumnFeature, frozen=True, tag="date"):
    """A date as several scaled numbers, without those that are constant in the training rows.

    year; month 1–12; weekday, Monday 0; sine and cosine of 2π·(day of the year)/365.25; hour with its fraction (so only
    where dates have times); days since 1970 with their fraction. `span` is the range of the training rows
    in days since 1970, rounded outwards. Missing dates are treated as missing numbers are.
    """

    kind: ClassVar[Kind] = "date"

    scales: dict[DatePart, Scale]
    indicator: bool
    span: tuple[Finite, Finite] | None = None

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> DateFeature | str:
        dates = _read_dates(column)
        present = dates[~np.isnat(dates)]
        if not present.size:
            return ALL_MISSING
        scales = {part: Scale.fit(values) for part, values in _date_parts(present).items()}
        varying = {part: scale for part, scale in scales.items() if scale.factor > 0}
        span = rounded_span(present.astype(np.int64) / MICROSECONDS_PER_DAY)
        feature = cls(name, varying, present.size < dates.size, span)
        return feature if feature.names else CONSTANT

    @property
    def names(self) -> tuple[str, ...]:
        shown = tuple(f"{self.name}: {part}" for part in self.scales)
        return shown + (f"{self.name} is missing",) * self.indicator

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        dates = _read_dates(column)
        parts = _date_parts(dates)
        for position, (part, scale) in enumerate(self.scales.items()):
            out[:, position] = scale(parts[part])
        if self.indicator:
            out[:, -1] = np.isnat(dates)


def _read_dates(column: pa.ChunkedArray) -> Dates:
    dates: Dates = column.to_numpy()
    return dates.astype("datetime64[us]", copy=False)


def _date_parts(dates: Dates) -> dict[DatePart, Numbers]:
    """The numbers of each date, NaN where it is missing."""
    days = dates.astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    months = days.astype("datetime64[M]")
    elapsed = dates.astype(np.int64)
    angle = (days - years.astype("datetime64[D]")).astype(np.float64) * (2 * np.pi / 365.25)
    parts: dict[DatePart, Array] = {
        "year": years.astype(np.float64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,
        "sine of the day of the year": np.sin(angle),
        "cosine of the day of the year": np.cos(angle),
        "hour": elapsed % MICROSECONDS_PER_DAY / (MICROSECONDS_PER_DAY / 24),
        "days since 1970": elapsed / MICROSECONDS_PER_DAY,
    }
    return {part: np.where(np.isnat(dates), np.nan, values) for part, values in parts.items()}
