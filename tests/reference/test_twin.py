"""The twin's derivatives, against differences of its own values: what all other numbers lean on."""

from itertools import pairwise

import numpy as np
import pytest

from tests.reference import twin

RNG = np.random.default_rng(0)
N, FEATURES, OUTPUTS = 6, 4, 3
X, WEIGHT = RNG.normal(size=(N, FEATURES)), RNG.uniform(0.5, 2, N)
TARGETS = {
    "binary_crossentropy": RNG.integers(0, 2, (N, OUTPUTS)).astype(float),
    "categorical_crossentropy": RNG.dirichlet(np.ones(OUTPUTS), N),
    "sparse_categorical_crossentropy": RNG.integers(0, OUTPUTS, N),
}
CASES = [
    *((loss, last) for loss in ("mean_squared_error", "mean_absolute_error", "huber") for last in twin.ACTIVATIONS),
    ("binary_crossentropy", "sigmoid"),
    ("categorical_crossentropy", "softmax"),
    ("sparse_categorical_crossentropy", "softmax"),
]


@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid", "softmax"])
@pytest.mark.parametrize(("loss", "last"), CASES)
def test_slopes_by_hand_are_those_of_the_objective(loss, last, hidden):
    layers = [
        twin.Dense(hidden, l1=(("kernel", 0.1), ("bias", 0.2)), l2=(("kernel", 0.3),)),
        twin.Dense(last, l2=(("bias", 0.4),)),
    ]
    sizes = [FEATURES, 5, OUTPUTS]
    weights = [{"kernel": RNG.normal(size=shape), "bias": RNG.normal(size=shape[1])} for shape in pairwise(sizes)]
    y = TARGETS.get(loss, RNG.normal(size=(N, OUTPUTS)))

    def objective():
        return twin.loss_of(layers, loss, weights, X, y, WEIGHT) + twin.penalty(layers, weights)

    _, grads = twin.gradients(layers, loss, weights, X, y, WEIGHT)
    grads = twin.with_penalty(layers, weights, grads)
    for layer, found in zip(weights, grads, strict=True):
        for name, w in layer.items():
            assert found[name].shape == w.shape
            for index in np.ndindex(w.shape):
                kept = w[index]
                w[index] = kept + 1e-6
                above = objective()
                w[index] = kept - 1e-6
                slope = (above - objective()) / 2e-6
                w[index] = kept
                assert found[name][index] == pytest.approx(slope, rel=1e-6, abs=1e-7)
