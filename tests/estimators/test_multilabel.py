"""Several labels of each row: one network with an output for each, as in MLPClassifier."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logit
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score, f1_score, log_loss, make_scorer
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

import goodfit
from goodfit import GoodFitClassifier
from goodfit.estimators.rows import columns_of

X, Y = make_multilabel_classification(300, n_features=8, n_classes=4, n_labels=2, random_state=0)
SMALL = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 20, "keep": "one"}
F1 = make_scorer(f1_score, average="samples", zero_division=1)
GRID = SMALL | {"keep": "ensemble", "l2": [0.001, 1.0], "folds": 2}


@pytest.fixture(scope="module")
def fitted():
    return GoodFitClassifier(**GRID).fit(X, Y)


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLPClassifier(max_iter=3, random_state=0).fit(X, Y)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_what_is_predicted_has_the_shape_and_type_of_the_peers(fitted, peer, method):
    ours, theirs = getattr(fitted, method)(X), getattr(peer, method)(X)
    assert ours.shape == theirs.shape == Y.shape and ours.dtype == theirs.dtype
    np.testing.assert_array_equal(fitted.classes_, peer.classes_)


def test_a_label_is_predicted_where_it_is_more_likely_than_not(fitted):
    p = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict(X), p > 0.5)
    np.testing.assert_allclose(1 / (1 + np.exp(-fitted.decision_function(X))), p, rtol=1e-6)
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X)) > 0.4
    assert f1_score(Y, fitted.predict(X), average="samples", zero_division=1) > 0.7


def test_the_config_is_selected_by_the_mean_cross_entropy_of_the_labels(fitted):
    assert fitted.best_l2_ == 0.001
    single = GoodFitClassifier(**SMALL).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    of_labels = [log_loss(Y[200:, k], single.predict_proba(X[200:])[:, k]) for k in range(Y.shape[1])]
    assert single.history_["val_loss"].min() == pytest.approx(np.mean(of_labels), rel=1e-4)


def test_the_verdict_is_that_of_the_mean_loss(fitted):
    observed = fitted._observations
    constant = np.mean([log_loss(Y[:, k], np.full(len(Y), Y[:, k].mean())) for k in range(Y.shape[1])])
    assert observed.baseline_loss == pytest.approx(constant, rel=0.05)
    assert observed.mean_val_loss < observed.baseline_loss
    assert fitted.verdict_ == goodfit.diagnose(observed)
    with pytest.raises(ValueError, match="a verdict_ and a report, but no run_"):
        fitted.run_  # noqa: B018


def test_sparse_labels_are_learned_alike_and_predicted_sparse():
    of_dense, of_sparse = (GoodFitClassifier(**SMALL).fit(X, labels) for labels in (Y, sparse.csr_array(Y)))
    np.testing.assert_array_equal(of_sparse.predict_proba(X), of_dense.predict_proba(X))
    assert sparse.issparse(of_sparse.predict(X)) and not sparse.issparse(of_dense.predict(X))
    assert of_sparse.score(X, sparse.csr_array(Y)) == of_dense.score(X, Y)


def test_labels_of_which_each_row_has_exactly_one():
    """Their sum says nothing, so that it can stand in for no target."""
    one_hot = np.eye(3, dtype=int)[np.argmax(X[:, :3], axis=1)]
    assert GoodFitClassifier(**SMALL).fit(X, one_hot).score(X, one_hot) > 0.6


def test_weight_two_equals_the_row_twice():
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = GoodFitClassifier(**SMALL).fit(X, Y, sample_weight=weights)
    repeated = GoodFitClassifier(**SMALL).fit(X.repeat(weights, axis=0), Y.repeat(weights, axis=0))
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_cross_validation_and_a_second_fit_with_one_label():
    scores = cross_val_score(GoodFitClassifier(**SMALL), X, Y, cv=2, scoring=F1)
    assert scores.min() > 0.6
    model = GoodFitClassifier(**SMALL).fit(X, Y)
    assert not hasattr(clone(model), "classes_")
    assert model.fit(X, Y[:, 0]).predict_proba(X).shape == (len(X), 2)


def test_the_temperature_counts(fitted):
    cooler = replace(fitted._predictor, temperature=2.0)
    table = columns_of(X).read()
    np.testing.assert_allclose(logit(cooler.predict(table)), logit(fitted._predictor.predict(table)) / 2, atol=1e-5)


def test_what_is_pickled_predicts(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.verdict_ == fitted.verdict_


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        (lambda: GoodFitClassifier().fit(X, 2 * Y), "y has 4 columns, which must be labels of 0 and 1"),
        (lambda: GoodFitClassifier().fit(X, np.ones_like(Y)), "y has the same labels in every row"),
        (lambda: GoodFitClassifier(class_weight="balanced").fit(X, Y), "with several labels give sample_weight"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X, y_val=Y[:, :3]), "y_val has 3 columns, but y has 4"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X, y_val=Y[:, 0]), "y_val has 1 column, but y has 4"),
        (lambda: GoodFitClassifier().partial_fit(X, Y, classes=[0, 1]), "partial_fit takes one target"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(fit, says):
    with pytest.raises(ValueError, match=says) as error:
        fit()
    assert "\n" not in str(error.value)
