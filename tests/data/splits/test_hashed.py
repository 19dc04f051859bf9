"""Splits and samples by a hash do not depend on the order in which rows are met."""

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.splits.hashed import TEST, TRAIN, VALIDATION, BottomK, hash_rows, hashed_splits, lowest_of_each

ROWS = np.arange(40_000)


def test_shares_are_those_that_were_asked_for_and_purposes_are_independent():
    splits = hashed_splits(ROWS, test_size=0.25, validation_split=0.1, seed=3)
    shares = [np.mean(splits == split) for split in (TRAIN, VALIDATION, TEST)]
    assert np.allclose(shares, [0.675, 0.075, 0.25], atol=0.01)
    assert not (hashed_splits(ROWS, test_size=0, validation_split=0.1, seed=3) == TEST).any()
    u = hash_rows(ROWS, seed=3, purpose="sample") / 2.0**64
    for split, share in zip((TRAIN, VALIDATION, TEST), shares, strict=True):
        assert abs(np.mean(u[splits == split]) - 0.5) < 4 * 0.29 / np.sqrt(share * len(ROWS))


def test_another_seed_gives_another_split_and_the_same_the_same():
    one, other, same = (hashed_splits(ROWS, test_size=0.2, validation_split=0.2, seed=s) for s in (0, 1, 0))
    assert (one == same).all()
    assert 0.4 < np.mean(one == other) < 0.6  # .64² + .16² + .2² = .475


@pytest.mark.parametrize("seed", range(30))
def test_a_sample_is_that_of_the_whole_however_its_rows_are_dealt_out(seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(1, 300), rng.integers(1, 40)
    keys = hash_rows(np.arange(n), seed=seed, purpose="sample")
    samples = [BottomK(k), BottomK(k)]
    for piece in np.split(rng.permutation(n), np.sort(rng.integers(0, n + 1, 5))):
        samples[rng.integers(2)].add(keys[piece], piece, pa.table({"row": piece}))
    samples[0].merge(samples[1])
    found, table = samples[0].found()
    assert found.tolist() == table["row"].to_pylist() == np.sort(np.argsort(keys)[:k]).tolist()


def test_the_lowest_of_each_class_are_found():
    rng = np.random.default_rng(0)
    codes, keys = rng.integers(0, 5, 200), rng.integers(0, 2**60, 200).astype(np.uint64)
    found = lowest_of_each(codes, keys, 3)
    for code in range(5):
        own = np.flatnonzero(codes == code)
        assert set(found) & set(own) == set(own[np.argsort(keys[own])][:3])


def test_an_empty_sample_has_no_table():
    rows, table = BottomK(3).found()
    assert len(rows) == 0
    assert table is None
