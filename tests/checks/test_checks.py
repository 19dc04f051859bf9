"""Tables built so that what is wrong with them is known, and tables with which nothing is wrong."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy

from goodfit.checks.drift import check_drift, kolmogorov_smirnov
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.registry import check_table
from goodfit.data.row_keys import row_keys
from goodfit.data.splits.rules import codes_of
from goodfit.data.splits.splits import make_splits
from goodfit.data.table import open_source, read_table
from goodfit.data.target import fit_target
from goodfit.experiment.prepare import prepare
from goodfit.experiment.settings import Settings

N = 1500


def check(columns, *, seed=0, kinds=None, drop=(), size=None, split="random", **settings):
    """What is found in a table whose target is y, or target."""
    table = read_table(columns, kinds=kinds, drop=drop)
    target = "y" if "y" in table.names else "target"
    found = fit_target(table, target, np.arange(table.n_rows))
    splits = make_splits(
        table.n_rows,
        seed=seed,
        split=split,
        stratify=None if found.task == "regression" or split != "random" else found.encode(table),
        time=table.values(settings["time"]) if split == "time" else None,
        groups=table.values(settings["group"]) if split == "group" else None,
    )
    return check_known_rows(table, splits, target=target, task=found.task, seed=seed, **settings)


def check_known_rows(table, splits, **settings):
    """What is found in the known rows; of the test rows only the keys are given."""
    known = np.sort(np.r_[splits.train, splits.validation])
    train, validation = (np.searchsorted(known, rows) for rows in (splits.train, splits.validation))
    inner = replace(splits, train=train, validation=validation, test=splits.test[:0])
    sealed = table.take(splits.test)
    return check_table(table.take(known), inner, held_out=lambda rule: row_keys(sealed, rule), **settings)


def named(found):
    return [(check.code, check.severity, check.columns) for check in found]


def features(rng, n=N, k=6):
    return {f"x{i}": rng.normal(size=n) for i in range(k)}


def classes(rng, n=N):
    columns = features(rng, n)
    return columns | {"y": np.where(sum(list(columns.values())[:4]) + rng.normal(size=n) > 0, "yes", "no")}


def quantity(rng, n=N):
    columns = features(rng, n)
    x = list(columns.values())
    return columns | {"y": x[0] + x[1] * x[2] + x[3] + 0.5 * rng.normal(size=n)}


def hours(n):
    return np.datetime64("2020-01-01", "us") + np.arange(n) * np.timedelta64(3_600_000_000, "us")


def walk(rng, n=N, memory=0.99):
    steps = rng.normal(size=n)
    for i in range(1, n):
        steps[i] += memory * steps[i - 1]
    return steps


# Nothing is wrong


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "wine", "iris", "diabetes"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_clean_table_raises_nothing(name, seed):
    assert check(name, seed=seed) == ()


@pytest.mark.parametrize("make", [classes, quantity])
def test_a_table_of_noise_and_signal_raises_nothing(make):
    assert [check(make(np.random.default_rng(seed)), seed=seed) for seed in range(10)] == [()] * 10


def test_one_strong_cause_that_others_know_of_is_no_leak():
    rng = np.random.default_rng(0)
    size = rng.lognormal(size=N)
    sides = {name: size * np.exp(0.05 * rng.normal(size=N)) for name in ("length", "width", "depth")}
    assert check(sides | {"y": 3 * size + 0.1 * rng.normal(size=N)}) == ()


def test_a_few_rows_are_enough_to_say_nothing():
    assert check(classes(np.random.default_rng(0), 20)) == ()


# Rows in two splits


def twice(columns, rows, change=lambda values: values):
    """The table with some of its rows once more below."""
    return {name: np.r_[values, change(values[rows])] for name, values in columns.items()}


def to_float32(values):
    return values.astype(np.float32) if values.dtype == np.float64 else values


@pytest.mark.parametrize("change", [lambda values: values, to_float32])
def test_copies_across_splits_are_counted_with_what_they_add_to_the_score(change):
    rng = np.random.default_rng(0)
    columns = twice(classes(rng), np.arange(400), change)
    splits = make_splits(N + 400, stratify=(columns["y"] == "yes").astype(int))
    train = set(splits.train.tolist())
    held = np.r_[splits.validation, splits.test]
    twin = np.where(held >= N, held - N, np.where(held < 400, held + N, -1))
    found = check(columns)
    assert named(found) == [("duplicates", "serious", ())]
    assert found[0].rows == sum(row in train for row in twin)
    assert found[0].effect["accuracy_with"] > found[0].effect["accuracy_without"] + 0.03
    assert ("up to rounding" in found[0].sentence) == (change is to_float32)
    assert found[0].change == {"split": "duplicates"}


def test_copies_among_too_few_rows_to_measure_their_effect_are_named():
    """120 rows, half of them copies of the other half."""
    columns = classes(np.random.default_rng(0), 60)
    (found,) = check(twice(columns, np.arange(60)))
    assert (found.code, found.severity, found.effect) == ("duplicates", "warning", {})
    assert "validation and test rows also appear in training: there are too few rows to measure" in found.sentence
    assert found.change == {"split": "duplicates"}
    assert "duplicates" not in {each.code for each in check(classes(np.random.default_rng(0), 120))}


def test_copies_are_judged_by_r2_for_a_quantity():
    found = check(twice(quantity(np.random.default_rng(0)), np.arange(400)))
    assert named(found) == [("duplicates", "serious", ())]
    assert 0 < found[0].effect["r2_without"] < found[0].effect["r2_with"] < 1


def test_a_table_of_copies_leaves_nothing_to_compare():
    found = check({name: np.tile(values, 10) for name, values in classes(np.random.default_rng(0), 150).items()})
    assert named(found) == [("duplicates", "serious", ())]
    assert found[0].rows == 540
    assert found[0].effect == {}


@pytest.mark.parametrize(("levels", "k"), [(3, 4), (4, 5), (2, 12)])
def test_rows_that_are_equal_because_the_table_is_coarse_are_no_copies(levels, k):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, levels, (N, k))
        columns = {f"x{i}": x[:, i] for i in range(k)}
        assert check(columns | {"y": x.sum(1) + 0.5 * rng.normal(size=N) > (levels - 1) * k / 2}, seed=seed) == ()


# Columns that give the target away


@pytest.mark.parametrize(
    ("make", "recode"),
    [
        (quantity, lambda y: 1.19 * y + 3),
        (quantity, np.exp),
        (quantity, lambda y: np.round(y, 2)),
        (classes, lambda y: np.where(y == "yes", "left", "stayed")),
        (classes, lambda y: np.where(y == "yes", 7.5, -1)),
    ],
)
def test_a_recoded_copy_of_the_target_is_named(make, recode):
    columns = make(np.random.default_rng(0))
    (found,) = check(columns | {"later": recode(columns["y"])})
    assert (found.code, found.severity, found.columns) == ("leak", "serious", ("later",))
    assert found.change == {"drop": ["later"]}
    metric = "r2" if make is quantity else "auc"
    assert found.effect[f"{metric}_with"] == 1 > found.effect[f"{metric}_without"]
    assert check(columns | {"later": recode(columns["y"])}, drop=["later"]) == ()


def test_two_copies_do_not_hide_each_other():
    columns = quantity(np.random.default_rng(0))
    (found,) = check(columns | {"net": columns["y"] / 2, "gross": columns["y"] + 1})
    assert (found.columns, found.change) == (("net", "gross"), {"drop": ["net", "gross"]})


def test_a_column_that_knows_more_than_the_others_together_is_asked_about():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    columns = {f"x{i}": truth + 3 * rng.normal(size=4000) for i in range(6)} | {
        "late": truth + 0.3 * rng.normal(size=4000)
    }
    (found,) = check(columns | {"y": truth > 0})
    assert (found.code, found.severity, found.columns) == ("leak", "warning", ("late",))
    assert found.change == {"drop": ["late"]}
    assert found.effect["auc_with"] > 0.95 > 0.9 > found.effect["auc_without"]
    assert f"{found.effect['auc_without']:.3f}" in found.sentence


def test_the_only_cause_of_a_quantity_is_noted_at_most():
    rng = np.random.default_rng(0)
    columns = features(rng)
    found = check(columns | {"y": 5 * columns["x0"] + columns["x1"] + 0.5 * rng.normal(size=N)})
    assert named(found) == [("leak", "note", ("x0",))]


def test_a_number_of_the_row_is_named_whatever_its_order():
    columns = classes(np.random.default_rng(0))
    (found,) = check({"nr": np.random.default_rng(1).permutation(N) + 100} | columns)
    assert (found.code, found.columns, found.change) == ("id", ("nr",), {"drop": ["nr"]})


@pytest.mark.parametrize("name", ["rownames", "Order", "PID", "lot"])
def test_nothing_is_learned_from_a_row_counter_whatever_its_name(name):
    rng = np.random.default_rng(0)
    numbers = rng.permutation(300) + 1 if name in ("PID", "lot") else np.arange(1, 301)
    table = open_source({name: numbers} | classes(rng, 300))
    prepared = prepare(table, "y", Settings(hidden=()))
    assert name not in prepared.encoder.columns
    assert [check.code for check in prepared.checks] == []
    kept = prepare(table, "y", Settings(hidden=(), kinds={name: "number"}))
    assert name in kept.encoder.columns
    assert [(check.code, check.columns) for check in kept.checks] == [("id", (name,))]


def test_a_counter_stays_where_it_says_when_or_is_all_there_is():
    y = np.random.default_rng(0).normal(size=100)
    for columns in ({"x": np.arange(100), "y": y}, {"year": 1900 + np.arange(100), "z": y[::-1], "y": y}):
        name = next(iter(columns))
        assert name in prepare(open_source(columns), "y", Settings(hidden=())).encoder.columns


def cards(rng, n=N):
    """98 % of those who were given a card have spent something; the share of their income is derived from that."""
    columns = features(rng, n, 3)
    given = columns["x0"] + rng.normal(size=n) > -0.5
    income = rng.lognormal(size=n)
    spent = np.where(given & (rng.random(n) < 0.98), income * rng.lognormal(size=n), 0.0)
    columns |= {"income": income, "share": (spent + 1e-3) / income, "expenditure": spent}
    return columns | {"card": np.where(given, "yes", "no")}


def test_a_value_that_stands_for_a_class_is_named_beside_a_column_derived_from_it():
    columns = cards(np.random.default_rng(0))
    columns["y"] = columns.pop("card")
    found = {check.columns: check for check in check(columns)}
    assert set(found) == {("expenditure",), ("share",)}
    expenditure = found["expenditure",]
    assert (expenditure.code, expenditure.severity) == ("leak", "warning")
    assert expenditure.effect["accuracy_alone"] == pytest.approx(0.987, abs=0.005)
    assert "whether expenditure is 0.0 predicts y in 9" in expenditure.sentence
    assert check({name: columns[name] for name in columns if name not in ("expenditure", "share")}) == ()


def test_a_column_filled_in_for_one_class_is_named():
    rng = np.random.default_rng(0)
    columns = classes(rng)
    known = (columns["y"] == "yes") ^ (rng.random(N) < 0.02)
    (found,) = check(columns | {"boat": np.where(known, rng.integers(1, 20, N), np.nan)})
    assert (found.code, found.columns) == ("leak", ("boat",))
    assert "whether boat is missing predicts y in 98." in found.sentence


# Rows that know each other


def test_a_target_that_remembers_makes_a_random_split_flatter():
    rng = np.random.default_rng(0)
    columns = {"date": hours(N)} | features(rng, k=2) | {"y": walk(rng) + rng.normal(size=N)}
    (found,) = check(columns)
    assert (found.code, found.severity, found.columns) == ("time_order", "serious", ("date",))
    assert found.change == {"time": "date"}
    assert found.effect["r2_random"] > 0.5 > 0 > found.effect["r2_by_time"]
    assert "time_order" not in [check.code for check in check(columns, split="time", time="date")]


@pytest.mark.parametrize("stamp", ["year", "when"])
def test_a_rule_that_changes_with_time_is_named_by_a_number_too(stamp):
    rng = np.random.default_rng(0)
    x, share = features(rng, k=3), np.linspace(0, 1, N)
    order = np.arange(N) if stamp == "when" else rng.permutation(N)
    y = (1 - 2 * share) * x["x0"] + share * x["x1"] + 0.3 * rng.normal(size=N)
    moments = 1990 + np.floor(30 * share) if stamp == "year" else np.cumsum(rng.exponential(size=N))
    columns = {stamp: moments} | x | {"y": np.where(y > 0, "up", "down")}
    found = check({name: values[order] for name, values in columns.items()})
    assert [(check.code, check.columns) for check in found] == [("time_order", (stamp,))]
    assert found[0].effect["auc_random"] > found[0].effect["auc_by_time"]


def test_time_without_effect_is_not_named():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        assert check({"date": hours(N)} | classes(rng), seed=seed) == ()
        assert check({"date": hours(N)} | features(rng, k=2) | {"y": walk(rng, memory=0)}, seed=seed) == ()


def test_rows_in_blocks_of_a_class_are_no_order_of_time():
    columns = classes(np.random.default_rng(0))
    order = np.argsort(columns["y"], kind="stable")
    assert check({name: values[order] for name, values in columns.items()}) == ()


def test_a_series_of_144_months_is_named():
    month = np.arange(144)
    y = np.sin(2 * np.pi * month / 12) + month / 50 + 0.1 * np.random.default_rng(0).normal(size=144)
    (found,) = check({"time": 1949 + month / 12, "y": y})
    assert (found.code, found.severity, found.columns) == ("time_order", "serious", ("time",))


def test_a_series_without_a_time_column_is_named_by_its_rows():
    rng = np.random.default_rng(0)
    level = walk(rng)
    columns = {"price": walk(rng) + 0.1 * level, "rate": walk(rng)} | features(rng, k=2)
    (found,) = check(columns | {"y": level + rng.normal(size=N)})
    assert (found.code, found.severity, found.columns) == ("time_order", "warning", ())
    assert found.change == {"split": "last"}


@pytest.mark.parametrize("by", ["y", "x0"])
def test_rows_sorted_by_a_column_are_no_series(by):
    columns = quantity(np.random.default_rng(0))
    order = np.argsort(columns[by])
    assert [c for c in check({name: v[order] for name, v in columns.items()}) if c.severity != "note"] == []


def test_a_country_is_a_group():
    columns = patients(np.random.default_rng(0))
    columns = {"Country": np.array([f"land {number}" for number in columns.pop("patient")])} | columns
    (found,) = check(columns)
    assert (found.code, found.severity, found.columns) == ("groups", "serious", ("Country",))


def patients(rng, n=N, groups=150, alike=True):
    patient = rng.integers(0, groups, n)
    own, ill = rng.normal(size=(groups, 4)), rng.random(groups) < 0.5
    columns = {f"x{i}": own[patient, i] + 0.3 * rng.normal(size=n) for i in range(4)}
    return {"patient": patient} | columns | {"y": ill[patient] if alike else rng.random(n) < 0.5}


@pytest.mark.parametrize("text", [False, True])
def test_groups_on_both_sides_are_named(text):
    columns = patients(np.random.default_rng(0))
    if text:
        columns["patient"] = np.array([f"p{number}" for number in columns["patient"]])
    (found,) = check(columns)
    assert (found.code, found.severity, found.columns) == ("groups", "serious", ("patient",))
    assert found.change == {"group": "patient"}
    assert found.effect["auc_random"] > 0.9 > 0.7 > found.effect["auc_by_group"]
    assert check(columns, split="group", group="patient") == ()


def test_groups_that_are_not_alike_are_not_named():
    for seed in range(5):
        assert check(patients(np.random.default_rng(seed), alike=False), seed=seed) == ()


def test_an_age_has_rows_that_are_alike_and_is_no_group():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        age = rng.integers(18, 90, N)
        columns = {"age": age} | features(rng)
        y = np.sin(age / 10) + columns["x0"] + columns["x1"] + 0.3 * rng.normal(size=N)
        assert check(columns | {"y": y}, seed=seed) == ()


# Splits that differ


def test_sorted_rows_cut_at_the_end_are_named_with_the_way_out():
    columns = quantity(np.random.default_rng(0))
    order = np.argsort(columns["x0"])
    found = check({name: values[order] for name, values in columns.items()}, split="last")
    (drift,) = [check for check in found if check.code == "drift"]
    assert (drift.severity, drift.columns[0], drift.change) == ("warning", "x0", {"split": "random"})
    assert "y" in drift.columns
    assert drift.effect["distance"] == 1


@pytest.mark.parametrize("values", [("a", "b"), (None, "b"), (None, 1.0)])
def test_categories_and_missing_cells_drift_too(values):
    columns = classes(np.random.default_rng(0))
    share = np.where(np.arange(N) < 0.6 * N, 0.8, 0.2)
    drawn = np.random.default_rng(1).random(N) < share
    (found,) = check({"origin": [values[0] if first else values[1] for first in drawn]} | columns, split="last")
    assert (found.code, found.columns) == ("drift", ("origin",))
    assert found.effect["distance"] > 0.4


@pytest.mark.parametrize("sizes", [(1, 1), (7, 30), (400, 100)])
def test_the_distance_of_two_samples_is_that_of_scipy_with_ties_and_without(sizes):
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=n) + shift for n, shift in zip(sizes, (0, 0.5), strict=True)]
    for a, b in (drawn, drawn[::-1], [side.round() for side in drawn]):
        assert kolmogorov_smirnov(a, b) == pytest.approx(scipy.stats.ks_2samp(a, b).statistic, abs=1e-12)
    assert kolmogorov_smirnov(drawn[0], drawn[1][:0]) == 0


def test_a_random_split_does_not_drift():
    rng = np.random.default_rng(0)
    columns = features(rng, 300, 20) | {"city": rng.choice(list("abcdefgh"), 300), "y": rng.normal(size=300)}
    table = read_table(columns)
    found = [
        check_drift(
            CheckInputs(
                table=table,
                splits=make_splits(300, seed=seed),
                columns=tuple(columns)[:-1],
                target="y",
                task="regression",
                seed=seed,
            )
        )
        for seed in range(40)
    ]
    assert sum(len(checks) for checks in found) == 0


# Rare classes


def test_a_class_with_few_rows_is_named_with_its_rows():
    columns = classes(np.random.default_rng(0))
    columns["y"] = np.where(np.arange(N) % 300 == 0, "seldom", columns["y"])
    (found,) = check(columns, split="last")
    assert (found.code, found.severity, found.columns, found.rows) == ("rare_class", "warning", ("y",), 4)
    assert "class seldom of y has 4 training rows and 0 validation rows:" in found.sentence


def test_a_class_of_three_in_a_hundred_is_noted_unless_it_is_weighted():
    columns = features(np.random.default_rng(0)) | {"y": np.arange(N) % 33 == 0}
    (found,) = check(columns)
    assert (found.code, found.severity, found.change) == ("rare_class", "note", {"class_weight": "balanced"})
    assert check(columns, weighted=True) == ()


# What holds for all checks


def test_the_most_severe_comes_first_and_a_second_look_sees_the_same():
    rng = np.random.default_rng(0)
    columns = twice(quantity(rng), np.arange(400))
    columns |= {"nr": rng.permutation(N + 400), "copy": columns["y"] * 2}
    found = check(columns)
    assert {check.code for check in found} == {"duplicates", "leak", "id"}
    order = [("serious", "warning", "note").index(check.severity) for check in found]
    assert order == sorted(order)
    assert len(set(order)) > 1
    assert check(columns) == found


@pytest.mark.parametrize("make", [classes, quantity])
def test_the_target_of_test_rows_is_not_looked_at(make):
    columns = twice(make(np.random.default_rng(0)), np.arange(300))
    table = read_table(columns)
    splits = make_splits(table.n_rows)
    changed = columns["y"].copy()
    changed[splits.test] = "never seen" if make is classes else 1e6
    settings = {"target": "y", "task": "binary" if make is classes else "regression"}
    found = check_known_rows(table, splits, **settings)
    assert found
    assert check_known_rows(read_table(columns | {"y": changed}), splits, **settings) == found


def test_missing_cells_and_columns_that_never_vary_do_no_harm():
    columns = classes(np.random.default_rng(0))
    columns["x5"] = np.where(np.arange(N) % 3, np.nan, columns["x5"])
    columns |= {"big": columns["x4"] * 1e300, "flat": np.where(np.arange(N) == 7, 1.0, 0.0)}
    assert check(columns) == ()


def test_a_sentence_is_one_line_whatever_the_names():
    columns = quantity(np.random.default_rng(0))
    (found,) = check(columns | {"-a\n'b": columns["y"] * 2})
    assert found.columns == ("-a\n'b",)
    assert found.sentence.isprintable()
    assert found.change == {"drop": ["-a\n'b"]}


def test_scikit_learn_is_loaded_when_something_is_measured_and_not_before():
    code = "import sys, goodfit.checks.registry; sys.exit('sklearn.base' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_copies_cannot_be_kept_together_where_groups_already_are():
    columns = twice(classes(np.random.default_rng(0)), np.arange(400))
    groups = np.random.default_rng(1).integers(100, size=N + 400)
    table = read_table(columns | {"g": groups})
    splits = make_splits(N + 400, split="group", groups=groups)
    found = check_known_rows(table, splits, target="y", task="binary", group="g")
    (found,) = [each for each in found if each.code == "duplicates"]
    assert found.change == {}
    assert found.sentence.endswith("remove duplicates from the table.")


def test_one_very_long_text_does_not_take_its_room_in_every_row():
    columns = classes(np.random.default_rng(0))
    columns["comment"] = [f"short {i % 7}" for i in range(N - 1)] + ["z" * 50_000_000]  # 300 GB in rows of its length
    assert check(columns, kinds={"comment": "category"}) == ()
    codes = codes_of("comment", np.array(columns["comment"], object), N)
    assert codes[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert codes[-1] == 7
