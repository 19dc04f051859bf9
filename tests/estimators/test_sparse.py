"""Sparse X: never made dense, and learned as the rows that it stands for."""

import html
import pickle
import resource
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import goodfit
from goodfit import GoodFitClassifier, GoodFitRegressor
from goodfit.nn.activations import ACTIVATIONS

RNG = np.random.default_rng(0)
N, COLUMNS = 240, 60
X = sparse.random_array((N, COLUMNS), density=0.1, rng=RNG, format="csr")
Z = X @ RNG.normal(size=COLUMNS)
Y = np.where(np.median(Z) < Z, "high", "low")
SMALL = {"l2": 0.0001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 30, "keep": "one"}
GRID = SMALL | {"keep": "ensemble", "l2": [0.0001, 10.0], "folds": 2}


@pytest.fixture(scope="module")
def fitted():
    return GoodFitClassifier(**GRID).fit(X, Y)


def test_the_networks_are_those_of_the_rows_with_all_columns(fitted):
    """The formula of the forward pass on dense rows, scaled by the largest value of the training rows of each fold."""
    known = fitted._predictor
    found = []
    for fold in known.folds:
        dense = np.zeros((N, fold.networks[0][0]["kernel_by_column"].shape[0]))
        dense[:, : len(fold.inputs.columns)] = X.toarray()[:, fold.inputs.columns] * fold.inputs.factors
        for (first, last), share in zip(fold.networks, known.shares, strict=True):
            hidden = dense @ first["kernel_by_column"] + first["bias"]
            logit = np.asarray(ACTIVATIONS["leaky_relu"](hidden)) @ last["kernel"] + last["bias"]
            found.append(share / len(known.folds) / (1 + np.exp(-logit)))
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1:], np.sum(found, axis=0), atol=1e-5)


def test_columns_are_scaled_by_their_largest_training_value():
    """So that a fit of scaled rows is the same fit."""
    train, validation = np.arange(160), np.arange(160, N)
    models = [
        GoodFitClassifier(**SMALL).fit(x[train], Y[train], X_val=x[validation], y_val=Y[validation])
        for x in (X, MaxAbsScaler().fit(X[train]).transform(X))
    ]
    assert models[0]._observations.n_validation == len(validation)
    np.testing.assert_allclose(models[0].history_["loss"][0], models[1].history_["loss"][0], rtol=0.05)
    factors = models[0]._predictor.folds[0].inputs.factors
    np.testing.assert_allclose(factors[factors > 0], 1 / abs(X[train]).max(axis=0).toarray().ravel(), rtol=1e-12)


def test_it_is_learned_searched_and_diagnosed(fitted):
    assert fitted.score(X, Y) > 0.9
    assert fitted.best_l2_ == 0.0001
    assert fitted.sweep_.table.num_rows == 4
    assert list(fitted.classes_) == ["high", "low"] and fitted.n_features_in_ == COLUMNS
    assert fitted._observations.baseline_loss == pytest.approx(np.log(2), abs=0.01)
    assert fitted.verdict_ == goodfit.diagnose(fitted._observations)
    with pytest.raises(ValueError, match="a verdict_ and a report, but no run_: fit one target on dense X"):
        fitted.run_  # noqa: B018


def test_its_report_and_its_ensemble(fitted, tmp_path):
    page = html.unescape(fitted.report(tmp_path / "report.html").read_text())
    assert fitted.verdict_.sentence in page and "Learning curves" in page
    advised = [each for each in fitted.findings_ if "hidden" in each.change]
    assert all("hidden_layer_sizes=" in page for _ in advised)
    assert fitted.ensemble_.n_networks == 2 * len(fitted.ensemble_.members)
    assert "Ensemble of" in repr(fitted.ensemble_) and "out-of-fold loss" in repr(fitted.ensemble_)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.ensemble_.loss == fitted.ensemble_.loss
    with pytest.raises(ValueError, match="write the report of this fit before it is pickled"):
        again.report(tmp_path / "again.html")


@pytest.mark.parametrize("form", ["csc_array", "coo_matrix", "long indices", "two halves"])
def test_the_same_rows_in_another_form_are_the_same_fit(form):
    if form == "long indices":
        other = X.copy()
        other.indices, other.indptr = other.indices.astype(np.int64), other.indptr.astype(np.int64)
    elif form == "two halves":
        other = sparse.csr_array((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), X.shape)
    else:
        other = getattr(sparse, form)(X)
    before = other.copy()
    first, second = (GoodFitClassifier(**SMALL).fit(x, Y).predict_proba(x) for x in (X, other))
    np.testing.assert_array_equal(first, second)
    assert other.nnz == before.nnz and (other.data == before.data).all()


def test_a_column_without_a_training_entry_says_nothing(fitted):
    train, validation = np.arange(160), np.arange(160, N)
    own = X.tolil()
    own[train, 7] = 0
    own = own.tocsr()
    model = GoodFitClassifier(**SMALL).fit(own[train], Y[train], X_val=own[validation], y_val=Y[validation])
    without = own.tolil()
    without[:, 7] = 0
    np.testing.assert_array_equal(model.predict_proba(own), model.predict_proba(without.tocsr()))


def test_dense_rows_are_predicted_alike(fitted):
    np.testing.assert_array_equal(fitted.predict_proba(X.toarray()), fitted.predict_proba(X))


def test_a_quantity_is_predicted_in_its_own_unit():
    y = 1000 + 50 * Z
    model = GoodFitRegressor(**SMALL).fit(X, y)
    assert model.predict(X).shape == (N,) and model.score(X, y) > 0.8
    assert model.history_["val_rmse"].min() < 50 * Z.std()


def test_several_classes_and_several_targets_of_sparse_rows():
    thirds = np.digitize(Z, np.quantile(Z, [1 / 3, 2 / 3]))
    model = GoodFitClassifier(**SMALL).fit(X, thirds)
    assert model.predict_proba(X).shape == (N, 3) and model.score(X, thirds) > 0.7
    two = np.c_[Z, -Z]
    assert GoodFitRegressor(**SMALL).fit(X, two).score(X, two) > 0.8


def test_texts_in_a_pipeline():
    words = np.array(["good", "fine", "nice", "bad", "poor", "awful", *(f"word{i}" for i in range(80))])
    moods = RNG.integers(0, 2, N)
    said = [[words[RNG.integers(0, 3) + 3 * mood], *words[RNG.integers(6, 86, 8)]] for mood in moods]
    texts = pd.Series([" ".join(RNG.permutation(each)) for each in said])
    pipeline = make_pipeline(TfidfVectorizer(), GoodFitClassifier(**SMALL))
    assert cross_val_score(pipeline, texts, moods, cv=2).min() > 0.9


def test_what_is_pickled_predicts_and_holds_no_row(fitted):
    content = pickle.dumps(fitted)
    np.testing.assert_array_equal(pickle.loads(content).predict_proba(X), fitted.predict_proba(X))
    assert X.data[:3].tobytes() not in content and X.data[:3].astype("float32").tobytes() not in content


def test_groups_stay_together():
    """Each group has a column and a label of its own, so that those of validation rows are new."""
    groups = np.repeat(np.arange(40), 6)
    own, labels = sparse.csr_array(np.eye(40)[groups] + 0.01 * RNG.random((N, 1))), RNG.integers(0, 2, 40)[groups]
    apart, together = (GoodFitClassifier(**SMALL).fit(own, labels, groups=g) for g in (None, groups))
    assert apart.history_["val_loss"].min() < 0.3 < together.history_["val_loss"].min()


def test_a_sparse_matrix_is_never_made_dense():
    """Dense, these rows are 1 GB in float32 and 2 GB in float64."""
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 50_000, (5_000, 20))
    wide = sparse.csr_array((np.ones(100_000), columns.ravel(), np.arange(0, 100_001, 20)), (5_000, 50_000))
    y = columns.min(axis=1) < 1_700
    before = peak_bytes()
    model = GoodFitClassifier(**SMALL | {"hidden_layer_sizes": (4,), "epochs": 1, "folds": 1}).fit(wide, y)
    assert model.predict(wide).shape == (5_000,)
    assert peak_bytes() - before < 400e6


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        (lambda: GoodFitClassifier().fit(X * np.nan, Y), "X has nan in row 0, column .*: entries .* must be finite"),
        (lambda: GoodFitClassifier().fit(X * 0, Y), "the rows of X are all alike"),
        (lambda: GoodFitClassifier().fit(X, Y, X_val=X.toarray(), y_val=Y), "both sparse or both dense"),
        (lambda: GoodFitClassifier().partial_fit(X, Y, classes=["high", "low"]), "partial_fit takes dense rows"),
        (lambda: GoodFitClassifier(**SMALL).fit(X.toarray(), Y).predict(X), "that of fit was dense: give X.toarray()"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(fit, says):
    with pytest.raises((ValueError, TypeError), match=says) as error:
        fit()
    assert "\n" not in str(error.value)
