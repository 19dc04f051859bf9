"""Hyperparameters are leaves, choices are structure, and a traced object is not validated."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense, Dropout, LayerNormalization
from goodfit.nn.losses import BinaryCrossentropy, Huber
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.regularizers import l1_l2
from goodfit.nn.schedules import CosineDecay, ExponentialDecay

EVERY = [
    Dense(3, kernel_regularizer=l1_l2(), bias_regularizer=l1_l2()),
    Dropout(0.5),
    LayerNormalization(),
    Huber(),
    BinaryCrossentropy(),
    SGD(weight_decay=0.1, schedule=CosineDecay(decay_steps=3)),
    Adam(clipnorm=1.0, schedule=ExponentialDecay(0.5)),
    EarlyStopping(baseline=0.1),
]


@pytest.mark.parametrize("node", EVERY, ids=lambda node: type(node).__name__)
def test_a_tree_of_hyperparameters_is_put_together_as_it_was(node):
    assert jax.tree.map(lambda leaf: leaf, node) == node
    assert all(isinstance(leaf, int | float) and not isinstance(leaf, bool) for leaf in jax.tree.leaves(node))


def test_traced_numbers_are_not_validated():
    with pytest.raises(ConfigError):
        Dropout(jnp.array(0.5))
    assert jax.jit(lambda layer: 2 * layer.rate)(Dropout(0.25)) == 0.5


def test_a_number_in_place_of_none_is_another_program():
    assert jax.tree.structure(Adam()) != jax.tree.structure(replace(Adam(), weight_decay=0.0))
