"""The penalty: closed forms, its gradient by hand against automatic differentiation, and Keras."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.regularizers import L1L2, add_penalty_gradient, l1, l1_l2, l2, penalty


def test_worked_example():
    """Loss 0.5, weights 2, 3, 1, 4, l2 0.01: penalty 0.30, objective 0.80."""
    cost = penalty([{"kernel": jnp.array([[2.0, 3.0], [1.0, 4.0]])}], [{"kernel": l2(0.01)}])
    assert float(cost) == pytest.approx(0.30)
    assert 0.5 + float(cost) == pytest.approx(0.80)


def test_l1_of_the_same_weights_is_a_tenth():
    cost = penalty([{"kernel": jnp.array([-2.0, 3.0, -1.0, 4.0])}], [{"kernel": l1(0.01)}])
    assert float(cost) == pytest.approx(0.10)


PARAMS = (
    {"kernel": np.array([[1.0, -2.0], [0.5, 3.0]]), "bias": np.array([0.5, -4.0])},
    {},
    {"kernel": np.array([[5.0], [-6.0]]), "bias": np.array([7.0])},
)
REGULARIZERS = ({"kernel": l1_l2(0.1, 0.2), "bias": l1(0.01)}, {}, {"kernel": l2(0.3), "bias": l2(0.0)})


def test_penalties_of_layers_add_up(float64):
    expected = 0.1 * (1 + 2 + 0.5 + 3) + 0.01 * 4.5 + 0.2 * (1 + 4 + 0.25 + 9) + 0.3 * (25 + 36)
    assert float(penalty(PARAMS, REGULARIZERS)) == pytest.approx(expected, rel=1e-14)


def test_nothing_is_penalised_unasked():
    assert float(penalty(PARAMS, [{}] * 3)) == 0.0


def test_gradient_by_hand_equals_automatic_differentiation(float64):
    params = jax.tree.map(jnp.asarray, PARAMS)
    loss_gradient = jax.tree.map(lambda w: np.cos(w) + 1, PARAMS)
    found = jax.jit(lambda p: add_penalty_gradient(loss_gradient, p, REGULARIZERS))(params)
    automatic = jax.jit(jax.grad(lambda p: penalty(p, REGULARIZERS)))(params)
    expected = jax.tree.map(np.add, loss_gradient, automatic)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-14), found, expected)


def test_l1_pulls_a_weight_of_zero_nowhere():
    (found,) = add_penalty_gradient([{"kernel": jnp.zeros(1)}], [{"kernel": jnp.zeros(1)}], [{"kernel": l1(1.0)}])
    assert float(found["kernel"][0]) == 0.0


def test_gradient_by_hand_leaves_its_argument_alone():
    grads = [{"kernel": jnp.ones(2)}]
    add_penalty_gradient(grads, [{"kernel": jnp.ones(2)}], [{"kernel": l2(1.0)}])
    np.testing.assert_array_equal(grads[0]["kernel"], [1.0, 1.0])


@pytest.mark.parametrize("ours", [l1(0.1), l2(0.1), l1_l2(0.1, 0.2), l1(), l2(), l1_l2()])
def test_strengths_and_defaults_mean_the_same_in_keras(ours, keras64):
    weights = PARAMS[0]["kernel"]
    peer = keras64.regularizers.L1L2(l1=ours.l1 or 0.0, l2=ours.l2 or 0.0)
    assert float(penalty([{"kernel": weights}], [{"kernel": ours}])) == pytest.approx(float(peer(weights)), rel=1e-12)


def test_defaults_are_those_of_keras(keras):
    assert l1().l1 == pytest.approx(float(keras.regularizers.L1().l1))
    assert l2().l2 == pytest.approx(float(keras.regularizers.L2().l2))


def test_a_strength_of_zero_is_a_value_and_none_is_no_term():
    assert l2(0.0) == L1L2(l1=None, l2=0.0) != L1L2()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.01, "0.01", True])
@pytest.mark.parametrize(
    ("make", "named"),
    [(l1, "l1"), (l2, "l2"), (lambda bad: l1_l2(bad, 0.0), "l1"), (lambda bad: l1_l2(0.0, bad), "l2")],
)
def test_a_strength_that_is_no_strength_is_refused(make, named, bad):
    with pytest.raises(ConfigError, match=f"^{named} must be a finite number"):
        make(bad)


def test_a_regularizer_is_called_with_an_array_or_a_list_as_in_keras(keras64):
    assert float(l2(0.01)([2, 3, 1, 4])) == pytest.approx(0.30, abs=1e-7)
    weights = PARAMS[0]["kernel"]
    for ours in (l1(0.1), l2(0.1), l1_l2(0.1, 0.2)):
        peer = keras64.regularizers.L1L2(l1=ours.l1 or 0.0, l2=ours.l2 or 0.0)
        assert float(ours(weights)) == pytest.approx(float(peer(weights)), rel=1e-12)


def test_a_called_regularizer_has_the_gradient_of_the_objective(float64):
    weights = jnp.asarray(PARAMS[0]["kernel"])
    ((of_loss,), ours) = ([{"kernel": jnp.zeros_like(weights)}], l1_l2(0.1, 0.2))
    (by_hand,) = add_penalty_gradient([of_loss], [{"kernel": weights}], [{"kernel": ours}])
    np.testing.assert_allclose(jax.grad(ours)(weights), by_hand["kernel"], rtol=1e-14)
