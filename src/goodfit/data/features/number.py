"""Numbers: scaled, with an indicator of missing cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from goodfit.data.features.base import ALL_MISSING, CONSTANT, Block, Scale, read_numbers
from goodfit.data.table import Kind


@dataclass(frozen=True)
class NumberFeature:
    """A scaled number, and an indicator of missing cells if training rows have any.

    Missing cells become the training median. A column without missing training cells has no indicator, so a cell that
    is missing at prediction becomes the median alone.
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
        return cls(read_text(record["name"]), read_scale(record["scale"]), read_flag(record["indicator"]))


def read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value


def read_scale(numbers: list[Any]) -> Scale:
    center, factor = (float(number) for number in numbers)
    if not np.isfinite([center, factor]).all():
        raise ValueError("a scale is not finite")
    return Scale(center, factor)
