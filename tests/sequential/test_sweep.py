"""Sweeps: searched class weights, folds."""

import numpy as np
import pytest

import goodfit
from goodfit import (
    Adam,
    ConfigError,
    DataError,
    Dense,
    EarlyStopping,
    Sequential,
)
from tests.sequential.models import CLASS, QUANTITY, X, binary, linear

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
