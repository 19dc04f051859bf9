"""Rows on disk: none is lost, none is met twice in a pass, and every pass has an order of its own."""

from itertools import islice

import numpy as np
import pytest

from goodfit.data.row_store import RowStore
from goodfit.data.splits.hashed import block_of
from goodfit.errors import DataError


def filled(n_rows, n_blocks, *, seed=0, pieces=3):
    """A store of rows that hold their number, twice, added in pieces."""
    numbers = np.arange(n_rows)
    of_blocks = np.bincount(block_of(numbers, n_blocks, seed=seed))
    store = RowStore(None, of_blocks, width=2, seed=seed)
    for some in np.array_split(numbers, pieces):
        store.add(some, np.repeat(some[:, None], 2, axis=1).astype(np.float32))
    return store


def numbers_of(store, size, n_buffers, **given):
    return np.concatenate([buffer[:, 0].copy() for buffer in islice(store.buffers(size, **given), n_buffers)])


@pytest.mark.parametrize(
    ("n_rows", "n_blocks", "size"), [(1, 1, 1), (50, 1, 50), (100, 7, 30), (90, 40, 7), (64, 5, 64)]
)
def test_every_pass_has_every_row_once(n_rows, n_blocks, size):
    store = filled(n_rows, n_blocks)
    met = numbers_of(store, size, 3 * n_rows)
    passes = [met[i * n_rows : (i + 1) * n_rows] for i in range(3)]
    assert all(np.array_equal(np.sort(rows), np.arange(n_rows)) for rows in passes)
    if n_blocks > 4:
        assert not np.array_equal(passes[0], passes[1])


def test_one_block_keeps_the_order_of_the_table():
    assert numbers_of(filled(40, 1, pieces=7), 40, 2).tolist() == [*range(40), *range(40)]


@pytest.mark.parametrize("first", [0, 1, 2, 5, 11])
def test_a_later_buffer_is_found_without_those_before_it(first):
    store = filled(100, 7)
    assert np.array_equal(numbers_of(store, 30, 4, first=first), numbers_of(store, 30, first + 4)[first * 30 :])


def test_rows_that_stood_together_are_in_different_blocks():
    store = filled(2_000, 10)
    for i in range(10):
        assert abs(np.mean(store.block(i)[:, 0] < 1_000) - 0.5) < 0.2


def test_a_disk_without_room_is_noticed_before_a_row_is_written(tmp_path):
    with pytest.raises(DataError, match=r"take 4000000\.0 GB, and the disk of .* free: make room"):
        RowStore(tmp_path, np.array([10**12]), width=1000, seed=0)


def test_nothing_is_left_on_disk(tmp_path):
    store = RowStore(tmp_path, np.array([3]), width=1, seed=0)
    store.add(np.arange(3), np.ones((3, 1), np.float32))
    assert not list(tmp_path.iterdir())
    store.close()
