"""Data sets made of functions and clusters, and real ones: two of the three groups that chose the thresholds."""

import numpy as np

from benchmarks.bank.data import LARGE, Source, classes, real, regression


def linear(x: np.ndarray) -> np.ndarray:
    return x @ np.linspace(-1, 1, x.shape[1])


def first_five(x: np.ndarray) -> np.ndarray:
    return x[:, :5] @ np.array([2.0, -1.5, 1.0, 1.0, -0.5])


def friedman1(x: np.ndarray) -> np.ndarray:
    u = _uniform(x)
    return 10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * (u[:, 2] - 0.5) ** 2 + 10 * u[:, 3] + 5 * u[:, 4]


def friedman2(x: np.ndarray) -> np.ndarray:
    u = _uniform(x)
    a, b, c, d = 100 * u[:, 0], 125 + 1633 * u[:, 1], u[:, 2], 1 + 10 * u[:, 3]
    return np.sqrt(a**2 + (b * c - 1 / (b * d)) ** 2)


def waves(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * x[:, 0]) + np.cos(1.5 * x[:, 1]) * x[:, 2]


def products(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] + 0.5 * x[:, 2] ** 2 - x[:, 3] * x[:, 0]


def steps(x: np.ndarray) -> np.ndarray:
    return np.sign(x[:, 0]) + 2.0 * (x[:, 1] > 0.5) - np.abs(x[:, 2])


def nothing(x: np.ndarray) -> np.ndarray:
    return 1e-6 * x[:, 0]


def bent(x: np.ndarray) -> np.ndarray:
    return np.tanh(linear(x[:, :10])) + 0.3 * x[:, 10] * x[:, 11]


def squares(x: np.ndarray) -> np.ndarray:
    return (x[:, :6] ** 2).sum(axis=1) + linear(x)


def _uniform(x: np.ndarray) -> np.ndarray:
    """Normal numbers as uniform ones, nearly."""
    return 1 / (1 + np.exp(-1.702 * x))


def xor(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 5))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def rings(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 4))
    return x, ((x[:, :3] ** 2).sum(axis=1) > 2.4).astype(int)


def checkerboard(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.uniform(0, 3, size=(n, 2))
    return x, np.floor(x).sum(axis=1).astype(int) % 2


def moons(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y, angle = rng.integers(2, size=n), np.pi * rng.random(n)
    x = np.column_stack([np.cos(angle) * (1 - 2 * y) + y, np.sin(angle) * (1 - 2 * y) + 0.5 * y])
    return x + 0.2 * rng.normal(size=x.shape), y


def logistic(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 12))
    return x, (rng.random(n) < 1 / (1 + np.exp(-1.5 * linear(x)))).astype(int)


def rare(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 8))
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * rng.normal(size=n)
    return x, (score > 2.2).astype(int)


def blobs(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    centres = np.random.default_rng(7).normal(size=(5, 10))
    y = rng.integers(5, size=n)
    return centres[y] + 1.2 * rng.normal(size=(n, 10)), y


def clusters(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes of three clusters each, with twelve columns that say nothing."""
    centres = 1.5 * np.random.default_rng(8).normal(size=(6, 8))
    which = rng.integers(6, size=n)
    return np.column_stack([centres[which] + rng.normal(size=(n, 8)), rng.normal(size=(n, 12))]), which % 2


def spiral(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y, t = rng.integers(3, size=n), rng.random(n)
    angle = 4 * t + 2 * np.pi * y / 3
    return np.column_stack([t * np.cos(angle), t * np.sin(angle)]) + 0.04 * rng.normal(size=(n, 2)), y


def weak(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 6))
    return x, (rng.random(n) < 1 / (1 + np.exp(1 - linear(x)))).astype(int)


def chance(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, 10)), (rng.random(n) < 0.4).astype(int)


def sparse(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 100))
    return x, (rng.random(n) < 1 / (1 + np.exp(-2 * linear(x[:, :10])))).astype(int)


def xor_among(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 12))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def wide(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    centres = 0.6 * np.random.default_rng(9).normal(size=(3, 40))
    y = rng.integers(3, size=n)
    return centres[y] + rng.normal(size=(n, 40)), y


BUILT = (
    Source("linear, 10 columns", regression(linear, features=10, n=640, noise=0.7)),
    Source("xor", classes(xor, n=480), low_rates=False, epochs=30, networks=LARGE),
    Source("friedman 1", regression(friedman1, features=10, n=1280, noise=0.2), patience=5),
    Source("5 of 60 columns", regression(first_five, features=60, n=240, noise=0.5), epochs=60),
    Source("clusters, labels 20 % random", classes(clusters, n=640, flip=0.2), low_rates=False),
    Source("products", regression(products, features=6, n=480, noise=0.5), low_rates=False, epochs=30, networks=LARGE),
    Source("blobs, 5 classes", classes(blobs, n=640, n_classes=5), epochs=60),
    Source("moons, 10 % random", classes(moons, n=340, flip=0.1), patience=20),
    Source("linear, 30 columns, few rows", regression(linear, features=30, n=160, noise=1.0), epochs=80),
    Source("breast cancer", real("breast_cancer"), epochs=60),
    Source("diabetes", real("diabetes"), epochs=60),
    Source("california housing", real("california_housing/housing.csv", "median_house_value"), low_rates=False),
    Source("titanic", real("titanic/train.csv", "Survived"), low_rates=False, epochs=60),
    Source("adult", real("adult/adult.data", "column_15")),
    Source("noise alone", regression(nothing, features=8, n=640, noise=1e6)),
    Source("weak signal, 2 classes", classes(weak, n=800), epochs=60),
    Source("chance, 2 classes", classes(chance, n=640)),
    Source("tanh, 40 columns", regression(bent, features=40, n=320, noise=0.8), epochs=60),
    Source("sine waves", regression(waves, features=3, n=960, noise=0.3)),
    Source("rings, labels 10 % random", classes(rings, n=480, flip=0.1), low_rates=False, epochs=30, networks=LARGE),
    Source("friedman 2", regression(friedman2, features=4, n=640, noise=0.3), patience=5),
    Source("logistic, 12 columns", classes(logistic, n=360), epochs=60),
    Source("checkerboard", classes(checkerboard, n=1280), low_rates=False),
    Source("steps", regression(steps, features=4, n=800, noise=0.4), epochs=60, patience=5),
    Source("spiral, 3 classes", classes(spiral, n=960, n_classes=3), low_rates=False, epochs=60),
    Source("rare class", classes(rare, n=1280), patience=5),
    Source("digits", real("digits"), epochs=40),
    Source("wine", real("wine"), epochs=80),
    Source("iris", real("iris"), epochs=100),
    Source("telco churn", real("telco_churn/Telco-Customer-Churn.csv", "Churn")),
    Source("wine quality", real("wine_quality/winequality-red.csv", "column_12", task="regression"), low_rates=False),
    Source("10 of 100 columns, 2 classes", classes(sparse, n=400), epochs=60),
    Source("xor among 12 columns, labels 15 % random", classes(xor_among, n=640, flip=0.15), low_rates=False),
    Source("3 classes, 40 columns, few rows", classes(wide, n=240, n_classes=3), epochs=60),
    Source("squares, 20 columns, noise 1", regression(squares, features=20, n=480, noise=1.0)),
    Source("noisy sums, few rows", regression(first_five, features=20, n=200, noise=1.5), low_rates=False, epochs=60),
)
