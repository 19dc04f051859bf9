"""Columns -> numbers, learned from training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.features import Block, CategoryFeature, DateFeature, NumberFeature, column_as
from goodfit.data.table import Column, Kind, Table
from goodfit.errors import DataError

MIN_COUNT = 3
MAX_CATEGORIES = 100

Feature = NumberFeature | CategoryFeature | DateFeature
FEATURES: dict[str, type[Feature]] = {"number": NumberFeature, "category": CategoryFeature, "date": DateFeature}


@dataclass(frozen=True)
class Encoder:
    """What was learned from the training rows; `fit_encoder` makes it.

    `dropped` lists the columns that are not used, each with the reason. Encoders are equal when all they learned is.
    """

    features: tuple[Feature, ...]
    dropped: tuple[tuple[str, str], ...]
    target: str | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of every number that `transform` gives, in order."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns of the table that are needed at prediction, with their kinds."""
        return {feature.name: feature.kind for feature in self.features}

    def transform(self, table: Table) -> Block:
        """float32 (n_rows, n_features): columns are found by name, in any order; those not needed are not looked at.

        A missing cell gets what missing training cells got, or the training median; a value never seen counts as
        rare. DataError for a column that is not there, that holds another kind of thing, or that is infinite somewhere.
        """
        columns = [column_as(table, feature.name, feature.kind) for feature in self.features]
        widths = [len(feature.names) for feature in self.features]
        out = np.empty((table.n_rows, sum(widths)), np.float32)
        for feature, column, width, end in zip(self.features, columns, widths, np.cumsum(widths), strict=True):
            feature.write(column, out[:, end - width : end])
        return out

    def extra(self, table: Table) -> tuple[str, ...]:
        """The columns of the table that the training table did not have; `transform` ignores them."""
        known = {feature.name for feature in self.features} | {name for name, _ in self.dropped} | {self.target}
        return tuple(name for name in table.names if name not in known)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for a JSON file; `from_json` gives an equal encoder, with transforms equal bit for bit."""
        return {
            "features": [feature.to_json() for feature in self.features],
            "dropped": [list(pair) for pair in self.dropped],
            "target": self.target,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Encoder:
        """The encoder of a record; DataError if it is not one."""
        try:
            features = tuple(FEATURES[entry["kind"]].from_json(entry) for entry in record["features"])
            dropped = tuple((str(name), str(reason)) for name, reason in record["dropped"])
            return cls(features, dropped, record["target"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"The record of the encoder is damaged ({error!r}): train again.") from error


def fit_encoder(
    table: Table,
    rows: npt.ArrayLike,
    *,
    target: str | None = None,
    min_count: int = MIN_COUNT,
    max_categories: int = MAX_CATEGORIES,
) -> Encoder:
    """Learn how the columns become numbers, from these rows and no others.

    Used are the columns that the schema marks as used, but the target. Numbers: robust scaling with a smooth clip,
    missing cells at the median with an indicator (`NumberFeature`). Categories: one column for each of the at most
    `max_categories` most frequent values that stand in at least `min_count` rows, the others together in one
    (`CategoryFeature`). Dates: their parts (`DateFeature`). Columns that are constant or all missing in these rows are
    dropped and listed. DataError if nothing is left.

    rows: int row numbers from 0, the training part.
    """
    features: list[Feature] = []
    dropped: list[tuple[str, str]] = []
    indices = pa.array(np.asarray(rows, np.int64))
    for column in table.schema:
        if column.name == target:
            continue
        fitted = _fit(table, column, indices, min_count=min_count, max_categories=max_categories)
        if isinstance(fitted, str):
            dropped.append((column.name, fitted))
        else:
            features.append(fitted)
    if not features:
        listed = "; ".join(f"{name}: {reason}" for name, reason in dropped[:5])
        raise DataError(
            f"No column is left to learn from ({listed or 'the table has only its target'}): add columns or rows."
        )
    return Encoder(tuple(features), tuple(dropped), target)


def _fit(table: Table, column: Column, rows: pa.Array, *, min_count: int, max_categories: int) -> Feature | str:
    """The feature, or why the column is not one."""
    if not column.used:
        return column.note or "not used"
    name, cells = column.name, table.arrow.column(column.name).take(rows)
    match column.kind:
        case "number":
            return NumberFeature.fit(name, cells)
        case "category":
            return CategoryFeature.fit(name, cells, min_count=min_count, max_categories=max_categories)
        case "date":
            return DateFeature.fit(name, cells)
    return f"{column.kind} is not learned from"
