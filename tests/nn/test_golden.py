"""Trajectories that others published, in float64, to 1e-12. Their origin: tests/golden/README.md."""

import copy
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.optimizers.base import init_optimizer, update_weights
from goodfit.nn.regularizers import add_penalty_gradient, l2

GOLDEN = Path(__file__).parents[1] / "golden"
KERAS = json.loads((GOLDEN / "keras_goldens_float64.json").read_text())
TORCH = json.loads((GOLDEN / "pytorch_baseline_net.json").read_text())

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam_amsgrad_lr1e-3", Adam(amsgrad=True)),
        ("adamw_lr1_wd.5_eps2", Adam(1.0, weight_decay=0.5, epsilon=2.0)),
        ("sgd_nesterov_flag_momentum0_lr.01", SGD(nesterov=True)),
    ],
)
def test_golden_tests_of_keras(name, optimizer):
    params = ({"kernel": np.ones(10)},)
    state, update_once = init_optimizer(optimizer, params), jax.jit(update_weights)
    for step, expected in enumerate(KERAS[name]):
        gradient = np.full(10, 0.01) if step == 0 else np.arange(1, 11) / 10
        params, state, _ = update_once(optimizer, ({"kernel": gradient},), state, params, step=np.array(step))
        np.testing.assert_allclose(params[0]["kernel"], expected, rtol=0, atol=1e-12)


# The optimizer and torch's coupled weight_decay of every run.
RUNS = {
    "Adam": (Adam(1.0, epsilon=1e-8), 0.0),
    "Adam_with_weight_decay": (Adam(1.0, epsilon=1e-8), 1e-2),
    "Adam_with_weight_decay_and_amsgrad": (Adam(1.0, epsilon=1e-8, amsgrad=True), 1e-6),
    "AdamW": (Adam(1.0, epsilon=1e-8, weight_decay=1e-2), 0.0),
    "SGD": (SGD(0.1), 0.0),
    "SGD_with_weight_decay": (SGD(0.1), 1e-2),
    "SGD_with_weight_decay_and_momentum": (SGD(0.1, momentum=0.9), 1e-2),
    "SGD_with_weight_decay_and_nesterov_momentum": (SGD(0.1, momentum=0.9, nesterov=True), 1e-6),
}


def summed_output(params):
    """Sum of the outputs of torch's 2-3-1 net; each of its arrays stands as a kernel, since torch decays them all."""
    first, first_bias, last, last_bias = (layer["kernel"] for layer in params)
    inputs = jnp.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    hidden = jax.nn.sigmoid(inputs @ first.T + first_bias[None, :])
    return jnp.sum(jax.nn.sigmoid(hidden @ last.T + last_bias[None, :]))


@jax.jit
def trajectory(optimizer, regularizer, after_correction):
    """All weights, flat, after each of 1001 updates; ε as torch places it where ``after_correction`` is 1, else 0."""
    shapes = ((3, 2), (3,), (1, 3), (1,))
    params = tuple({"kernel": jnp.reshape(jnp.array(w), s)} for w, s in zip(TORCH["init"], shapes, strict=True))

    def step(state, index):
        params, remembered = state
        current = copy.copy(optimizer)
        if isinstance(optimizer, Adam):
            correction = (1 - optimizer.beta_2 ** (index + 1)) ** (after_correction / 2)
            object.__setattr__(current, "epsilon", optimizer.epsilon * correction)
        grads = add_penalty_gradient(jax.grad(summed_output)(params), params, [{"kernel": regularizer}] * 4)
        params, remembered, _ = update_weights(current, grads, remembered, params, step=index)
        return (params, remembered), jnp.concatenate([layer["kernel"].ravel() for layer in params])

    return jax.lax.scan(step, (params, init_optimizer(optimizer, params)), jnp.arange(1001.0))[1]


def assert_follows(name, expected, *, after_correction):
    optimizer, weight_decay = RUNS[name]
    ours = trajectory(optimizer, l2(weight_decay / 2), after_correction)
    np.testing.assert_allclose(ours[::100], [np.concatenate(sample) for sample in expected], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TORCH["runs_epsilon_hat"])
def test_net_of_pytorch_in_our_form_of_adam(name):
    assert_follows(name, TORCH["runs_epsilon_hat"][name], after_correction=0.0)


@pytest.mark.parametrize("name", TORCH["runs"])
def test_net_of_pytorch_in_its_own_form(name):
    """torch's ε equals ours divided by √(1 − β₂ᵗ); its coupled weight_decay is twice our l2."""
    assert_follows(name, TORCH["runs"][name], after_correction=1.0)


@pytest.mark.parametrize(("epsilon", "step"), [(1e-7, 3.0654e-5), (1e-8 * 0.001**0.5, 9.0909e-4)])
def test_the_two_forms_of_adam_part_where_gradients_are_small(epsilon, step):
    """First step for a gradient of 1e-7: Keras with its ε of 1e-7, and torch with its ε of 1e-8."""
    params = ({"kernel": jnp.zeros(1)},)
    adam = Adam(epsilon=epsilon)
    grads = ({"kernel": jnp.array([1e-7])},)
    params, *_ = update_weights(adam, grads, init_optimizer(adam, params), params, step=jnp.array(0))
    assert float(params[0]["kernel"][0]) == pytest.approx(-step, rel=1e-4)
