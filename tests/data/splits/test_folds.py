"""Folds: every row validates once; classes in proportion, groups whole."""

import time

import numpy as np
import pytest

from goodfit.data.splits.folds import make_folds
from goodfit.errors import SplitError


@pytest.mark.parametrize(("n_rows", "folds"), [(10, 2), (10, 3), (7, 7), (101, 5)])
def test_every_row_validates_once_and_trains_otherwise(n_rows, folds):
    found = make_folds(n_rows, folds)
    assert len(found) == folds
    assert np.sort(np.concatenate([validation for _, validation in found])).tolist() == list(range(n_rows))
    for train, validation in found:
        assert np.sort(np.concatenate([train, validation])).tolist() == list(range(n_rows))
        assert (np.diff(train) > 0).all()
        assert (np.diff(validation) > 0).all()
    sizes = [len(validation) for _, validation in found]
    assert max(sizes) - min(sizes) <= 1


def test_rows_are_shuffled_by_the_seed_alone():
    first, again, other = (make_folds(50, 2, seed=seed)[0][1].tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert first not in (list(range(25)), list(range(25, 50)))


def test_classes_are_dealt_out_evenly():
    labels = np.repeat(["rare", "common", "usual"], [7, 40, 26])
    found = make_folds(73, 4, stratify=labels)
    for name in np.unique(labels):
        counts = [np.count_nonzero(labels[validation] == name) for _, validation in found]
        assert max(counts) - min(counts) <= 1
    sizes = [len(validation) for _, validation in found]
    assert max(sizes) - min(sizes) <= 1


def test_groups_are_never_cut_and_folds_about_as_large():
    groups = np.repeat(np.arange(20), np.arange(1, 21))
    found = make_folds(len(groups), 4, groups=groups)
    for train, validation in found:
        assert not set(groups[train]) & set(groups[validation])
    sizes = [len(validation) for _, validation in found]
    assert sum(sizes) == len(groups)
    assert max(sizes) - min(sizes) <= 5


def test_groups_with_labels_keep_the_classes_in_proportion():
    groups = np.repeat(np.arange(40), 10)
    labels = (groups % 4 == 0).astype(int)
    for _, validation in make_folds(400, 5, stratify=labels, groups=groups):
        assert labels[validation].mean() == 0.25


def test_many_groups_are_dealt_out_by_size():
    groups = np.random.default_rng(0).integers(0, 20_000, 30_000)
    start = time.process_time()
    found = make_folds(len(groups), 3, stratify=np.arange(30_000) % 2, groups=groups)
    assert time.process_time() - start < 2
    assert {len(validation) for _, validation in found} == {10_000}
    assert not np.intersect1d(groups[found[0][0]], groups[found[0][1]]).size


def test_other_seeds_deal_out_groups_otherwise():
    groups = np.arange(60) // 3
    first, again, other = (make_folds(60, 4, groups=groups, seed=seed)[0][1].tolist() for seed in (1, 1, 2**40))
    assert first == again != other


@pytest.mark.parametrize("labels", [[0] * 8 + [1] * 2, [0, 1, 2, 3, 4] * 2])
def test_classes_with_fewer_rows_than_folds_are_no_error(labels):
    assert [len(validation) for _, validation in make_folds(10, 5, stratify=labels)] == [2] * 5


def test_rows_without_a_group_are_one_group():
    groups = np.array(["a", None, "b", "c", None, None, "d"], object)
    assert sum({1, 4, 5} <= set(validation) for _, validation in make_folds(7, 3, groups=groups)) == 1


@pytest.mark.parametrize("folds", [1, 0, -2, 2.0, True, "3", None])
def test_a_number_of_folds_that_cannot_be_is_named(folds):
    with pytest.raises(SplitError, match=r"folds must be a whole number, 2 or more, not"):
        make_folds(10, folds)


def test_more_folds_than_rows_or_groups_are_refused():
    with pytest.raises(SplitError, match="folds=11 is more than the 10 rows there are: choose fewer folds"):
        make_folds(10, 11)
    with pytest.raises(SplitError, match="folds=3 is more than the 2 groups there are: choose fewer folds"):
        make_folds(10, 3, groups=np.arange(10) % 2)
