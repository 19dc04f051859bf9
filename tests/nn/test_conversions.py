"""A penalty of another library and ours after conversion are the same number, or have the same minimum."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor

from goodfit import ConfigError, convert
from goodfit.nn.regularizers import l2, penalty

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
TRUTH = X @ [1.0, -2.0, 0.5]
Y = TRUTH + RNG.normal(size=60)
CLASSES = (Y > 0).astype(int)
STILL = {"solver": "sgd", "learning_rate_init": 1e-12, "max_iter": 1, "hidden_layer_sizes": (5,), "random_state": 0}


def our_penalty(kernel, strength):
    return penalty([{"kernel": kernel}], [{"kernel": l2(strength)}])


def squares(network):
    return sum(np.sum(w**2) for w in network.coefs_)


def first_loss(network, y):
    """The loss of scikit-learn at its first weights, which it then hardly moves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        return network.fit(X, y).loss_


def gradient(objective, model):
    weights = jnp.asarray(np.append(model.coef_, model.intercept_))
    return np.asarray(jax.grad(objective)(weights))


def test_keras(keras):
    kernel = RNG.normal(size=(4, 3)).astype("float32")
    theirs = keras.regularizers.L2(0.03)(kernel)
    np.testing.assert_allclose(theirs, our_penalty(jnp.asarray(kernel), convert(0.03, "keras")), rtol=1e-6)


def test_torch_adds_weight_decay_times_the_weights_to_the_gradient():
    with jax.enable_x64():
        kernel = jnp.asarray(RNG.normal(size=(4, 3)))
        ours = np.asarray(jax.grad(our_penalty)(kernel, convert(0.03, "torch")))
    np.testing.assert_allclose(ours, 0.03 * np.asarray(kernel), rtol=1e-12)


@pytest.mark.parametrize("batch_size", [60, 20])
def test_mlp_classifier(batch_size):
    network = MLPClassifier(alpha=5.0, batch_size=batch_size, **STILL)
    loss = first_loss(network, CLASSES)
    strength = convert(5.0, "MLPClassifier", batch_size=batch_size)
    ours = log_loss(CLASSES, network.predict_proba(X)) + strength * squares(network)
    np.testing.assert_allclose(loss, ours, rtol=1e-9)


def test_mlp_regressor_whose_loss_is_half_of_ours():
    network = MLPRegressor(alpha=5.0, batch_size=20, **STILL)
    loss = first_loss(network, Y)
    strength = convert(5.0, "MLPRegressor", batch_size=20)
    ours = mean_squared_error(Y, network.predict(X)) + strength * squares(network)
    np.testing.assert_allclose(2 * loss, ours, rtol=1e-9)


def squared_error(weights, strength):
    *w, b = weights
    w = jnp.stack(w)
    return jnp.mean((jnp.asarray(X) @ w + b - jnp.asarray(Y)) ** 2) + strength * jnp.sum(w**2)


def test_our_objective_is_lowest_where_ridge_is():
    with jax.enable_x64():
        model = Ridge(alpha=30.0).fit(X, Y)
        found = gradient(lambda w: squared_error(w, convert(30.0, "Ridge", n_rows=60)), model)
        other = gradient(lambda w: squared_error(w, 30.0), model)
    np.testing.assert_allclose(found, 0, atol=1e-12)
    assert np.abs(other).max() > 0.1


def test_our_objective_is_lowest_where_logistic_regression_is():
    def objective(weights, strength):
        *w, b = weights
        w = jnp.stack(w)
        logits = jnp.asarray(X) @ w + b
        return jnp.mean(jax.nn.softplus(logits) - jnp.asarray(CLASSES) * logits) + strength * jnp.sum(w**2)

    with jax.enable_x64(), jax.numpy_dtype_promotion("standard"):
        model = LogisticRegression(C=0.1, tol=1e-12, max_iter=10_000).fit(X, CLASSES)
        found = gradient(lambda w: objective(w, convert(0.1, "LogisticRegression", n_rows=60)), model)
    np.testing.assert_allclose(found, 0, atol=1e-7)


def test_glmnet_has_half_of_the_mean_squared_error_and_of_the_penalty():
    weights = RNG.normal(size=4)
    with jax.enable_x64():
        ours = float(squared_error(jnp.asarray(weights), convert(0.3, "glmnet")))
    theirs = mean_squared_error(Y, X @ weights[:3] + weights[3]) / 2 + 0.3 * np.sum(weights[:3] ** 2) / 2
    np.testing.assert_allclose(ours, 2 * theirs, rtol=1e-12)


@pytest.mark.parametrize(
    "library", ["keras", "torch", "MLPClassifier", "MLPRegressor", "Ridge", "LogisticRegression", "glmnet"]
)
def test_there_and_back(library):
    sizes = {"batch_size": 32, "n_rows": 1000}
    there = convert(0.01, "goodfit", library, **sizes)
    assert convert(there, library, **sizes) == pytest.approx(0.01, rel=1e-15)


def test_alpha_of_ridge_as_c_of_logistic_regression_needs_the_rows_alone():
    assert convert(2.0, "Ridge", "LogisticRegression", n_rows=50) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((0.1, "Ridge"), "n_rows"),
        ((0.1, "MLPClassifier"), "batch_size"),
        ((0.1, "sklearn"), "'sklearn' is not known"),
        ((-0.1, "keras"), "-0.1 is no strength"),
        ((float("nan"), "keras"), "nan is no strength"),
        ((0.0, "goodfit", "LogisticRegression"), "0.0 is no strength"),
    ],
)
def test_what_cannot_be_converted_is_said(given, says):
    with pytest.raises(ConfigError, match=says):
        convert(*given)
