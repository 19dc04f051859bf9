"""Outputs for validation rows at the epoch that the other parts of them choose."""

import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers.adam import Adam
from goodfit.search.parallel import Fold, Trial, run_trials
from goodfit.training.cross_fitted import N_PARTS, init_cross_fitted, update_cross_fitted
from goodfit.training.evaluation import Dataset, make_labels, outputs
from goodfit.training.fit import fit
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
NET = (Dense(6, activation="tanh"), Dense(1))


def run(losses, weights):
    """State after epochs with these losses (epochs, rows); the outputs of an epoch are its number."""
    state = init_cross_fitted(losses.shape[1], 1, "float32")
    for epoch, of_rows in enumerate(losses):
        outputs_then = jnp.full((losses.shape[1], 1), epoch, float)
        state = update_cross_fitted(state, outputs_then, jnp.asarray(of_rows), jnp.asarray(weights))
    return np.asarray(state.outputs)[:, 0]


def others(n_rows, which):
    return np.arange(n_rows) % N_PARTS != which


def test_each_part_has_the_outputs_of_the_epoch_with_the_lowest_loss_of_the_others():
    losses, weights = RNG.random((20, 13)) ** 9, RNG.random(13)
    best = [np.argmin(losses[:, others(13, part)] @ weights[others(13, part)]) for part in range(N_PARTS)]
    assert len(set(best)) > 1
    assert run(losses, weights).tolist() == [best[row % N_PARTS] for row in range(13)]


def test_an_epoch_that_is_not_finite_is_never_chosen():
    losses = np.array([[2.0, 2.0], [1.0, 1.0], [np.nan, np.nan]])
    assert run(losses, np.ones(2)).tolist() == [1, 1]


def test_a_row_without_a_counterpart_is_judged_at_its_own_best_epoch():
    assert run(np.array([[2.0], [1.0], [3.0]]), np.ones(1)).tolist() == [1]


def test_trials_keep_the_outputs_that_a_shorter_training_has():
    """For each part: train alone until the epoch that the other parts choose, and compare the outputs."""
    x = RNG.normal(size=(60, 4))
    y = np.sin(2 * x[:, 0]) + 0.5 * RNG.normal(size=60)
    rows, train, validation = Dataset(x, make_labels(y, None, "float64")), np.arange(40), np.arange(40, 60)
    recipe = make_recipe(NET, optimizer=Adam(0.1), loss="mse", batch_size=8, dtype="float64")
    params = init_network(NET, n_inputs=4, seed=0, dtype="float64")

    def until(epoch):
        alone = fit(recipe, rows, params=params, train=train, validation=validation, epochs=epoch)
        return np.asarray(outputs(recipe, alone.last_params, x[validation]))

    (training,) = run_trials([Trial(recipe, 0, params)], Fold(rows, train, validation), epochs=12)
    by_epoch = np.stack([until(epoch) for epoch in range(1, 13)])
    losses = ((by_epoch - y[validation][:, None]) ** 2)[:, :, 0]
    chosen = [int(np.argmin(losses[:, others(20, part)].mean(axis=1))) for part in range(N_PARTS)]
    assert len(set(chosen)) > 1
    for part, epoch in enumerate(chosen):
        expected = by_epoch[epoch][part::N_PARTS]
        np.testing.assert_allclose(training.validation_outputs[part::N_PARTS], expected, rtol=1e-10)


def restored(stopping):
    """Outputs kept by a training that jumps, and those of the restored weights for the same rows."""
    x = RNG.normal(size=(60, 4))
    rows = Dataset(x, make_labels(x[:, 0] + RNG.normal(size=60), None, "float64"))
    recipe = make_recipe(NET, optimizer=Adam(0.3), loss="mse", batch_size=8, dtype="float64", early_stopping=stopping)
    params = init_network(NET, n_inputs=4, seed=0, dtype="float64")
    found = fit(recipe, rows, params=params, train=np.arange(40), validation=np.arange(40, 60), epochs=9)
    return found, np.asarray(outputs(recipe, found.params, x[40:60]))


def test_another_monitor_chooses_the_epoch_of_all_rows():
    found, expected = restored(EarlyStopping("loss", patience=20))
    assert found.best_epoch > 1
    np.testing.assert_allclose(found.validation_outputs, expected, rtol=1e-10)


@pytest.mark.parametrize("monitor", ["val_loss", "loss"])
def test_epochs_that_early_stopping_ignores_are_not_chosen(monitor):
    found, expected = restored(EarlyStopping(monitor, patience=20, start_from_epoch=100))
    assert found.best_epoch == 9
    np.testing.assert_allclose(found.validation_outputs, expected, rtol=1e-10)
