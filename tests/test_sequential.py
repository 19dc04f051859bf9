"""``Sequential`` from its user's side: spelled as in Keras, right where Keras misleads, and clear about mistakes."""

import inspect
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import KFold

import goodfit
from goodfit import (
    SGD,
    Adam,
    BinaryCrossentropy,
    ConfigError,
    CosineDecay,
    DataError,
    Dense,
    Dropout,
    EarlyStopping,
    LayerNormalization,
    Outcome,
    Sequential,
    SplitError,
    Training,
    l2,
)
from goodfit.training.history import History

RNG = np.random.default_rng(0)
N = 50
X = RNG.normal(size=(N, 3)).astype("float32")
QUANTITY = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=N)
CLASS = (QUANTITY > 0).astype(int)
OTHERWISE = (X[40:], 1 - CLASS[40:])
"""Validation rows on which the loss rises once anything is learned."""
KEEP_LAST = EarlyStopping(patience=1000, restore_best_weights=False)


def binary(*, strength=0.01, rate=None, optimizer="adam", metrics=(), **choices):
    """A small network for two classes, the same program for every number in it."""
    dropout = [] if rate is None else [Dropout(rate)]
    hidden = Dense(4, activation="relu", kernel_regularizer=l2(strength))
    model = Sequential([hidden, *dropout, Dense(1, activation="sigmoid")], **choices)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=metrics)
    return model


def linear(units=1, *, optimizer="sgd", **choices):
    model = Sequential([Dense(units)], **choices)
    model.compile(optimizer=optimizer, loss="mse")
    return model


def assert_same_weights(model, other, **tolerance):
    for w, v in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(w, v, **({"rtol": 0} | tolerance))


# --- spelled as in Keras ---------------------------------------------------------------------------------------------

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
    [("compile", set()), ("fit", {"split"}), ("evaluate", set()), ("predict", set())],
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


def test_a_training_is_shown_in_one_line():
    training = binary().fit(X, CLASS, validation_split=0.2)
    assert repr(training) == "Training(outcome=<Outcome.FINISHED: 1>, best_epoch=1)"


# --- which rows train, which validate, and how they weigh ------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch):
    """What the training would have been given; none is run."""
    calls = []

    def record(recipe, rows, **choices):
        calls.append(choices | {"recipe": recipe, "rows": rows})
        params = choices["params"]
        return Training(params, params, History({"loss": np.zeros(1)}), Outcome.FINISHED, 1)

    monkeypatch.setattr(goodfit.sequential, "fit", record)
    return calls


def weights_of(call, part):
    return call["rows"].labels[call[part], -1]


def test_a_fifth_of_the_rows_validates_drawn_at_random_and_by_class(asked):
    y = np.arange(800) >= 700  # sorted labels, of which Keras' last rows are all of one class
    binary().fit(np.zeros((800, 2)), y, validation_split=0.2)
    (call,) = asked
    assert (len(call["train"]), len(call["validation"])) == (640, 160)
    assert sorted([*call["train"], *call["validation"]]) == list(range(800))
    assert y[call["validation"]].sum() == 20


@pytest.mark.parametrize("n", [7, 50, 800])
@pytest.mark.parametrize("split", [0.07, 0.2, 0.3])
def test_the_last_rows_validate_as_in_keras_on_request(n, split, asked, keras):
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    (train,), (validation,) = train_validation_split((np.arange(n),), split)
    linear().fit(np.zeros((n, 1)), np.zeros(n), validation_split=split, split="last")
    np.testing.assert_array_equal(asked[0]["train"], train)
    np.testing.assert_array_equal(asked[0]["validation"], validation)


def test_a_splitter_of_scikit_learn_may_split(asked):
    linear().fit(X, QUANTITY, validation_split=0.2, split=KFold(5))
    assert asked[0]["validation"].tolist() == list(range(40, 50))


def test_own_validation_rows_stand_behind_those_that_train(asked):
    binary().fit(X, CLASS, validation_data=(2 * X[:7], CLASS[:7], np.arange(7)), sample_weight=np.full(N, 3.0))
    (call,) = asked
    assert call["train"].tolist() == list(range(N))
    assert call["validation"].tolist() == list(range(N, N + 7))
    np.testing.assert_array_equal(call["rows"].x[N:], 2 * X[:7])
    np.testing.assert_array_equal(call["rows"].labels[N:-1, 0], CLASS[:7])
    np.testing.assert_allclose(weights_of(call, "validation") / weights_of(call, "train")[0], np.arange(7) / 3)


@pytest.mark.parametrize(
    ("units", "loss", "y"),
    [
        (1, "binary_crossentropy", CLASS),
        (2, "sparse_categorical_crossentropy", CLASS),
        (2, "categorical_crossentropy", np.eye(2)[CLASS]),
    ],
)
def test_class_weights_count_in_training_and_validation(units, loss, y, asked):
    model = Sequential([Dense(units, activation="sigmoid" if units == 1 else "softmax")])
    model.compile(loss=loss)
    sample_weight = np.linspace(1, 2, N)
    model.fit(X, y, validation_split=0.2, class_weight={1: 3}, sample_weight=sample_weight)
    expected = sample_weight * np.where(CLASS, 3, 1)
    for part in ("train", "validation"):
        found = weights_of(asked[0], part)
        np.testing.assert_allclose(
            found / found.sum(), (expected / expected[asked[0][part]].sum())[asked[0][part]], 1e-6
        )


def test_balanced_classes_weigh_the_same_in_training_whatever_validates(asked):
    for last in (0, 1):
        y = np.array([0] * 30 + [1] * 10 + [last] * 10)
        binary().fit(X, y, validation_split=0.2, split="last", class_weight="balanced")
    for call in asked:
        weight = weights_of(call, "train")
        assert weight[:30].sum() == pytest.approx(weight[30:].sum())
    np.testing.assert_array_equal(weights_of(asked[0], "train"), weights_of(asked[1], "train"))


def test_own_validation_rows_may_lack_a_class_that_has_a_weight(asked):
    binary().fit(X, CLASS, class_weight={0: 1, 1: 2}, validation_data=(X[CLASS == 0], CLASS[CLASS == 0]))
    assert len(set(weights_of(asked[0], "validation"))) == 1


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_only_the_ratios_of_weights_count_however_large(factor, asked):
    weight = np.linspace(1, 2, N)
    linear().fit(X, QUANTITY, sample_weight=factor * weight)
    found = weights_of(asked[0], "train")
    np.testing.assert_allclose(found / found.sum(), weight / weight.sum(), rtol=1e-6)


def test_schedules_span_the_training(asked):
    """50 rows in batches of 20 are 3 updates an epoch."""
    linear(optimizer=SGD(0.1, schedule=CosineDecay(warmup_steps=6))).fit(X, QUANTITY, epochs=10, batch_size=20)
    assert asked[0]["recipe"].optimizer.schedule.decay_steps == 24


# --- what comes out of a training ------------------------------------------------------------------------------------


def test_the_best_epoch_is_what_is_kept():
    model = binary(optimizer=Adam(0.1))
    training = model.fit(X[:40], CLASS[:40], validation_data=OTHERWISE, epochs=12)
    assert 1 <= training.best_epoch < 12
    assert model.evaluate(*OTHERWISE) == pytest.approx(min(training.history["val_loss"]), abs=1e-6)


def test_the_last_epoch_is_kept_on_request():
    model = binary(optimizer=Adam(0.1))
    training = model.fit(X[:40], CLASS[:40], validation_data=OTHERWISE, epochs=12, callbacks=KEEP_LAST)
    assert model.evaluate(*OTHERWISE) == pytest.approx(training.history["val_loss"][-1], abs=1e-6)
    assert training.history["val_loss"][-1] > min(training.history["val_loss"]) + 0.01


def test_the_history_is_that_of_keras_and_more():
    history = binary(metrics=["accuracy", "AUC"]).fit(X, CLASS, epochs=3, validation_split=0.2)
    keys = ["loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"]
    columns = history.history
    assert list(columns)[: len(keys)] == keys
    assert {"penalty", "objective", "running_loss", "learning_rate"} < set(columns)
    assert all(len(values) == 3 for values in columns.values())
    np.testing.assert_allclose(columns["objective"], columns["loss"] + columns["penalty"], rtol=1e-6)


def test_metrics_are_those_of_scikit_learn():
    names = ["accuracy", "auc", "balanced_accuracy", "log_loss"]
    model = binary(metrics=names, dtype="float64")
    model.build(3)
    p = model.predict(X)[:, 0]
    expected = {
        "loss": log_loss(CLASS, p),
        "accuracy": np.mean((p > 0.5) == CLASS),
        "auc": roc_auc_score(CLASS, p),
        "balanced_accuracy": balanced_accuracy_score(CLASS, p > 0.5),
        "log_loss": log_loss(CLASS, p),
    }
    assert model.evaluate(X, CLASS, return_dict=True) == pytest.approx(expected, rel=1e-9)


def test_sample_weights_count_in_evaluate():
    model = linear(dtype="float64")
    weight = np.linspace(0, 1, N)
    error = (model.predict(X)[:, 0] - QUANTITY) ** 2
    assert model.evaluate(X, QUANTITY, sample_weight=weight) == pytest.approx(np.average(error, weights=weight))


def test_a_second_fit_goes_on_from_the_present_weights():
    model, other = binary(), binary()
    first = model.fit(X, CLASS, epochs=2, validation_split=0.2)
    other.build(3)
    other.set_weights(model.get_weights())
    second, same = (m.fit(X, CLASS, epochs=2, validation_split=0.2) for m in (model, other))
    assert second.history["loss"][0] < first.history["loss"][-1]
    np.testing.assert_array_equal(second.history["loss"], same.history["loss"])
    assert_same_weights(model, other)


def test_same_seed_same_bits_and_another_seed_others():
    models = [binary(seed=seed, rate=0.5, metrics=["accuracy"]) for seed in (1, 1, 2**31 - 1)]
    histories = [model.fit(X, CLASS, epochs=2, validation_split=0.2).history for model in models]
    assert_same_weights(*models[:2])
    np.testing.assert_array_equal(histories[0]["val_loss"], histories[1]["val_loss"])
    assert (models[0].get_weights()[0] != models[2].get_weights()[0]).any()


def test_nothing_is_dropped_outside_training():
    model = binary(rate=0.9, metrics=["accuracy"])
    model.fit(X, CLASS, validation_split=0.2)
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    kernel, bias, last, last_bias = model.get_weights()
    outputs = np.maximum(X @ kernel + bias, 0) @ last + last_bias
    np.testing.assert_allclose(model.predict(X), 1 / (1 + np.exp(-outputs)), rtol=1e-5)


def test_several_quantities_are_learned_at_once():
    y = np.stack([QUANTITY, -QUANTITY, 0 * QUANTITY + 1], axis=1)
    model = linear(3, optimizer=SGD(0.1))
    training = model.fit(X, y, epochs=50, validation_split=0.2)
    assert model.predict(X).shape == (N, 3)
    assert training.history["val_loss"][-1] < 0.2
    np.testing.assert_allclose(model.predict(X)[:, 0], -model.predict(X)[:, 1], atol=0.2)


def test_one_hot_classes_are_class_numbers():
    found = []
    for loss, y in (
        ("categorical_crossentropy", np.eye(3)[np.arange(N) % 3]),
        ("sparse_categorical_crossentropy", np.arange(N) % 3),
    ):
        model = Sequential([Dense(3, activation="softmax")], dtype="float64")
        model.compile("sgd", loss)
        found.append(model.fit(X, y, epochs=3).history)
        assert model.predict(X).sum(axis=1) == pytest.approx(1)
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-12, err_msg=name)


def test_logits_are_learned_as_probabilities_are():
    models = []
    for activation, from_logits in (("sigmoid", False), (None, True)):
        models.append(Sequential([Dense(1, activation=activation)], dtype="float64"))
        models[-1].compile("sgd", BinaryCrossentropy(from_logits=from_logits))
        models[-1].fit(X, CLASS, epochs=2)
    assert_same_weights(*models, rtol=1e-12)
    probabilities, logits = (model.predict(X) for model in models)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), probabilities, rtol=1e-12)


def test_double_precision_everywhere_on_request():
    model = linear(dtype="float64")
    assert model.fit(X, QUANTITY).params[0]["kernel"].dtype == np.float64
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float64")}
    assert model.predict(X).dtype == np.float64
    np.testing.assert_allclose(
        model.predict(X), X.astype(float) @ model.get_weights()[0] + model.get_weights()[1], 1e-14
    )


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.float64, list], ids=lambda kind: kind.__name__)
def test_inputs_of_every_type_train_the_same(kind):
    whole = np.rint(10 * np.abs(X))
    x = whole.tolist() if kind is list else whole.astype(kind)
    model, expected = binary(), binary()
    model.fit(x, CLASS.tolist(), epochs=2, validation_split=0.2)
    expected.fit(whole, CLASS, epochs=2, validation_split=0.2)
    assert_same_weights(model, expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(x), expected.predict(whole), rtol=1e-6)


def test_validation_rows_teach_nothing():
    learned = []
    for validation in ((X[40:], CLASS[40:]), (1000 * X[40:], np.ones(10))):
        model = binary()
        choices = {"class_weight": "balanced", "callbacks": KEEP_LAST}
        model.fit(X[:40], CLASS[:40], validation_data=validation, epochs=5, **choices)
        learned.append(model)
    assert_same_weights(*learned)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
def test_very_few_rows_are_enough(shape):
    model = linear()
    assert model.fit(X[:1, :1] * np.ones(shape), np.arange(shape[0])).outcome == Outcome.FINISHED
    assert np.isfinite(model.predict(np.ones(shape))).all()


def test_very_many_columns_are_not_too_many():
    x = RNG.normal(size=(100, 10_000))
    model = linear(optimizer=SGD(1e-4))
    training = model.fit(x, x[:, 0], epochs=5, validation_split=0.2)
    assert training.history["loss"][-1] < training.history["loss"][0]


# --- how a training ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restore", [True, False])
def test_divergence_is_an_outcome_and_the_weights_stay_finite(restore):
    model = linear(optimizer=SGD(1e6))
    stopping = EarlyStopping(patience=50, restore_best_weights=restore)
    training = model.fit(X, QUANTITY, epochs=100, validation_split=0.2, callbacks=[stopping])
    assert training.outcome == Outcome.DIVERGED
    assert len(training.history["loss"]) < 100
    assert "learning rate" in training.outcome.text
    assert all(np.isfinite(w).all() for w in model.get_weights())


def press_ctrl_c_soon(record):
    if record["epoch"] == 1:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_keeps_the_best_weights():
    model = binary()
    validation = (X[40:], CLASS[40:])
    training = model.fit(X[:40], CLASS[:40], validation_data=validation, epochs=200_000, callbacks=press_ctrl_c_soon)
    assert training.outcome == Outcome.STOPPED_BY_USER
    assert 1 < len(training.history["loss"]) < 200_000
    assert model.evaluate(*validation) == pytest.approx(min(training.history["val_loss"]), abs=1e-6)


def test_functions_are_told_of_every_epoch():
    told = []
    training = binary().fit(X, CLASS, validation_split=0.2, epochs=4, callbacks=told.append)
    assert [record["epoch"] for record in told] == [1, 2, 3, 4]
    assert [record["val_loss"] for record in told] == training.history["val_loss"].tolist()


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2, True])
def test_progress_goes_to_stderr_as_loud_as_asked(verbose, capsys):
    stopping = EarlyStopping(patience=1, min_delta=10)
    binary().fit(X, CLASS, epochs=9, validation_split=0.2, callbacks=[stopping], verbose=verbose)
    shown = capsys.readouterr()
    assert shown.out == ""
    if verbose in ("auto", 0):
        assert shown.err == ""
    else:
        lines = shown.err.replace("\r", "\n").strip("\n").split("\n")
        assert [line.split("  ")[0] for line in lines] == ["epoch 1/9", "epoch 2/9"]
        assert all("val_loss" in line and "penalty" in line for line in lines)
        assert shown.err.endswith("\n")
        assert ("\r" in shown.err) == (verbose == 1)


def test_two_decays_are_warned_of_where_they_are_asked_for_and_nowhere_else(asked):
    model = binary(optimizer=Adam(weight_decay=0.1))
    with pytest.warns(UserWarning, match="weight_decay and an l2 regularizer") as caught:
        model.fit(X, CLASS)
    assert caught[0].filename == __file__
    model.evaluate(X, CLASS)
    model.predict(X)


# --- what a new number costs -----------------------------------------------------------------------------------------


def use(*, strength, rate, learning_rate, patience, seed, class_weight, epochs):
    """Everything that is done with a model, with these numbers."""
    model = binary(strength=strength, rate=rate, optimizer=Adam(learning_rate), metrics=["accuracy"], seed=seed)
    stopping = EarlyStopping(patience=patience)
    training = model.fit(X, CLASS, validation_split=0.2, epochs=epochs, class_weight=class_weight, callbacks=[stopping])
    model.evaluate(X, CLASS)
    model.predict(X)
    return training.history["loss"][0]


NUMBERS = {
    "strength": (0.01, 0),
    "rate": (0.2, 0.0),
    "learning_rate": (0.001, 1),
    "patience": (3, 5.0),
    "seed": (0, 7),
    "class_weight": (None, {0: 3}),
    "epochs": (2, 40),
}


def test_a_new_number_compiles_nothing(compiled):
    numbers = {name: values[0] for name, values in NUMBERS.items()}
    use(**numbers)
    compiled.clear()
    for name, (_, other) in NUMBERS.items():
        use(**numbers | {name: other})
        assert compiled == [], name


# --- mistakes --------------------------------------------------------------------------------------------------------

NAN = float("nan")
COMPILE = {
    "loss is not known": ({"loss": "foo"}, "loss 'foo' is not known; choose one of mean_squared_error"),
    "no loss": ({}, "compile needs a loss"),
    "optimizer is not known": ({"loss": "mse", "optimizer": "foo"}, "optimizer must be one of 'adam', 'sgd'"),
    "metric is not known": ({"loss": "mse", "metrics": ["foo"]}, "metric 'foo' is not known; choose one of accuracy"),
}


@pytest.mark.parametrize("case", COMPILE)
def test_mistakes_in_compile(case):
    choices, message = COMPILE[case]
    with pytest.raises(ConfigError, match=message):
        Sequential([Dense(1)]).compile(**choices)


MAKE = {
    "units": (lambda: Dense(0), "units must be a whole number, 1 or more, not 0"),
    "activation": (lambda: Dense(1, activation="foo"), "activation 'foo' is not known"),
    "l2 infinite": (lambda: l2(float("inf")), "l2 must be a finite number, zero or larger, not inf"),
    "learning rate negative": (lambda: Adam(learning_rate=-1), "learning_rate must be a finite number"),
    "learning rate NaN": (lambda: SGD(learning_rate=NAN), "learning_rate must be a finite number"),
    "dropout": (lambda: Dropout(1.0), "rate of Dropout must be at least 0 and below 1"),
    "patience": (lambda: EarlyStopping(patience=-1), "patience must be a whole number of epochs"),
    "a word for a layer": (lambda: Sequential(["relu"]), "layers must be Dense.*, not 'relu'"),
    "a class for a layer": (lambda: Sequential([LayerNormalization]), "layers must be Dense.*not <class"),
    "a layer added": (lambda: Sequential().add(None), "layers must be Dense.*not None"),
    "seed": (lambda: Sequential(seed=-1), "seed must be a whole number, 0 or more, not -1"),
    "dtype": (lambda: Sequential(dtype="float16"), "dtype must be one of float32, float64, not 'float16'"),
    "no layers": (lambda: Sequential().build(3), "the last layer must be Dense"),
    "last layer": (lambda: Sequential([Dense(1), Dropout(0.1)]).build(3), "the last layer must be Dense"),
    "a shape for a number": (lambda: binary().build((None, 3)), "n_features must be a whole number"),
    "not compiled": (lambda: Sequential([Dense(1)]).predict(X), "call compile"),
    "no weights yet": (lambda: binary().get_weights(), "the model has no weights yet; call fit, or build"),
}


@pytest.mark.parametrize("case", MAKE)
def test_mistakes_in_making_a_model(case):
    make, message = MAKE[case]
    with pytest.raises(ConfigError, match=message):
        make()


FIT = {
    "epochs": ({"epochs": 0}, ConfigError, "epochs must be a whole number, 1 or more, not 0"),
    "epochs with a fraction": ({"epochs": 2.5}, ConfigError, "epochs must be a whole number"),
    "batch_size": ({"batch_size": 0}, ConfigError, "batch_size must be a whole number, 1 or more, not 0"),
    "split above 1": ({"validation_split": 1.5}, SplitError, "validation_split must be a fraction between 0 and 1"),
    "split NaN": ({"validation_split": NAN}, SplitError, "validation_split must be a fraction between 0 and 1"),
    "split by group": ({"validation_split": 0.2, "split": "group"}, SplitError, "split='group' needs a table"),
    "split by what": ({"validation_split": 0.2, "split": "foo"}, SplitError, "split must be one of random"),
    "both validations": (
        {"validation_split": 0.2, "validation_data": (X, CLASS)},
        SplitError,
        "give validation_split or validation_data, not both",
    ),
    "validation_data of one": ({"validation_data": (X,)}, SplitError, r"validation_data must be \(x, y\) or"),
    "validation features": (
        {"validation_data": (X[:, :2], CLASS)},
        DataError,
        "x of validation_data has 2 features, but x has 3",
    ),
    "validation NaN": ({"validation_data": (NAN * X, CLASS)}, DataError, "x of validation_data has nan in row 0"),
    "validation target": ({"validation_data": (X, 2 * CLASS)}, DataError, "y of validation_data must be between"),
    "validation weights": (
        {"validation_data": (X, CLASS, -CLASS)},
        DataError,
        "sample_weight of validation_data must be finite and not negative",
    ),
    "no weight validates": (
        {"validation_data": (X, CLASS), "class_weight": {0: 0, 1: 1}, "y": 0 * CLASS},
        DataError,
        "class_weight is zero for every class of the training rows",
    ),
    "weights of one class": (
        {"validation_data": (X, 0 * CLASS), "class_weight": {0: 0, 1: 1}},
        SplitError,
        "all validation rows have weight 0",
    ),
    "monitor without rows": ({"callbacks": [EarlyStopping()]}, ConfigError, "there are no validation rows"),
    "monitor is no metric": (
        {"validation_split": 0.2, "callbacks": [EarlyStopping("val_auc")]},
        ConfigError,
        "add 'auc' to the metrics",
    ),
    "two early stops": ({"callbacks": [EarlyStopping(), EarlyStopping()]}, ConfigError, "only one EarlyStopping"),
    "callback of Keras": ({"callbacks": [object()]}, ConfigError, "callbacks must be EarlyStopping or functions"),
    "verbose": ({"verbose": 3}, ConfigError, "verbose must be 'auto', 0, 1 or 2, not 3"),
    "sample_weight": (
        {"sample_weight": np.ones(3)},
        DataError,
        "sample_weight must have one weight for each of the 50",
    ),
    "class_weight": ({"class_weight": {2: 1.0}}, DataError, "class_weight names the class 2"),
    "rows": ({"y": CLASS[:-1]}, DataError, r"y must have one target for each of the 50 rows, but its shape is \(49,\)"),
    "NaN in the target": ({"y": np.where(CLASS, NAN, 0)}, DataError, "y is missing or infinite in row"),
    "infinity": ({"x": np.where(X > 2, np.inf, X)}, DataError, "x has inf in row"),
}


@pytest.mark.parametrize("case", FIT)
def test_mistakes_in_fit_are_told_before_the_training(case, asked):
    choices, error, message = FIT[case]
    with pytest.raises(error, match=message):
        binary().fit(**{"x": X, "y": CLASS} | choices)
    assert asked == []


def test_class_weights_want_classes():
    with pytest.raises(DataError, match="class_weight needs targets that are classes"):
        linear().fit(X, CLASS, class_weight={0: 1.0})
    with pytest.raises(DataError, match="class_weight needs targets that are classes"):
        binary().fit(X, CLASS / 2, class_weight={0: 1.0})


@pytest.mark.parametrize(
    ("units", "loss", "metric"),
    [(3, "sparse_categorical_crossentropy", "r2"), (3, "binary_crossentropy", "accuracy")],
)
def test_metrics_that_would_read_the_targets_wrongly_are_refused(units, loss, metric):
    model = Sequential([Dense(units, activation="sigmoid")])
    model.compile("adam", loss, [metric])
    with pytest.raises(ConfigError, match=f"metric '{metric}'"):
        model.fit(X, CLASS if loss.startswith("sparse") else np.eye(3)[CLASS])


def test_a_model_is_built_for_its_number_of_features():
    model = binary()
    model.build(2)
    for use in (lambda: model.predict(X), lambda: model.fit(X, CLASS), lambda: model.evaluate(X, CLASS)):
        with pytest.raises(ConfigError, match="the model was built for 2 features, but x has 3"):
            use()


def test_weights_of_other_shapes_are_refused():
    model = binary()
    model.build(3)
    with pytest.raises(ConfigError, match="the weights must have the shapes"):
        model.set_weights(model.get_weights()[:-1])
    with pytest.raises(ConfigError, match="the weights must have the shapes"):
        model.set_weights([w.T for w in model.get_weights()])


# --- memory ----------------------------------------------------------------------------------------------------------

MEMORY = """
import sys, threading, time
import numpy as np
from goodfit import Dense, Sequential

def train(x):
    model = Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    model.fit(x, np.arange(len(x)) % 2, epochs=1, batch_size=1000, validation_split=0.2)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

train(np.ones((20_000, 512), "float32"))  # what a training needs besides its table
x = np.ones((100_000, 512), sys.argv[1], order=sys.argv[2])
before, highest, done = resident(), 0, threading.Event()

def watch():
    global highest
    while not done.is_set():
        highest = max(highest, resident())
        time.sleep(0.002)

watcher = threading.Thread(target=watch)
watcher.start()
train(x)
done.set()
watcher.join()
print((highest - before) / (4 * x.size))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of a process from /proc")
@pytest.mark.parametrize(("dtype", "order"), [("float32", "C"), ("float32", "F")])
def test_a_training_holds_its_table_twice_at_most(dtype, order):
    """The user's own 200 MB, and one more copy of it; the rest is blocks of a fixed size."""
    done = subprocess.run([sys.executable, "-c", MEMORY, dtype, order], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.3


@pytest.mark.parametrize("asked", [{"split": "last"}, {"validation_data": (np.ones((4, 30)), np.ones(4))}])
def test_folds_leave_no_room_for_another_split(asked):
    model = Sequential([Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    with pytest.raises(SplitError, match="leave out validation_data and split"):
        model.sweep(np.ones((20, 30)), np.arange(20) % 2, folds=2, **asked)


# --- searched class weights ------------------------------------------------------------------------------------------

TARGETS = {
    "binary_crossentropy": (1, "sigmoid", CLASS),
    "sparse_categorical_crossentropy": (2, "softmax", CLASS),
    "categorical_crossentropy": (2, "softmax", np.eye(2)[CLASS]),
}


@pytest.mark.parametrize("loss", TARGETS)
def test_a_searched_class_weight_applies_to_batches_and_not_to_evaluation(loss):
    """Each trial is the training whose training rows, and not its validation rows, have that weight."""
    units, activation, y = TARGETS[loss]

    def model():
        made = Sequential([Dense(4, activation="relu"), Dense(units, activation=activation)], dtype="float64")
        made.compile(loss=loss)
        return made

    own = (X[40:], y[40:])
    rows = {"validation_data": own, "epochs": 6, "callbacks": [EarlyStopping(patience=2)]}
    found = model().sweep(X[:40], y[:40], class_weight={1: [1, 5]}, **rows)
    assert found.table["class_weight_1"].to_pylist() == [1, 5]
    for trial, weight in zip(found.trainings, (1, 5), strict=True):
        alone = model().fit(X[:40], y[:40], sample_weight=np.where(CLASS[:40] == 1, weight, 1), **rows)
        for layer, expected in zip(trial.params, alone.params, strict=True):
            for name in layer:
                np.testing.assert_allclose(layer[name], expected[name], rtol=0, atol=1e-12)
        np.testing.assert_allclose(trial.history["val_loss"], alone.history["val_loss"], rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({1: []}, "class_weight_1 has no values"),
        ({1: [1, -2]}, "class_weight_1 must be finite numbers, zero or larger"),
        ({1: [1, np.inf]}, "class_weight_1 must be finite numbers"),
        ({1: ["heavy"]}, "class_weight_1 must be a number or a list of numbers"),
        ({7: [1, 2]}, "class_weight names the class 7"),
        ({0: -1, 1: [1, 2]}, "class_weight of class 0"),
    ],
)
def test_weights_of_classes_that_cannot_be_swept_are_named(weights, said):
    with pytest.raises(goodfit.GoodFitError, match=said):
        binary().sweep(X, CLASS, class_weight=weights, epochs=1)


def test_a_quantity_has_no_class_weights_to_sweep():
    with pytest.raises(DataError, match="needs targets that are classes"):
        linear().sweep(X, QUANTITY, class_weight={1: [1, 2]}, epochs=1)


def test_folds_auto_is_a_race_on_few_rows_and_one_split_on_many_or_where_the_user_splits():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5001, 2))
    y = x[:, 0] + rng.normal(size=5001)
    grid = {"l2": [0, 0.001, 0.01, 0.1, 1], "learning_rate": [1e-5, 1e-3, 0.1], "epochs": 3, "folds": "auto"}

    def swept(rows, **arguments):
        model = Sequential([Dense(1)])
        model.compile(optimizer=Adam(), loss="mse")
        return model.sweep(x[:rows], y[:rows], batch_size=256, **grid, **arguments)

    raced = swept(100)
    assert raced.table["fold"].to_pylist()[:15] == [0] * 15
    assert 15 < raced.table.num_rows < 75
    assert len(raced.ensemble().rows.y) == 100
    for once in (swept(5001), swept(100, validation_split=0.3), swept(100, validation_data=(x[:9], y[:9]))):
        assert once.table.num_rows == 15
    with pytest.raises(ConfigError, match="folds"):
        Sequential([Dense(1)]).sweep(x[:9], y[:9], folds="five")
