"""Layers that are not trained: they keep their weights bit for bit, and the others train as on their outputs."""

from dataclasses import replace

import numpy as np
import pytest

import goodfit
from goodfit.errors import ConfigError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype("float32")
Y = X[:, :1] * X[:, 1:2]
KERNEL, BIAS = RNG.normal(size=(4, 5)).astype("float32"), RNG.normal(size=5).astype("float32")
SMALL = {"epochs": 3, "validation_split": 0.25, "batch_size": 16}


def model(optimizer, *, trainable=False, dtype="float32"):
    l2 = goodfit.l2(0.01)
    hidden = goodfit.Dense(5, activation="tanh", kernel_regularizer=l2, trainable=trainable)
    net = goodfit.Sequential([hidden, goodfit.Dropout(0.0), goodfit.Dense(1, kernel_regularizer=l2)], dtype=dtype)
    net.compile(optimizer, "mse")
    net.build(4)
    net.set_weights([KERNEL, BIAS, *net.get_weights()[2:]])
    return net


@pytest.mark.filterwarnings("ignore:weight_decay and an l2")
@pytest.mark.parametrize(
    "optimizer",
    [
        goodfit.Adam(0.01, weight_decay=0.1),
        goodfit.SGD(0.1, momentum=0.9, clipnorm=0.1),
        goodfit.Adam(global_clipnorm=0.1),
    ],
)
def test_the_rest_trains_as_it_would_on_the_outputs_of_frozen_layers(optimizer):
    net = model(optimizer, dtype="float64")
    begin = net.get_weights()
    training = net.fit(X, Y, **SMALL)
    kernel, bias, *last = net.get_weights()
    assert np.array_equal(kernel, begin[0]) and np.array_equal(bias, begin[1])
    assert np.abs(last[0] - begin[2]).max() > 1e-4

    alone = goodfit.Sequential([goodfit.Dense(1, kernel_regularizer=goodfit.l2(0.01))], dtype="float64")
    alone.compile(optimizer, "mse")
    alone.build(5)
    alone.set_weights(begin[2:])
    expected = alone.fit(np.tanh(X.astype(float) @ begin[0] + begin[1]), Y, **SMALL)
    for name in ("loss", "val_loss", "penalty", "gradient_norm", "weight_norm"):
        np.testing.assert_allclose(training.history[name], expected.history[name], rtol=1e-10, err_msg=name)
    assert training.input_steps is None


def test_a_frozen_layer_keeps_the_weights_of_the_model_in_a_sweep():
    net = model("adam")
    found = net.sweep(X, Y, l2=[0.001, 0.1], seeds=2, **SMALL)
    assert len(found.trainings) == 4
    assert all(np.array_equal(training.params[0]["kernel"], KERNEL) for training in found.trainings)
    assert np.array_equal(net.get_weights()[1], BIAS)
    net.layers[0] = replace(net.layers[0], trainable=True)
    net.fit(X, Y, **SMALL)
    assert not np.array_equal(net.get_weights()[0], KERNEL)


def test_trainable_is_true_or_false():
    with pytest.raises(ConfigError, match="trainable must be True or False, not 'no'"):
        goodfit.Dense(3, trainable="no")
