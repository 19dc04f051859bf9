"""One column of a table as columns of numbers: numbers, categories and dates.

Each kind is learned by `fit` from the training rows, which gives the feature, or the reason why the column has none.
`write` fills a float32 block of shape (rows, len(feature.names)) for any rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.columns.names import did_you_mean
from goodfit.data.table import Kind, Table
from goodfit.errors import DataError

Numbers = npt.NDArray[np.float64]
Block = npt.NDArray[np.float32]

CONSTANT = "constant in the training rows"
ALL_MISSING = "all missing in the training rows"
LIMITS = np.finfo(np.float64)
ARROW_TYPES: dict[str, pa.DataType] = {"number": pa.float64(), "category": pa.string(), "date": pa.timestamp("us")}
DAY = 86_400_000_000
"""Microseconds in a day."""


class Scale(NamedTuple):
    """Robust scaling with a smooth clip: z = (x − center)·factor, then z/√(1 + (z/3)²), which stays within ±3."""

    center: float
    factor: float

    @classmethod
    def fit(cls, values: Numbers) -> Scale:
        """Center is the median; factor is 1/(q75 − q25), or 2/(max − min) where the quartiles agree, 0 if constant.

        Source: Holzmüller, Grinsztajn and Steinwart, Better by default (2024), section 3.

        >>> Scale.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        Scale(center=3.0, factor=0.5)
        """
        if values.min() == values.max():
            return cls(float(values[0]), 0.0)
        # Halved first, so that the differences of numbers near the largest float do not overflow.
        low, q25, median, q75, high = np.quantile(values / 2, [0, 0.25, 0.5, 0.75, 1])
        half_spread = q75 - q25 or (high - low) / 2
        return cls(float(median * 2), float(0.5 / max(half_spread, LIMITS.tiny)))

    def __call__(self, values: Numbers) -> Numbers:
        """Scaled and clipped, in float64, so that whole numbers above 2²⁴ keep their differences; NaN becomes 0."""
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.center) * self.factor, -1e300, 1e300)
        return np.nan_to_num(scaled / np.hypot(1.0, scaled / 3.0), copy=False)


@dataclass(frozen=True)
class NumberFeature:
    """A number: scaled, missing cells at the training median, and an indicator where training rows had missing cells.

    A cell that is missing for the first time at prediction gets the median alone.
    """

    kind: ClassVar[Kind] = "number"

    name: str
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

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "scale": list(self.scale), "indicator": self.indicator}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> NumberFeature:
        return cls(_text(record["name"]), _scale(record["scale"]), _flag(record["indicator"]))


@dataclass(frozen=True)
class CategoryFeature:
    """A category: one column of 0 and 1 for each value kept, one for all others if training rows had others.

    A missing cell is a value like any other (None). Rare values and values never seen share the column of others; where
    training rows had no rare ones there is nothing to learn it from, and a value never seen is all zeros. Two values
    and no others become one column of −1 and 1, with 0 for a value never seen. So each column moves over one or two
    units, as a number does over one between its quartiles, and one l2 suits both.
    """

    kind: ClassVar[Kind] = "category"

    name: str
    values: tuple[str | None, ...]
    others: bool

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray, *, min_count: int, max_categories: int) -> CategoryFeature | str:
        counted = pc.value_counts(column).to_pylist()
        if len(counted) < 2:
            return CONSTANT if counted and counted[0]["values"] is not None else ALL_MISSING
        often = [entry for entry in counted if entry["counts"] >= min_count]
        if not often:
            return f"no value stands in {min_count} training rows or more"
        often.sort(key=lambda entry: (-entry["counts"], entry["values"] or ""))
        kept = sorted((entry["values"] for entry in often[:max_categories]), key=lambda v: (v is None, v))
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

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "values": list(self.values), "others": self.others}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> CategoryFeature:
        values = tuple(None if value is None else _text(value) for value in record["values"])
        return cls(_text(record["name"]), values, _flag(record["others"]))


@dataclass(frozen=True)
class DateFeature:
    """A date as numbers, each scaled like any number, those that are constant in the training rows left out.

    year; month 1–12; weekday, Monday 0; sine and cosine of 2π·(day of the year)/365.25; hour with its fraction (so only
    where dates have times); days since 1970 with their fraction. Missing dates are treated as missing numbers are.
    """

    kind: ClassVar[Kind] = "date"

    name: str
    scales: tuple[tuple[str, Scale], ...]
    indicator: bool

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> DateFeature | str:
        moments = _moments(column)
        present = moments[~np.isnat(moments)]
        if not present.size:
            return ALL_MISSING
        scales = tuple((part, Scale.fit(values)) for part, values in _date_parts(present).items())
        varying = tuple((part, scale) for part, scale in scales if scale.factor > 0)
        feature = cls(name, varying, present.size < moments.size)
        return feature if feature.names else CONSTANT

    @property
    def names(self) -> tuple[str, ...]:
        shown = tuple(f"{self.name}: {part}" for part, _ in self.scales)
        return shown + (f"{self.name} is missing",) * self.indicator

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        moments = _moments(column)
        parts = _date_parts(moments)
        for position, (part, scale) in enumerate(self.scales):
            out[:, position] = scale(parts[part])
        if self.indicator:
            out[:, -1] = np.isnat(moments)

    def to_json(self) -> dict[str, Any]:
        scales = [[part, *scale] for part, scale in self.scales]
        return {"kind": self.kind, "name": self.name, "scales": scales, "indicator": self.indicator}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> DateFeature:
        known = _date_parts(np.zeros(1, "datetime64[us]"))
        scales = tuple((part, _scale(numbers)) for part, *numbers in record["scales"])
        if not {part for part, _ in scales} <= set(known):
            raise ValueError("unknown part of a date")
        return cls(_text(record["name"]), scales, _flag(record["indicator"]))


def column_as(table: Table, name: str, kind: Kind) -> pa.ChunkedArray:
    """A column found by name, as this kind; DataError if it is not there or none of its cells can be read so."""
    if table.arrow.schema.get_field_index(name) < 0:
        raise DataError(f"column {name!r} is missing from {table.source}: {did_you_mean(name, table.names)}")
    column = table.arrow.column(name)
    if column.type == ARROW_TYPES[kind]:
        return column
    return table.override(kinds={name: kind}).arrow.column(name)


def read_numbers(name: str, column: pa.ChunkedArray) -> Numbers:
    """A float64 column as an array, missing cells as NaN; DataError naming column and row where a cell is infinite."""
    values: Numbers = column.to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise DataError(
            f"column {name!r} is infinite in {infinite.size} cells, first in row {infinite[0] + 1}: "
            "write a number or leave the cell empty."
        )
    return values


def _moments(column: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    moments: npt.NDArray[np.datetime64] = column.to_numpy()
    return moments.astype("datetime64[us]", copy=False)


def _date_parts(moments: npt.NDArray[np.datetime64]) -> dict[str, Numbers]:
    """The numbers of each moment, NaN where it is missing."""
    days = moments.astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    months = days.astype("datetime64[M]")
    elapsed = moments.astype(np.int64)
    angle = (days - years.astype("datetime64[D]")).astype(np.float64) * (2 * np.pi / 365.25)
    parts = {
        "year": years.astype(np.float64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,
        "sine of the day of the year": np.sin(angle),
        "cosine of the day of the year": np.cos(angle),
        "hour": elapsed % DAY / (DAY / 24),
        "days since 1970": elapsed / DAY,
    }
    return {part: np.where(np.isnat(moments), np.nan, values) for part, values in parts.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value


def _scale(numbers: list[Any]) -> Scale:
    center, factor = (float(number) for number in numbers)
    if not np.isfinite([center, factor]).all():
        raise ValueError("a scale is not finite")
    return Scale(center, factor)
