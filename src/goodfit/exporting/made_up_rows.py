"""Rows that nobody has: values that an encoder knows, others, and missing ones, to try an exported model out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.data.features.base import ColumnFeature
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.date import MICROSECONDS_PER_DAY, DateFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.features.text import TextFeature
from goodfit.data.table import Column, Table


def made_up_rows(columns: Mapping[str, Sequence[ColumnFeature]], n_rows: int = 200) -> Table:
    """Return a table of these columns; a tenth of its cells is missing, and another tenth far from all known values."""
    rng = np.random.default_rng(0)
    cells = {name: _cells(rng, features, n_rows) for name, features in columns.items()}
    schema = [Column(name, columns[name][0].kind, cells[name].null_count, used=True) for name in cells]
    return Table(pa.table(cells), tuple(schema), "made-up rows")


def _cells(rng: np.random.Generator, features: Sequence[ColumnFeature], n_rows: int) -> pa.Array:
    made: list[Any] = []
    for row in range(n_rows):
        feature = features[row % len(features)]
        made.append(None if rng.random() < 0.1 else MAKERS[type(feature)](rng, feature))
    types = {"number": pa.float64(), "date": pa.timestamp("us")}
    return pa.array(made, types.get(features[0].kind, pa.string()))


def _number(rng: np.random.Generator, feature: Any) -> float:  # noqa: ANN401
    center, factor = feature.scale
    if feature.edges and rng.random() < 0.5:
        return float(rng.choice(feature.edges))
    spread = 1 / factor if factor else 1.0
    return float(center + spread * rng.normal() * (100 if rng.random() < 0.1 else 1))


def _category(rng: np.random.Generator, feature: Any) -> str | None:  # noqa: ANN401
    return "a value of no row" if rng.random() < 0.1 else feature.values[rng.integers(len(feature.values))]


def _date(rng: np.random.Generator, feature: Any) -> int:  # noqa: ANN401
    center, factor = feature.scales.get("days since 1970", (10_000.0, 1e-4))
    days = np.clip(center + rng.normal() / factor, -200_000, 1_000_000)  # the years 1422 to 4707
    return int(days) * MICROSECONDS_PER_DAY + int(rng.integers(MICROSECONDS_PER_DAY)) * ("hour" in feature.scales)


def _text(rng: np.random.Generator, feature: Any) -> str:  # noqa: ANN401
    words = rng.choice([*feature.words, "zzz", "x"], rng.integers(1, 12)).tolist()
    words = [word.upper() if rng.random() < 0.2 else word.capitalize() for word in words]
    return str(rng.choice([" ", ", ", "-"])).join(words)


MAKERS: dict[type[ColumnFeature], Callable[[np.random.Generator, Any], Any]] = {
    NumberFeature: _number,
    CategoryFeature: _category,
    DateFeature: _date,
    TextFeature: _text,
}
