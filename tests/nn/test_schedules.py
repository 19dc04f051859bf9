"""Schedules: closed forms, and Keras."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.schedules import CONSTANT, CosineDecay, ExponentialDecay

STEPS = np.arange(30)


def multipliers(schedule, *, total_steps=30):
    return jax.vmap(schedule.resolved(total_steps).multiplier)(jnp.asarray(STEPS))


def warm_cosine(step):
    if step < 5:
        return step / 5
    return 0.1 + 0.9 * (1 + math.cos(math.pi * min(1, (step - 5) / 20))) / 2


FORMULAS = {
    "constant": (CONSTANT, lambda step: 1.0),
    "exponential": (ExponentialDecay(0.8, decay_steps=7), lambda step: 0.8 ** (step / 7)),
    "staircase": (ExponentialDecay(0.8, decay_steps=7, staircase=True), lambda step: 0.8 ** (step // 7)),
    "exponential over all": (ExponentialDecay(0.01), lambda step: 0.01 ** (step / 30)),
    "cosine": (CosineDecay(decay_steps=20), lambda step: (1 + math.cos(math.pi * min(1, step / 20))) / 2),
    "cosine with warm-up": (CosineDecay(decay_steps=20, warmup_steps=5, alpha=0.1), warm_cosine),
    "cosine over all": (
        CosineDecay(warmup_steps=10),
        lambda step: step / 10 if step < 10 else (1 + math.cos(math.pi * (step - 10) / 20)) / 2,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_schedule_equals_its_formula(name, float64):
    schedule, formula = FORMULAS[name]
    np.testing.assert_allclose(multipliers(schedule), [formula(int(step)) for step in STEPS], rtol=1e-12, atol=1e-15)


def test_schedules_multiply_the_rate_as_those_of_keras(keras):
    cosine, exponential = keras.optimizers.schedules.CosineDecay, keras.optimizers.schedules.ExponentialDecay
    peers = {
        "exponential": exponential(0.05, 7, 0.8),
        "staircase": exponential(0.05, 7, 0.8, staircase=True),
        "cosine": cosine(0.05, 20),
        "cosine with warm-up": cosine(0.0, 20, alpha=0.1, warmup_target=0.05, warmup_steps=5),
    }
    for name, peer in peers.items():
        ours = 0.05 * multipliers(FORMULAS[name][0])
        np.testing.assert_allclose(ours, jax.vmap(peer)(jnp.asarray(STEPS)), rtol=0, atol=1e-7, err_msg=name)


def test_a_multiplier_has_no_unit_and_the_precision_of_the_training():
    for schedule, _ in FORMULAS.values():
        assert multipliers(schedule).dtype == jnp.float32


def test_a_warm_up_longer_than_the_training_leaves_one_step_of_decay():
    assert CosineDecay(warmup_steps=50).resolved(30).decay_steps == 1


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ExponentialDecay(0.0), "decay_rate"),
        (lambda: ExponentialDecay(math.nan), "decay_rate"),
        (lambda: ExponentialDecay(math.inf), "decay_rate"),
        (lambda: ExponentialDecay(0.5, decay_steps=0), "decay_steps"),
        (lambda: CosineDecay(decay_steps=0), "decay_steps"),
        (lambda: CosineDecay(decay_steps=math.nan), "decay_steps"),
        (lambda: CosineDecay(decay_steps=1.5), "decay_steps"),
        (lambda: CosineDecay(warmup_steps=-1), "warmup_steps"),
        (lambda: CosineDecay(alpha="0"), "alpha"),
        (lambda: CosineDecay(alpha=1.5), "alpha"),
        (lambda: CosineDecay(alpha=math.nan), "alpha"),
    ],
)
def test_a_number_outside_its_range_is_named(make, named):
    with pytest.raises(ConfigError, match=f"^{named}"):
        make()
