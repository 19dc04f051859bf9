"""A race: which configs go on, what they cost, and that a trial is the same training as in a full search."""

import numpy as np
import pytest

from goodfit.data.splits.folds import make_folds
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.search.parallel import Fold
from goodfit.search.race_arithmetic import comparable_means, max_contenders
from goodfit.search.racing import find_contenders
from goodfit.search.sweep import estimate_sweep, plan_sweep, sweep
from goodfit.search.trial_table import TrialResult, TrialTable
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import fit

RNG = np.random.default_rng(0)
N, N_FOLDS = 60, 5
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=N)
LABELS = make_labels(Y, None, "float64")
FOLDS = [Fold(Dataset(X, LABELS), *split) for split in make_folds(N, N_FOLDS)]
SPACE = {"l2": [0, 0.0001, 0.001, 0.01, 0.1, 1, 10, 100], "learning_rate": [0.001, 0.1]}


def plan(**choices):
    settings = {"optimizer": "adam", "loss": "mse", "space": SPACE, "batch_size": 8, "epochs": 30, "dtype": "float64"}
    return plan_sweep((Dense(4, activation="tanh"), Dense(1)), **{**settings, **choices})


def contenders_of(means, *, spread=1.0, l2=None, rule="best", most=None):
    """Contenders among configs of these mean losses; the differences of their rows have a known standard error."""
    rows = 100
    noise = np.random.default_rng(1).normal(size=(len(means), rows))
    noise -= noise.mean(axis=1, keepdims=True)
    losses = np.array(means)[:, None] + spread * noise
    l2 = range(1, len(means) + 1) if l2 is None else l2
    results = [TrialResult({"l2": float(v)}, 0, 0, float(row.mean())) for v, row in zip(l2, losses, strict=True)]
    found = find_contenders(TrialTable(results, lambda i: losses[i], [np.ones(rows)]), rule, most)
    return [config["l2"] for config in found]


def test_configs_in_doubt_go_on_the_best_first_and_those_clearly_worse_do_not():
    assert contenders_of([5.0, 1.0, 1.1, 1.2, 9.0], spread=1.0) == [2.0, 3.0, 4.0]
    assert contenders_of([5.0, 1.0, 1.1, 1.2, 9.0], spread=0.01) == [2.0, 3.0]


def test_the_lowest_quarter_goes_on_even_if_it_is_clearly_worse_on_these_rows():
    means = np.linspace(1, 2, 20)
    assert contenders_of(means, spread=0.001) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert contenders_of(means, spread=0.001, most=5) == [1.0]  # of the next rung, which is expensive


def test_two_standard_errors_are_in_doubt_and_more_are_not():
    error = np.sqrt(2 / 100)  # of the difference of two rows of independent noise, each of variance 1
    assert contenders_of([1.0, 1.01, 1 + 1.7 * error]) == [1.0, 2.0, 3.0]
    assert contenders_of([1.0, 1.01, 1 + 2.4 * error]) == [1.0, 2.0]


def test_the_best_without_l2_goes_on_in_any_case_and_one_that_diverged_does_not():
    assert contenders_of([5.0, 1.0, 1.1, 9.0], l2=[0, 1, 2, 3], spread=0.01) == [1.0, 0.0, 2.0]
    assert contenders_of([np.inf, 1.0], l2=[0, 1]) == [1.0]
    assert contenders_of([np.inf, np.inf]) == []


def test_the_number_of_contenders_keeps_a_race_of_five_folds_below_55_percent_of_all_trials():
    for n in (20, 24, 30, 100):
        assert n + 4 * max_contenders(n) <= 0.55 * 5 * n
        assert n + 4 * (max_contenders(n) + 1) > 0.55 * 5 * n
    assert len(contenders_of(np.linspace(1, 1.01, 30))) == max_contenders(30) == 13
    assert max_contenders(5) == 5


def test_one_standard_error_needs_every_config_in_doubt():
    means = np.linspace(1, 1.01, 30)
    assert len(contenders_of(means, rule="1se")) == 30


def test_a_race_trains_the_contenders_as_a_full_search_does():
    race, full = (sweep(plan(), FOLDS, race=race) for race in (True, False))
    by_place = {(row["l2"], row["learning_rate"], row["fold"]): row for row in full.table.to_pylist()}
    rows = race.table.to_pylist()
    assert all(row == by_place[row["l2"], row["learning_rate"], row["fold"]] for row in rows)
    assert sum(row["fold"] == 0 for row in rows) == 16
    others = {fold: {(r["l2"], r["learning_rate"]) for r in rows if r["fold"] == fold} for fold in range(N_FOLDS)}
    assert others[1] == others[4] != others[0]
    assert race.n_planned == len(rows) < full.n_planned == 80
    assert race.selection.chosen.config == full.selection.chosen.config
    assert race.selection.chosen.mean == full.selection.chosen.mean
    assert race.selection.chosen.n_rows == N


def test_a_contrast_says_by_how_many_rows_it_was_judged():
    found = sweep(plan(), FOLDS, race=True).selection
    rows = {each.n_rows for each in found.contrasts}
    assert rows == {len(FOLDS[0].validation), N}
    few = next(each for each in found.contrasts if each.n_rows < N)
    assert len(few.trials) == 1
    assert few.mean > found.chosen.mean


def test_the_estimate_of_a_race_is_a_bound():
    cost = estimate_sweep(plan(), n_features=3, n_train=[48] * N_FOLDS, race=True)
    assert cost.is_bound
    assert sweep(plan(), FOLDS, race=True).n_planned <= cost.trials < 80


def test_progress_tells_the_fold_and_ends_at_the_planned_number():
    told = []
    found = sweep(plan(), FOLDS, race=True, on_progress=told.append)
    assert told[0].fold == 0
    assert told[-1].fold == N_FOLDS - 1
    assert told[-1].done == told[-1].trials == found.n_planned
    assert len(told[-1].values) == 16
    assert np.isinf(told[-1].values).sum() > 0


def test_folds_of_different_widths_train_as_each_alone():
    """A fold with fewer columns is padded, and nothing that is learned depends on that."""
    narrow = [Fold(Dataset(X[:, :2], LABELS), FOLDS[1].train, FOLDS[1].validation)]
    found = sweep(plan(), [FOLDS[0], *narrow])
    for index in (3, 16, 20):
        row, training = found.table.to_pylist()[index], found.trainings[index]
        fold = [FOLDS[0], *narrow][row["fold"]]
        recipe = plan().recipe({name: row[name] for name in SPACE}, len(fold.train))
        params = init_network(plan().layers, n_inputs=fold.rows.x.shape[1], seed=0, dtype="float64")
        alone = fit(recipe, fold.rows, params=params, train=fold.train, validation=fold.validation, epochs=30)
        assert training.params[0]["kernel"].shape == alone.params[0]["kernel"].shape
        np.testing.assert_allclose(training.history["val_loss"], alone.history["val_loss"], rtol=1e-12)
        np.testing.assert_allclose(training.params[0]["kernel"], alone.params[0]["kernel"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(training.history["penalty"], alone.history["penalty"], rtol=1e-12)
        assert len(training.input_steps) == fold.rows.x.shape[1]


def test_means_of_configs_with_fewer_folds_are_put_on_the_level_of_the_others():
    values = {
        "a": {(0, 0, 0): 1.0, (0, 1, 0): 3.0},
        "b": {(0, 0, 0): 2.0, (0, 1, 0): 4.0},
        "c": {(0, 0, 0): 5.0},
        "d": {(0, 0, 0): np.inf},
    }
    assert comparable_means(values) == pytest.approx({"a": 2.0, "b": 3.0, "c": 6.0, "d": np.inf})
    assert comparable_means({}) == {}
