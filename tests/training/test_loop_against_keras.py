"""The same net in Keras, from the same weights and batches, in float32: the same losses and the same last epoch."""

import numpy as np
import pytest

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense, LayerNormalization
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.regularizers import l1_l2, l2
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, fit
from goodfit.training.recipe import make_recipe

# Keras 3.15 reads its own weights in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(0)
N, FEATURES, BATCH, EPOCHS, PATIENCE = 75, 6, 16, 60, 4
TRAIN, VALIDATION = np.arange(50), np.arange(50, N)  # batches of 16, 16, 16 and 2
X = RNG.normal(size=(N, FEATURES)).astype("float32")
SIGNAL = X[:, 0] - X[:, 1] + RNG.normal(scale=0.5, size=N)

# Targets, loss, the metric that is Keras' loss without penalty, layers, optimizer with the name of Keras' own.
CASES = {
    "two classes, Adam, l2": (
        (SIGNAL > 0).astype("float32")[:, None],
        "binary_crossentropy",
        "BinaryCrossentropy",
        (
            Dense(16, activation="relu", kernel_regularizer=l2(0.001)),
            LayerNormalization(),
            Dense(1, activation="sigmoid"),
        ),
        Adam(0.03),
    ),
    "three classes, AMSGrad, clipped": (
        np.digitize(SIGNAL, [-0.7, 0.7]),
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        (Dense(16, activation="tanh", kernel_regularizer=l2(0.002)), Dense(3, activation="softmax")),
        Adam(0.003, amsgrad=True, clipnorm=0.5),
    ),
    "values, Nesterov, l1 and l2": (
        SIGNAL.astype("float32")[:, None],
        "mean_squared_error",
        "MeanSquaredError",
        (Dense(16, activation="tanh", kernel_regularizer=l1_l2(0.0005, 0.002), bias_regularizer=l2(0.001)), Dense(1)),
        SGD(0.003, momentum=0.9, nesterov=True),
    ),
}


def trained(y, loss, layers, optimizer, params):
    early_stopping = EarlyStopping(patience=PATIENCE)
    recipe = make_recipe(layers, optimizer=optimizer, loss=loss, batch_size=BATCH, early_stopping=early_stopping)
    rows = Dataset(X, make_labels(y, None, "float32"))
    return fit(recipe, rows, params=params, train=TRAIN, validation=VALIDATION, epochs=EPOCHS, shuffle=False)


def peer_of(keras, layers, params):
    def regularizer(ours):
        return ours and keras.regularizers.L1L2(l1=ours.l1 or 0.0, l2=ours.l2 or 0.0)

    def peer(ours):
        if isinstance(ours, LayerNormalization):
            return keras.layers.LayerNormalization()
        return keras.layers.Dense(
            ours.units,
            activation=ours.activation,
            kernel_regularizer=regularizer(ours.kernel_regularizer),
            bias_regularizer=regularizer(ours.bias_regularizer),
        )

    model = keras.Sequential([keras.Input((FEATURES,)), *map(peer, layers)])
    model.set_weights([layer[name] for layer in params for name in layer])
    return model


def keras_trained(keras, y, loss, metric, layers, optimizer, params):
    """The trained model, Keras' history, and the penalty of every epoch."""
    arguments = {name: value for name, value in vars(optimizer).items() if name != "schedule"}
    model, penalties = peer_of(keras, layers, params), []
    model.compile(
        optimizer=getattr(keras.optimizers, type(optimizer).__name__)(**arguments),
        loss=loss,
        metrics=[getattr(keras.metrics, metric)(name="error")],
    )
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: penalties.append(float(sum(model.losses))))
    stop = keras.callbacks.EarlyStopping(monitor="val_error", mode="min", patience=PATIENCE, restore_best_weights=True)
    history = model.fit(
        X[TRAIN],
        y[TRAIN],
        validation_data=(X[VALIDATION], y[VALIDATION]),
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[told, stop],
    ).history
    return model, {name: np.array(values) for name, values in history.items()}, penalties


SLOW = "three classes, AMSGrad, clipped"


@pytest.mark.parametrize(
    "case", [pytest.param(each, marks=pytest.mark.slow) if each == SLOW else each for each in CASES]
)
def test_keras_follows_the_same_losses_and_stops_at_the_same_epoch(case, keras):
    y, loss, metric, layers, optimizer = CASES[case]
    params = init_network(layers, n_inputs=FEATURES, seed=0)
    training = trained(y, loss, layers, optimizer, params)
    model, peer, penalties = keras_trained(keras, y, loss, metric, layers, optimizer, params)

    assert training.outcome == Outcome.STOPPED_EARLY
    assert len(peer["val_error"]) == len(training.history["val_loss"]) == training.best_epoch + PATIENCE
    close = {"rtol": 0, "atol": 1e-5}
    np.testing.assert_allclose(training.history["val_loss"], peer["val_error"], **close)
    np.testing.assert_allclose(training.history["running_loss"], peer["error"], **close)
    np.testing.assert_allclose(training.history["penalty"], penalties, **close)
    np.testing.assert_allclose(training.history["val_loss"] + training.history["penalty"], peer["val_loss"], **close)
    for ours, theirs in zip([w for layer in training.params for w in layer.values()], model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
