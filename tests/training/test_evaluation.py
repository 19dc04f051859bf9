"""Evaluation with given weights: the same numbers whatever the blocks, and the right link to predictions."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, softmax

from goodfit.nn.layers import Dense
from goodfit.nn.losses import BinaryCrossentropy
from goodfit.nn.network import init_network
from goodfit.training import evaluation
from goodfit.training import fit as fitting
from goodfit.training.evaluation import (
    Dataset,
    evaluate,
    last_layer,
    make_evaluator,
    make_labels,
    outputs,
    padded_rows,
    predictions,
)
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N, FEATURES = 50, 3
X, WEIGHT = RNG.normal(size=(N, FEATURES)), RNG.uniform(0.2, 2, N)
CLASSES = RNG.integers(0, 4, N)
make = partial(make_recipe, optimizer="sgd", batch_size=16, dtype="float64")


def four_classes():
    """A recipe and its initial weights."""
    layers = (Dense(5, activation="tanh"), Dense(4, activation="softmax"))
    recipe = make(layers, loss="sparse_categorical_crossentropy", metrics=["accuracy", "auc"])
    return recipe, init_network(layers, n_inputs=FEATURES, seed=0, dtype="float64")


def test_the_history_of_an_epoch_is_what_evaluate_returns():
    recipe, params = four_classes()
    labels = make_labels(CLASSES, WEIGHT, "float64")
    train, validation = np.arange(35), np.arange(35, N)
    training = fitting.fit(recipe, Dataset(X, labels), params=params, train=train, validation=validation, epochs=1)
    for prefix, rows in (("", train), ("val_", validation)):
        found = evaluate(recipe, training.last_params, X[rows], make_labels(CLASSES[rows], WEIGHT[rows], "float64"))
        for name, value in found.items():
            assert training.history[prefix + name][0] == pytest.approx(value, rel=1e-12)


def test_evaluation_in_blocks_equals_evaluation_at_once(monkeypatch):
    recipe, params = four_classes()
    with jax.enable_x64(True):
        rows = Dataset(jnp.asarray(X), jnp.asarray(make_labels(CLASSES, WEIGHT, "float64")))
        evaluated = fitting.evaluation_rows(np.arange(35), np.arange(35, N), seed=0)
        at_once = jax.jit(make_evaluator(recipe, rows, evaluated))(params).scores
        monkeypatch.setattr(evaluation, "BLOCK_BYTES", 8 * 4 * 5)
        assert evaluation.block_size(recipe, FEATURES) == 8
        in_blocks = jax.jit(make_evaluator(recipe, rows, evaluated))(params).scores
    np.testing.assert_allclose(in_blocks, at_once, rtol=1e-12)


def test_outputs_come_row_by_row_whatever_the_blocks(monkeypatch):
    recipe, params = four_classes()
    at_once = outputs(recipe, params, X)
    monkeypatch.setattr(evaluation, "BLOCK_BYTES", 16 * 4 * 5)
    np.testing.assert_allclose(outputs(recipe, params, X), at_once, rtol=1e-14)


def test_predictions_are_probabilities_and_the_loss_takes_logits():
    recipe, params = four_classes()
    hidden = np.tanh(X @ params[0]["kernel"] + params[0]["bias"])
    logits = hidden @ params[1]["kernel"] + params[1]["bias"]
    np.testing.assert_allclose(outputs(recipe, params, X), logits, rtol=1e-12)
    np.testing.assert_allclose(predictions(recipe, params, X), softmax(logits, axis=1), rtol=1e-12)


def test_from_logits_the_last_layer_gives_logits_and_predictions_are_probabilities():
    layers = (Dense(1),)
    recipe = make(layers, loss=BinaryCrossentropy(from_logits=True))
    params = init_network(layers, n_inputs=FEATURES, seed=0, dtype="float64")
    logits = X @ params[0]["kernel"]
    np.testing.assert_allclose(last_layer(recipe, params, X), logits, rtol=1e-12)
    np.testing.assert_allclose(predictions(recipe, params, X), expit(logits), rtol=1e-12)


def test_values_come_as_they_are():
    layers = (Dense(2, activation="relu"),)
    recipe = make(layers, loss="mse")
    params = init_network(layers, n_inputs=FEATURES, seed=0, dtype="float64")
    np.testing.assert_allclose(predictions(recipe, params, X), np.maximum(X @ params[0]["kernel"], 0), rtol=1e-12)


def test_loss_of_many_rows_is_measured_on_a_fixed_sample(monkeypatch):
    monkeypatch.setattr(fitting, "TRAIN_SAMPLE_ROWS", 10)
    few, many = np.arange(20), np.arange(100, 121)
    validation = np.arange(5)
    assert fitting.evaluation_rows(few, validation, seed=0).train.tolist() == few.tolist()
    sample = np.asarray(fitting.evaluation_rows(many, validation, seed=0).train)
    assert len(set(sample.tolist())) == 10
    assert set(sample.tolist()) <= set(many.tolist())
    np.testing.assert_array_equal(sample, fitting.evaluation_rows(many, validation, seed=0).train)
    assert sample.tolist() != np.asarray(fitting.evaluation_rows(many, validation, seed=1).train).tolist()


def test_rows_are_padded_by_half_at_most():
    sizes = [padded_rows(n) for n in (1, 2048, 2049, 3072, 3073, 4096, 4097, 100_000)]
    assert sizes == [2048, 2048, 3072, 3072, 4096, 4096, 6144, 131_072]
    assert all(padded_rows(n) < 1.5 * n for n in range(2048, 9000))
