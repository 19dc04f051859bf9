"""Trials that differ in every number a sweep may vary, with rows to train on; also for processes of their own."""

import sys

import jax
import numpy as np

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense, Dropout
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Adam
from goodfit.nn.regularizers import l2
from goodfit.search.parallel import Fold, Trial, run_trials
from goodfit.search.space import layers_with, optimizer_with
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import fit
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N, FEATURES, EPOCHS = 40, 3, 12
X = RNG.normal(size=(N, FEATURES))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=N)
ROWS = Dataset(X, make_labels(Y, RNG.uniform(0.2, 2, N), "float64"))
SPLITS = {"train": np.arange(29), "validation": np.arange(29, N)}
LAYERS = (Dense(5, activation="tanh", kernel_regularizer=l2()), Dropout(0.1), Dense(1, kernel_regularizer=l2()))
DIVERGING = {"l2": 0.0, "learning_rate": 1e200}
CONFIGS = [
    {"l2": 0.0, "learning_rate": 0.3},
    {"l2": 0.1, "learning_rate": 0.3},
    {"l2": 0.0, "learning_rate": 0.01},
    DIVERGING,
    {"l2": 1.0, "learning_rate": 0.1, "dropout": 0.5},
    {"l2": 0.0, "learning_rate": 0.05, "beta_1": 0.5},
    {"l2": 0.01, "learning_rate": 0.05},
]


def recipe(config, seed=0):
    return make_recipe(
        layers_with(LAYERS, config),
        optimizer=optimizer_with(Adam(), config),
        loss="mse",
        batch_size=8,
        early_stopping=EarlyStopping(patience=2, min_delta=1e-3),
        seed=seed,
        dtype="float64",
    )


def trial(config, seed):
    return Trial(recipe(config, seed), seed, init_network(LAYERS, n_inputs=FEATURES, seed=seed, dtype="float64"))


def trials(configs=CONFIGS):
    return [trial(config, index % 2) for index, config in enumerate(configs)]


def together(of=None, **choices):
    return run_trials(trials() if of is None else of, Fold(ROWS, **SPLITS), epochs=EPOCHS, **choices)


def alone(one):
    return fit(one.recipe, ROWS, params=one.params, **SPLITS, epochs=EPOCHS, seed=one.seed)


def numbers(training):
    """Every number of a training in one vector."""
    weights = [
        w.ravel() for params in (training.params, training.last_params) for layer in params for w in layer.values()
    ]
    ended = [[int(training.outcome), training.best_epoch, training.history.n_epochs]]
    return np.concatenate([*ended, *weights, *training.history.values()])


if __name__ == "__main__":
    print(len(jax.devices()))
    np.savez(sys.argv[1], *map(numbers, together()))
