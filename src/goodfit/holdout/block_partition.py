"""The door between the test rows and a table that is larger than memory.

One pass over its blocks counts the rows of each split and takes two samples, of known rows and of test rows. From there
on the samples are the table, but for the training, which gets all training rows, block by block.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array, Indices
from goodfit.data.columns.cells import clean_text
from goodfit.data.columns.convert import is_text, without_nan
from goodfit.data.columns.fixed import Notation, find_notation, read_in_notation
from goodfit.data.features.category import MAX_CATEGORIES, MIN_ROWS_CATEGORY
from goodfit.data.io.blocks import Blocks
from goodfit.data.row_keys import Keys
from goodfit.data.splits.hashed import (
    TEST,
    TRAIN,
    VALIDATION,
    BottomK,
    block_of,
    hash_rows,
    hashed_splits,
    lowest_of_each,
)
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Column, Kind, Source, Table, asked
from goodfit.data.target import missing_target
from goodfit.errors import DataError, ExamError, SplitError
from goodfit.holdout.partition import Partition, SplitOptions, warn_of_rows_without_target
from goodfit.holdout.sealed_rows import SealedRows

RULE = "hash"
"""Name of the split by a hash of the row number."""


@dataclass(frozen=True)
class SplitSizes:
    """Numbers of rows of a table that is larger than memory.

    n_rows: all, those without a target included. train, validation, test: rows of each split. n_sampled: most known
    rows, and most test rows, that are in the sample. epoch_rows: training rows between two evaluations.
    """

    n_rows: int
    train: int
    validation: int
    test: int
    n_sampled: int
    epoch_rows: int = 0


@dataclass(frozen=True, eq=False)
class BlockPartition:
    """A table that was read in blocks, after the split.

    sample: its known and test rows that are kept in memory, as the table that everything but the training sees. sizes:
    of the splits of the whole table.
    """

    sample: Partition
    sizes: SplitSizes
    options: SplitOptions
    _blocks: Blocks
    _target: str
    _notations: Mapping[str, Notation] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where the table came from, for people."""
        return self._blocks.name

    def capacity(self, n_blocks: int) -> Indices:
        """Return the most training rows that a store of so many blocks can have in each: int64 (n_blocks,)."""
        found = np.zeros(n_blocks, np.int64)
        for rows in _pieces(self.sizes.n_rows):
            train = rows[_splits_of(rows, self.options) == TRAIN]
            found += np.bincount(block_of(train, n_blocks, seed=self.options.seed), minlength=n_blocks)
        return found

    def training_rows(self, schema: Iterable[Column]) -> Iterator[Table]:
        """Yield all training rows of the table in its order, in blocks, the columns read as the sample says.

        Rows whose target cannot be read are left out.
        """
        schema = tuple(schema)
        for rows, block in _numbered(self._blocks):
            train = np.flatnonzero(_splits_of(rows, self.options) == TRAIN)
            some = block.take(pa.array(train))
            columns = {
                column.name: read_in_notation(column, some[column.name].combine_chunks(), self._notations[column.name])
                for column in schema
            }
            there = columns[self._target].is_valid()
            arrow = pa.table(columns).filter(there)
            yield Table(arrow, schema, self._blocks.name, rows=rows[train[np.asarray(there)]])


def partition_blocks(
    blocks: Blocks,
    target: str,
    options: SplitOptions,
    *,
    n_sampled: int,
    kinds: Mapping[str, Kind] | None = None,
    drop: Iterable[str] = (),
) -> BlockPartition:
    """Split a table by a hash of the row numbers, and take a sample of the known rows and one of the test rows.

    Args:
        n_sampled: number of known rows, and of test rows, that are kept. Rare classes have at least three known rows.
        kinds, drop: what the user says about columns.

    Raises:
        DataError: the target has missing cells and ``options.missing_target`` is ``error``, or cannot be predicted.
        SplitError: the rows are to be split in another way than at random.
    """
    _validate(options)
    asked(Source(blocks.schema.empty_table(), blocks.name), kinds, drop).validate_names([target])
    sampler = _Sampler(target, options, n_sampled)
    for rows, block in _numbered(blocks):
        sampler.add(rows, block)
    columns, numbers, is_test = sampler.found()
    n_rows = sampler.n_rows
    if not len(numbers):
        raise DataError(f"{blocks.name} has no rows with a value of {target!r}: give a table with at least some")
    given = Source(
        columns,
        blocks.name,
        decimal_comma=blocks.decimal_comma,
        file=blocks.mark,
        sampled=(numbers, n_rows),
    )
    source = asked(given, kinds, drop)
    if sampler.without_target:
        warn_of_rows_without_target(target, sampler.without_target, n_rows)
    splits, known = _known_rows(source, target, numbers, is_test, options)
    sample = Partition(splits, known, SealedRows(source, splits.test, known.schema))
    raw = columns.take(pa.array(source.places(splits.known)))
    notations = {
        column.name: find_notation(column, raw[column.name].combine_chunks(), decimal_comma=blocks.decimal_comma)
        for column in known.schema
    }
    train, validation, test = (int(sampler.sizes[split]) for split in (TRAIN, VALIDATION, TEST))
    return BlockPartition(
        sample, SplitSizes(n_rows, train, validation, test, n_sampled), options, blocks, target, notations
    )


def sealed_again(found: BlockPartition, schema: Sequence[Column], rows: Indices) -> SealedRows:
    """Return the test rows of a sample that was taken again, for the exam.

    Raises:
        ExamError: they are not the rows with these numbers.
    """
    if not np.array_equal(found.sample.splits.test, rows):
        raise ExamError("The table has other test rows than the run sealed: give the table as it was at training.")
    return replace(found.sample.sealed, schema=schema)


class _Sampler:
    """Counts the rows of each split, and keeps those with the lowest hashes."""

    def __init__(self, target: str, options: SplitOptions, n_sampled: int) -> None:
        self.target, self.options = target, options
        self.known, self.test = BottomK(n_sampled), BottomK(n_sampled)
        self.of_classes: _LowestOfClasses | None = _LowestOfClasses(target)
        self.sizes: Indices = np.zeros(3, np.int64)
        self.n_rows = self.without_target = 0

    def add(self, rows: Indices, block: pa.Table) -> None:
        """Take in a block of rows with these numbers."""
        values = _target_values(block[self.target].combine_chunks())
        there = np.asarray(values.is_valid())
        if not there.all():
            self._note_missing(rows[~there])
        splits = _splits_of(rows, self.options)
        keys = hash_rows(rows, seed=self.options.seed, purpose="sample")
        is_test = splits == TEST
        self.known.add(keys, rows, block, where=there & ~is_test)
        self.test.add(keys, rows, block, where=there & is_test)
        if self.of_classes is not None:
            places = np.flatnonzero(there & ~is_test)
            some = self.of_classes.add(values.take(pa.array(places)), keys[places], rows[places], block, places)
            self.of_classes = self.of_classes if some else None
        self.sizes += np.bincount(splits[there], minlength=3)
        self.n_rows += len(rows)

    def _note_missing(self, rows: Indices) -> None:
        if self.options.missing_target == "error":
            raise missing_target(self.target, rows)
        self.without_target += len(rows)

    def found(self) -> tuple[pa.Table, Indices, Array]:
        """Return the sampled rows in the order of the table, their numbers, and which of them are test rows."""
        of_classes = [] if self.of_classes is None else [(self.of_classes.rows, self.of_classes.table)]
        samples = [self.known.found(), *of_classes, self.test.found()]
        tables = [table for _, table in samples if table is not None]
        numbers = np.concatenate([rows for rows, _ in samples])
        is_test = np.arange(len(numbers)) >= len(numbers) - len(samples[-1][0])
        unique, first = np.unique(numbers, return_index=True)
        columns = pa.concat_tables(tables).take(pa.array(first)).combine_chunks() if tables else pa.table({})
        return columns, unique, is_test[first]


class _LowestOfClasses:
    """The known rows of every value of the target that have the lowest hashes: no class is missing from the sample."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.rows: Indices = np.empty(0, np.int64)
        self.keys: Keys = np.empty(0, np.uint64)
        self.values: pa.Array | None = None
        self.table: pa.Table | None = None

    def add(self, values: pa.Array, keys: Keys, rows: Indices, block: pa.Table, places: Indices) -> bool:
        """Take in rows of a block; False if there are too many values to be classes."""
        encoded = values.dictionary_encode()
        if len(encoded.dictionary) > MAX_CATEGORIES:
            return False
        low = lowest_of_each(np.asarray(encoded.indices), keys, MIN_ROWS_CATEGORY)
        some, table = values.take(pa.array(low)), block.take(pa.array(places[low]))
        if self.values is not None and self.table is not None:
            some, table = pa.concat_arrays([self.values, some]), pa.concat_tables([self.table, table])
        keys, rows = np.append(self.keys, keys[low]), np.append(self.rows, rows[low])
        encoded = some.dictionary_encode()
        low = lowest_of_each(np.asarray(encoded.indices), keys, MIN_ROWS_CATEGORY)
        self.keys, self.rows = keys[low], rows[low]
        self.values, self.table = some.take(pa.array(low)), table.take(pa.array(low)).combine_chunks()
        return len(encoded.dictionary) <= MAX_CATEGORIES


def _numbered(blocks: Blocks) -> Iterator[tuple[Indices, pa.Table]]:
    first = 0
    for block in blocks:
        yield np.arange(first, first + block.num_rows), block
        first += block.num_rows


def _pieces(n_rows: int) -> Iterator[Indices]:
    """Row numbers up to ``n_rows`` in pieces that fit in memory."""
    for rows in range(0, n_rows, 1 << 20):
        yield np.arange(rows, min(rows + (1 << 20), n_rows))


def _splits_of(rows: Indices, options: SplitOptions) -> Array:
    sizes = {"test_size": options.test_size, "validation_split": options.validation_split}
    return hashed_splits(rows, **sizes, seed=options.seed)


def _known_rows(
    source: Source, target: str, numbers: Indices, is_test: Array, options: SplitOptions
) -> tuple[Splits, Table]:
    """The splits of a sample, and its known rows, without those whose target is nothing that can be read."""
    known = source.read(numbers[~is_test])
    lacking = np.asarray(known.arrow[target].is_null())
    if lacking.any() and options.missing_target == "error":
        raise missing_target(target, known.row_numbers[lacking])
    known = known.take(np.flatnonzero(~lacking)) if lacking.any() else known
    of_known = _splits_of(known.row_numbers, options)
    train, validation = (known.row_numbers[of_known == split] for split in (TRAIN, VALIDATION))
    if not (len(train) and len(validation)):
        raise SplitError(f"{known.n_rows} known rows are too few to train and to validate: give more rows.")
    return Splits(train, validation, numbers[is_test], RULE, options.seed), known


def _target_values(raw: pa.Array) -> pa.Array:
    """The cells of the target, null where they are missing."""
    raw = raw.dictionary_decode() if pa.types.is_dictionary(raw.type) else raw
    if is_text(raw.type):
        text = clean_text(raw)
        return text.spread(text.distinct)
    return without_nan(raw) if pa.types.is_floating(raw.type) else raw


def _validate(options: SplitOptions) -> None:
    if options.split != "random":
        raise SplitError(f"a table that is read in blocks is split at random by row, not by split={options.split!r}.")
    if isinstance(options.test_size, int) and options.test_size:
        raise SplitError("test_size must be a share of the rows where a table is read in blocks, such as 0.2.")
