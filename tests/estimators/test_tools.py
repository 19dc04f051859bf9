"""The tools of scikit-learn, each once with our estimators on a real table."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    LearningCurveDisplay,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goodfit import GoodFitClassifier, GoodFitRegressor

X, Y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X.iloc[:, :8]
TRAIN, TEST = np.arange(0, 400), np.arange(400, 569)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True, as_frame=True)
SMALL = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 40, "keep": "one"}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def classifier(**more):
    return GoodFitClassifier(**(SMALL | more))


def test_pipeline_and_cross_val_score():
    scores = cross_val_score(make_pipeline(StandardScaler(), classifier()), X, Y, cv=3)
    assert scores.min() > 0.85


def test_set_output_keeps_the_names_of_the_columns():
    pipeline = make_pipeline(StandardScaler(), classifier()).set_output(transform="pandas").fit(X, Y)
    assert list(pipeline[-1].feature_names_in_) == list(X.columns)


def test_cross_validate_with_groups_and_the_fitted_estimators():
    groups = np.arange(len(Y)) // 10
    found = cross_validate(
        classifier(), X, Y, groups=groups, cv=GroupKFold(3), scoring=["roc_auc", "neg_log_loss"], return_estimator=True
    )
    assert found["test_roc_auc"].min() > 0.9
    assert found["test_neg_log_loss"].min() > -0.4
    assert len({estimator.history_["loss"][0] for estimator in found["estimator"]}) == 3


def test_a_clone_is_not_fitted_and_fits_to_the_same():
    fitted = classifier(random_state=3).fit(X, Y)
    again = clone(fitted)
    assert not hasattr(again, "classes_")
    np.testing.assert_array_equal(again.fit(X, Y).predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_search_over_an_architecture(search):
    found = search(classifier(), {"hidden_layer_sizes": [(), (16,)], "l2": [0.001, 1.0]}, cv=3).fit(X, Y)
    assert found.best_score_ > 0.88
    assert found.best_params_["l2"] == found.best_estimator_.best_l2_ == 0.001


def test_calibration():
    calibrated = CalibratedClassifierCV(classifier(), method="isotonic", cv=3).fit(X.iloc[TRAIN], Y.iloc[TRAIN])
    assert calibrated.score(X.iloc[TEST], Y.iloc[TEST]) > 0.85


def test_a_tuned_threshold():
    tuned = TunedThresholdClassifierCV(classifier(), scoring="f1", cv=3).fit(X, Y)
    assert 0 < tuned.best_threshold_ < 1


def test_permutation_importance_finds_what_the_prediction_rests_on():
    with_noise = X.assign(noise=np.random.default_rng(0).normal(size=len(X)))
    fitted = classifier().fit(with_noise, Y)
    importance = permutation_importance(fitted, with_noise, Y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmin() == with_noise.shape[1] - 1


@pytest.mark.parametrize("together", [VotingClassifier, StackingClassifier])
def test_together_with_another_model(together):
    members = [("network", classifier()), ("linear", make_pipeline(StandardScaler(), LogisticRegression()))]
    fitted = together(members).fit(X.iloc[TRAIN], Y.iloc[TRAIN])
    assert fitted.score(X.iloc[TEST], Y.iloc[TEST]) > 0.85


def test_partial_dependence_rises_with_the_body_mass_index():
    fitted = GoodFitRegressor(**SMALL).fit(X_DIABETES, Y_DIABETES)
    found = partial_dependence(fitted, X_DIABETES, ["bmi"], grid_resolution=5)
    assert found["average"][0, -1] > found["average"][0, 0] + 30


def test_learning_curve():
    _, train, test = learning_curve(classifier(), X, Y, train_sizes=[0.3, 1.0], cv=3)
    assert train.shape == test.shape == (2, 3)
    assert test.min() > 0.8


def test_displays():
    pytest.importorskip("matplotlib").use("agg")
    fitted = GoodFitRegressor(**SMALL).fit(X_DIABETES, Y_DIABETES)
    PartialDependenceDisplay.from_estimator(fitted, X_DIABETES, ["bmi", ("bmi", "s5")], grid_resolution=5)
    display = LearningCurveDisplay.from_estimator(classifier(), X, Y, train_sizes=[0.3, 1.0], cv=3)
    assert display.test_scores.min() > 0.8


def test_a_transformed_target():
    model = TransformedTargetRegressor(GoodFitRegressor(**SMALL), func=np.log, inverse_func=np.exp)
    assert cross_val_score(model, X_DIABETES, Y_DIABETES, cv=3).mean() > 0.3


def test_weights_and_groups_are_routed_through_a_search(routing):
    weights = np.where(Y == 0, 100.0, 1.0)
    model = classifier().set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
    search = GridSearchCV(pipeline, {"goodfitclassifier__dropout": [0.0]}, cv=GroupKFold(3))
    search.fit(X, Y, sample_weight=weights, groups=np.arange(len(Y)) // 5)
    without = make_pipeline(StandardScaler(), classifier()).fit(X, Y)
    assert (search.predict(X) == 0).sum() > (without.predict(X) == 0).sum()
    assert search.best_estimator_[-1].run_.record.splits.rule == "group"


def test_validation_rows_pass_through_the_steps_before(routing):
    model = classifier().set_fit_request(X_val=True, y_val=True)
    pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
    pipeline.fit(X.iloc[TRAIN], Y.iloc[TRAIN], X_val=X.iloc[TEST], y_val=Y.iloc[TEST])
    by_hand = classifier()
    scaler = StandardScaler().fit(X.iloc[TRAIN])
    by_hand.fit(
        scaler.transform(X.iloc[TRAIN]), Y.iloc[TRAIN], X_val=scaler.transform(X.iloc[TEST]), y_val=Y.iloc[TEST]
    )
    np.testing.assert_array_equal(pipeline[-1].history_["val_loss"], by_hand.history_["val_loss"])


# Packages beside scikit-learn; tested where they are installed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_report_of_skore():
    skore = pytest.importorskip("skore")
    train, test = (X.iloc[TRAIN], Y.iloc[TRAIN]), (X.iloc[TEST], Y.iloc[TEST])
    report = skore.EstimatorReport(classifier(), X_train=train[0], y_train=train[1], X_test=test[0], y_test=test[1])
    fitted = classifier().fit(*train)
    assert report.metrics.accuracy() == fitted.score(*test)
    assert 0 < report.metrics.log_loss() < 0.5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_conformal_intervals_of_mapie_cover_what_they_say():
    regression = pytest.importorskip("mapie.regression")
    x, y = X_DIABETES.to_numpy(), Y_DIABETES.to_numpy()
    model = regression.SplitConformalRegressor(GoodFitRegressor(**SMALL), confidence_level=0.9, prefit=False)
    model.fit(x[:200], y[:200]).conformalize(x[200:320], y[200:320])
    _, intervals = model.predict_interval(x[320:])
    covered = (intervals[:, 0, 0] <= y[320:]) & (y[320:] <= intervals[:, 1, 0])
    assert 0.8 < covered.mean() <= 1


class Recorder:
    """A callback of scikit-learn that writes down which tasks have ended."""

    def __init__(self):
        self.ended, self.score = [], None

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.ended.append(context.task_name)
        if fitted_estimator is not None:
            self.score = fitted_estimator.score(X, y)


@pytest.mark.parametrize(
    ("given", "tasks"),
    [({"epochs": 3}, ["epoch"] * 3), ({"epochs": 3, "l2": [0.0, 0.1], "folds": 2}, ["training"] * 4)],
    ids=["single", "grid"],
)
def test_callbacks_of_scikit_learn_are_told_of_every_training(given, tasks):
    pytest.importorskip("sklearn.callback")
    seen, labels = Recorder(), np.where(Y, "benign", "malignant")
    model = classifier(**given).set_callbacks(seen)
    model.fit(X, labels)
    assert seen.ended == [*tasks, "fit"]
    assert seen.score == model.score(X, labels) > 0.8
    clone(model).fit(X, labels)
    pickle.dumps(model)


def test_the_progress_bar_of_scikit_learn(capsys):
    bars = pytest.importorskip("sklearn.callback")
    classifier(l2=[0.0, 0.1], epochs=2, folds=2).set_callbacks(bars.ProgressBar()).fit(X, Y)
    assert "GoodFitClassifier - fit" in capsys.readouterr().out
