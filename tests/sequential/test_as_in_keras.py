"""Spelled as in Keras, and right where Keras misleads."""

import inspect

import jax
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from goodfit import (
    Dense,
    EarlyStopping,
    Sequential,
    l2,
)
from tests.sequential.models import (
    CLASS,
    X,
    assert_same_weights,
    binary,
)

GUIDE = """
from goodfit import Adam, Dense, EarlyStopping, Sequential, l2, train_test_split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)
model = Sequential([Dense(64, activation="relu", kernel_regularizer=l2(0.01)), Dense(1, activation="sigmoid")])
model.compile(optimizer=Adam(learning_rate=0.001), loss="binary_crossentropy", metrics=["accuracy"])
early_stop = EarlyStopping(monitor='val_loss', patience=5)
history = model.fit(X_train, y_train, validation_split=0.2, epochs=100, callbacks=[early_stop])
model.evaluate(X_test, y_test)
"""


@pytest.mark.parametrize("scaled", [True, False])
def test_the_program_of_the_guide_runs_as_it_stands(scaled):
    X, y = load_breast_cancer(return_X_y=True)
    names = {"X": (X - X.mean(axis=0)) / X.std(axis=0) if scaled else X, "y": y}
    exec(GUIDE, names)
    assert len(names["X_test"]) == 114
    loss, accuracy = names["model"].evaluate(names["X_test"], names["y_test"])
    assert loss < 0.4
    assert accuracy > 0.9
    assert len(names["history"].history["val_loss"]) <= 100


KERAS_PROGRAM = """
model = Sequential([Dense(4, activation="relu", kernel_regularizer=l2(0.01)), Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
fitted = model.fit(
    x, y, batch_size=32, epochs=1, verbose=0, validation_split=0.2, shuffle=False,
    callbacks=EarlyStopping("val_loss", patience=3),
)
keys = list(fitted.history)
evaluated = model.evaluate(x, y, batch_size=32, verbose=0)
named = model.evaluate(x, y, batch_size=32, return_dict=True, verbose=0)
predicted = model.predict(x, batch_size=50, verbose=0)
shapes = [w.shape for w in model.weights] if hasattr(model, "weights") else [w.shape for w in model.get_weights()]
"""


def test_the_same_program_gives_the_same_kinds_of_things_in_keras(keras):
    given = {"x": X, "y": CLASS}
    theirs = given | {"Sequential": keras.Sequential, "Dense": keras.layers.Dense, "l2": keras.regularizers.L2}
    theirs |= {"EarlyStopping": keras.callbacks.EarlyStopping}
    exec(KERAS_PROGRAM, theirs)
    ours = given | {"Sequential": Sequential, "Dense": Dense, "l2": l2, "EarlyStopping": EarlyStopping}
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        exec(KERAS_PROGRAM, ours)
    assert set(theirs["keys"]) <= set(ours["keys"])
    assert [type(value) for value in ours["evaluated"]] == [type(value) for value in theirs["evaluated"]]
    assert set(ours["named"]) == set(theirs["named"])
    assert ours["predicted"].shape == theirs["predicted"].shape
    assert ours["predicted"].dtype == theirs["predicted"].dtype
    assert ours["shapes"] == theirs["shapes"]


@pytest.mark.parametrize(
    ("method", "own"),
    [("compile", set()), ("fit", {"split", "resume"}), ("evaluate", set()), ("predict", set())],
)
def test_arguments_have_the_names_that_keras_gives_them(method, own, keras):
    ours, theirs = (inspect.signature(getattr(door, method)).parameters for door in (Sequential, keras.Sequential))
    assert set(ours) - set(theirs) == own
    assert list(ours)[:3] == list(theirs)[:3]


def test_one_number_is_given_for_the_loss_alone_and_a_list_with_metrics():
    assert isinstance(binary().evaluate(X, CLASS), float)
    assert len(binary(metrics=["accuracy"]).evaluate(X, CLASS)) == 2
    assert list(binary(metrics=["acc"]).evaluate(X, CLASS, return_dict=True)) == ["loss", "accuracy"]


def test_a_layer_may_be_added_later():
    model = Sequential([Dense(4, activation="relu")])
    model.add(Dense(1))
    model.build(3)
    assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 1), (1,)]
    assert model.count_params() == 21


def test_weights_come_and_go_in_the_order_of_the_layers():
    model, other = binary(seed=1), binary(seed=2)
    model.build(3)
    other.build(3)
    other.set_weights(model.get_weights())
    assert_same_weights(model, other)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    model.get_weights()[0][:] = 0
    assert_same_weights(model, other)


def test_predictions_belong_to_the_user():
    predicted = binary().predict(X)
    predicted[predicted > 0.5] = 1
    assert predicted.max() == 1


def test_summary_says_which_weights_are_penalised():
    model = binary(rate=0.5)
    model.build(3)
    lines = model.summary().splitlines()
    assert "kernel 3×4, bias 4" in lines[0]
    assert "penalised: kernel" in lines[0]
    assert lines[1] == "Dropout: no weights; penalised: nothing"
    assert lines[2].endswith("penalised: nothing")
    assert lines[3] == "21 weights"


def test_a_training_shows_its_epochs():
    training = binary().fit(X, CLASS, validation_split=0.2)
    assert "epochs   1; best epoch 1" in repr(training)
