"""A table as training takes it: in memory, or in blocks where it needs more memory than the settings allow."""

from pathlib import Path

from goodfit.data.io.blocks import Blocks, count_cells, open_blocks
from goodfit.data.io.names import BUILTIN
from goodfit.data.table import Source, open_source
from goodfit.errors import DataError
from goodfit.experiment.settings import Settings
from goodfit.files import FileMark, is_stream, memory

BYTES_PER_CELL = 250
"""Memory that a cell takes while a table is trained on in memory: 225 bytes of 200,000 rows with 29 columns, 330 of
50,000; most of it are the bins of numbers, 17 encoded columns of each."""


def open_table(table: object, settings: Settings, *, expected: FileMark | None = None) -> Source | Blocks:
    """Return the columns of a table, or its blocks if it is a file that needs more memory than ``settings.memory``.

    A folder of files is always read in blocks.

    Args:
        expected: size and SHA-256 that the table must have.

    Raises:
        DataError: it is no table, not the one that is expected, or larger than this machine's memory.
    """
    limit = settings.memory_bytes
    if isinstance(table, str | Path) and not (str(table) in BUILTIN or is_stream(table)):
        path = Path(table).expanduser()
        needed = memory_needed(path)
        if limit is not None and (path.is_dir() or needed > limit):
            return open_blocks(table, block_bytes=limit // 64, expected=expected)
        if needed > memory():
            raise DataError(
                f"{str(table)!r} needs about {needed / 1e9:,.0f} GB of memory, and this machine has "
                f"{memory() / 1e9:,.0f} GB: read it in blocks with memory='{max(1, memory() // 4 // 10**9)}GB'."
            )
    return open_source(table, kinds=settings.kinds, drop=settings.drop, expected=expected)


def memory_needed(path: Path) -> int:
    """Return about how many bytes of memory a training on this file takes in memory; 0 where it is no file."""
    return BYTES_PER_CELL * count_cells(path) if path.is_file() else 0
