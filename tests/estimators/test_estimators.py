"""What the estimators promise beyond scikit-learn's checks."""

import html
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from sklearn.model_selection import train_test_split

import goodfit
from goodfit import GoodFitClassifier, GoodFitRegressor

X, Y = load_breast_cancer(return_X_y=True)
X = X[:, :8]
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
SMALL = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 40, "keep": "one"}
GRID = SMALL | {"keep": "ensemble", "l2": [0.0, 0.01], "folds": 3}


def mixed(n=400, seed=0):
    """A table of numbers with missing cells, categories, dates and text, each of which says something about y."""
    rng = np.random.default_rng(seed)
    number, city = rng.normal(size=n), rng.choice(["Bonn", "Rome", "Oslo"], n)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    word = np.where(rng.random(n) < 0.5, "broken", "intact")
    text = [f"the part number {i} was {said} on arrival" for i, said in enumerate(word)]
    y = number + (city == "Rome") + (day > "2025-01-01") + 2 * (word == "broken") + rng.normal(0, 0.3, n) > 2
    number[::9] = np.nan
    table = pd.DataFrame({"number": number, "city": city, "day": day, "text": text})
    return table, pd.Series(np.where(y, "yes", "no"), name="faulty")


@pytest.fixture(scope="module")
def searched():
    """A grid on three folds, and an ensemble of it; measuring it takes longer than the fit, so tests share it."""
    return GoodFitClassifier(**GRID).fit(X, Y)


@pytest.fixture(scope="module")
def of_mixed():
    """A grid on a table of all kinds of columns, with arguments of the user's own."""
    table, y = mixed()
    return GoodFitClassifier(**GRID | {"epochs": 15}, class_weight={"yes": 2.0}, random_state=3).fit(table, y)


# What a fit is


def test_by_default_three_networks_vote_and_each_row_validates_once():
    fitted = GoodFitRegressor(hidden_layer_sizes=(16,), epochs=20).fit(X_DIABETES, Y_DIABETES)
    folds = fitted._fitted.folds
    assert sorted(np.concatenate([fold.places.validation for fold in folds])) == list(range(len(Y_DIABETES)))
    assert fitted.sweep_.table.num_rows == fitted.ensemble_.n_networks == len(folds) == 3
    assert (fitted.best_l2_, fitted.best_learning_rate_) == (0.0001, 0.003)


def test_a_class_of_two_rows_or_two_groups_is_enough_for_two_networks():
    rare = np.where(np.arange(len(Y_IRIS)) < 2, 3, Y_IRIS)
    small = {"hidden_layer_sizes": (4,), "epochs": 2}
    assert len(GoodFitClassifier(**small).fit(X_IRIS, rare)._fitted.folds) == 2
    assert len(GoodFitClassifier(**small).fit(X_IRIS, Y_IRIS, groups=np.arange(len(Y_IRIS)) % 2)._fitted.folds) == 2
    one = GoodFitClassifier(**small).fit(X_IRIS[::2], Y_IRIS[::2], X_val=X_IRIS[1::2], y_val=Y_IRIS[1::2])
    assert one.sweep_ is one.ensemble_ is None


def test_single_values_kept_as_one_train_one_network():
    fitted = GoodFitClassifier(**SMALL).fit(X, Y)
    assert fitted.sweep_ is fitted.ensemble_ is None
    assert (fitted.best_l2_, fitted.best_learning_rate_) == (0.001, 0.01)
    assert fitted.n_iter_ == len(fitted.history_["val_loss"])


@pytest.mark.parametrize(
    "searched_for", [{"l2": 0.01, "folds": 1}, pytest.param({"l2": [0.0, 0.01], "folds": 2}, marks=pytest.mark.slow)]
)
def test_it_predicts_as_goodfit_train_does_from_the_same_rows(searched_for):
    """The order of the rows decides which of them validate, so the table is given in the order of the fit."""
    fitted = GoodFitRegressor(**SMALL | searched_for).fit(X_DIABETES, Y_DIABETES)
    rows = fitted._fitted.folds[0].table.arrow
    given = {"test_size": 0, "learning_rate": 0.01, "hidden": 16, "epochs": 40, "task": "regression"}
    run = goodfit.train(rows, "target", **given, **searched_for)
    table = {f"x{i}": X_DIABETES[:, i] for i in range(X_DIABETES.shape[1])}
    np.testing.assert_allclose(fitted.predict(X_DIABETES), run.predict(table).values, rtol=1e-5)
    assert fitted.best_l2_ == run.config["l2"]


def test_a_grid_is_searched_and_an_ensemble_predicts(searched):
    assert searched.sweep_.table.num_rows == 6
    assert searched.best_l2_ == searched.sweep_.selection.chosen.config["l2"]
    assert searched.ensemble_.n_networks == 3 * len(searched.ensemble_.members)


def test_a_grid_compiles_the_training_and_the_losses_and_the_scores_wait_until_asked_for(compiled):
    fitted = GoodFitClassifier(**GRID | {"hidden_layer_sizes": (5,)}).fit(X_IRIS, Y_IRIS)
    assert 0 < len(compiled) <= 3
    members = fitted._ensemble.members
    assert not fitted._ensemble.scores
    assert fitted.ensemble_.members == members and fitted.ensemble_ is fitted.ensemble_
    assert fitted.ensemble_.scores["log_loss"].value == pytest.approx(fitted.ensemble_.loss, rel=0.05)


def test_no_test_rows_are_held_out(searched):
    splits = searched.run_.record.splits
    assert len(splits.test) == 0
    assert len(splits.known) == len(Y)


def test_the_seed_is_the_random_state():
    first, same, other = (GoodFitClassifier(**SMALL, random_state=s).fit(X, Y).predict_proba(X) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


def test_a_random_state_object_is_drawn_from():
    random = np.random.RandomState(0)
    first, second = (GoodFitClassifier(**SMALL, random_state=random).fit(X, Y).predict_proba(X) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(Y))
    first, second = (GoodFitClassifier(**SMALL).fit(X[rows], Y[rows]) for rows in (np.arange(len(Y)), order))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_tables_of_about_the_same_size_share_compiled_programs(compiled):
    GoodFitClassifier(**SMALL).fit(X[:400], Y[:400]).predict(X[400:])
    compiled.clear()
    GoodFitClassifier(**SMALL | {"l2": 0.1}).fit(X[1:400], Y[1:400]).predict(X[400:])
    assert not compiled


# What it says


def test_the_diagnosis_is_that_of_a_run(searched):
    assert searched.verdict_ == goodfit.diagnose(searched.run_)
    assert searched.findings_ == searched.verdict_.findings


def test_data_checks_are_part_of_the_run():
    fitted = GoodFitClassifier(**SMALL).fit(np.column_stack([X[:, :7], Y]), Y)
    assert "leak" in {check.code for check in fitted.run_.record.measurements.checks}


def test_a_report_speaks_of_the_verdict_the_classes_and_the_arguments_of_the_user(of_mixed, tmp_path):
    assert of_mixed.run_.record.target.classes == ("no", "yes")
    assert of_mixed.run_.record.target.name == "faulty"
    page = html.unescape(of_mixed.report(tmp_path / "report.html").read_text())
    assert of_mixed.verdict_.word in page.lower()
    assert "GoodFitClassifier(l2=(0, 0.01), learning_rate=0.01, folds=3, hidden_layer_sizes=(16,), epochs=15" in page
    assert 'class_weight={"yes": 2}' in page
    assert "random_state=3" in page


def test_what_is_pickled_predicts_and_explains_and_holds_no_row(of_mixed):
    table, _ = mixed()
    content = pickle.dumps(of_mixed)
    assert b"the part number 7 was" not in content
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict_proba(table), of_mixed.predict_proba(table))
    assert again.verdict_ == of_mixed.verdict_
    assert again.ensemble_.scores == of_mixed.ensemble_.scores != {}


def test_before_the_fit_there_is_no_verdict():
    with pytest.raises(NotFittedError):
        GoodFitClassifier().verdict_  # noqa: B018


def test_progress_is_shown_on_request(capsys):
    GoodFitClassifier(**SMALL).fit(X, Y)
    assert capsys.readouterr().err == ""
    GoodFitClassifier(**GRID, verbose=1).fit(X, Y)
    assert "6 of 6 trainings done" in capsys.readouterr().err
    GoodFitClassifier(**SMALL, verbose=2).fit(X, Y)
    assert "epoch 2/40" in capsys.readouterr().err


# What goes in


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_data_frames_go_in_as_they_are(library):
    table, y = mixed(1000)
    fitted = GoodFitClassifier(**SMALL).fit(library(table[:600].to_dict("list")), y[:600])
    new = library(table[600:].to_dict("list"))
    assert fitted.score(new, y[600:]) > 0.85
    assert list(fitted.classes_) == ["no", "yes"]
    assert list(fitted.feature_names_in_) == ["number", "city", "day", "text"]


def test_unseen_categories_and_missing_cells_are_predicted():
    table, y = mixed()
    fitted = GoodFitClassifier(**SMALL).fit(table, y)
    new = pd.DataFrame({"number": [None, 1.0], "city": ["Paris", None], "day": table["day"][:2], "text": [None, "new"]})
    assert np.isfinite(fitted.predict_proba(new)).all()


def test_the_index_of_a_frame_is_no_column():
    table, y = mixed()
    shuffled, labels = table.sample(frac=1, random_state=0), y.sample(frac=1, random_state=0)
    fitted = GoodFitClassifier(**SMALL).fit(shuffled, labels)
    np.testing.assert_array_equal(
        fitted.predict_proba(table), GoodFitClassifier(**SMALL).fit(table, y).predict_proba(table)
    )


def test_missing_numbers_of_an_array():
    holes = X_DIABETES.copy()
    holes[::5, 2] = np.nan
    fitted = GoodFitRegressor(**SMALL).fit(holes, Y_DIABETES)
    assert fitted.score(holes, Y_DIABETES) > 0.4


def test_labels_that_read_as_missing_or_as_yes_are_labels():
    labels = np.where(Y == 1, "NA", "yes")
    fitted = GoodFitClassifier(**SMALL).fit(X, labels)
    assert list(fitted.classes_) == ["NA", "yes"]
    assert fitted.score(X, labels) > 0.9


def test_log_probabilities_of_three_classes_are_the_decision():
    fitted = GoodFitClassifier(**SMALL).fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(np.exp(fitted.decision_function(X_IRIS)), fitted.predict_proba(X_IRIS), atol=1e-6)


def test_own_validation_rows_validate_and_nothing_else():
    fitted = GoodFitClassifier(**SMALL).fit(X[:400], Y[:400], X_val=X[400:], y_val=Y[400:])
    assert len(fitted._fitted.prepared.splits.validation) == 169
    best = fitted.history_["val_loss"].min()
    assert log_loss(Y[400:], fitted.predict_proba(X[400:])) == pytest.approx(best, rel=1e-4)


def test_groups_stay_together():
    groups = np.repeat(np.arange(50), 3)
    fold = GoodFitClassifier(**SMALL).fit(X_IRIS, Y_IRIS, groups=groups)._fitted.prepared
    given = fold.table.values("group")
    assert not set(given[fold.places.train]) & set(given[fold.places.validation])
    assert "group" not in fold.encoder.columns


# Weights


@pytest.mark.parametrize(("settings", "smallest"), [(SMALL, 0), (GRID, 1)], ids=["single", "grid"])
def test_weight_two_equals_the_row_twice(settings, smallest):
    weights = np.random.default_rng(0).integers(smallest, 4, len(Y))
    weighted = GoodFitClassifier(**settings).fit(X, Y, sample_weight=weights)
    repeated = GoodFitClassifier(**settings).fit(X.repeat(weights, axis=0), Y.repeat(weights))
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_a_table_of_few_different_rows_is_not_merged():
    """Of 16 different rows three would validate, and the network would see none of their kind."""
    rng = np.random.default_rng(0)
    few = rng.integers(0, 4, (1000, 2)).astype(float)
    y = (rng.random(1000) < few.sum(axis=1) / 6).astype(int)
    fitted = GoodFitClassifier(**SMALL).fit(few, y)
    assert len(fitted._fitted.prepared.splits.known) == 1000


def test_weights_count_in_validation_and_metrics():
    """The weights make the validation rows of class 1 nearly all that counts."""
    weights = np.where(Y == 1, 1e6, 1.0)
    fitted = GoodFitClassifier(**SMALL | {"epochs": 5, "patience": 5}).fit(X, Y, sample_weight=weights)
    assert fitted.history_["val_accuracy"][-1] == pytest.approx(1, abs=1e-4)
    assert fitted.score(X, Y) < 0.9


def rare(n=4000):
    """A table with 2 % positives."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.02).astype(int)
    return rng.normal(size=(n, 5)) + y[:, None] * 0.9, y


def test_balanced_classes_lift_balanced_accuracy():
    x, y = rare()
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.5, stratify=y, random_state=0)
    plain, balanced = (
        GoodFitClassifier(**SMALL, class_weight=weight).fit(x_train, y_train) for weight in (None, "balanced")
    )
    before, after = (balanced_accuracy_score(y_test, fitted.predict(x_test)) for fitted in (plain, balanced))
    assert after > before + 0.15


def test_class_weights_count_in_validation_and_metrics():
    x, y = rare()
    plain, balanced = (GoodFitClassifier(**SMALL, class_weight=w).fit(x, y) for w in (None, "balanced"))
    assert plain.history_["val_accuracy"][-1] > 0.97
    assert balanced.history_["val_accuracy"][-1] < 0.95
    assert plain.history_["val_loss"][-1] < 0.1 < balanced.history_["val_loss"][-1]


def test_class_weights_are_named_by_label():
    labels = np.where(Y == 1, "benign", "malignant")
    fitted = GoodFitClassifier(**SMALL, class_weight={"malignant": 50.0}).fit(X, labels)
    plain = GoodFitClassifier(**SMALL).fit(X, labels)
    recalls = [recall_score(labels, each.predict(X), pos_label="malignant") for each in (fitted, plain)]
    assert recalls[0] > recalls[1]


# What is refused, and how


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        (
            lambda: GoodFitClassifier(class_weight={"x": 2}).fit(X, Y),
            "class_weight names 'x', but the classes are 0, 1",
        ),
        (lambda: GoodFitClassifier(activation="sine").fit(X, Y), "sine"),
        (lambda: GoodFitClassifier(l2=-1.0).fit(X, Y), "l2"),
        (lambda: GoodFitClassifier(folds=5).fit(X, Y, X_val=X, y_val=Y), "leave out folds, or X_val and y_val"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X), "X_val and y_val must be given together"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X, y_val=Y + 1), "y_val has the class 2, which y does not have"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X, y_val=Y, groups=Y), "give groups or X_val, not both"),
        (lambda: GoodFitClassifier().fit(X, Y, groups=Y[:5]), "groups must have one value for each of the 569 rows"),
        (lambda: GoodFitClassifier().fit(X, np.zeros(len(Y))), "needs 2 classes, but y has the one class 0.0 only"),
        (lambda: GoodFitClassifier().fit(X, Y, sample_weight=-Y), "sample_weight must be finite and not negative"),
        (lambda: GoodFitRegressor().fit(X, np.ones(len(Y))), "constant"),
        (lambda: GoodFitClassifier().fit(X, np.c_[Y, Y + 1]), "y has 2 columns, .* use MultiOutputClassifier"),
        (lambda: GoodFitRegressor(validation_split=0).fit(X, Y), "validation_split must be a fraction"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(fit, says):
    with pytest.raises(ValueError, match=says) as error:
        fit()
    assert "\n" not in str(error.value)
