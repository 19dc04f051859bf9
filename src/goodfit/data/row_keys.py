"""64-bit keys of rows: equal for rows with equal values, whatever table they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Numbers
from goodfit.data.columns.convert import one_array
from goodfit.data.table import Table

Keys = npt.NDArray[np.uint64]
NO_TEXT = 0
NO_MOMENT = np.iinfo(np.int64).min
KEY_BYTES = 8
DUPLICATE_STEP = 2e-3
"""Rows are duplicates up to rounding where their numbers are equal to about this part of a standard deviation."""
MIN_COUNTER_ROWS = 20
"""Of fewer rows, different whole numbers close together are no surprise: an age in years."""


@dataclass(frozen=True)
class KeyRule:
    """Which cells of a row make its key.

    columns: their names. widths: by the name of a column of numbers, the width of the intervals that its values are
    rounded to; other numbers are compared exactly.
    """

    columns: tuple[str, ...]
    widths: Mapping[str, float] = field(default_factory=dict)


HeldOutKeys = Callable[[KeyRule], Keys]
"""held_out(rule): the keys of the held-out rows, which is all that a check learns about them."""


def key_rule(table: Table, columns: Sequence[str], *, step: float = 0.0) -> KeyRule:
    """Return the rule whose rounding is learned from the rows of this table.

    step: width of the intervals in standard deviations, for columns that hold a fraction; 0 rounds nothing.
    """
    return KeyRule(tuple(columns), {name: step * s for name in columns if step and (s := _spread(table, name))})


def row_keys(table: Table, rule: KeyRule) -> Keys:
    """Return the key of every row: uint64 (n_rows,), the same in every process.

    Σ_j multiplier_j · mixed(value_j) modulo 2⁶⁴ with odd random multipliers. Missing cells equal each other, and 0
    equals −0. Ten times as fast as hashing whole rows in wide tables.
    """
    n_columns = len(rule.columns)
    multipliers = np.random.default_rng(0).integers(2**63, size=n_columns, dtype=np.uint64) * np.uint64(2) + 1
    keys = np.zeros(table.n_rows, np.uint64)
    for name, multiplier in zip(rule.columns, multipliers, strict=True):
        keys += mixed(_words(one_array(table.arrow[name]), rule.widths.get(name, 0.0))) * multiplier
    return keys


def _spread(table: Table, name: str) -> float:
    """Standard deviation of a column that holds fractions; 0 for others, and where squares overflow."""
    if table.column(name).kind != "number":
        return 0.0
    values: Numbers = table.values(name)
    present = values[np.isfinite(values)]
    if not (present % 1).any():
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(present.std())
    return spread if np.isfinite(spread) else 0.0


def _words(column: pa.Array, width: float) -> Keys:
    """64 bits of each cell: those of the number or moment, or a hash of the string."""
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        texts = [blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in encoded.dictionary.to_pylist()]
        hashes = np.append(np.frombuffer(b"".join(texts), "<u8"), np.uint64(NO_TEXT))
        words: Keys = hashes[np.asarray(encoded.indices.fill_null(-1))]
        return words
    if pa.types.is_timestamp(column.type):
        return np.asarray(pc.cast(column, pa.int64()).fill_null(NO_MOMENT)).view(np.uint64)
    numbers = np.asarray(column.fill_null(np.nan))
    if width:
        numbers = np.round(numbers / width)
    return (numbers + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0


def mixed(words: Keys) -> Keys:
    """Return words whose every bit depends on all bits of the given ones, so that sums of simple numbers do not meet.

    The mixer of SplitMix64.
    """
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def counts_rows(values: Numbers, n_rows: int) -> bool:
    """Return whether these are different whole numbers of a range not much longer than the source's ``n_rows`` rows."""
    n = len(values)
    if n < MIN_COUNTER_ROWS or not n - 1 <= np.ptp(values) <= 1.1 * n_rows:
        return False
    return bool((values == np.floor(values)).all()) and len(np.unique(values)) == n


def duplicate_groups(table: Table, target: str) -> Keys:
    """Return a number for every row, the same for rows whose features are equal up to rounding.

    Row counters are no features. Two rows that lie on both sides of an edge of the rounding are not found.
    """
    used = [column for column in table.schema if column.used and column.name != target]
    counters = {c.name for c in used if c.kind == "number" and counts_rows(table.values(c.name), table.n_rows)}
    names = [column.name for column in used if column.name not in counters]
    return row_keys(table, key_rule(table, names, step=DUPLICATE_STEP))
