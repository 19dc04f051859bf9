"""What comes out of a training."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from goodfit import (
    SGD,
    Adam,
    BinaryCrossentropy,
    Dense,
    Outcome,
    Sequential,
)
from tests.sequential.models import (
    CLASS,
    KEEP_LAST,
    OTHERWISE,
    QUANTITY,
    RNG,
    N,
    X,
    assert_same_weights,
    binary,
    linear,
)


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
    model.compile(model._choices["optimizer"], model._choices["loss"])  # the optimizer starts anew
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
