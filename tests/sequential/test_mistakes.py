"""Mistakes of a user: one sentence each, before anything is trained."""

import numpy as np
import pytest

from goodfit import (
    SGD,
    Adam,
    ConfigError,
    DataError,
    Dense,
    Dropout,
    EarlyStopping,
    LayerNormalization,
    Sequential,
    SplitError,
    l2,
)
from tests.sequential.models import CLASS, X, binary, linear

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
