"""Data sets that had no part in making the rules: they are judged once, when the rules are done.

Whoever changes a rule after having looked at these tables must find others.
"""

import numpy as np

from benchmarks.bank.data import Source, classes, real, regression

Drawn = tuple[np.ndarray, np.ndarray]
LOADINGS = np.random.default_rng(23).normal(size=(3, 14))


def gate(x: np.ndarray) -> np.ndarray:
    """One column or another, after the sign of a third."""
    return np.where(x[:, 0] > 0, x[:, 1], -x[:, 2]) + 0.3 * x[:, 3]


def spread_out(x: np.ndarray) -> np.ndarray:
    """A little of everything: twelve columns, each bent a little."""
    return np.arctan(x[:, :12] * np.linspace(0.3, 2, 12)).sum(axis=1)


def beat(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x[:, 0]) * x[:, 1] + 0.5 * x[:, 2]


def nearest(x: np.ndarray) -> np.ndarray:
    """How near the closer one of two points is."""
    return -np.minimum(np.hypot(x[:, 0] - 1, x[:, 1]), np.hypot(x[:, 0] + 1, x[:, 1] - 1)) + 0.2 * x[:, 3]


def weak_plane(x: np.ndarray) -> np.ndarray:
    return x[:, :4] @ [1.0, -1.0, 0.5, 0.5]


def steep(rng: np.random.Generator, n: int) -> Drawn:
    """One side or the other of a steep curve."""
    x = rng.normal(size=(n, 5))
    return x, (rng.random(n) < 1 / (1 + np.exp(-4 * (x[:, 0] - np.tanh(2 * x[:, 1]))))).astype(int)


def factors(rng: np.random.Generator, n: int) -> Drawn:
    """Three hidden factors that fourteen columns show; the classes follow from them."""
    hidden = rng.normal(size=(n, 3))
    x = hidden @ LOADINGS + rng.normal(size=(n, 14))
    return x, np.argmax(hidden + 0.4 * rng.normal(size=(n, 3)), axis=1)


def seldom_two(rng: np.random.Generator, n: int) -> Drawn:
    """One class in eight."""
    x = rng.normal(size=(n, 7))
    return x, (rng.random(n) < 1 / (1 + np.exp(2.6 - x[:, 0] - 0.8 * np.abs(x[:, 1])))).astype(int)


FRESH = (
    Source("gate", regression(gate, features=6, n=500, noise=0.4), epochs=30),
    Source("spread out", regression(spread_out, features=14, n=700, noise=0.6), low_rates=False, patience=5),
    Source("beat", regression(beat, features=4, n=600, noise=0.3), low_rates=False),
    Source("nearest", regression(nearest, features=5, n=400, noise=0.4)),
    Source("weak plane", regression(weak_plane, features=8, n=600, noise=2.5), low_rates=False),
    Source("steep", classes(steep, n=500), low_rates=False),
    Source("factors, 3 classes", classes(factors, n=400, n_classes=3), epochs=60, patience=15),
    Source("seldom two", classes(seldom_two, n=900), low_rates=False, patience=5),
    Source(
        "titanic, relatives",
        real("titanic/train.csv", "SibSp", drop=("Name", "Ticket", "Cabin", "PassengerId"), task="regression"),
    ),
    Source("german credit, housing", real("credit_g/credit.g.arff", "housing"), epochs=60, low_rates=False),
    Source(
        "telco, months",
        real("telco_churn/Telco-Customer-Churn.csv", "tenure", rows=1_200, drop=("TotalCharges",)),
        low_rates=False,
    ),
    Source("diamonds, colour", real("diamonds/diamonds.csv", "color", rows=1_200), patience=5),
    Source("california, latitude", real("california_housing/housing.csv", "latitude", rows=1_200, drop=("longitude",))),
    Source(
        "adult, education",
        real("adult/adult.data", "column_5", rows=1_200, drop=("column_4",), task="regression"),
        low_rates=False,
        epochs=30,
    ),
)
