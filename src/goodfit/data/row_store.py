"""Encoded rows on disk, in the order in which training meets them.

Rows are dealt out to blocks by a hash of their number when they are written, so that no block is like another one only
because its rows stood together in the table. Every pass over them takes the blocks in an order of its own and cuts them
into buffers of rows, which training shuffles. Where one buffer holds all rows there is one block, in the order of the
table, and every pass is an epoch of the training in memory.

The file has no name, so that nothing is left of it when the process ends, however it ends. It is read and written, not
mapped: what the system caches of it is no memory of this process.

Source: Xu et al., In-Database Machine Learning with CorgiPile (2022), for blocks in random order and rows shuffled in a
buffer; that rows are dealt out to blocks is ours.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.splits.hashed import block_of
from goodfit.errors import DataError

Rows = npt.NDArray[np.float32]


class RowStore:
    """A file of rows of float32 numbers.

    Args:
        folder: of the file; None for the system's folder of temporary files.
        capacity: most rows of each block (blocks,).
        width: numbers of a row.
        seed: of the blocks, and of their order.

    Raises:
        DataError: the disk has no room for as many rows.
    """

    def __init__(self, folder: Path | None, capacity: Indices, *, width: int, seed: int) -> None:
        self.width, self.seed = width, seed
        self.starts = np.concatenate([[0], np.cumsum(capacity)])
        self.filled = np.zeros(len(capacity), np.int64)
        place = folder or Path(tempfile.gettempdir())
        needed, free = self.bytes_of(int(self.starts[-1])), shutil.disk_usage(place).free
        if needed > free:
            raise DataError(
                f"the encoded rows take {needed / 1e9:.1f} GB, and the disk of {place} has {free / 1e9:.1f} GB free: "
                "make room, or name a folder on another disk with TMPDIR."
            )
        self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self.close = weakref.finalize(self, self.file.close)
        """Delete the file; done at the end of the store in any case."""

    @property
    def n_rows(self) -> int:
        """Number of rows that were written."""
        return int(self.filled.sum())

    def bytes_of(self, n_rows: int) -> int:
        """Return the size of so many rows."""
        return 4 * self.width * n_rows

    def add(self, numbers: Indices, rows: Rows) -> None:
        """Append rows (n, width) with these numbers in the table to their blocks."""
        block = block_of(numbers, len(self.filled), seed=self.seed)
        order, sizes = np.argsort(block, kind="stable"), np.bincount(block, minlength=len(self.filled))
        dealt, begin = np.ascontiguousarray(rows[order], np.float32), 0
        for i in np.flatnonzero(sizes).tolist():
            self.file.seek(self.bytes_of(int(self.starts[i] + self.filled[i])))
            self._write(dealt[begin : begin + sizes[i]])
            begin += sizes[i]
        self.filled += sizes

    def _write(self, rows: Rows) -> None:
        view = rows.data.cast("B")
        while view:
            view = view[self.file.write(view) :]

    def block(self, number: int) -> Rows:
        """Return the rows of one block (rows, width)."""
        rows = np.empty((int(self.filled[number]), self.width), np.float32)
        view = rows.data.cast("B") if rows.size else memoryview(b"")
        self.file.seek(self.bytes_of(int(self.starts[number])))
        while view:
            view = view[cast(int, self.file.readinto(view)) :]
        return rows

    def buffers(self, size: int, *, first: int = 0) -> Iterator[Rows]:
        """Yield buffers of ``size`` rows without end, pass after pass; what a pass leaves over begins the next one.

        The array (size, width) is the same one every time.

        Args:
            first: number of the first buffer.
        """
        skipped, buffer, filled = first * size, np.empty((size, self.width), np.float32), 0
        for number in count(skipped // self.n_rows):
            left = skipped % self.n_rows if number == skipped // self.n_rows else 0
            for i in np.random.default_rng([self.seed, number, 1]).permutation(len(self.filled)).tolist():
                if left >= self.filled[i]:
                    left -= int(self.filled[i])
                    continue
                rows, left = self.block(i)[left:], 0
                while len(rows):
                    taken = min(size - filled, len(rows))
                    buffer[filled : filled + taken] = rows[:taken]
                    filled, rows = filled + taken, rows[taken:]
                    if filled == size:
                        yield buffer
                        filled = 0
