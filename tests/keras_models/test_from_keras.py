"""Models of Keras trained by goodfit: Keras' own losses from the same weights and batches, and what was compiled."""

import functools

import numpy as np
import pytest

import goodfit
from goodfit.errors import ConfigError, DataError
from goodfit.keras_models.compiled import early_stopping_of

RNG = np.random.default_rng(0)
N_TRAIN, N, BATCH, EPOCHS = 75, 105, 16, 4  # batches of 16, 16, 16, 16 and 11
X = RNG.normal(size=(N, 8)).astype("float32")
Y = (X[:, 0] - X[:, 1] + RNG.normal(size=N) * 0.5 > 0).astype("float32")[:, None]
WORDS = RNG.integers(0, 20, (N, 6))
IMAGES = RNG.integers(0, 256, (N, 8, 8, 1), np.uint8)
CONTRAST = ((IMAGES[:, :4].mean((1, 2, 3)) - IMAGES[:, 4:].mean((1, 2, 3))) / 9).astype("float32")[:, None]


@pytest.fixture(autouse=True)
def keras_alone(keras):
    return keras


def guide(keras, **regularizer):
    penalty = {"kernel_regularizer": keras.regularizers.L2(0.01)} | regularizer
    hidden = [keras.layers.Dense(64, activation="relu", **penalty) for _ in range(2)]
    return keras.Sequential([keras.Input((8,)), *hidden, keras.layers.Dense(1, activation="sigmoid")])


def normalised(keras):
    layers, mixed = keras.layers, keras.regularizers.L1L2(0.001, 0.002)
    first = layers.Dense(16, activation="relu", kernel_regularizer=mixed, bias_regularizer="l2")
    second = [layers.BatchNormalization(momentum=0.9), layers.Dropout(0.3), layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((8,)), first, *second])


def of_words(keras):
    inside = [keras.layers.Embedding(20, 4), keras.layers.GlobalAveragePooling1D()]
    return keras.Sequential([keras.Input((None,)), *inside, keras.layers.Dense(3, activation="softmax")])


def of_images(keras):
    layers = keras.layers
    convolution = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")
    inside = [layers.Rescaling(1 / 255), convolution, layers.MaxPooling2D(), layers.Flatten()]
    return keras.Sequential([keras.Input((8, 8, 1)), *inside, layers.Dense(1)])


def two_branches(keras):
    layers = keras.layers
    left, right = keras.Input((3,), name="left"), keras.Input((5,), name="right")
    ends = [layers.Dense(8, activation="tanh")(left), layers.LayerNormalization()(layers.Dense(4)(right))]
    output = layers.Dense(1, activation="sigmoid")(layers.Concatenate()(ends))
    return keras.Model({"right": right, "left": left}, output)


BRANCHES = {"left": X[:, :3], "right": X[:, 3:]}
BINARY = ("binary_crossentropy", "BinaryCrossentropy")
# The model, x, y, its loss and the metric that is Keras' loss without penalty, optimizer, its arguments.
CASES = {
    "guide": (guide, X, Y, *BINARY, "Adam", {}),
    "batch normalization, dropout, decay": (normalised, X, Y, *BINARY, "AdamW", {"learning_rate": 0.01}),
    "embedding": (
        of_words,
        WORDS,
        WORDS[:, 0] % 3,
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "convolution": (of_images, IMAGES, CONTRAST, "mse", "MeanSquaredError", "Adam", {"clipnorm": 0.5}),
    "two branches": (two_branches, BRANCHES, Y, *BINARY, "Adam", {"amsgrad": True}),
}
QUICK = ("guide", "batch normalization, dropout, decay")


def part(x, rows):
    return {name: array[rows] for name, array in x.items()} if isinstance(x, dict) else x[rows]


def compiled_model(keras, build, loss="binary_crossentropy", optimizer="adam", **more):
    model = build(keras)
    model.compile(optimizer=optimizer, loss=loss, **more)
    return model


@pytest.mark.parametrize(
    "case", [pytest.param(each, marks=[] if each in QUICK else pytest.mark.slow) for each in CASES]
)
@pytest.mark.filterwarnings("ignore:weight_decay and an l2 regularizer")
def test_losses_and_weights_are_those_of_keras(case, keras):
    build, x, y, loss, metric, kind, arguments = CASES[case]
    optimizer = getattr(keras.optimizers, kind)(**arguments)
    error = getattr(keras.metrics, metric)(name="error")
    model = compiled_model(keras, build, loss, optimizer, weighted_metrics=[error])
    begin = [np.array(variable.value) for variable in model.variables]
    train, validation = slice(0, N_TRAIN), slice(N_TRAIN, N)
    told = []
    penalty = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(float(sum(model.losses))))
    given = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "verbose": 0}
    given["validation_data"] = (part(x, validation), y[validation])
    peer = model.fit(part(x, train), y[train], callbacks=[penalty], **given).history
    theirs = [np.array(variable.value) for variable in model.variables]

    for variable, value in zip(model.variables, begin, strict=True):
        variable.assign(value)
    model.compile(optimizer=getattr(keras.optimizers, kind)(**arguments), loss=loss)
    last = keras.callbacks.EarlyStopping(patience=EPOCHS)  # Keras keeps the last weights
    training = goodfit.from_keras(model).fit(part(x, train), y[train], callbacks=[last], **given)

    ours = training.history
    close = {"rtol": 0, "atol": 1e-5}
    np.testing.assert_allclose(ours["running_loss"], peer["error"], **close)
    np.testing.assert_allclose(ours["penalty"], told, **close)
    np.testing.assert_allclose(ours["val_loss"] + ours["penalty"], peer["val_loss"], **close)
    assert np.ptp(ours["val_loss"]) > 0.001
    for variable, expected in zip(model.variables, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(variable.value), expected, rtol=0, atol=2e-5, err_msg=variable.path)


def test_a_second_strength_compiles_nothing_and_the_model_stays_as_it_is(keras, compiled):
    model = compiled_model(keras, guide)
    begin = model.get_weights()
    ours = goodfit.from_keras(model)
    given = {"epochs": 3, "validation_split": 0.25}
    first = ours.sweep(X, Y, l2=[0, 0.1], learning_rate=[0.001, 0.01], **given)
    model.set_weights(begin)
    del compiled[:]
    second = ours.sweep(X, Y, l2=[0.001, 1.0], learning_rate=[0.003, 0.03], **given)
    assert not compiled
    assert model.layers[0].kernel_regularizer.l2 == pytest.approx(0.01)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)
    penalty = {(config["l2"], config["learning_rate"]): config["penalty"] for config in second.table.to_pylist()}
    assert penalty[1.0, 0.003] > 100 * penalty[0.001, 0.003] > 0  # a thousand times, less what the weights shrink
    assert first.table["penalty"][0].as_py() == 0
    for ours_, theirs in zip(second.winner.params[0].values(), model.get_weights(), strict=True):
        assert np.array_equal(ours_, theirs)


def test_a_trial_equals_the_same_training_alone(keras):
    model = compiled_model(keras, functools.partial(guide, bias_regularizer=keras.regularizers.L1(0.02)))
    begin, ours = model.get_weights(), goodfit.from_keras(model, seed=3)
    given = {"epochs": 3, "validation_split": 0.25}
    swept = ours.sweep(X, Y, l2=[0.01, 0.3], **given)
    model.set_weights(begin)
    alone = ours.fit(X, Y, **given)
    for name in ("val_loss", "penalty"):
        np.testing.assert_allclose(swept.trainings[0].history[name], alone.history[name], rtol=1e-6)
    assert np.abs(swept.trainings[1].history["val_loss"] - alone.history["val_loss"]).max() > 1e-4


def test_early_stopping_of_keras_ends_at_the_same_epoch(keras):
    model = compiled_model(keras, functools.partial(guide, kernel_regularizer=None), optimizer="sgd")
    begin, given = model.get_weights(), {"validation_data": (X[:N_TRAIN], 1 - Y[:N_TRAIN]), "epochs": 20, "verbose": 0}
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True, start_from_epoch=2)
    peer = model.fit(X[:N_TRAIN], Y[:N_TRAIN], callbacks=[stop], shuffle=False, **given).history
    theirs = model.get_weights()
    model.set_weights(begin)
    training = goodfit.from_keras(model).fit(X[:N_TRAIN], Y[:N_TRAIN], callbacks=[stop], shuffle=False, **given)
    assert training.history.n_epochs == len(peer["val_loss"]) == 8
    for ours, expected in zip(model.get_weights(), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)


def test_a_second_fit_goes_on_with_the_optimizer_as_in_keras(keras):
    plain = functools.partial(guide, kernel_regularizer=None)
    model, last = compiled_model(keras, plain), keras.callbacks.EarlyStopping("loss", patience=9)
    begin, given = model.get_weights(), {"epochs": 2, "shuffle": False, "verbose": 0}
    peer = [model.fit(X, Y, **given).history["loss"] for _ in range(2)]
    model.set_weights(begin)
    model.compile("adam", "binary_crossentropy")
    ours = goodfit.from_keras(model)
    histories = [ours.fit(X, Y, callbacks=[last], **given).history for _ in range(2)]
    found = [history["running_loss"] for history in histories]
    np.testing.assert_allclose(found, peer, rtol=0, atol=1e-5)
    assert ours._after[1].step == 2 * 2 * 4
    before = model.get_weights()
    model.compile("adam", "binary_crossentropy")
    model.set_weights(before)
    ours.fit(X, Y, callbacks=[last], **given)
    assert ours._after[1].step == 2 * 4


def test_early_stopping_is_read_as_it_is(keras):
    given = keras.callbacks.EarlyStopping("val_acc", min_delta=-0.1, patience=3, mode="max", baseline=0.5)
    expected = goodfit.EarlyStopping(
        "val_acc", min_delta=0.1, patience=3, mode="max", baseline=0.5, restore_best_weights=False
    )
    assert early_stopping_of(given) == expected
    assert early_stopping_of(keras.callbacks.EarlyStopping("val_root_mean_squared_error")).monitor == "val_rmse"


def test_metrics_schedules_and_frozen_layers(keras):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=10, decay_rate=0.5)
    metrics = ["accuracy", keras.metrics.AUC(), keras.metrics.BinaryAccuracy()]
    model = guide(keras)
    model.layers[0].trainable = False
    model.compile(keras.optimizers.Adam(schedule), keras.losses.BinaryCrossentropy(), metrics=metrics)
    before = [np.array(w) for w in model.layers[0].get_weights()]
    history = goodfit.from_keras(model).fit(X, Y, epochs=2, validation_split=0.2).history
    assert {"accuracy", "auc", "val_auc"} <= set(history)
    np.testing.assert_allclose(history["learning_rate"], 0.01 * 0.5 ** (np.array([3, 6]) / 10), rtol=1e-6)
    for w, now in zip(before, model.layers[0].get_weights(), strict=True):
        assert np.array_equal(w, now)
    assert history["penalty"][1] == pytest.approx(0.01 * float(np.square(model.layers[1].kernel).sum()), rel=1e-5)


def test_a_model_without_an_input_is_built_from_the_rows(keras):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    goodfit.from_keras(model).fit(X, Y)
    assert model.get_weights()[0].shape == (8, 1)


def broken(keras, name):
    """A model, or the arguments of compile, that cannot be carried over."""
    layers, compiled = keras.layers, {"optimizer": "adam", "loss": "mse"}

    class OwnStep(keras.Sequential):
        def train_step(self, *given):
            return super().train_step(*given)

    class Own(keras.Model):
        def call(self, x):
            return x

    x = keras.Input((8,))
    build = {
        "train_step": lambda: OwnStep([x, layers.Dense(1)]),
        "known inputs": Own,
        "activity": lambda: keras.Sequential([x, layers.Dense(1, activity_regularizer="l2")]),
        "one output": lambda: keras.Model(x, [layers.Dense(1)(x), layers.Dense(1)(x)]),
        "float16": lambda: keras.Sequential([x, layers.Dense(1, dtype="float16")]),
        "OrthogonalRegularizer": lambda: keras.Sequential(
            [x, layers.Dense(2, kernel_regularizer=keras.regularizers.OrthogonalRegularizer())]
        ),
    }.get(name, lambda: keras.Sequential([x, layers.Dense(1)]))
    more = {
        "RMSprop": {"optimizer": "rmsprop"},
        "use_ema": {"optimizer": keras.optimizers.Adam(use_ema=True)},
        "PolynomialDecay": {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(0.1, 10))},
        "loss Poisson": {"loss": "Poisson"},
        "label_smoothing": {"loss": keras.losses.BinaryCrossentropy(label_smoothing=0.1)},
        "reduction='sum'": {"loss": keras.losses.MeanSquaredError(reduction="sum")},
        "loss own_loss": {"loss": own_loss},
        "metric 'cosine_similarity'": {"metrics": ["cosine_similarity"]},
        "Precision": {"metrics": [keras.metrics.Precision(thresholds=0.7)]},
    }.get(name, {})
    model = build()
    model.compile(**compiled | more)
    return model


def own_loss(y, f):
    return (y - f) ** 2


NAMES = ["train_step", "known inputs", "activity", "one output", "float16", "OrthogonalRegularizer", "RMSprop"]
NAMES += ["use_ema", "PolynomialDecay", "loss Poisson", "label_smoothing", "reduction='sum'", "loss own_loss"]
NAMES += ["metric 'cosine_similarity'", "Precision"]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_carried_over_is_refused_in_one_sentence(name, keras):
    with pytest.raises(ConfigError, match=name) as error:
        goodfit.from_keras(broken(keras, name)).fit(X, Y)
    assert "\n" not in str(error.value)


def test_mistakes_are_named(keras, monkeypatch):
    model = guide(keras)
    with pytest.raises(ConfigError, match="not compiled"):
        goodfit.from_keras(model)
    with pytest.raises(ConfigError, match=r"takes a compiled keras\.Model, not list"):
        goodfit.from_keras([])
    model.compile("adam", "binary_crossentropy")
    ours = goodfit.from_keras(model)
    with pytest.raises(ConfigError, match="ReduceLROnPlateau cannot be carried over"):
        ours.fit(X, Y, callbacks=[keras.callbacks.ReduceLROnPlateau()])
    with pytest.raises(ConfigError, match="dropout"):
        ours.sweep(X, Y, dropout=[0.1])
    with pytest.raises(DataError, match=r"shape \(rows, 8\) of the model's input, not \(105, 3\)"):
        ours.fit(X[:, :3], Y)
    branches = compiled_model(keras, two_branches)
    with pytest.raises(DataError, match="lacks the input 'right'"):
        goodfit.from_keras(branches).fit({"left": X[:, :3]}, Y)
    with pytest.raises(DataError, match="differ in their number of rows"):
        goodfit.from_keras(branches).fit({"left": X[:, :3], "right": X[:5, 3:]}, Y)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ConfigError, match="Keras runs on torch: set the environment variable KERAS_BACKEND=jax"):
        goodfit.from_keras(model)
