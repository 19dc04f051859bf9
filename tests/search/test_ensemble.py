"""The ensemble: its prediction, the votes, and that its score is not too good."""

import numpy as np
import pytest

from goodfit.data.splits.folds import make_folds
from goodfit.nn.layers import Dense
from goodfit.search import ensemble as module
from goodfit.search.ensemble import KnownRows, select_greedily
from goodfit.search.parallel import Fold
from goodfit.search.sweep import plan_sweep, sweep
from goodfit.training import evaluation
from goodfit.training.evaluation import Dataset, ensemble_predictions, make_labels, predictions
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=N)
SQUARED = make_recipe([Dense(1)], loss="mse", dtype="float64")


def folds_of(labels, n=3):
    return [Fold(Dataset(X, labels), *split) for split in make_folds(N, n)]


def swept(loss="mse", y=Y, output="linear", *, n_folds=3, units=1, **choices):
    settings = {"optimizer": "adam", "space": {"l2": [0, 0.01, 1], "learning_rate": [0.003, 0.03]}, "batch_size": 8}
    plan = plan_sweep(
        (Dense(4, activation="tanh"), Dense(units, activation=output)),
        loss=loss,
        **{**settings, "epochs": 20, "dtype": "float64", **choices},
    )
    folds = folds_of(make_labels(np.asarray(y), None, "float64"), n_folds)
    return sweep(plan, folds), folds


def known(y, parts=None):
    y, n = np.asarray(y, float).reshape(len(y), -1), len(y)
    parts = np.arange(n) % 5 if parts is None else parts
    return KnownRows(np.zeros(n, int), parts, y, np.full(n, 1 / n))


@pytest.mark.parametrize(
    ("loss", "y", "output", "units"),
    [
        ("mse", Y, "linear", 1),
        ("binary_crossentropy", Y > 0, "sigmoid", 1),
        ("sparse_categorical_crossentropy", np.digitize(Y, [-1, 1]), "softmax", 3),
    ],
)
def test_it_predicts_the_weighted_mean_of_its_networks_run_alone(loss, y, output, units, monkeypatch):
    found, _ = swept(loss, y, output, units=units, seeds=2)
    ensemble, x = found.ensemble(), RNG.normal(size=(77, 3))
    expected = 0.0
    for member in ensemble.members:
        trials = [predictions(found.recipe, found.trainings[i].params, x) for i in member.trials]
        assert len(trials) == 3 * 2
        expected = expected + member.weight * np.mean(trials, axis=0)
    np.testing.assert_allclose(ensemble.predict(x), expected, rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(evaluation, "BLOCK_BYTES", 2**10)  # a few rows at a time
    np.testing.assert_allclose(ensemble.predict(x), expected, rtol=1e-12, atol=1e-12)
    assert sum(member.weight for member in ensemble.members) == pytest.approx(1)


def test_networks_of_another_table_of_the_same_shape_compile_nothing():
    first, second = (swept(seed=seed)[0].ensemble() for seed in (0, 1))
    n = min(len(first.networks[0]), len(second.networks[0]))
    shares = np.full(n, 1 / n)
    ensemble_predictions(first.recipe, first.networks[0][:n], shares, X)
    before = evaluation._mean_outputs._cache_size()
    assert before
    ensemble_predictions(second.recipe, second.networks[0][:n], shares, X + 1)
    assert evaluation._mean_outputs._cache_size() == before


def test_two_configs_with_opposite_errors_share_the_votes():
    y = RNG.normal(size=40)
    error = RNG.normal(size=40)
    found = np.stack([y + error, y - error, y + 50])[:, :, None]
    votes = select_greedily(SQUARED, found, known(y))
    assert votes[0] == votes[1] > 0
    assert votes[2] == 0


def test_a_config_that_is_clearly_worse_but_helps_the_mean_gets_fewer_votes():
    y, error = RNG.normal(size=400), RNG.normal(size=400)
    found = np.stack([y + error, y - 3 * error])[:, :, None]
    votes = select_greedily(SQUARED, found, known(y))
    assert votes[0] == 3 * votes[1] > 0  # ¾·e − ¼·3e = 0


def test_no_more_than_eight_configs_have_votes():
    y = RNG.normal(size=50)
    found = np.stack([y + RNG.normal(size=50) for _ in range(30)])[:, :, None]
    votes = select_greedily(SQUARED, found, known(y))
    assert np.count_nonzero(votes) == module.MAX_CONFIGS
    assert votes.sum() <= module.MAX_VOTES


def test_a_single_config_is_an_ensemble_of_its_folds():
    found, folds = swept(space={"l2": [0.01], "learning_rate": [0.03]})
    ensemble = found.ensemble()
    (member,) = ensemble.members
    assert member.weight == 1
    assert len(ensemble.networks) == 3
    losses = [
        np.mean((found.trainings[number].validation_outputs - Y[fold.validation][:, None]) ** 2)
        for number, fold in zip(found.selection.chosen.trials, folds, strict=True)
    ]
    assert ensemble.loss == ensemble.selected_loss == pytest.approx(np.mean(losses))
    assert ensemble.loss == pytest.approx(found.selection.chosen.mean)
    assert ensemble.standard_error > 0


def test_every_row_is_predicted_by_networks_that_were_not_trained_on_it():
    """Other targets of a fold's validation rows leave all that its networks learned as it is, and change the others."""
    found, folds = swept()
    changed = Y.copy()
    changed[folds[0].validation] += 100
    other, _ = swept(y=changed)
    for number, row in enumerate(found.table.to_pylist()):
        same = np.array_equal(
            found.trainings[number].last_params[0]["kernel"], other.trainings[number].last_params[0]["kernel"]
        )
        assert same == (row["fold"] == 0), row
    rows = found.ensemble().rows
    assert [np.count_nonzero(rows.folds == fold) for fold in range(3)] == [len(f.validation) for f in folds]
    assert rows.y[rows.folds == 0, 0] == pytest.approx(Y[folds[0].validation])
    assert rows.weights.sum() == pytest.approx(1)


def test_the_votes_that_predict_a_part_do_not_depend_on_its_targets():
    y, parts = RNG.normal(size=50), np.repeat([0, 1], 25)
    found = np.stack([y + RNG.normal(size=50) for _ in range(5)])[:, :, None]
    first = module._cross_fitted(SQUARED, found, known(y, parts))
    changed = y.copy()
    changed[parts == 0] = RNG.normal(size=25)
    second = module._cross_fitted(SQUARED, found, known(changed, parts))
    np.testing.assert_array_equal(first[parts == 0], second[parts == 0])
    assert not np.array_equal(first[parts == 1], second[parts == 1])


def test_on_noise_the_cross_fitted_score_is_not_better_than_it_is():
    """Thirty configs of pure noise: the loss by which votes were chosen is too low, the cross-fitted one is not."""
    chosen, honest = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y, found = rng.normal(size=60), rng.normal(size=(30, 60, 1))
        rows = known(y, np.arange(60) % 5)
        votes = select_greedily(SQUARED, found, rows)
        n = np.count_nonzero(votes)
        true = 1 + (votes**2).sum() / votes.sum() ** 2  # variance of y and of a mean of n independent configs
        assert n > 1
        chosen.append(((y - np.tensordot(votes / votes.sum(), found, 1)[:, 0]) ** 2).mean() - true)
        honest.append(((y - module._cross_fitted(SQUARED, found, rows)[:, 0]) ** 2).mean() - true)
    error = np.std(honest, ddof=1) / np.sqrt(len(honest))
    assert np.mean(chosen) < -0.1
    assert abs(np.mean(honest)) < 2.5 * error


def test_without_folds_the_validation_rows_judge_in_five_parts():
    (fold,) = folds_of(make_labels(Y, None, "float64"), 4)[:1]
    plan = plan_sweep((Dense(1),), optimizer="adam", loss="mse", space={"l2": [0, 0.1]}, epochs=5, dtype="float64")
    ensemble = sweep(plan, [fold]).ensemble()
    assert len(ensemble.networks) == 1
    assert np.unique(ensemble.rows.parts, return_counts=True)[1].tolist() == [3] * 5
    assert ensemble.rows.y[:, 0] == pytest.approx(Y[fold.validation])


def test_the_baseline_is_the_mean_of_the_training_means():
    found, folds = swept()
    expected = np.mean([Y[fold.train].mean() for fold in folds])
    assert found.ensemble().baseline == pytest.approx(np.full((N, 1), expected), abs=1e-12)
