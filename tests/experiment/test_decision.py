"""The decision threshold: metrics of scikit-learn, its TunedThresholdClassifierCV, and a run with costs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

import goodfit
from goodfit.errors import ConfigError, DataError
from goodfit.experiment.decision import COST, Goal, choose, cross_fitted_labels, threshold_curve

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 120)
P = np.clip(0.3 + 0.2 * Y + RNG.normal(scale=0.2, size=120), 0, 1).round(2)


def negative_cost(y, labels):
    (_, false), (missed, _) = confusion_matrix(y, labels, labels=[0, 1])
    return -(false + 10 * missed) / len(y)


GOALS = {
    Goal("accuracy"): accuracy_score,
    Goal("balanced_accuracy"): balanced_accuracy_score,
    Goal("f1"): f1_score,
    Goal(COST, 1, 10): negative_cost,
}


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are the column it is given."""

    classes_ = np.array([0, 1])

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        return np.column_stack([1 - x[:, 0], x[:, 0]])

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize("goal", GOALS)
def test_the_curve_is_that_of_scikit_learn_at_every_threshold(goal):
    thresholds, values = threshold_curve(goal, Y, P)
    assert len(thresholds) == len(np.unique(P)) and thresholds[-1] == 1 and (np.diff(thresholds) > 0).all()
    expected = [GOALS[goal](Y, (t < P).astype(int)) for t in thresholds]
    sign = -1 if goal.name == COST else 1
    np.testing.assert_allclose(sign * values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("goal", GOALS)
def test_the_chosen_threshold_is_as_good_as_the_best_of_scikit_learn(goal):
    thresholds, _ = threshold_curve(goal, Y, P)
    scorer = make_scorer(GOALS[goal])
    tuned = TunedThresholdClassifierCV(Given(), scoring=scorer, thresholds=thresholds, cv="prefit", refit=False)
    tuned.fit(P[:, None], Y)
    found = choose(goal, Y, P)
    assert abs(found.value) == pytest.approx(abs(tuned.best_score_), abs=1e-12)
    assert GOALS[goal](Y, (found.threshold < P).astype(int)) == pytest.approx(tuned.best_score_, abs=1e-12)
    assert found.default_value == pytest.approx(abs(GOALS[goal](Y, (P > 0.5).astype(int))), abs=1e-12)


def test_among_equals_the_threshold_nearest_to_the_default_is_chosen():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    assert choose(Goal("f1"), y, p).threshold == 0.5
    assert choose(Goal(COST, 1, 0), y, p).threshold == 1.0


def test_each_fifth_is_decided_by_the_threshold_of_the_others():
    goal = Goal("f1")
    labels = cross_fitted_labels(goal, Y, P)
    for part in range(5):
        others = np.arange(len(Y)) % 5 != part
        threshold = choose(goal, Y[others], P[others]).threshold
        np.testing.assert_array_equal(labels[~others], P[~others] > threshold)
    assert choose(goal, Y, P).cross_fitted == pytest.approx(f1_score(Y, labels), abs=1e-12)
    assert choose(goal, Y, P).cross_fitted <= choose(goal, Y, P).value


def table(n=200):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 2))
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] + rng.normal(size=n) > 1, "yes", "no")})


SETTINGS = {"hidden": (4,), "epochs": 30, "learning_rate": 0.1, "l2": [0.0, 0.01]}


@pytest.fixture(scope="module")
def costly(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "costly"
    goodfit.train(table(), "y", costs={"fp": 1, "fn": 4}, out=folder, **SETTINGS).test()
    return goodfit.load(folder)


def test_costs_choose_the_threshold_that_predictions_and_the_exam_use(costly):
    threshold = costly.decision.threshold
    assert 0 < threshold < 0.5 and costly.record.target.threshold == threshold
    assert costly.decision.n_rows == costly.ensemble.n_rows
    prediction = costly.predict(table())
    positive = prediction.probabilities[:, 1]
    np.testing.assert_array_equal(prediction.values == "yes", positive > threshold)
    assert prediction.threshold == threshold and f"{threshold:.4g}" in repr(prediction)
    rows = costly.splits.test
    truth, labels = table()["y"].to_numpy()[rows] == "yes", positive[rows] > threshold
    opening = costly.ledger.openings()[0]
    assert np.array_equal(opening.confusion, confusion_matrix(truth, labels))
    assert opening.scores["f1"].value == pytest.approx(f1_score(truth, labels), abs=1e-12)
    assert opening.scores["accuracy"].value == pytest.approx(accuracy_score(truth, labels), abs=1e-12)


def test_a_threshold_moves_metrics_of_labels_only(costly):
    plain = goodfit.train(table(), "y", **SETTINGS)
    for name in ("auc", "log_loss", "average_precision"):
        assert plain.scores[name] == costly.scores[name]
    assert plain.scores["recall"].value < costly.scores["recall"].value
    assert plain.decision is None and plain.record.target.threshold == 0.5


def test_a_single_network_chooses_on_its_validation_rows_and_a_number_is_taken_as_it_is():
    single = SETTINGS | {"l2": 0.01}
    run = goodfit.train(table(), "y", threshold="f1", **single)
    assert run.decision.n_rows == len(run.splits.validation) and run.decision == run.record.measurements.decision
    fixed = goodfit.train(table(), "y", threshold=0.3, **single)
    prediction = fixed.predict(table())
    np.testing.assert_array_equal(prediction.values == "yes", prediction.probabilities[:, 1] > 0.3)


def test_the_report_shows_the_curve_and_the_sentence_the_costs(costly):
    page = costly.report().read_text()
    assert 'id="decision-title"' in page
    assert f"The decision threshold is {costly.decision.threshold:.4g}: on 160 out-of-fold rows" in page
    assert "(false positive 1, false negative 4)" in page


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": 1.5}, "threshold must be a number between 0 and 1"),
        ({"threshold": "recall"}, "or one of accuracy, balanced_accuracy, f1, not 'recall'"),
        ({"costs": {"fp": 1}}, "costs must give"),
        ({"costs": {"fp": 0, "fn": 0}}, "costs must give"),
        ({"costs": {"fp": 1, "fn": -1}}, "costs must give"),
        ({"costs": {"fp": 1, "fn": 2}, "threshold": "f1"}, "not both"),
    ],
)
def test_what_is_no_threshold_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        goodfit.Settings(**wrong)


@pytest.mark.parametrize(("target", "kind"), [("target", "3 classes"), ("sepal length (cm)", "numeric")])
def test_a_threshold_needs_two_classes(target, kind):
    with pytest.raises(DataError, match=f"costs needs two classes, but .* has .*{kind}"):
        goodfit.train("iris", target, costs={"fp": 1, "fn": 2})
