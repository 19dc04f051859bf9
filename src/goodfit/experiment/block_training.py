"""Training on a table that is larger than memory.

The table is split by a hash of its row numbers, and a sample of it stands for it wherever rows must be at hand at once:
kinds of columns, data checks, scales and bins, the search, validation, measurements, the exam. All training rows are
encoded once into a file; on these the contenders of the search are trained, from their initial weights.
"""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Array
from goodfit.data.features.base import rounded_span
from goodfit.data.features.date import MICROSECONDS_PER_DAY, DateFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.io.blocks import Blocks, open_blocks
from goodfit.data.row_store import RowStore
from goodfit.data.table import Table
from goodfit.data.target import Target, limits_of
from goodfit.errors import ConfigError, DataError
from goodfit.experiment.experiment import Fitted, OpenGrid, Watchers, fit_all, plan_for, recipe_for
from goodfit.experiment.memory import memory_explained, validate_network_size
from goodfit.experiment.prepare import (
    Prepared,
    arrays_of,
    class_factors_of,
    in_unit_of_target,
    layers_for,
    prepare_partition,
    refuse_infinity,
    split_options,
    with_checks,
)
from goodfit.experiment.reopening import validate_reopened
from goodfit.experiment.run_folder import Record
from goodfit.experiment.settings import Settings
from goodfit.formatting import count
from goodfit.holdout.block_partition import BlockPartition, partition_blocks, sealed_again
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.nn.network import init_network
from goodfit.search.parallel import Trial
from goodfit.search.streaming import Stream, buffer_size, stream_trials, train_contenders
from goodfit.training.evaluation import scaled_weights
from goodfit.training.interrupt import interruptible

IN_MEMORY = {"split", "group", "time", "folds"}
"""Settings that need the whole table in memory: no data check may advise them here."""


class MemoryPlan(NamedTuple):
    """How a bound of memory is spent.

    block_bytes: of rows as they are read. n_sampled: most known rows of the sample, and most test rows. buffer_bytes:
    of encoded rows in a buffer.
    """

    block_bytes: int
    n_sampled: int
    buffer_bytes: int

    @classmethod
    def of(cls, limit: int, n_columns: int) -> "MemoryPlan":
        """Return the plan.

        A quarter of the bound is for the sample, of which a cell takes about 100 bytes while the search runs; a
        sixteenth for the buffer, of which there are up to five copies.
        """
        n_sampled = int(np.clip(limit // 4 // (100 * n_columns), 200, 100_000))
        return cls(limit // 64, n_sampled, limit // 16)


def split_blocks(blocks: Blocks, target: str, settings: Settings, *, n_sampled: int | None = None) -> BlockPartition:
    """Split a table and take its samples, as large as the memory of the settings allows unless their size is given."""
    limit = settings.memory_bytes
    assert limit is not None
    if n_sampled is None:
        n_sampled = MemoryPlan.of(limit, len(blocks.schema)).n_sampled
    options = split_options(settings)
    return partition_blocks(blocks, target, options, n_sampled=n_sampled, kinds=settings.kinds, drop=settings.drop)


def prepare_blocks(blocks: Blocks, target: str, settings: Settings) -> Prepared:
    """Split a table, learn target and encoder from the training rows of its sample, and check the known rows of it.

    Numbers are scaled, unless the settings say otherwise: bins make a row up to 17 times as large, and many rows teach
    a network what bins would.

    Raises:
        ConfigError: the settings ask for folds.
    """
    if settings.folds not in ("auto", 1):
        raise ConfigError(f"folds={settings.folds} needs the table in memory: leave out folds, or memory.")
    numbers = "scaled" if settings.numbers == "auto" else settings.numbers
    settings = replace(settings, numbers=numbers)
    found = split_blocks(blocks, target, settings)
    if settings.n_folds(len(found.sample.splits.known)) > 1:
        settings = replace(settings, folds=1)
    prepared = with_checks(replace(prepare_partition(found.sample, target, settings), blocks=found))
    possible = (check if not IN_MEMORY & set(check.change) else replace(check, change={}) for check in prepared.checks)
    return replace(prepared, checks=tuple(possible))


def sealed_blocks(record: Record, table: object, *, purpose: str) -> SealedRows:
    """Return the test rows that a run has sealed, read again from the table of its training, or from the one given.

    Raises:
        DataError: there is no such table, or it has changed. ExamError: it has other rows.
    """
    limit, sizes = record.settings.memory_bytes, record.streamed
    assert limit is not None and sizes is not None
    if table is None:
        validate_reopened(record.source, record.source_file, record.machine, purpose=purpose)
    elif not isinstance(table, str | Path):
        raise DataError("it was read in blocks: give its path")
    expected = record.source_file if table is None else None
    blocks = open_blocks(record.source if table is None else table, block_bytes=limit // 64, expected=expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of the table was said before the training
        found = split_blocks(blocks, record.target.name, record.settings, n_sampled=sizes.n_sampled)
    return sealed_again(found, record.schema, record.splits.test)


def fit_blocks(
    prepared: Prepared, watched: Watchers, *, refine: bool, open_grid: OpenGrid, folder: Path | None
) -> Fitted:
    """Train what the settings ask for: one network on all rows, or a grid on the sample and its contenders on all rows.

    Args:
        folder: where the encoded rows are kept meanwhile; None for the system's folder of temporary files.
    """
    validate_network_size(layers_for(prepared.settings, prepared.target), len(prepared.encoder.feature_names))
    with memory_explained():
        prepared, stream = _encoded(prepared, folder)
        if not prepared.settings.sweeps:
            return _fit_once(prepared, stream, watched, open_grid)
        first = fit_all([prepared], watched, refine=refine, open_grid=open_grid)
        if first.sweep is None or not first.is_complete:
            return first
        found = train_contenders(
            first.sweep,
            plan_for(first.prepared),
            stream,
            rule=prepared.settings.choice,
            on_progress=watched.on_progress,
            checkpoints=open_grid("all"),
            deadline=watched.deadline,
        )
        return first._replace(training=found.winner, sweep=found)


def _fit_once(prepared: Prepared, stream: Stream, watched: Watchers, open_grid: OpenGrid) -> Fitted:
    settings, target, told = prepared.settings, prepared.target, watched.on_epoch
    recipe = recipe_for(prepared, stream.buffer_rows)
    params = init_network(recipe.layers, n_inputs=stream.sample.rows.x.shape[1], seed=settings.seed)
    checkpoints = open_grid("all")
    with interruptible(saves=checkpoints is not None, deadline=watched.deadline) as interrupted:
        [training] = stream_trials(
            [Trial(recipe, settings.seed, params)],
            stream,
            epochs=settings.epochs,
            on_epoch=told and (lambda record: told(in_unit_of_target(record, target))),
            interrupted=interrupted,
            checkpoints=checkpoints and checkpoints(0, [0]),
        )
    assert training is not None
    return Fitted(prepared, stream.sample, training, None, [prepared])


def _encoded(prepared: Prepared, folder: Path | None) -> tuple[Prepared, Stream]:
    """Encode all training rows into a file; what they alone can say is added to encoder and target."""
    blocks, settings, encoder = prepared.blocks, prepared.settings, prepared.encoder
    assert blocks is not None
    width = len(encoder.feature_names) + 2  # class or value, and weight
    limit = MemoryPlan.of(settings.memory_bytes or 0, len(prepared.table.schema)).buffer_bytes // (4 * width)
    size = buffer_size(blocks.sizes.train, settings.rows_per_update(len(prepared.splits.known)), limit)
    n_blocks = 1 if size == blocks.sizes.train else -(-8 * blocks.sizes.train // size)
    store = RowStore(folder, blocks.capacity(n_blocks), width=width, seed=settings.seed)
    sample, extremes = arrays_of(prepared), _Extremes()
    y_sample = np.asarray(sample.rows.labels)[:-1, 0].astype(np.int64)
    weights = class_factors_of(settings, prepared.target, y_sample, np.asarray(sample.train))
    weights = None if weights is None else scaled_weights(weights)
    needed = [column for column in prepared.table.schema if column.name in {*encoder.columns, prepared.target.name}]
    n_unknown = 0
    for table in blocks.training_rows(needed):
        rows = _of_known_classes(table, prepared.target)
        n_unknown += table.n_rows - rows.n_rows
        refuse_infinity(rows, prepared.target.name)
        extremes.see(rows)
        y = np.asarray(prepared.target.encode(rows))
        weight = np.ones(len(y)) if weights is None else weights[y]
        store.add(rows.row_numbers, np.column_stack([encoder.transform(rows), y, weight]).astype(np.float32))
    if n_unknown:
        told = f"{count(n_unknown, 'training row')} of a class that no row of the sample has left out."
        warnings.warn(told, UserWarning, stacklevel=4)
    size = store.n_rows if n_blocks == 1 else size
    blocks = replace(blocks, sizes=replace(blocks.sizes, train=store.n_rows, epoch_rows=size))
    return replace(extremes.added_to(prepared), blocks=blocks), Stream(store, sample, size)


def _of_known_classes(table: Table, target: Target) -> Table:
    """The rows without those of a class that is not among the target's."""
    if not target.classes:
        return table
    column = table.arrow[target.name]
    known = pc.is_in(column, value_set=pa.array(target.classes).cast(column.type))
    return table if pc.all(known).as_py() else table.take(np.flatnonzero(known))


class _Extremes:
    """The lowest and the highest number, or date, of each column."""

    def __init__(self) -> None:
        self.found: dict[str, Array] = {}

    def see(self, table: Table) -> None:
        """Take in the rows of a table."""
        for column in table.schema:
            if column.kind in ("number", "date"):
                low, high = pc.min_max(
                    table.arrow[column.name].cast(pa.int64() if column.kind == "date" else pa.float64())
                ).values()
                ends = [value.as_py() for value in (low, high) if value.is_valid]
                seen = np.append(self.found.get(column.name, []), ends)
                self.found[column.name] = np.array([seen.min(), seen.max()]) if len(seen) else seen

    def added_to(self, prepared: Prepared) -> Prepared:
        """Return what was learned from a sample with the ranges of all training rows."""
        features, target = list(prepared.encoder.features), prepared.target
        for place, feature in enumerate(features):
            ends = self.found.get(feature.name, np.empty(0))
            if isinstance(feature, NumberFeature | DateFeature) and len(ends):
                unit = MICROSECONDS_PER_DAY if isinstance(feature, DateFeature) else 1
                features[place] = msgspec.structs.replace(feature, span=rounded_span(ends / unit))
        if target.limits is not None:
            target = replace(target, limits=limits_of(self.found[target.name]))
        return replace(
            prepared, encoder=msgspec.structs.replace(prepared.encoder, features=tuple(features)), target=target
        )
