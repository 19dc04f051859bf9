"""Every row in exactly one split, in the promised numbers, under every rule."""

import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit, StratifiedShuffleSplit, TimeSeriesSplit

from goodfit.data.splits.splits import Splits, make_splits, missing_classes
from goodfit.errors import SplitError

N = 1000
LABELS = np.repeat(["a", "b", "c"], [700, 250, 50])
RULES = {
    "random": {},
    "stratified": {"stratify": LABELS},
    "last": {"split": "last"},
    "group": {"split": "group", "groups": np.arange(N) % 50},
    "time": {"split": "time", "time": np.arange(N)[::-1] * 1.5},
    "KFold": {"split": KFold(5, shuffle=True)},
    "TimeSeriesSplit": {"split": TimeSeriesSplit(4)},
}


def validation_rows(n, **arguments):
    splits = make_splits(n, test_size=0, **arguments)
    return splits.train, splits.validation


def class_counts(rows, labels=LABELS):
    return {str(name): int((labels[rows] == name).sum()) for name in np.unique(labels)}


@pytest.mark.parametrize("rule", RULES)
def test_splits_are_640_160_200_cover_every_row_and_do_not_overlap(rule):
    splits = make_splits(N, **RULES[rule], seed=3)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (640, 160, 200)
    assert np.array_equal(np.sort(np.concatenate(list(splits.arrays().values()))), np.arange(N))
    assert splits.rule == rule
    for rows in splits.arrays().values():
        assert rows.dtype == np.int64 and (np.diff(rows) > 0).all()
        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 0


@pytest.mark.parametrize("rule", RULES)
def test_the_same_seed_gives_the_same_splits(rule):
    one, two = (make_splits(N, **RULES[rule], seed=5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.arrays().values(), two.arrays().values(), strict=True))


@pytest.mark.parametrize("rule", ["random", "stratified", "group", "KFold"])
def test_another_seed_gives_other_splits(rule):
    assert not np.array_equal(make_splits(N, **RULES[rule], seed=5).test, make_splits(N, **RULES[rule], seed=6).test)
    (_, one), (_, two) = (validation_rows(N, **RULES[rule], seed=seed) for seed in (5, 6))
    assert not np.array_equal(one, two)


def test_the_seed_leaves_numpys_global_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_splits(N, split=ShuffleSplit(3, test_size=0.2))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("n", [3, 5, 7, 10, 30, 99, 100, 101, 891])
@pytest.mark.parametrize("test_size", [0.07, 0.1, 0.2, 0.29])
@pytest.mark.parametrize("validation_split", [0.1, 0.2, 0.3])
def test_counts_follow_the_decimal_that_was_typed(n, test_size, validation_split):
    splits = make_splits(n, test_size=test_size, validation_split=validation_split)
    test = math.ceil(Fraction(str(test_size)) * n)
    train = math.floor((n - test) * (1 - Fraction(str(validation_split))))
    assert (len(splits.test), len(splits.train)) == (test, train)


def test_floats_do_not_move_a_row():
    assert len(validation_rows(30, validation_split=0.1)[1]) == 3
    assert math.ceil(0.07 * 100) == 8 and len(make_splits(100, test_size=0.07).test) == 7
    assert math.floor(10 * (1 - 0.9)) == 0 and len(validation_rows(10, validation_split=0.9)[0]) == 1


def test_a_whole_number_is_a_number_of_test_rows_and_zero_is_no_exam():
    assert len(make_splits(50, test_size=7).test) == 7
    splits = make_splits(50, test_size=0)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 10, 0)


def test_last_is_keras_rule():
    train, validation = validation_rows(1001, validation_split=0.2, split="last")
    assert train[-1] == math.floor(1001 * (1 - 0.2)) - 1 and validation[0] == train[-1] + 1 and validation[-1] == 1000


def test_stratified_counts_are_the_exact_shares_where_these_are_whole():
    splits = make_splits(N, stratify=LABELS)
    assert class_counts(splits.test) == {"a": 140, "b": 50, "c": 10}
    assert class_counts(splits.validation) == {"a": 112, "b": 40, "c": 8}
    assert class_counts(splits.train) == {"a": 448, "b": 160, "c": 32}


@pytest.mark.parametrize("seed", range(5))
def test_stratified_counts_differ_from_the_share_and_from_scikit_learn_by_less_than_one(seed):
    labels = np.random.default_rng(seed).choice(list("abcdef"), 777, p=[0.4, 0.3, 0.15, 0.1, 0.03, 0.02])
    test = make_splits(777, stratify=labels, seed=seed).test
    _, peer = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(labels, labels))
    for name, count in class_counts(test, labels).items():
        assert abs(count - len(test) * (labels == name).mean()) < 1
        assert abs(count - (labels[peer] == name).sum()) <= 1


def test_many_small_classes_are_held_out_in_proportion_on_average():
    labels = np.concatenate([np.repeat(np.arange(100), 2), np.repeat([500, 501], 400)])
    share = np.mean([(labels[make_splits(N, stratify=labels, seed=s).test] < 100).mean() for s in range(40)])
    assert share == pytest.approx(0.2, abs=0.01)


def test_a_small_class_gets_its_share_on_average():
    labels = np.repeat([0, 1], [4, 96])
    held = [(labels[make_splits(100, stratify=labels, seed=s).test] == 0).sum() for s in range(400)]
    assert set(held) == {0, 1} and np.mean(held) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("seed", range(10))
def test_rare_classes_stay_in_training_and_a_pair_is_divided(seed):
    labels = np.array(["often"] * 96 + ["one"] + ["two"] * 2 + ["alone"])
    splits = make_splits(100, stratify=labels, seed=seed)
    train = class_counts(splits.train, labels)
    assert (train["one"], train["alone"], train["two"]) == (1, 1, 1)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (64, 16, 20)


@pytest.mark.parametrize("test_size", [0.2, 0.5, 0.6, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_training_keeps_every_class_however_much_is_held_out(test_size, seed):
    labels = np.concatenate([np.arange(6), np.arange(6), np.arange(6), np.full(82, 9)])
    splits = make_splits(100, test_size=test_size, stratify=labels, seed=seed)
    assert set(labels[splits.train]) == set(labels)
    assert len(splits.test) == 100 * test_size


def test_no_group_stands_on_two_sides_however_uneven_the_groups():
    groups = np.random.default_rng(0).geometric(0.1, 500)
    splits = make_splits(500, split="group", groups=groups.astype(str), seed=2)
    sides = [set(groups[rows]) for rows in splits.arrays().values()]
    assert sum(map(len, sides)) == len(set(groups)) and all(sides)
    assert len(sides[2]) == math.ceil(len(set(groups)) * 0.2)


@pytest.mark.parametrize("dtype", ["float64", "datetime64[us]", "datetime64[D]", "int32", "object"])
def test_time_trains_on_the_past_and_keeps_a_moment_together(dtype):
    days = np.random.default_rng(1).integers(0, 60, 500)
    time = np.array([np.datetime64("2026-01-01") + d for d in days]) if dtype == "object" else days.astype(dtype)
    splits = make_splits(500, split="time", time=time.astype(object) if dtype == "object" else time)
    assert days[splits.train].max() < days[splits.validation].min()
    assert days[splits.validation].max() < days[splits.test].min()
    assert abs(len(splits.test) - 100) <= np.bincount(days).max()


def test_rows_of_one_time_are_divided_only_where_they_must():
    splits = make_splits(10, split="time", time=[0] * 8 + [1, 2])
    assert [list(rows) for rows in splits.arrays().values()] == [list(range(8)), [8], [9]]
    unavoidable = make_splits(10, split="time", time=[0] * 10)
    assert [len(rows) for rows in unavoidable.arrays().values()] == [6, 2, 2]
    assert [len(rows) for rows in make_splits(4, split="time", time=[0, 1, 1, 1]).arrays().values()] == [1, 2, 1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows_name_the_smallest_number_that_works(n):
    with pytest.raises(SplitError, match="at least 3 rows"):
        make_splits(n)
    assert [len(rows) for rows in make_splits(3).arrays().values()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "least", "unit"),
    [
        ({"test_size": 0}, 2, "rows"),
        ({"test_size": 0.9}, 20, "rows"),
        ({"test_size": 4}, 6, "rows"),
        ({"validation_split": 0.9}, 13, "rows"),
        ({"stratify": True}, 4, "rows"),
        ({"split": "group", "groups": True}, 3, "groups"),
    ],
)
def test_the_smallest_number_named_works_and_one_less_does_not(arguments, least, unit):
    def make(n):
        filled = {"stratify": np.arange(n) % 2, "groups": np.repeat(np.arange(n), 1)}
        return make_splits(n, **{k: filled[k] if v is True else v for k, v in arguments.items()})

    make(least)
    with pytest.raises(SplitError, match=f"at least {least} {unit}"):
        make(least - 1)


def test_more_classes_than_training_rows_say_so():
    with pytest.raises(SplitError, match="each of 90 classes: give at least 142 rows"):
        make_splits(100, stratify=np.minimum(np.arange(100), 89))


@pytest.mark.parametrize("name", ["test_size", "validation_split"])
@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, math.nan, math.inf, "half", None, True])
def test_a_bad_fraction_is_named(name, value):
    with pytest.raises(SplitError, match=name):
        make_splits(100, **{name: value})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"validation_split": 0}, "validation_split"),
        ({"validation_split": 5}, "validation_split"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"split": "middle"}, "split must be one of"),
        ({"split": 3}, "split must be one of"),
        ({"split": "group"}, "needs groups"),
        ({"split": "time"}, "needs time"),
        ({"groups": np.arange(100)}, "set split='group'"),
        ({"time": np.arange(100)}, "set split='time'"),
        ({"stratify": np.arange(99)}, "stratify must have one value for each of the 100 rows"),
        ({"split": "time", "time": ["soon"] * 100}, "time must be numbers or dates"),
        ({"split": "time", "time": [1.0] * 99 + [math.nan]}, "first in row 100"),
        ({"split": "time", "time": [np.datetime64("NaT")] + [np.datetime64("2026-01-01")] * 99}, "first in row 1:"),
        ({"split": KFold(200)}, "split=KFold cannot split these 100 rows"),
        ({"split": PredefinedSplit([0] * 50 + [1] * 50)}, "split=PredefinedSplit cannot split"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, named):
    with pytest.raises(SplitError, match=named):
        make_splits(100, **arguments)


def test_a_splitter_gets_labels_groups_and_a_seed():
    labels = np.arange(100) % 4
    splits = make_splits(100, split=StratifiedShuffleSplit(2, test_size=0.2), stratify=labels)
    assert set(np.bincount(labels[splits.test])) == {5}
    predefined = make_splits(100, split=PredefinedSplit([-1] * 90 + [0] * 10), test_size=0)
    assert list(predefined.validation) == list(range(90, 100))


def test_classes_missing_from_a_split_are_listed():
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    assert missing_classes(make_splits(100, split="last"), labels) == {
        "train": (1, 2),
        "validation": (1, 2),
        "test": (0,),
    }
    assert missing_classes(make_splits(N, stratify=LABELS), LABELS) == {}
    assert "test" not in missing_classes(make_splits(100, split="last", test_size=0), labels)


def test_splits_come_back_from_their_arrays():
    splits = make_splits(N, stratify=LABELS, seed=8)
    again = Splits.from_arrays(splits.arrays(), rule=splits.rule, seed=splits.seed)
    assert all(np.array_equal(again.arrays()[name], rows) for name, rows in splits.arrays().items())
    with pytest.raises(SplitError, match="lack test"):
        Splits.from_arrays({"train": [0], "validation": [1]}, rule="random", seed=0)
    with pytest.raises(SplitError, match="twice"):
        Splits.from_arrays({"train": [0], "validation": [1], "test": [1]}, rule="random", seed=0)


def test_a_million_rows_are_quick():
    labels = np.random.default_rng(0).integers(0, 10, 1_000_000)
    splits = make_splits(1_000_000, stratify=labels)
    assert len(splits.train) == 640_000
