"""Every threshold of the data checks at its boundary: changed by a third, a finding comes or goes."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import goodfit.checks.probe
from goodfit.checks import comparison, drift, duplicates, groups
from goodfit.checks.drift import check_drift
from goodfit.checks.imbalance import check_imbalance
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.leakage import check_leakage
from goodfit.checks.thresholds import THRESHOLDS, CheckThresholds
from goodfit.checks.time_order import check_time_order
from goodfit.data.splits.splits import make_splits
from goodfit.data.table import read_table

THIRD = 4 / 3


def data(columns, thresholds, *, task="binary", split="random"):
    table = read_table(columns)
    splits = make_splits(table.n_rows, test_size=0, split=split)
    names = tuple(name for name in table.names if name != "y")
    return CheckInputs(table=table, splits=splits, columns=names, target="y", task=task, thresholds=thresholds)


def halves(n):
    """Two classes in turn, and a column that knows nothing of them."""
    return {"y": np.arange(n) % 2, "x0": np.random.default_rng(0).random(n)}


# Leakage: the scores that the probe model reaches are given.


@pytest.fixture
def probe_scores(monkeypatch):
    """Let the probe model reach these scores with all columns, without the first and without the second."""

    def give(with_all, without_first, without_second=None, importances=(9.0, 1.0)):
        def score_of(probe):
            if len(probe.names) > 1:
                return with_all, np.r_[importances, np.zeros(len(probe.names) - 2)]
            return (without_first if probe.names == ("x1",) else without_second or with_all), np.ones(1)

        monkeypatch.setattr(goodfit.checks.probe, "score_of", score_of)

    return give


def leak_severity(thresholds, n=4000):
    columns = halves(n)
    columns["x1"] = np.random.default_rng(1).random(n)
    return [check.severity for check in check_leakage(data(columns, thresholds))]


LEAKS = {
    # with all columns, without the first, without the second, importances: found as it is, not with the other value
    "strong_share": [((0.90, 0.70), 4 / 3), ((0.86, 0.62), 2 / 3)],
    "lost_share": [((0.96, 0.82), 4 / 3), ((0.96, 0.86), 2 / 3)],
}


@pytest.mark.parametrize(("field", "case"), [(field, case) for field, cases in LEAKS.items() for case in cases])
def test_what_a_leaking_column_must_show(field, case, probe_scores):
    scores, factor = case
    probe_scores(*scores)
    other = replace(THRESHOLDS, **{field: factor * getattr(THRESHOLDS, field)})
    found, changed = (leak_severity(thresholds) for thresholds in (THRESHOLDS, other))
    assert (found, changed) == ((["warning"], []) if factor > 1 else ([], ["warning"]))


@pytest.mark.parametrize(("without", "factor"), [(0.62, THIRD), (0.58, 1 / THIRD)])
def test_a_strong_column_is_a_note_where_the_others_know_little(without, factor, probe_scores):
    probe_scores(0.95, without)
    other = replace(THRESHOLDS, informed_share=factor * THRESHOLDS.informed_share)
    expected = [["warning"], ["note"]][:: 1 if factor > 1 else -1]
    assert [leak_severity(thresholds) for thresholds in (THRESHOLDS, other)] == expected


@pytest.mark.parametrize(("n", "lost", "factor"), [(260, 0.13, THIRD), (200, 0.11, 1 / THIRD)])
def test_a_leak_is_more_than_noise(n, lost, factor, probe_scores):
    # The standard error of a score is at most 0.5/√(n/2): 0.044 for 260 rows.
    probe_scores(0.90, 0.90 - lost)
    other = replace(THRESHOLDS, standard_errors=factor * THRESHOLDS.standard_errors)
    found, changed = (bool(leak_severity(thresholds, n)) for thresholds in (THRESHOLDS, other))
    assert (found, changed) == (factor > 1, factor < 1)


@pytest.mark.parametrize(("rest", "factor"), [(0.992, THIRD), (0.97, 1 / THIRD)])
def test_a_copy_gives_nothing_away_where_the_others_know_as_much(rest, factor, probe_scores):
    probe_scores(rest, rest)
    columns = halves(400) | {"x1": np.random.default_rng(1).random(400)}
    columns["copy"] = columns["y"] * 3.5
    other = replace(THRESHOLDS, known_share=factor * THRESHOLDS.known_share)
    found, changed = (bool(check_leakage(data(columns, thresholds))) for thresholds in (THRESHOLDS, other))
    assert (found, changed) == ((False, True) if factor > 1 else (True, False))


@pytest.mark.parametrize("field", ["copy_agreement", "indicator_agreement"])
@pytest.mark.parametrize("factor", [THIRD, 1 / THIRD])
def test_how_well_a_column_must_agree_with_the_target(field, factor, probe_scores):
    probe_scores(0.8, 0.8)
    columns = halves(400) | {"x1": np.random.default_rng(1).random(400)}
    wrong = {("copy_agreement", True): 0, ("copy_agreement", False): 60, ("indicator_agreement", True): 8}
    flipped = np.arange(400) < wrong.get((field, factor > 1), 40)
    columns["z"] = (columns["y"] ^ flipped) * (1.0 if field == "copy_agreement" else np.arange(400) + 1)
    other = replace(THRESHOLDS, **{field: factor * getattr(THRESHOLDS, field)})
    off = replace(other, indicator_agreement=2.0) if field == "copy_agreement" else replace(other, copy_agreement=2.0)
    normal = replace(off, **{field: getattr(THRESHOLDS, field)})
    found, changed = (bool(check_leakage(data(columns, thresholds))) for thresholds in (normal, off))
    assert (found, changed) == (factor > 1, factor < 1)


# Time order and groups


def effect_of(error_apart, thresholds, spread=0.0, n=300):
    """What is said of rows whose squared error grows from 1 to this, give or take."""
    columns = {"y": np.random.default_rng(0).normal(size=n), "x0": np.arange(n) + 0.5}
    probe = data(columns, thresholds, task="regression").probe
    rows, truth = np.arange(n), probe.targets
    block = rows * comparison.BLOCKS // n
    growth = error_apart * np.exp(spread * np.where(block % 2, 1, -1))
    one = comparison.HeldOutComparison(rows, block, truth + 1.0, truth + np.sqrt(growth)[:, None])
    return comparison.scores_if_flattered(probe, [one], "by_time", thresholds)


@pytest.mark.parametrize(("growth", "factor"), [(1.11, THIRD), (1.09, 1 / THIRD)])
def test_how_much_the_error_must_grow(growth, factor):
    other = replace(THRESHOLDS, min_error_growth=factor * THRESHOLDS.min_error_growth)
    found, changed = (bool(effect_of(growth, thresholds)) for thresholds in (THRESHOLDS, other))
    assert (found, changed) == (factor > 1, factor < 1)


@pytest.mark.parametrize(("spread", "factor"), [(0.38, THIRD), (0.5, 1 / THIRD)])
def test_how_sure_the_growth_must_be(spread, factor):
    other = replace(THRESHOLDS, standard_errors=factor * THRESHOLDS.standard_errors)
    found, changed = (bool(effect_of(2.0, thresholds, spread)) for thresholds in (THRESHOLDS, other))
    assert (found, changed) == (factor > 1, factor < 1)


@pytest.mark.parametrize(("gain", "factor"), [(0.055, THIRD), (0.045, 1 / THIRD)])
def test_what_is_serious(gain, factor):
    other = replace(THRESHOLDS, serious_score_loss=factor * THRESHOLDS.serious_score_loss)
    effect = {"r2_random": 0.8, "r2_by_time": 0.8 - gain}
    expected = ["serious", "warning"][:: 1 if factor > 1 else -1]
    assert [comparison.severity_of(effect, thresholds) for thresholds in (THRESHOLDS, other)] == expected


@pytest.mark.parametrize(("n", "factor"), [(110, THIRD), (90, 1 / THIRD)])
def test_fewest_rows(n, factor):
    """A line that rises in time: later rows are above all earlier ones."""
    columns = {"year": 1900 + np.arange(n), "x0": np.random.default_rng(0).random(n), "y": np.arange(n) / n}
    other = replace(THRESHOLDS, min_rows=round(factor * THRESHOLDS.min_rows))
    found, changed = (bool(check_time_order(data(columns, t, task="regression"))) for t in (THRESHOLDS, other))
    assert (found, changed) == (factor > 1, factor < 1)


@pytest.mark.parametrize(
    ("field", "n_groups", "n", "factor"),
    [("min_groups", 22, 600, THIRD), ("min_groups", 18, 600, 1 / THIRD),
     ("max_group_rows", 40, 2100, 1 / THIRD), ("max_group_rows", 40, 3000, THIRD)],
)  # fmt: skip
def test_sizes_of_groups(field, n_groups, n, factor):
    """A group has as many training rows as 0.8·n over the number of groups."""
    columns = {"patient": np.arange(n) % n_groups, "y": np.random.default_rng(0).normal(size=n)}
    other = replace(THRESHOLDS, **{field: round(factor * getattr(THRESHOLDS, field))})
    named = [bool(groups.group_columns(data(columns, t, task="regression"))) for t in (THRESHOLDS, other)]
    found_first = (factor > 1) == (field == "min_groups")
    assert named == [found_first, not found_first]


@pytest.mark.parametrize(("share", "factor"), [(0.08, THIRD), (0.05, 1 / THIRD)])
def test_how_alike_rows_of_a_group_must_be(share, factor, monkeypatch):
    """The share of the variance between groups decides how well the rest of a group predicts a row."""
    rng = np.random.default_rng(0)
    patient = rng.permutation(200)[np.arange(2000) % 200]
    y = np.sqrt(share) * rng.normal(size=200)[patient] + np.sqrt(1 - share) * rng.normal(size=2000)
    monkeypatch.setattr(groups, "scores_if_flattered", lambda *_: {"r2_random": 0.9, "r2_by_group": 0.5})
    monkeypatch.setattr(groups, "compare", lambda *_: None)
    other = replace(THRESHOLDS, group_correlation=factor * THRESHOLDS.group_correlation)
    inputs = [data({"patient": patient, "y": y}, t, task="regression") for t in (THRESHOLDS, other)]
    assert [bool(groups.check_groups(each)) for each in inputs] == [factor > 1, factor < 1]


# Duplicates


@pytest.mark.parametrize(
    ("field", "equal", "looser", "factor"),
    [("strict_share", 720, 1000, THIRD), ("strict_share", 630, 1000, 1 / THIRD)],
)
def test_what_is_no_chance(field, equal, looser, factor):
    """Rows that have a partner by the strict rule, of those that have one by the looser rule."""
    counts = [(np.arange(100_000) < n).astype(int) for n in (equal, looser)]
    other = replace(THRESHOLDS, **{field: factor * getattr(THRESHOLDS, field)})
    found = [duplicates.is_no_chance(*counts, thresholds) for thresholds in (THRESHOLDS, other)]
    assert found == [factor > 1, factor < 1]


@pytest.mark.parametrize(("share", "factor"), [(0.8, 1 / THIRD), (0.93, THIRD)])
def test_nearly_all_rows_are_duplicates(share, factor):
    """Then there is nothing to compare them with, and no effect."""
    columns = twice(700, share)
    other = replace(THRESHOLDS, saturated_share=factor * THRESHOLDS.saturated_share)
    all_found = (duplicates_of(columns, t) for t in (THRESHOLDS, other))
    saturated = [[each for each in found if each.severity == "serious" and not each.effect] for found in all_found]
    assert [bool(each) for each in saturated] == [factor > 1, factor < 1]


@pytest.mark.parametrize(("gain", "factor"), [(0.0055, THIRD), (0.0045, 1 / THIRD)])
def test_what_is_worth_a_warning(gain, factor, monkeypatch):
    monkeypatch.setattr(duplicates, "_scores", lambda *_: {"r2_with": 0.5 + gain, "r2_without": 0.5})
    columns, other = twice(400, 0.3), replace(THRESHOLDS, min_score_gain=factor * THRESHOLDS.min_score_gain)
    found = [duplicates_of(columns, thresholds)[0].severity for thresholds in (THRESHOLDS, other)]
    assert found == ["warning", "note"][:: 1 if factor > 1 else -1]


def twice(n, share):
    """Validation rows, the last fifth, of which a share stands among the first rows, too."""
    rng, n_validation = np.random.default_rng(0), n // 5
    again = int(share * n_validation)
    columns = {f"x{i}": rng.normal(size=n) for i in range(4)} | {"y": rng.normal(size=n)}
    return {name: np.r_[values[: n - again], values[:again]] for name, values in columns.items()}


def duplicates_of(columns, thresholds):
    return duplicates.check_duplicates(data(columns, thresholds, task="regression", split="last"))


# Drift and imbalance


@pytest.mark.parametrize(("gap", "factor"), [(0.12, THIRD), (0.09, 1 / THIRD)])
def test_how_far_apart_training_and_validation_rows_must_be(gap, factor):
    """Of 20,000 rows chance explains 0.04."""
    n = 20_000
    drawn = np.r_[np.arange(16_000) % 1000 < 500, np.arange(4_000) % 1000 < 500 + 1000 * gap]
    columns = {"x0": np.where(drawn, "a", "b"), "y": np.arange(n) % 7 / 7}
    other = replace(THRESHOLDS, min_drift_distance=factor * THRESHOLDS.min_drift_distance)
    found = [bool(check_drift(data(columns, t, task="regression", split="last"))) for t in (THRESHOLDS, other)]
    assert found == [factor > 1, factor < 1]


@pytest.mark.parametrize(("distance", "factor"), [(0.174, 1 / THIRD), (0.1715, THIRD)])
def test_how_often_chance_may_be_taken_for_drift(distance, factor):
    """√(log(8/0.001)·(1/750 + 1/188)/2) is 0.1729."""
    other = replace(THRESHOLDS, drift_error_rate=factor * THRESHOLDS.drift_error_rate)
    found = [drift.unless_chance(distance, [750, 188], 4, thresholds) for thresholds in (THRESHOLDS, other)]
    assert found == ([distance, 0] if factor < 1 else [0, distance])


@pytest.mark.parametrize(("rows", "factor"), [(4, 1 / THIRD), (6, THIRD)])
def test_fewest_rows_of_a_class(rows, factor):
    """So many of 500 validation rows, and enough of the training rows."""
    columns = {"x0": np.arange(2500) / 7, "y": np.r_[np.arange(2000) < 200, np.arange(500) < rows].astype(int)}
    other = replace(THRESHOLDS, min_side_rows=factor * THRESHOLDS.min_side_rows)
    found = [bool(check_imbalance(data(columns, t, split="last"))) for t in (THRESHOLDS, other)]
    assert found == [factor < 1, factor > 1]


@pytest.mark.parametrize(("share", "factor"), [(0.045, 1 / THIRD), (0.055, THIRD)])
def test_what_is_a_rare_class(share, factor):
    columns = {"x0": np.arange(4000) / 7, "y": (np.arange(4000) % 200 < 200 * share).astype(int)}
    other = replace(THRESHOLDS, rare_share=factor * THRESHOLDS.rare_share)
    found = [bool(check_imbalance(data(columns, t, split="last"))) for t in (THRESHOLDS, other)]
    assert found == [factor < 1, factor > 1]


def test_every_threshold_has_a_test_at_its_boundary():
    source = Path(__file__).read_text()
    assert [field.name for field in fields(CheckThresholds) if field.name not in source] == []
