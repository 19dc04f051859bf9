"""What is measured of a network: closed forms, scikit-learn, and that no test row has a say."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import confusion_matrix, log_loss

import goodfit
from goodfit.data.table import open_source, read_table
from goodfit.experiment.experiment import fit_prepared
from goodfit.experiment.measure import gather
from goodfit.experiment.prepare import arrays_of, prepare, prepare_folds
from goodfit.experiment.reference_models import boosted_trees
from goodfit.experiment.settings import Settings
from goodfit.run import predictor_of

SETTINGS = {"l2": 0.001, "learning_rate": 0.01, "epochs": 15, "hidden": (16,)}


@pytest.fixture(scope="module")
def iris():
    return goodfit.train("iris", **SETTINGS)


@pytest.fixture(scope="module")
def diabetes():
    return goodfit.train("diabetes", **SETTINGS)


def rows_of(run):
    """Encoded rows and targets, training rows, validation rows."""
    fold = arrays_of(prepare(open_source(run.table.source), run.record.target.name, run.settings))
    return fold.rows.x, fold.rows.labels[:-1, 0], fold.train, fold.validation


def probabilities(run):
    return predictor_of(run.record).predict(run.table.take(run.splits.among_known.validation))


def floored(p, n):
    """Probabilities of at least 1/(n + 2), by Laplace's rule of succession."""
    p = np.maximum(p, 1 / (n + 2))
    return p / p.sum(axis=1, keepdims=True)


def test_one_confident_mistake_of_a_reference_model_does_not_outweigh_all_other_rows():
    """Trees that never saw a class predict it with a probability near 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    table = {"x": x, "z": rng.normal(size=300), "target": np.where(x > 0, "yes", "no")}
    far = np.flatnonzero(x < -1)[:2]
    table["target"][far] = "yes"
    found = goodfit.train(table, **SETTINGS).record.measurements
    worst = np.log(192 + 2)
    assert found.losses["trees"] < 3 * worst / 48 and found.differences["trees"][1] < worst / np.sqrt(48)


def test_the_losses_are_comparable_with_the_validation_loss(iris):
    x, y, train, validation = rows_of(iris)
    evidence = iris.record.measurements
    shares = np.bincount(y[train].astype(int)) / len(train)
    assert evidence.losses["baseline"] == pytest.approx(-np.log(shares[y[validation].astype(int)]).mean(), rel=1e-6)
    linear = LogisticRegression(max_iter=200).fit(x[train], y[train])
    assert evidence.losses["linear"] == pytest.approx(
        log_loss(y[validation], floored(linear.predict_proba(x[validation]), len(train))), rel=1e-3
    )
    own = iris.history["val_loss"][iris.training.best_epoch - 1]
    for model, loss in evidence.losses.items():
        assert evidence.differences[model][0] == pytest.approx(loss - own, abs=1e-5)


@pytest.fixture(scope="module")
def folded():
    """Three folds, with a learning rate at which the validation loss jumps."""
    settings = Settings(**SETTINGS | {"learning_rate": 0.3, "folds": 3})
    return fit_prepared(prepare_folds(prepare(open_source("iris"), "target", settings)))


def measured(fitted, folds):
    return gather(fitted.sweep.recipe, fitted.training, folds, metrics=["log_loss"])


def test_reference_models_are_compared_on_the_rows_of_all_folds(folded):
    folds = folded.measured_folds()
    assert [len(each.fold.validation) for each in folds] == [40, 40, 40]
    together, apart = measured(folded, folds), [measured(folded, [each]) for each in folds]
    for model in ("baseline", "linear", "trees"):
        assert together.losses[model] == pytest.approx(np.mean([each.losses[model] for each in apart]))
        gains, errors = np.transpose([each.differences[model] for each in apart])
        gain, error = together.differences[model]
        assert gain == pytest.approx(gains.mean())
        assert error == pytest.approx(np.sqrt(np.mean(errors**2 * 39) / 119 + gains.var() / 119))


def test_the_network_is_measured_at_epochs_that_other_rows_chose(folded):
    first = folded.measured_folds()[0]
    y = first.fold.rows.labels[first.fold.validation, 0].astype(int)
    outputs = folded.training.validation_outputs
    own = np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(40), y]
    value = measured(folded, [first]).intervals["log_loss"][0]
    assert value == pytest.approx(own.mean(), rel=1e-5)
    assert value > 1.001 * folded.training.history["val_loss"].min()


def test_the_linear_model_of_a_quantity_is_ridge(diabetes):
    x, y, train, validation = rows_of(diabetes)
    ridge = Ridge().fit(x[train], y[train])
    error = np.sqrt(np.mean((ridge.predict(x[validation]) - y[validation]) ** 2)) * diabetes.record.target.scale
    assert diabetes.record.measurements.reference_scores["linear"]["rmse"] == pytest.approx(error, rel=1e-4)
    assert diabetes.record.measurements.losses["baseline"] == pytest.approx(np.mean(y[validation] ** 2), rel=1e-6)


TREES = {
    "max_iter": 40,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "max_bins": 32,
    "early_stopping": False,
    "random_state": 0,
}


def test_the_trees_are_those_of_scikit_learn(iris, diabetes):
    x, y, train, validation = rows_of(iris)
    model = HistGradientBoostingClassifier(**TREES).fit(x[train], y[train])
    p = floored(model.predict_proba(x[validation]), len(train))
    rows = -np.log(p[np.arange(len(validation)), y[validation].astype(int)])
    p = probabilities(iris)
    rows_of_net = -np.log(p[np.arange(len(p)), y[validation].astype(int)])
    assert iris.record.measurements.losses["trees"] == pytest.approx(rows.mean(), rel=1e-4)
    mean, error = iris.record.measurements.differences["trees"]
    gains = rows - rows_of_net
    assert (mean, error) == pytest.approx((gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))), rel=1e-3)
    x, y, train, validation = rows_of(diabetes)
    model = HistGradientBoostingRegressor(**TREES).fit(x[train], y[train])
    expected = np.mean((model.predict(x[validation]) - y[validation]) ** 2)
    assert diabetes.record.measurements.losses["trees"] == pytest.approx(expected, rel=1e-4)


def test_trees_of_wide_tables_learn_in_fewer_rounds_from_fewer_rows():
    narrow, wide = boosted_trees("binary", width=20, seed=0), boosted_trees("multiclass", width=784 * 10, seed=0)
    assert narrow.model.max_iter == 40 and narrow.rows == 100_000
    assert wide.model.max_iter == 12 and wide.rows == 1000


def test_trees_see_bends_that_a_line_does_not():
    x = np.random.default_rng(0).normal(size=(600, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "target": np.where(x[:, 0] * x[:, 1] > 0, "same", "other")}
    losses = goodfit.train(table, **SETTINGS | {"hidden": ()}).record.measurements.losses
    assert losses["trees"] < 0.5 * losses["linear"]


def test_the_standard_error_of_a_difference_is_that_of_a_mean(iris):
    _, y, train, validation = rows_of(iris)
    y = y.astype(int)
    p = probabilities(iris)
    shares = np.bincount(y[train]) / len(train)
    rows = -np.log(shares[y[validation]]) + np.log(p[np.arange(len(p)), y[validation]])
    mean, error = iris.record.measurements.differences["baseline"]
    assert (mean, error) == pytest.approx((rows.mean(), rows.std(ddof=1) / np.sqrt(len(rows))), rel=1e-3)


def test_confusion_is_truth_by_prediction(iris):
    _, y, _, validation = rows_of(iris)
    expected = confusion_matrix(y[validation], probabilities(iris).argmax(axis=1), labels=[0, 1, 2])
    assert np.array(iris.record.measurements.confusion).tolist() == expected.tolist()


def test_calibration_holds_every_validation_row_in_rising_order(iris, diabetes):
    for run in (iris, diabetes):
        predicted, _, rows = zip(*run.record.measurements.calibration, strict=True)
        assert sum(rows) == len(run.splits.validation) and list(predicted) == sorted(predicted)
    observed = sum(mean * n for _, mean, n in diabetes.record.measurements.calibration)
    truth = diabetes.table.values("target")[diabetes.splits.among_known.validation]
    assert observed == pytest.approx(truth.sum())


def test_residuals_hold_every_validation_row(iris, diabetes):
    assert iris.record.measurements.residuals == ()
    assert sum(rows for *_, rows in diabetes.record.measurements.residuals) == len(diabetes.splits.validation)


def test_a_penalty_that_is_far_too_strong_leaves_dead_units():
    strong = {"l2": 1.0, "learning_rate": 0.1, "epochs": 60, "patience": 60, "activation": "relu"}
    run = goodfit.train("iris", **SETTINGS | strong)
    evidence = run.record.measurements
    assert evidence.units == (16,)
    kernel, bias = run.training.params[0]["kernel"], run.training.params[0]["bias"]
    x, _, train, _ = rows_of(run)
    assert evidence.dead_units == (int((x[train] @ kernel + bias <= 0).all(axis=0).sum()),)


def test_rare_features_take_larger_steps():
    rng = np.random.default_rng(0)
    word = rng.choice(["common", "usual", "rare"], 600, p=[0.5, 0.46, 0.04])
    target = (word == "common") ^ (rng.random(600) < 0.2)
    features = goodfit.train({"word": word, "target": target}, **SETTINGS).record.measurements.features
    (share, step), (rare_share, rare_step) = (
        next(numbers for name, *numbers in features if name == f"word={value}") for value in ("common", "rare")
    )
    assert rare_share < 0.08 < 0.4 < share
    assert rare_step > 2 * step


def test_sgd_has_no_steps_of_its_own_for_each_weight():
    features = goodfit.train("iris", **SETTINGS, optimizer="sgd").record.measurements.features
    assert all(np.isnan(step) for *_, step in features)


def test_a_class_that_training_lacks_does_no_harm():
    y = np.repeat(["a", "b", "c"], [60, 60, 1])
    x = np.random.default_rng(1).normal(size=121)
    with pytest.warns(UserWarning, match="none of class"):
        run = goodfit.train({"x": x, "target": y}, **SETTINGS | {"seed": 3})
    assert np.isfinite(list(run.record.measurements.losses.values())).all()


def test_changing_the_test_rows_changes_no_evidence(iris):
    whole = read_table("iris")
    table = {name: whole.values(name).copy() for name in whole.names}
    for name in ("sepal length (cm)", "petal width (cm)"):
        table[name][iris.splits.test] += 1
    evidence = goodfit.train(table, **SETTINGS).record.measurements
    # The checks count duplicates among the test rows.
    assert replace(evidence, checks=()) == replace(iris.record.measurements, checks=())
