"""The advice of every data check and of every rule of the diagnosis works when it is pasted."""

import html
import re
import shlex

import numpy as np
import pandas as pd
import pytest

import goodfit
from goodfit.checks.check import CheckCode
from goodfit.cli.spelling import flags, train_command
from goodfit.data.table import open_source
from goodfit.diagnosis.verdict import RULES, diagnose
from goodfit.experiment.prepare import prepare, prepare_folds
from goodfit.experiment.settings import Settings, apply_change
from goodfit.reporting.spelling import arguments
from tests.checks import test_checks as tables
from tests.cli.commands import run
from tests.diagnosis.built import EPOCHS, beside, falling, good, jumping, measured
from tests.diagnosis.test_consistency import observations

ONCE = {"l2": 0.001, "learning_rate": 0.01, "hidden": (2,), "epochs": 1}


def in_order_of(columns, by):
    order = np.argsort(columns[by])
    return {name: values[order] for name, values in columns.items()}


def remembered(rng, n, **stamp):
    """A target that is like that of the row before."""
    level = tables.walk(rng, n)
    columns = {"price": tables.walk(rng, n) + 0.1 * level, "rate": tables.walk(rng, n)} | tables.features(rng, n, k=2)
    return stamp | columns | {"y": level + rng.normal(size=n)}


def rare(rng, n):
    return tables.features(rng, n, k=2) | {"y": np.where(rng.permutation(n) < 0.04 * n, "rare", "common")}


def copied(rng, n):
    columns = tables.classes(rng, n)
    return tables.twice(columns, np.arange(n // 3))


def numbered(rng, n):
    """The user said that the counter is a number, so that it is a feature."""
    return {"nr": rng.permutation(n) + 1} | tables.classes(rng, n)


CASES = {
    "duplicates": (copied, {}, {"split": "duplicates"}),
    "leak": (lambda rng, n: (c := tables.quantity(rng, n)) | {"later": c["y"] * 2}, {}, {"drop": ["later"]}),
    "id": (numbered, {"kinds": {"nr": "number"}}, {"drop": ["nr"]}),
    "time_order": (lambda rng, n: remembered(rng, n, date=tables.hours(n)), {}, {"time": "date"}),
    "time_order of rows": (remembered, {}, {"split": "last"}),
    "groups": (lambda rng, n: tables.patients(rng, n, groups=n // 10), {}, {"group": "patient"}),
    "drift": (lambda rng, n: in_order_of(tables.quantity(rng, n), "x0"), {"split": "last"}, {"split": "random"}),
    "rare_class": (rare, {}, {"class_weight": "balanced"}),
}
"""A table for each check that carries a change, with the settings it is found with, and the change."""


ROWS = {"time_order of rows": 1500, "rare_class": 1500}
"""Of the tables for which 600 rows are too few."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found_in(case):
    make, settings, change = CASES[case]
    columns = make(np.random.default_rng(0), ROWS.get(case, 600))
    prepared = prepare(open_source(columns), "y", Settings(**ONCE, **settings))
    (check,) = (each for each in prepared.checks if each.change == change)
    assert check.code == case.partition(" ")[0]
    return columns, prepared.settings, check


def test_every_check_has_a_case():
    assert {case.partition(" ")[0] for case in CASES} == set(CheckCode.__args__)


@pytest.mark.parametrize("case", CASES)
def test_a_table_can_be_prepared_as_its_check_advises_and_the_check_is_content(case):
    columns, settings, check = found_in(case)
    after = prepare(open_source(columns), "y", apply_change(settings, check.change))
    again = {(each.code, each.columns) for each in after.checks if each.severity != "note"}
    assert (check.code, check.columns) not in again


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_advice_of_a_check_trains_when_it_is_pasted(case):
    """On the screen the flags, in the report the whole command."""
    columns, settings, check = found_in(case)
    advice = flags(check.change)
    pd.DataFrame(columns).to_csv("table.csv", index=False)
    command = shlex.split(train_command("table.csv", "y", arguments(settings, {})))[1:]
    told = run(*command, "--out", "first").out
    assert (f"{'try':>10}  {advice}" in told.splitlines()) == (check.severity != "note"), told
    page = (goodfit.load("first").path / "report.html").read_text("utf-8")
    pasted = train_command("table.csv", "y", arguments(settings, check.change))
    assert pasted in map(html.unescape, re.findall(r'<code class="command">(.*?)</code>', page))
    assert run(*shlex.split(pasted)[1:], "--out", "pasted").status == 0
    assert goodfit.load("pasted").settings == apply_change(goodfit.load("first").settings, check.change)


def test_no_check_advises_to_leave_nothing_to_learn_from():
    rng = np.random.default_rng(0)
    alone = tables.patients(rng, 600)
    for columns in ({"patient": alone["patient"], "y": alone["y"]}, {"nr": np.arange(600), "y": rng.normal(size=600)}):
        checks = prepare(open_source(columns), "y", Settings()).checks
        assert checks and all(check.change == {} for check in checks)


@pytest.mark.parametrize("n_groups", [3, 4, 6])
def test_few_groups_are_enough_for_the_default_folds(n_groups):
    """The advice to keep groups together holds for a search, too."""
    rng = np.random.default_rng(0)
    columns = tables.features(rng, 90, k=2) | {"g": [f"g{i % n_groups}" for i in range(90)], "y": rng.normal(size=90)}
    folds = prepare_folds(prepare(open_source(columns), "y", Settings(group="g")))
    assert 2 <= len(folds) <= n_groups - 1
    for fold in folds:
        assert not {columns["g"][row] for row in fold.splits.train} & {
            columns["g"][row] for row in fold.splits.validation
        }


# The diagnosis


def advised():
    """Each finding that carries a change, once for each set of arguments that it changes, with what was observed."""
    cases = [
        *map(observations, range(400)),
        good(val_loss=()),
        good(confusion=((0, 43), (0, 57))),
        good(outcome="stopped_early", loss=falling(0.0, speed=0.05), val_loss=falling(0.05, speed=0.05), patience=2),
        good(loss=falling(0.2, speed=0.01), val_loss=falling(0.2, speed=0.01)),
        good(loss=jumping(0.3, 0.2), val_loss=jumping(0.3, 0.2)),
        good(outcome="diverged", restored_epoch=1),
        good(hidden=()),
        good(seed_losses=(0.2, 0.9)),
        beside((0.001, 0.0001, 0.8, 0.8), edges={"learning_rate": "high"}),
        measured(0.1, 0.001, l2=0.0),
        measured(0.03, 0.02),
    ]
    found = {}
    for obs in cases:
        for finding in diagnose(obs).findings:
            if finding.change:
                found.setdefault((finding.code, *sorted(finding.change)), (obs, finding))
    return found


ADVISED = advised()
WITH_A_CHANGE = {
    "overfitting", "underfitting", "cannot_tell", "diverged", "rate_too_small", "rate_too_large", "jumping",
    "out_of_epochs",
    "stopped_too_early", "penalty_too_strong", "validation_too_small", "seeds_disagree", "best_at_edge",
    "no_better_than_baseline", "no_better_than_linear", "linear_network", "dead_units", "class_ignored",
}  # fmt: skip


def test_every_rule_with_a_change_has_a_case():
    assert {code for code, *_ in ADVISED} == WITH_A_CHANGE
    assert len(RULES) == 18 and EPOCHS == 60, "a rule was added: does it carry a change?"


def settings_of(obs):
    """Settings of a training that this may have been observed of."""
    own = {"l2": obs.l2, "learning_rate": obs.learning_rate, "hidden": obs.hidden, "patience": obs.patience}
    return Settings(epochs=2, **{name: value for name, value in own.items() if value is not None})


@pytest.mark.parametrize("case", ADVISED, ids=" ".join)
def test_the_advice_of_a_finding_makes_settings(case):
    obs, finding = ADVISED[case]
    changed = apply_change(settings_of(obs), finding.change)
    unchanged = {"refine", "validation_split"}  # no setting; and only arrays can lack validation rows
    assert set(finding.change) <= unchanged or changed != settings_of(obs)


@pytest.mark.slow
@pytest.mark.parametrize("case", ADVISED, ids=" ".join)
def test_the_advice_of_a_finding_trains_when_it_is_pasted_behind_the_command(case):
    obs, finding = ADVISED[case]
    settings = arguments(settings_of(obs), {}) | {"hidden": (2,) if obs.hidden else ()}
    if "refine" in finding.change:
        settings["learning_rate"] = (0.001, 0.01)
    command = shlex.split(train_command("iris", "target", settings))[1:]
    assert run(*command, *shlex.split(flags(finding.change)), "--out", "pasted").status == 0
