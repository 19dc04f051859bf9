"""Rungs of a large table: nested samples of the rows, few configs on all of them, and the same numbers as alone."""

import time

import numpy as np
import pytest

from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.search import stages
from goodfit.search.parallel import Fold
from goodfit.search.race_arithmetic import comparable_means, rung_rows, rung_sizes
from goodfit.search.stages import make_stages
from goodfit.search.sweep import cross_fitted_losses, estimate_sweep, plan_sweep, sweep
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, fit, row_order

RNG = np.random.default_rng(0)
N_TRAIN, N_VALIDATION = 400, 60
X = RNG.normal(size=(N_TRAIN + N_VALIDATION, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=len(X))
WHOLE = Fold(
    Dataset(X, make_labels(Y, None, "float64")), np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_VALIDATION)
)
SPACE = {"l2": [0, 0.001, 0.1, 10], "learning_rate": [0.001, 0.01, 0.1]}


@pytest.fixture(autouse=True)
def _small_rungs(monkeypatch):
    """Rungs of 20 and 80 training rows, and of all 400."""
    monkeypatch.setattr("goodfit.search.race_arithmetic.RUNG_ROWS", (20, 80))


def plan(**choices):
    settings = {"optimizer": "adam", "loss": "mse", "space": SPACE, "batch_size": 8, "epochs": 8, "dtype": "float64"}
    return plan_sweep((Dense(4, activation="tanh"), Dense(1)), **{**settings, **choices})


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("goodfit.search.race_arithmetic.RUNG_ROWS", (20, 80))
        return sweep(plan(), [WHOLE], race=True)


def test_a_sample_is_part_of_the_next_and_has_the_rows_of_the_table():
    rungs = make_stages([WHOLE], race=True, seed=0)
    assert [(each.rung, each.fold, len(each.rows.train), len(each.rows.validation)) for each in rungs] == [
        (0, 0, 20, 20),
        (1, 0, 80, 60),
        (2, 0, 400, 60),
    ]
    assert rungs[2].rows is WHOLE
    small, large = ({row.tobytes() for row in each.rows.rows.x[each.rows.train]} for each in rungs[:2])
    assert small < large
    judged = X[N_TRAIN:][rungs[0].sampled]
    np.testing.assert_array_equal(rungs[0].rows.rows.x[rungs[0].rows.validation], judged)
    np.testing.assert_array_equal(rungs[0].rows.rows.labels[20:40, 0], Y[N_TRAIN:][rungs[0].sampled])
    assert not rungs[0].rows.rows.labels[-1].any()


def test_folds_and_a_full_grid_have_no_rungs():
    assert [each.rung for each in make_stages([WHOLE], race=False, seed=0)] == [0]
    assert [(each.fold, each.rung) for each in make_stages([WHOLE, WHOLE], race=True, seed=0)] == [(0, 0), (1, 0)]


def test_a_table_of_less_than_twice_the_first_rung_has_one():
    assert rung_rows(39) == [39]
    assert rung_rows(40) == [20, 40]


def test_one_in_four_configs_goes_on_and_at_least_two():
    assert rung_sizes(30, 3) == [30, 8, 2]
    assert rung_sizes(1, 2) == [1, 1]


def test_all_configs_learn_from_the_first_rung_and_the_best_of_each_from_the_next(found):
    rows = found.table.to_pylist()
    by_rung = [[row for row in rows if row["rung"] == rung] for rung in range(3)]
    assert [len(each) for each in by_rung] == [12, len(by_rung[1]), len(by_rung[2])]
    assert 1 <= len(by_rung[2]) <= 2 <= len(by_rung[1]) <= 3
    assert [each[0]["train_rows"] for each in by_rung] == [20, 80, 400]
    assert found.n_planned == len(rows)
    best = min(by_rung[0], key=lambda row: row["cross_fitted_loss"])
    assert (best["l2"], best["learning_rate"]) in [(row["l2"], row["learning_rate"]) for row in by_rung[1]]
    assert found.selection.chosen.n_rows == N_VALIDATION
    assert rows[found.selection.trial]["rung"] == 2


def test_the_selected_trial_is_the_same_training_on_all_rows(found):
    config = dict(found.selection.chosen.config)
    params = init_network(plan().layers, n_inputs=3, seed=0, dtype="float64")
    recipe = plan().recipe(config, N_TRAIN)
    alone = fit(recipe, WHOLE.rows, params=params, train=WHOLE.train, validation=WHOLE.validation, epochs=8)
    np.testing.assert_allclose(found.winner.history["val_loss"], alone.history["val_loss"], rtol=1e-12)
    losses = cross_fitted_losses(recipe, alone, WHOLE)
    assert found.selection.chosen.mean == pytest.approx(losses.mean(), rel=1e-12)


def test_contrasts_use_the_last_rung_that_has_both(found):
    rows = found.table.to_pylist()
    for each in found.selection.contrasts:
        same = [row["rung"] for row in rows if all(row[name] == value for name, value in each.config.items())]
        assert rows[each.trials[0]]["rung"] == max(same)
        assert found.selection.chosen.mean - each.mean == pytest.approx(each.gain)


def test_an_ensemble_has_networks_of_the_last_rung_alone(found):
    used = [number for member in found.ensemble().members for number in member.trials]
    assert {found.results[number].rung for number in used} == {2}


def test_the_estimate_of_rungs_is_a_bound(found):
    cost = estimate_sweep(plan(), n_features=3, n_train=[N_TRAIN], race=True)
    assert cost.is_bound
    assert found.n_planned <= cost.trials == 12 + 3 + 2


def test_a_search_that_ends_on_a_lower_rung_is_judged_by_all_validation_rows():
    """The rows outside the sample did not choose the epoch, so the restored weights predict them."""
    found = sweep(plan(), [WHOLE], race=True, deadline=time.monotonic())
    assert {row["rung"] for row in found.table.to_pylist()} == {0}
    assert {training.outcome for training in found.trainings} <= {Outcome.OUT_OF_TIME, Outcome.FINISHED}
    outputs, stage = found.winner.validation_outputs, make_stages([WHOLE], race=True, seed=0)[0]
    assert len(outputs) == N_VALIDATION
    alone = stages.outputs(found.recipe, found.winner.params, X[N_TRAIN:])
    rest = np.setdiff1d(np.arange(N_VALIDATION), stage.sampled)
    np.testing.assert_array_equal(outputs[rest], alone[rest])
    assert found.ensemble().loss > 0
    assert len(found.trial_table().weights) == N_VALIDATION


def test_losses_of_lower_rungs_are_put_on_the_level_of_the_last():
    values = {"a": {(0, 0, 0): 3.0, (1, 0, 0): 2.0}, "b": {(0, 0, 0): 4.0, (1, 0, 0): 2.5}, "c": {(0, 0, 0): 5.0}}
    assert comparable_means(values) == {"a": 2.0, "b": 2.5, "c": 5.0 - 3.5 + 2.25}


def test_a_pass_over_many_rows_is_several_epochs_with_every_row():
    rows = np.arange(100, 203)
    draw = [
        row_order(rows, batch_size=10, padding=-1, seed=3, epoch=epoch, shuffle=True, max_updates=4)
        for epoch in range(6)
    ]
    assert {each.shape for each in draw} == {(4, 10)}
    for first in (0, 3):
        seen = np.concatenate([each[each >= 0] for each in draw[first : first + 3]])
        assert set(seen.tolist()) == set(rows.tolist())
        assert len(seen) <= len(rows) + 2
    assert not np.array_equal(draw[0], draw[3])


def test_few_rows_are_one_epoch_as_without_a_bound():
    rows = np.arange(40)
    choices = {"batch_size": 10, "padding": 40, "seed": 1, "epoch": 5, "shuffle": True}
    np.testing.assert_array_equal(row_order(rows, **choices), row_order(rows, **choices, max_updates=4))
