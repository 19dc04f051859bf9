"""Layers, activations, first weights, and networks of them: closed forms, and the same weights in Keras."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import erf, expit, log_expit

from goodfit.errors import ConfigError
from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.initializers import INITIALIZERS
from goodfit.nn.layers import Dense, Dropout, LayerNormalization
from goodfit.nn.network import apply_network, count_params, init_network
from goodfit.nn.regularizers import l1, l1_l2, l2

FORMULAS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x * expit(x),
    "swish": lambda x: x * expit(x),
    "softplus": lambda x: -log_expit(-x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
    "sigmoid": expit,
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
    "exponential": np.exp,
}

INPUTS = np.random.default_rng(0).normal(scale=3, size=(5, 4))
INPUTS[0, 0] = 0.0


def test_every_activation_has_its_formula():
    assert FORMULAS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_equals_its_formula(name, float64):
    np.testing.assert_allclose(ACTIVATIONS[name](jnp.asarray(INPUTS)), FORMULAS[name](INPUTS), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_means_the_same_in_keras(name, keras):
    inputs = INPUTS.astype("float32")  # Keras on JAX takes tanh in float32 even when asked for float64
    np.testing.assert_allclose(
        ACTIVATIONS[name](jnp.asarray(inputs)), keras.activations.get(name)(inputs), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax", "softplus", "gelu", "silu", "elu"])
def test_activation_and_its_slope_are_finite_far_out(name):
    far = jnp.array([[-1000.0, 0.0, 1000.0]])
    value, slope = jax.jvp(ACTIVATIONS[name], (far,), (jnp.ones_like(far),))
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


VARIANCES = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda i, _: 2 / i,
    "lecun": lambda i, _: 1 / i,
}
DRAWN = [name for name in INITIALIZERS if name not in ("zeros", "ones")]


@pytest.mark.parametrize("name", DRAWN)
def test_first_weights_have_the_variance_of_their_initializer(name):
    shape = (300, 100)
    scale, kind = name.split("_")
    weights = INITIALIZERS[name](np.random.default_rng(0), shape)
    variance = VARIANCES[scale](*shape)
    limit = math.sqrt(3 * variance) if kind == "uniform" else 2 * math.sqrt(variance) / 0.87962566103423978
    assert weights.shape == shape
    assert abs(weights.mean()) < 4 * math.sqrt(variance / weights.size)
    assert weights.var() == pytest.approx(variance, rel=0.03)
    assert 0.99 * limit < np.abs(weights).max() <= limit


@pytest.mark.parametrize("name", DRAWN)
def test_first_weights_have_the_distribution_of_keras(name, keras):
    shape = (300, 100)
    ours = INITIALIZERS[name](np.random.default_rng(0), shape).ravel()
    peer = np.asarray(keras.initializers.get(name)(shape)).ravel()
    assert stats.ks_2samp(ours, peer).statistic < 0.02


@pytest.mark.parametrize(("name", "value"), [("zeros", 0.0), ("ones", 1.0)])
def test_constant_first_weights(name, value):
    np.testing.assert_array_equal(INITIALIZERS[name](np.random.default_rng(0), (2, 3)), np.full((2, 3), value))


NET = (
    Dense(5, activation="sigmoid", kernel_initializer="he_normal", bias_initializer="lecun_uniform"),
    LayerNormalization(),
    Dense(4, activation="relu", use_bias=False),
    Dropout(0.5),
    Dense(3, activation="softmax"),
)


def keras_network(keras, layers, params, n_inputs):
    """The same layers with the same weights in Keras."""
    peers = [keras.Input((n_inputs,))]
    for layer in layers:
        match layer:
            case Dense():
                peers.append(keras.layers.Dense(layer.units, activation=layer.activation, use_bias=layer.use_bias))
            case LayerNormalization():
                peers.append(keras.layers.LayerNormalization())
            case Dropout():
                peers.append(keras.layers.Dropout(layer.rate))
    model = keras.Sequential(peers)
    for peer, weights in zip(model.layers, params, strict=True):
        peer.set_weights([weights[name] for name in ("gamma", "beta", "kernel", "bias") if name in weights])
    return model


def random_params(layers, n_inputs):
    """Weights of every layer, none of them at its first value."""
    rng = np.random.default_rng(1)
    params = init_network(layers, n_inputs=n_inputs, seed=0, dtype="float64")
    return tuple({name: w + rng.normal(size=w.shape) for name, w in layer.items()} for layer in params)


def test_network_equals_keras_with_the_same_weights(keras):
    params = jax.tree.map(np.float32, random_params(NET, 4))
    inputs = INPUTS.astype("float32")  # Keras normalises in float32 even when asked for float64
    np.testing.assert_allclose(
        jax.jit(partial(apply_network, NET))(params, inputs),
        jax.jit(keras_network(keras, NET, params, 4))(inputs),
        rtol=0,
        atol=1e-6,
    )


def test_network_equals_its_formula(float64):
    params = random_params(NET, 4)
    x = expit(INPUTS @ params[0]["kernel"] + params[0]["bias"])
    x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-3)
    x = np.maximum((x * params[1]["gamma"] + params[1]["beta"]) @ params[2]["kernel"], 0)
    z = x @ params[4]["kernel"] + params[4]["bias"]
    for logits, expected in ((True, z), (False, FORMULAS["softmax"](z))):
        found = jax.jit(partial(apply_network, NET, logits=logits))(params, INPUTS)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_layer_normalization_of_a_constant_row_is_beta():
    params = {"gamma": jnp.array([2.0, 3.0]), "beta": jnp.array([0.25, -1.0])}
    np.testing.assert_array_equal(LayerNormalization().apply(params, jnp.full((1, 2), 7.0)), [[0.25, -1.0]])


def test_dropout_drops_its_share_and_scales_the_rest():
    ones = jnp.ones((400, 250))
    drop = jax.jit(partial(Dropout(0.3).apply, {}))
    dropped = np.asarray(drop(ones, key=jax.random.key(0)))
    assert np.mean(dropped == 0) == pytest.approx(0.3, abs=0.006)  # four standard errors
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-6)


def test_dropout_does_nothing_outside_training():
    x = jnp.asarray(INPUTS, jnp.float32)
    np.testing.assert_array_equal(Dropout(0.9).apply({}, x), x)


def test_each_dropout_layer_has_its_own_rate_and_draw():
    @jax.jit
    def passed(layers):
        return apply_network(layers, [{}] * len(layers), jnp.ones((200, 200)), key=jax.random.key(3))

    rates = (0.0, 0.0), (0.5, 0.0), (0.5, 0.5)
    none, one, two = (np.asarray(passed([Dropout(rate) for rate in of_net])) for of_net in rates)
    assert (none == 1).all()
    assert np.mean(one == 0) == pytest.approx(0.5, abs=0.01)
    assert np.mean(two == 0) == pytest.approx(0.75, abs=0.01)


def test_dropout_of_two_steps_differs_and_of_one_step_repeats():
    x = jnp.ones((10, 10))
    first, again, other = (np.asarray(Dropout(0.5).apply({}, x, key=jax.random.key(k))) for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (init_network(NET, n_inputs=4, seed=seed) for seed in (1, 1, 2))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert (first[0]["kernel"] != other[0]["kernel"]).all()


def test_a_layer_added_behind_changes_no_first_weight():
    longer = init_network((*NET, Dense(2)), n_inputs=4, seed=7)
    jax.tree.map(np.testing.assert_array_equal, init_network(NET, n_inputs=4, seed=7), longer[:-1])


def test_layers_of_equal_shape_start_with_different_weights():
    first, second = init_network((Dense(4), Dense(4)), n_inputs=4, seed=0)
    assert (first["kernel"] != second["kernel"]).all()


def test_weights_are_shaped_typed_and_counted():
    params = init_network(NET, n_inputs=4, seed=0)
    assert jax.tree.map(lambda w: (w.shape, w.dtype.name), params) == (
        {"kernel": ((4, 5), "float32"), "bias": ((5,), "float32")},
        {"gamma": ((5,), "float32"), "beta": ((5,), "float32")},
        {"kernel": ((5, 4), "float32")},
        {},
        {"kernel": ((4, 3), "float32"), "bias": ((3,), "float32")},
    )
    assert count_params(params) == 4 * 5 + 5 + 5 + 5 + 5 * 4 + 4 * 3 + 3


def test_only_arrays_that_carry_a_regularizer_are_penalised():
    assert Dense(1, kernel_regularizer=l2(0.1)).regularizers() == {"kernel": l2(0.1)}
    assert Dense(1, bias_regularizer=l1(0.1)).regularizers() == {"bias": l1(0.1)}
    assert Dense(1, bias_regularizer=l1(0.1), use_bias=False).regularizers() == {}
    assert Dense(1).regularizers() == Dropout(0.1).regularizers() == LayerNormalization().regularizers() == {}


def test_strengths_and_rates_are_leaves_and_all_else_is_structure():
    layer = Dense(3, activation="relu", kernel_regularizer=l2(0.1), bias_regularizer=l1_l2(0.1, 0.2))
    assert jax.tree.leaves(layer) == [0.1, 0.1, 0.2]
    assert jax.tree.leaves((Dropout(0.1), LayerNormalization(epsilon=0.5))) == [0.1, 0.5]
    others = {"units": 4, "activation": "tanh", "use_bias": False, "kernel_initializer": "ones"}
    others |= {"bias_initializer": "ones", "kernel_regularizer": l1(0.1), "bias_regularizer": None}
    for name, choice in others.items():
        assert jax.tree.structure(layer) != jax.tree.structure(replace(layer, **{name: choice}))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Dense(0), "units"),
        (lambda: Dense(2.5), "units"),
        (lambda: Dense(True), "units"),
        (lambda: Dense("64"), "units"),
        (lambda: Dense(1, activation="rellu"), "activation 'rellu'"),
        (lambda: Dense(1, kernel_initializer="xavier"), "kernel_initializer 'xavier'"),
        (lambda: Dense(1, bias_initializer="zero"), "bias_initializer 'zero'"),
        (lambda: Dense(1, kernel_regularizer=0.01), "kernel_regularizer"),
        (lambda: Dense(1, bias_regularizer="l2"), "bias_regularizer"),
        (lambda: Dropout(1.0), "rate"),
        (lambda: Dropout(-0.1), "rate"),
        (lambda: Dropout(math.nan), "rate"),
        (lambda: Dropout("0.5"), "rate"),
        (lambda: LayerNormalization(epsilon=0.0), "epsilon"),
        (lambda: LayerNormalization(epsilon=math.nan), "epsilon"),
    ],
)
def test_a_bad_argument_is_named(make, named):
    with pytest.raises(ConfigError, match=named):
        make()
