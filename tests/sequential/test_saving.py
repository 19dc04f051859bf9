"""A model as one file: it comes back whole, holds no code, and what is damaged is refused."""

import json
import struct

import numpy as np
import pytest

import goodfit
from goodfit import Adam, CosineDecay, Dense, Dropout, Huber, LayerNormalization, Sequential, l1, l1_l2, l2, load_model
from goodfit.experiment.model_file import FORMAT
from goodfit.nn.losses import MeanSquaredError
from goodfit.nn.pytrees import hyperparameters

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=40)
LAYERS = (
    LayerNormalization(),
    Dense(4, activation="relu", kernel_regularizer=l1(0.01), bias_regularizer=l1_l2(0.1, 0)),
    Dropout(0.1),
    Dense(2, use_bias=False, kernel_initializer="he_normal", trainable=False),
    Dense(1),
)


def trained(dtype="float32"):
    model = Sequential(LAYERS, seed=3, dtype=dtype)
    adam = Adam(0.01, amsgrad=True, weight_decay=0.001, clipnorm=1.0, schedule=CosineDecay(warmup_steps=2))
    model.compile(optimizer=adam, loss=Huber(delta=2.0), metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.fixture
def file(model, tmp_path):
    return model.save(tmp_path / "model.safetensors")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_with_everything_that_decides_what_it_does(dtype, tmp_path):
    model = trained(dtype)
    again = load_model(model.save(tmp_path / "m"))
    assert (again.layers, again._choices, again.seed, again.dtype) == (
        model.layers, model._choices, model.seed, model.dtype,
    )  # fmt: skip
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, Y) == model.evaluate(X, Y)
    assert [w.dtype for w in again.get_weights()] == [w.dtype for w in model.get_weights()]


def test_a_model_that_was_loaded_is_trained_on_from_its_weights(file, model):
    again = load_model(file)
    before = [w.copy() for w in again.get_weights()]
    again.fit(X, Y, epochs=1, verbose=0)
    assert any(not np.array_equal(*pair) for pair in zip(before, again.get_weights(), strict=True))
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_the_winner_of_a_sweep_is_saved_with_its_strengths(tmp_path):
    model = Sequential([Dense(2, kernel_regularizer=l2(0.0)), Dense(1)])
    model.compile(loss="mse")
    model.sweep(X, Y, l2=[0.01, 0.1], learning_rate=[0.001, 0.01], epochs=1, validation_split=0.2, folds=1)
    again = load_model(model.save(tmp_path / "m"))
    assert again.layers == model.layers and again._choices == model._choices


@pytest.mark.parametrize("built", [False, True])
def test_a_model_need_not_be_compiled_or_built(built, tmp_path):
    model = Sequential([Dense(2)])
    if built:
        model.build(3)
    again = load_model(model.save(tmp_path / "m"))
    assert (again.layers, again._choices, again.params is None) == (model.layers, None, not built)


def test_a_file_is_replaced_only_when_asked(model, file):
    with pytest.raises(goodfit.RunError, match="already exists: choose another file, or overwrite=True"):
        model.save(file)
    assert model.save(file, overwrite=True) == file
    with pytest.raises(goodfit.RunError, match="cannot be written"):
        model.save(file.parent / "nowhere" / "m")


def test_a_class_of_ones_own_is_no_part_of_a_file(tmp_path):
    @hyperparameters()
    class Own(MeanSquaredError):
        pass

    model = Sequential([Dense(1)])
    model.compile(loss=Own())
    with pytest.raises(goodfit.ConfigError, match="Own is a class of your own, which no file can hold"):
        model.save(tmp_path / "m")


# A file from a stranger


def changed(content, change, key=FORMAT):
    """The file with another JSON, as someone writes it who means harm."""
    n = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + n])
    record = json.loads(header["__metadata__"].pop(FORMAT))
    change(record)
    header["__metadata__"][key] = json.dumps(record)
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + content[8 + n :]


CHANGES = {
    "another class": lambda record: record["layers"][0].update({"class": "os.system"}),
    "a loss for a layer": lambda record: record["layers"][0].update({"class": "Huber"}),
    "a layer for an optimizer": lambda record: record.update(optimizer={"class": "Dropout", "rate": 0.1}),
    "a field too many": lambda record: record["layers"][1].update(more=1),
    "a field of another type": lambda record: record["layers"][1].update(units="4"),
    "many units": lambda record: record["layers"][1].update(units=1 << 40),
    "many features": lambda record: record.update(inputs=1 << 40),
    "no features": lambda record: record.update(inputs=-3),
    "another width": lambda record: record["layers"][1].update(units=5),
    "another type of numbers": lambda record: record.update(dtype="float64"),
    "a strength that is no number": lambda record: record["layers"][1]["kernel_regularizer"].update(l1="a"),
    "a loss that is none": lambda record: record.update(loss={"class": "L1L2", "l1": 0.1, "l2": None}),
    "no layers": lambda record: record.update(layers=[]),
    "an entry too many": lambda record: record.update(code="import os"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_model_from_a_stranger_that_is_none_is_refused(case, file):
    file.write_bytes(changed(file.read_bytes(), CHANGES[case]))
    with pytest.raises(goodfit.RunError, match="is not a model that goodfit has saved, or damaged"):
        load_model(file)


def test_every_truncation_is_refused(file):
    content = file.read_bytes()
    for end in [*range(0, 200, 7), len(content) - 1]:
        file.write_bytes(content[:end])
        with pytest.raises(goodfit.RunError, match="is not a model"):
            load_model(file)


def test_a_header_of_many_gigabytes_is_not_read(file):
    file.write_bytes(struct.pack("<Q", 1 << 40) + file.read_bytes()[8:])
    with pytest.raises(goodfit.RunError, match="is not a model"):
        load_model(file)


def test_a_newer_format_is_explained(file):
    file.write_bytes(changed(file.read_bytes(), lambda record: None, key="goodfit model 2"))
    with pytest.raises(goodfit.RunError, match="was saved by another version of goodfit"):
        load_model(file)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_what_is_no_file_is_named(name, tmp_path):
    with pytest.raises(goodfit.RunError, match="cannot be read"):
        load_model(tmp_path / name)
