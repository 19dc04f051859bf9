"""``partial_fit``: one epoch over the rows of each call."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError

import goodfit
from goodfit import GoodFitClassifier, GoodFitRegressor

X, Y = load_breast_cancer(return_X_y=True)
X = X[:, :8]
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
ONE = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "batch_size": 32}
PARTS = np.array_split(np.arange(len(Y)), 5)


def test_three_calls_are_three_epochs_of_the_same_network():
    model = GoodFitRegressor(**ONE)
    for _ in range(3):
        model.partial_fit(X_DIABETES, Y_DIABETES)
    assert model.n_iter_ == len(model.history_["loss"]) == 3
    table = {f"x{i}": X_DIABETES[:, i] for i in range(X_DIABETES.shape[1])}
    inputs = model._predictor.encoder.transform(goodfit.read_table(table))
    penalty = goodfit.l2(0.001)
    hidden = goodfit.Dense(16, activation="leaky_relu", kernel_regularizer=penalty)
    twin = goodfit.Sequential([hidden, goodfit.Dense(1, kernel_regularizer=penalty)])
    twin.compile(goodfit.Adam(0.01), "mse")
    last = goodfit.EarlyStopping("loss", patience=9, restore_best_weights=False)
    scaled = (Y_DIABETES - Y_DIABETES.mean()) / Y_DIABETES.std()
    twin.fit(inputs, scaled, epochs=3, callbacks=last)
    expected = twin.predict(inputs)[:, 0] * Y_DIABETES.std() + Y_DIABETES.mean()
    np.testing.assert_allclose(model.predict(X_DIABETES), expected, rtol=1e-4)


def test_rows_that_come_in_parts_are_learned_and_later_parts_compile_nothing(compiled):
    model = GoodFitClassifier(**ONE)
    model.partial_fit(X[PARTS[0]], Y[PARTS[0]], classes=[0, 1])
    model.partial_fit(X[PARTS[1]], Y[PARTS[1]])
    del compiled[:]
    for _ in range(3):
        for rows in PARTS[:4]:
            model.partial_fit(X[rows], Y[rows])
    assert not compiled
    assert model.score(X[PARTS[4]], Y[PARTS[4]]) > 0.85
    assert model.n_iter_ == 14


def test_a_class_may_come_later():
    labels = np.array(["no", "yes", "maybe"])[np.minimum(np.arange(len(Y)) // 200, 2)]
    model = GoodFitClassifier(**ONE).partial_fit(X[:200], labels[:200], classes=["no", "yes", "maybe"])
    assert list(model.classes_) == ["maybe", "no", "yes"]
    for _ in range(3):
        model.partial_fit(X[200:], labels[200:])
    assert model.predict_proba(X).shape == (len(Y), 3)
    assert (model.predict(X) != "no").any()


def test_frames_with_cells_of_every_kind():
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(Y == 1, "x", "y")})
    frame.loc[::7, "a"] = np.nan
    model = GoodFitClassifier(**ONE).partial_fit(frame[:300], Y[:300], classes=[0, 1])
    for _ in range(10):
        model.partial_fit(frame[:300], Y[:300])
    assert model.score(frame[300:], Y[300:]) > 0.95


def test_weights_count():
    heavy, plain = GoodFitClassifier(**ONE, class_weight={0: 50.0}), GoodFitClassifier(**ONE)
    by_row = GoodFitClassifier(**ONE)
    for _ in range(3):
        heavy.partial_fit(X, Y, classes=[0, 1])
        plain.partial_fit(X, Y, classes=[0, 1])
        by_row.partial_fit(X, Y, classes=[0, 1], sample_weight=np.where(Y == 0, 50.0, 1.0))
    assert (heavy.predict(X) == 0).sum() > (plain.predict(X) == 0).sum() + 10
    np.testing.assert_allclose(heavy.predict_proba(X), by_row.predict_proba(X), atol=1e-5)


def test_after_fit_the_selected_network_goes_on():
    model = GoodFitRegressor(**ONE, epochs=5).fit(X_DIABETES, Y_DIABETES)
    before = model.predict(X_DIABETES)
    error = np.square(before - Y_DIABETES).mean()
    for _ in range(5):
        model.partial_fit(X_DIABETES, Y_DIABETES)
    after = model.predict(X_DIABETES)
    assert 0 < np.abs(after - before).max() < 200
    assert np.square(after - Y_DIABETES).mean() < error
    assert model.n_iter_ == 5 and model.ensemble_ is None
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X_DIABETES), after)


def test_what_cannot_be_done_is_said_in_one_sentence():
    model = GoodFitClassifier(**ONE)
    with pytest.raises(ValueError, match="classes must be given at the first call"):
        model.partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has the class 1, which classes does not have"):
        model.partial_fit(X, Y, classes=[0, 2])
    model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="are not those of the first call"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(NotFittedError, match="call fit for a verdict"):
        model.verdict_  # noqa: B018
    with pytest.raises(ValueError, match="give one value for l2"):
        GoodFitRegressor(l2=[0.0, 0.1]).partial_fit(X, Y)
    with pytest.raises(ValueError, match="needs all rows"):
        GoodFitClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1])
