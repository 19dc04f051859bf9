"""Losses: closed forms, Keras, and accuracy where probabilities round to 0 and 1."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_expit, log_softmax, softmax

from goodfit.errors import ConfigError
from goodfit.nn.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    get_loss,
    weighted_mean,
)

RNG = np.random.default_rng(0)
VALUES, TARGETS = RNG.normal(scale=2, size=(2, 7, 3))
LOGITS, CLASSES = RNG.normal(scale=3, size=(7, 3)), RNG.integers(0, 3, 7)
ONE_HOT, SOFT = np.eye(3)[CLASSES], RNG.dirichlet(np.ones(3), 7)
BITS, BIT_LOGITS = RNG.integers(0, 2, (7, 3)).astype(float), RNG.normal(scale=3, size=(7, 3))


def huber(delta):
    def of(e):
        return np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2)

    return of


# Loss, targets, outputs, error of each row.
ROWS = {
    "mean_squared_error": (LOSSES["mse"], TARGETS, VALUES, ((TARGETS - VALUES) ** 2).mean(1)),
    "mean_absolute_error": (LOSSES["mae"], TARGETS, VALUES, np.abs(TARGETS - VALUES).mean(1)),
    "huber": (LOSSES["huber"], TARGETS, VALUES, huber(1.0)(TARGETS - VALUES).mean(1)),
    "huber_2.5": (Huber(delta=2.5), TARGETS, VALUES, huber(2.5)(TARGETS - VALUES).mean(1)),
    "binary": (
        LOSSES["binary_crossentropy"],
        BITS,
        1 / (1 + np.exp(-BIT_LOGITS)),
        -log_expit(np.where(BITS == 1, BIT_LOGITS, -BIT_LOGITS)).mean(1),
    ),
    "binary_from_logits": (
        BinaryCrossentropy(from_logits=True),
        BITS,
        BIT_LOGITS,
        -log_expit(np.where(BITS == 1, BIT_LOGITS, -BIT_LOGITS)).mean(1),
    ),
    "categorical": (
        LOSSES["categorical_crossentropy"],
        SOFT,
        softmax(LOGITS, 1),
        -(SOFT * log_softmax(LOGITS, 1)).sum(1),
    ),
    "categorical_from_logits": (
        CategoricalCrossentropy(from_logits=True),
        SOFT,
        LOGITS,
        -(SOFT * log_softmax(LOGITS, 1)).sum(1),
    ),
    "sparse": (
        LOSSES["sparse_categorical_crossentropy"],
        CLASSES,
        softmax(LOGITS, 1),
        -log_softmax(LOGITS, 1)[range(7), CLASSES],
    ),
    "sparse_from_logits": (
        SparseCategoricalCrossentropy(from_logits=True),
        CLASSES,
        LOGITS,
        -log_softmax(LOGITS, 1)[range(7), CLASSES],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_error_of_each_row_equals_its_formula(name, float64):
    loss, y, output, expected = ROWS[name]
    np.testing.assert_allclose(jax.jit(loss.per_example)(y, output), expected, rtol=1e-12)


def peer_of(keras, name, loss):
    """Keras' function of targets and outputs, one error for each row."""
    if name.startswith("huber"):
        return lambda y, f: keras.losses.huber(y, f, delta=loss.delta)
    kind = {"sparse": "sparse_categorical", "binary": "binary", "categorical": "categorical"}.get(name.split("_")[0])
    if kind is None:
        return getattr(keras.losses, name)
    return lambda y, f: getattr(keras.losses, f"{kind}_crossentropy")(y, f, from_logits=loss.from_logits)


def in_float32(array):
    """What Keras on JAX calculates in, whatever it is asked for."""
    return jnp.asarray(array, jnp.int32 if array.dtype == np.int64 else jnp.float32)


@pytest.mark.parametrize("name", ROWS)
def test_error_of_each_row_equals_keras(name, keras):
    loss, y, output, _ = ROWS[name]
    y, output = in_float32(y), in_float32(output)
    peer = jax.jit(peer_of(keras, name, loss))(y, output)
    np.testing.assert_allclose(jax.jit(loss.per_example)(y, output), peer, rtol=2e-6)


@pytest.mark.parametrize("name", ["binary", "categorical", "sparse"])
def test_certain_probabilities_are_clipped_as_in_keras(name, keras):
    loss, y, _, _ = ROWS[name]
    y, certain = in_float32(y), jnp.tile(jnp.array([0.0, 1.0, 0.0]), (7, 1))
    peer = jax.jit(peer_of(keras, name, loss))(y, certain)
    np.testing.assert_allclose(jax.jit(loss.per_example)(y, certain), peer, rtol=1e-6)


def test_probabilities_of_no_softmax_are_divided_by_their_sum(float64):
    loss, y, p, expected = ROWS["categorical"]
    np.testing.assert_allclose(loss.per_example(jnp.asarray(y), 3 * jnp.asarray(p)), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["binary", "categorical", "sparse"])
def test_fused_with_the_last_activation_the_value_and_gradient_are_the_same(name, float64):
    """Loss of the probabilities, and loss of the logits that they came from."""
    loss, y, _, _ = ROWS[name]
    logits = jnp.asarray(BIT_LOGITS if name == "binary" else LOGITS)
    activation = jax.nn.sigmoid if loss.fused == "sigmoid" else jax.nn.softmax

    def apart(z):
        return jnp.sum(loss.per_example(jnp.asarray(y), activation(z)))

    def fused(z):
        return jnp.sum(loss.per_example(jnp.asarray(y), z, logits=True))

    both = [jax.jit(jax.value_and_grad(each))(logits) for each in (fused, apart)]
    for ours, expected in zip(*both, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)


@jax.jit
@jax.value_and_grad
def binary_of_logit(z, y):
    return LOSSES["binary_crossentropy"].per_example(jnp.reshape(y, (1, 1)), jnp.reshape(z, (1, 1)), logits=True)[0]


@pytest.mark.parametrize("z", [-1000.0, -40.0, -20.0, -10.0, 0.0, 10.0, 20.0, 40.0, 1000.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_binary_crossentropy_of_a_logit_loses_no_digit(y, z):
    """In float32 the sigmoid of 20 is 1 and the loss 2e-9 all the same."""
    value, gradient = binary_of_logit(z, y)
    signed = z if y == 1 else -z
    assert float(value) == pytest.approx(float(-log_expit(signed)), rel=1e-6, abs=1e-38)
    assert float(gradient) == pytest.approx((1 - 2 * y) * math.exp(log_expit(-signed)), rel=1e-6, abs=1e-38)


@jax.jit
@jax.value_and_grad
def first_of_two_logits(z):
    return LOSSES["categorical_crossentropy"].per_example(jnp.array([[1.0, 0.0]]), z[None], logits=True)[0]


@pytest.mark.parametrize(
    "z", [[1000.0, 999.0], [-1000.0, -999.0], [1000.0, -1000.0], [-1000.0, 1000.0], [0.0, 0.0], [200.0, 185.0]]
)
def test_categorical_crossentropy_of_logits_keeps_its_digits_far_from_zero(z):
    value, gradient = first_of_two_logits(jnp.array(z))
    assert float(value) == pytest.approx(-log_softmax(z)[0], rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(gradient, softmax(z) - [1, 0], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"])
def test_every_digit_counts_where_a_wrong_class_is_certain(name):
    """A probability that rounds to 0 costs what it should, not the 16.1 at which clipped probabilities stop."""
    if name == "binary_crossentropy":
        y, z = jnp.zeros((1, 1)), jnp.array([[150.0]])
    else:
        y, z = jnp.array([0]) if name.startswith("sparse") else jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 150.0]])
    assert float(LOSSES[name].per_example(y, z, logits=True)[0]) == 150.0


def test_weighted_mean_is_the_sum_of_weighted_values_by_the_sum_of_weights():
    assert float(weighted_mean(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 0.5, 0.0]))) == pytest.approx(2 / 1.5)
    assert float(weighted_mean(jnp.array([1.0, 2.0]), jnp.zeros(2))) == 0.0


def test_losses_are_found_by_name_and_passed_through():
    assert get_loss("mse") == get_loss("mean_squared_error") == MeanSquaredError()
    assert get_loss(Huber(delta=2.0)) == Huber(delta=2.0)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan, math.inf, "1", None])
def test_a_bad_delta_is_named(delta):
    with pytest.raises(ConfigError, match="delta"):
        Huber(delta=delta)


@pytest.mark.parametrize("loss", ["mean_square_error", 3, None])
def test_an_unknown_loss_is_named(loss):
    with pytest.raises(ConfigError, match=f"loss .*{loss!r}"):
        get_loss(loss)


def test_a_loss_that_is_no_pytree_is_refused_before_it_is_traced():
    class Own:
        fused = None

        def per_example(self, y, output, *, logits=False):
            return jnp.mean(jnp.abs(y - output), axis=-1)

    with pytest.raises(ConfigError, match="Own must be registered"):
        get_loss(Own())
