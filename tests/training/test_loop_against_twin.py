"""The compiled training loop against its NumPy twin, in float64, to 1e-12: every column, every weight."""

import itertools
import warnings

import numpy as np
import pytest

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.regularizers import l1_l2
from goodfit.nn.schedules import CosineDecay, ExponentialDecay
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, fit, row_order
from goodfit.training.recipe import make_recipe
from tests.reference import twin

N, FEATURES, HIDDEN, OUTPUTS = 30, 4, 5, 3
BATCH, EPOCHS = 8, 5
TRAIN, VALIDATION = np.arange(0, N, 1)[np.arange(N) % 10 < 7], np.arange(N)[np.arange(N) % 10 >= 7]
N_STEPS = EPOCHS * 3  # 21 rows: batches of 8, 8 and 5

RNG = np.random.default_rng(0)
X, WEIGHT = RNG.normal(size=(N, FEATURES)), RNG.uniform(0.2, 2, N)
WEIGHTS = [
    {"kernel": RNG.normal(size=(FEATURES, HIDDEN)), "bias": RNG.normal(size=HIDDEN)},
    {"kernel": RNG.normal(size=(HIDDEN, OUTPUTS)), "bias": RNG.normal(size=OUTPUTS)},
]

# Activation of the hidden and of the last layer, and targets.
LOSSES = {
    "mean_squared_error": ("relu", "linear", RNG.normal(size=(N, OUTPUTS))),
    "mean_absolute_error": ("tanh", "linear", RNG.normal(size=(N, OUTPUTS))),
    "huber": ("sigmoid", "tanh", 2 * RNG.normal(size=(N, OUTPUTS))),
    "binary_crossentropy": ("relu", "sigmoid", RNG.integers(0, 2, (N, OUTPUTS)).astype(float)),
    "categorical_crossentropy": ("softmax", "softmax", RNG.dirichlet(np.ones(OUTPUTS), N)),
    "sparse_categorical_crossentropy": ("tanh", "softmax", RNG.integers(0, OUTPUTS, N)),
}

# Ours, the twin's, and the multiplier of the twin's learning rate.
OPTIMIZERS = {
    "sgd": (SGD(0.1), twin.SGD(0.1), None),
    "momentum": (SGD(0.05, momentum=0.9), twin.SGD(0.05, momentum=0.9), None),
    "nesterov": (SGD(0.05, momentum=0.9, nesterov=True), twin.SGD(0.05, momentum=0.9, nesterov=True), None),
    "sgd with decay": (SGD(0.1, weight_decay=0.1), twin.SGD(0.1, weight_decay=0.1), None),
    "adam": (Adam(0.02), twin.Adam(0.02), None),
    "amsgrad": (Adam(0.02, beta_2=0.9, amsgrad=True), twin.Adam(0.02, beta_2=0.9, amsgrad=True), None),
    "adamw": (Adam(0.02, weight_decay=0.1), twin.Adam(0.02, weight_decay=0.1), None),
    "by value": (Adam(0.02, clipvalue=0.05), twin.Adam(0.02, clip=("clipvalue", 0.05)), None),
    "by norm": (Adam(0.02, clipnorm=0.1), twin.Adam(0.02, clip=("clipnorm", 0.1)), None),
    "by all norms": (SGD(0.1, global_clipnorm=0.3), twin.SGD(0.1, clip=("global_clipnorm", 0.3)), None),
    "cosine": (
        Adam(0.02, weight_decay=0.1, schedule=CosineDecay(warmup_steps=4, alpha=0.1)),
        twin.Adam(0.02, weight_decay=0.1),
        lambda step: step / 4 if step < 4 else 0.1 + 0.45 * (1 + np.cos(np.pi * min(1, (step - 4) / (N_STEPS - 4)))),
    ),
    "staircase": (
        SGD(0.1, schedule=ExponentialDecay(0.5, decay_steps=4, staircase=True)),
        twin.SGD(0.1),
        lambda step: 0.5 ** (step // 4),
    ),
}

# l1 and l2 of the kernels, then of the first bias. All terms are always there, so that strengths share one program.
PENALTIES = {
    "none": (0.0, 0.0, 0.0, 0.0),
    "l2": (0.0, 0.05, 0.0, 0.0),
    "l1": (0.03, 0.0, 0.0, 0.0),
    "all": (0.02, 0.03, 0.04, 0.05),
}


def orders(seed, padding=N):
    """Row numbers (epochs, steps, batch), as the training draws them."""
    return np.stack(
        [
            row_order(TRAIN, batch_size=BATCH, padding=padding, seed=seed, epoch=epoch, shuffle=True)
            for epoch in range(EPOCHS)
        ]
    )


def ours(optimizer, loss, penalty, *, seed=0, early_stopping=None):
    hidden, last, y = LOSSES[loss]
    kernels, biases = l1_l2(*PENALTIES[penalty][:2]), l1_l2(*PENALTIES[penalty][2:])
    layers = [
        Dense(HIDDEN, activation=hidden, kernel_regularizer=kernels, bias_regularizer=biases),
        Dense(OUTPUTS, activation=last, kernel_regularizer=kernels),
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "weight_decay and an l2 regularizer")
        recipe = make_recipe(
            layers,
            optimizer=OPTIMIZERS[optimizer][0],
            loss=loss,
            batch_size=BATCH,
            early_stopping=early_stopping,
            total_steps=N_STEPS,
            dtype="float64",
        )
    rows = Dataset(X, make_labels(y, WEIGHT, "float64"))
    return fit(recipe, rows, params=tuple(WEIGHTS), train=TRAIN, validation=VALIDATION, epochs=EPOCHS, seed=seed)


def theirs(optimizer, loss, penalty, *, seed=0, **stopping):
    hidden, last, y = LOSSES[loss]
    l1, l2, bias_l1, bias_l2 = PENALTIES[penalty]
    layers = [
        twin.Dense(hidden, l1=(("kernel", l1), ("bias", bias_l1)), l2=(("kernel", l2), ("bias", bias_l2))),
        twin.Dense(last, l1=(("kernel", l1),), l2=(("kernel", l2),)),
    ]
    batches = [[batch[batch < N] for batch in epoch] for epoch in orders(seed)]
    _, optimizer, schedule = OPTIMIZERS[optimizer]
    rows = {"x": X, "y": y, "s": WEIGHT, "train": TRAIN, "validation": VALIDATION}
    return twin.train(layers, loss, optimizer, WEIGHTS, orders=batches, schedule=schedule, **rows, **stopping)


def assert_same_training(training, expected):
    assert training.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        np.testing.assert_allclose(training.history[name], values, rtol=1e-12, atol=1e-12, err_msg=name)
    for found, weights in ((training.params, expected.best_weights), (training.last_params, expected.weights)):
        for layer, twin_layer in zip(found, weights, strict=True):
            assert list(layer) == list(twin_layer)
            for name in layer:
                np.testing.assert_allclose(layer[name], twin_layer[name], rtol=1e-12, atol=1e-12, err_msg=name)
    assert training.best_epoch == expected.best_epoch
    assert (training.outcome == Outcome.STOPPED_EARLY) == expected.stopped


# Every optimizer with one loss, every loss with two optimizers; the whole square is for `make test-slow`.
SQUARE = list(itertools.product(enumerate(OPTIMIZERS), enumerate(LOSSES)))
QUICK = [(optimizer, loss) for (i, optimizer), (j, loss) in SQUARE if i % len(LOSSES) == j]
SLOW = [(optimizer, loss) for (_, optimizer), (_, loss) in SQUARE if (optimizer, loss) not in QUICK]


@pytest.mark.parametrize(
    ("optimizer", "loss"), [*QUICK, *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)]
)
def test_training_is_that_of_the_twin(optimizer, loss):
    for penalty in PENALTIES:
        assert_same_training(ours(optimizer, loss, penalty), theirs(optimizer, loss, penalty))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (2, 0.01), (1, 0.05)])
def test_early_stopping_is_that_of_the_twin(patience, min_delta, seed):
    stopping = {"patience": patience, "min_delta": min_delta}
    training = ours("sgd", "mean_squared_error", "l2", seed=seed, early_stopping=EarlyStopping(**stopping))
    assert_same_training(training, theirs("sgd", "mean_squared_error", "l2", seed=seed, **stopping))
