"""Encode columns as numbers, as learned from training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Indices, Numbers
from goodfit.data.features.base import Block, Codes, Text, column_as
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.date import DateFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.features.text import TextFeature
from goodfit.data.table import Column, Kind, Table
from goodfit.data.target import Target
from goodfit.errors import DataError
from goodfit.formatting import join

Feature = NumberFeature | CategoryFeature | DateFeature | TextFeature
"""The registry: a new kind of column is entered here."""
FEATURES: dict[str, type[Feature]] = {feature.kind: feature for feature in get_args(Feature)}


class Encoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How each column becomes numbers; made by `fit_encoder`.

    `dropped` lists the columns that are not used, each with the reason.
    """

    features: tuple[Feature, ...]
    dropped: tuple[tuple[Text, Text], ...]
    target: Text | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of `transform`, in order."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def without_bins(self) -> Indices:
        """Columns of `transform` that are not bins: what a linear model learns from."""
        kept = [
            not (isinstance(feature, NumberFeature) and feature.is_bin(position))
            for feature in self.features
            for position in range(len(feature.names))
        ]
        return np.flatnonzero(kept)

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns of a table that `transform` needs, with their kinds."""
        return {feature.name: feature.kind for feature in self.features}

    def transform(self, table: Table) -> Block:
        """Return the table as float32 (n_rows, n_features); columns are found by name, in any order.

        Missing cells are encoded as in training, or as the training median; unseen values as infrequent ones.

        Raises:
            DataError: a column is missing, cannot be read as its kind, or has an infinite cell.
        """
        columns = [column_as(table, feature.name, feature.kind) for feature in self.features]
        widths = [len(feature.names) for feature in self.features]
        out = np.empty((table.n_rows, sum(widths)), np.float32)
        for feature, column, width, end in zip(self.features, columns, widths, np.cumsum(widths), strict=True):
            feature.write(column, out[:, end - width : end])
        return out

    def extra(self, table: Table) -> tuple[str, ...]:
        """Return the columns of the table that the training table did not have; `transform` ignores them."""
        known = {feature.name for feature in self.features} | {name for name, _ in self.dropped} | {self.target}
        return tuple(name for name in table.names if name not in known)

    def to_json(self) -> dict[str, Any]:
        """Return a dict for JSON, from which `from_json` restores an equal encoder."""
        record: dict[str, Any] = msgspec.to_builtins(self)
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Encoder:
        """Return the encoder of a record; DataError if the record is damaged."""
        try:
            return msgspec.convert(record, cls)
        except msgspec.ValidationError as error:
            raise DataError(f"The record of the encoder is damaged ({error}): train again.") from error


def fit_encoder(
    table: Table,
    rows: npt.ArrayLike,
    *,
    target: str | Target | None = None,
    bins: int = 0,
    max_width: int = 512,
    max_bytes: int = 2**28,
) -> Encoder:
    """Learn how the columns become numbers, from these rows and no others.

    All columns that the schema marks as used become features, except the target; each kind says how (`NumberFeature`,
    `CategoryFeature`, `DateFeature`). Columns that are constant or all missing in these rows are dropped and listed.

    Args:
        rows: row numbers of the training rows, counted from 0.
        target: the column to predict, which is no feature; a `Target` also decides where the bins of numbers are.
        bins: most bins of each number, see `bin_edges`. 0: numbers are scaled alone.
        max_width, max_bytes: most columns of a table that is encoded with bins, and most memory; numbers have fewer
            bins, or none, to stay within both.

    Raises:
        DataError: no column is left.
    """
    name = target.name if isinstance(target, Target) else target
    features: list[Feature] = []
    dropped: list[tuple[str, str]] = []
    indices = pa.array(np.asarray(rows, np.int64))
    for column in table.schema:
        if column.name == name:
            continue
        fitted = _fit(table, column, indices)
        if isinstance(fitted, str):
            dropped.append((column.name, fitted))
        else:
            features.append(fitted)
    if not features:
        reasons = join((f"{name}: {reason}" for name, reason in dropped), most=5) or "the table has only its target"
        raise DataError(f"No column is left to learn from ({reasons}): add columns or rows.")
    if bins:
        y = target.encode(table.select([target.name]).take(rows)) if isinstance(target, Target) else None
        columns = [table.arrow.column(feature.name).take(indices) for feature in features]
        width = min(max_width, max_bytes // (np.dtype(np.float32).itemsize * table.n_rows))
        features = _binned(features, columns, y, bins, width - sum(len(feature.names) for feature in features))
    return Encoder(tuple(features), tuple(dropped), name)


def _binned(
    features: Sequence[Feature], columns: Sequence[pa.ChunkedArray], y: Codes | Numbers | None, bins: int, room: int
) -> list[Feature]:
    """The features with at most so many bins for each number, and for all numbers as many as there is room for."""
    while bins > 1:
        found, counts = list[Feature](), list[int]()
        for feature, column in zip(features, columns, strict=True):
            found.append(feature.binned(column, y, bins) if isinstance(feature, NumberFeature) else feature)
            if isinstance(found[-1], NumberFeature) and found[-1].edges:
                counts.append(len(found[-1].edges) - 1)
            if 2 * len(counts) > room:  # not even two bins for each
                return list(features)
        if sum(counts) <= room:
            return found
        bins = max((most for most in range(bins) if sum(min(most, count) for count in counts) <= room), default=0)
    return list(features)


def _fit(table: Table, column: Column, rows: pa.Array) -> Feature | str:
    """The feature, or why the column is not one."""
    if not column.used:
        return column.note or "not used"
    if column.kind not in FEATURES:
        return f"columns of kind {column.kind} are not used"
    return FEATURES[column.kind].fit(column.name, table.arrow.column(column.name).take(rows))
