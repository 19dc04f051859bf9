"""A second fit goes on with the optimizer where the first one stopped, as in Keras."""

import numpy as np
import pytest

import goodfit
from goodfit.nn.network import init_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 4)).astype("float32")
Y = (X[:, :1] * X[:, 1:2]).astype("float32")
LAST = goodfit.EarlyStopping("loss", patience=100, restore_best_weights=False)
GIVEN = {"batch_size": 16, "callbacks": [LAST]}


def model(optimizer="adam", **more):
    net = goodfit.Sequential([goodfit.Dense(6, activation="tanh"), goodfit.Dropout(0.2), goodfit.Dense(1)], **more)
    net.compile(optimizer, "mse")
    return net


@pytest.mark.parametrize("optimizer", [goodfit.Adam(0.01), goodfit.SGD(0.01, momentum=0.9, clipnorm=1.0)])
def test_three_epochs_and_then_four_are_seven(optimizer):
    twice, once = model(optimizer), model(optimizer)
    histories = [twice.fit(X, Y, epochs=epochs, **GIVEN).history["loss"] for epochs in (3, 4)]
    expected = once.fit(X, Y, epochs=7, **GIVEN).history["loss"]
    np.testing.assert_array_equal(np.concatenate(histories), expected)
    assert all(np.array_equal(a, b) for a, b in zip(twice.get_weights(), once.get_weights(), strict=True))


def test_a_second_fit_is_that_of_keras(keras):
    layers = [goodfit.Dense(6, activation="tanh"), goodfit.Dense(1)]
    net = goodfit.Sequential(layers)
    net.compile("adam", "mse")
    params = init_network(layers, n_inputs=4, seed=0)
    peer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(1)])
    peer.set_weights([w for layer in params for w in layer.values()])
    peer.compile("adam", "mse")
    for epochs in (2, 3):
        given = {"epochs": epochs, "shuffle": False, "batch_size": 16}
        theirs = peer.fit(X, Y, verbose=0, **given).history["loss"]
        ours = net.fit(X, Y, callbacks=[LAST], **given).history["running_loss"]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_what_starts_the_optimizer_anew():
    begin = model()
    first = begin.fit(X, Y, epochs=2, **GIVEN)
    weights = begin.get_weights()

    def second(change):
        net = model()
        net.fit(X, Y, epochs=2, **GIVEN)
        change(net)
        net.set_weights(weights)
        return net.fit(X, Y, epochs=2, **GIVEN).history["loss"]

    fresh = model()
    fresh.build(4)
    fresh.set_weights(weights)
    expected = fresh.fit(X, Y, epochs=2, **GIVEN).history["loss"]
    assert not np.array_equal(second(lambda net: None), expected)
    for change in (
        lambda net: net.compile("adam", "mse"),
        lambda net: net.build(4),
        lambda net: net.sweep(X, Y, l2=0.0, epochs=1),
    ):
        np.testing.assert_allclose(second(change), expected, rtol=1e-5)
    assert first.optimizer.epoch == 2 and first.optimizer.step == 10


def test_frozen_layers_start_the_optimizer_anew():
    net = model()
    net.fit(X, Y, epochs=2, **GIVEN)
    net.layers[0] = goodfit.Dense(6, activation="tanh", trainable=False)
    net.fit(X, Y, epochs=1, **GIVEN)
    assert net._optimizer.step == 5
