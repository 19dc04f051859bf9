"""More formulas, draws and questions; they were fresh until the prior of the verdict was chosen."""

import numpy as np

from benchmarks.bank.data import Source, classes, real, regression

Drawn = tuple[np.ndarray, np.ndarray]
CENTRES = 1.4 * np.random.default_rng(11).normal(size=(8, 10))


def twist(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0] * x[:, 1]) + 0.3 * x[:, 2]


def positives(x: np.ndarray) -> np.ndarray:
    """How many of the first six columns are above 0."""
    return (x[:, :6] > 0).sum(axis=1).astype(float)


def bump(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (x[:, :3] ** 2).sum(axis=1)) + 0.1 * x[:, 3]


def triple(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] * x[:, 2] + x[:, 3]


def ridge(x: np.ndarray) -> np.ndarray:
    """A wave along one direction of all columns."""
    return np.sin(2 * x @ np.full(x.shape[1], x.shape[1] ** -0.5))


def extremes(x: np.ndarray) -> np.ndarray:
    return np.minimum(x[:, 0], x[:, 1]) - np.maximum(x[:, 2], x[:, 3]) + 0.5 * x[:, 4]


def cubes(x: np.ndarray) -> np.ndarray:
    return x[:, 0] ** 2 * x[:, 1] - x[:, 1] + 0.5 * x[:, 2]


def nearly_linear(x: np.ndarray) -> np.ndarray:
    return x @ np.sin(np.arange(1, x.shape[1] + 1)) + 0.4 * x[:, 0] ** 2


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(2 * x[:, 0] - x[:, 1])) + np.abs(x[:, 2])


def cross(rng: np.random.Generator, n: int) -> Drawn:
    """Inside or outside a cross, with four columns that say nothing."""
    x = rng.normal(size=(n, 6))
    return x, ((np.abs(x[:, 0]) < 0.5) | (np.abs(x[:, 1]) < 0.5)).astype(int)


def sectors(rng: np.random.Generator, n: int) -> Drawn:
    """Five sectors of a plane."""
    x = rng.normal(size=(n, 2))
    angle = np.arctan2(x[:, 1], x[:, 0]) + 0.15 * rng.normal(size=n)
    return x, np.floor((angle + np.pi) / (2 * np.pi) * 5).astype(int) % 5


def odds(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 7))
    return x, (rng.random(n) < 1 / (1 + np.exp(-2 * x[:, 0] * x[:, 1] - x[:, 2] + x[:, 3]))).astype(int)


def eight_clusters(rng: np.random.Generator, n: int) -> Drawn:
    """Four classes of two clusters each."""
    which = rng.integers(8, size=n)
    return CENTRES[which] + 1.3 * rng.normal(size=(n, 10)), which % 4


def thirds(rng: np.random.Generator, n: int) -> Drawn:
    """Three classes in the order of a wave with noise."""
    x = rng.normal(size=(n, 9))
    return x, np.digitize(np.sin(x[:, 0]) + 0.7 * x[:, 1] + 0.4 * rng.normal(size=n), [-0.4, 0.4])


def coins(rng: np.random.Generator, n: int) -> Drawn:
    """Whether three of the first five coins of twelve show heads."""
    x = rng.integers(2, size=(n, 12))
    return x, (x[:, :5].sum(axis=1) >= 3).astype(int)


def spreads(rng: np.random.Generator, n: int) -> Drawn:
    """Two classes with the same mean and other variances."""
    y = rng.integers(2, size=n)
    return rng.normal(size=(n, 6)) * np.where(y[:, None] == 1, 1.6, 1.0), y


def seldom(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 6))
    return x, (rng.random(n) < 1 / (1 + np.exp(3.2 - 1.2 * x[:, 0] - x[:, 1] * x[:, 2]))).astype(int)


DRAWS = (
    Source("twist", regression(twist, features=4, n=600, noise=0.3), low_rates=False),
    Source("positives", regression(positives, features=9, n=500, noise=0.3)),
    Source("bump", regression(bump, features=5, n=800, noise=0.5), epochs=60),
    Source("triple", regression(triple, features=6, n=700, noise=0.3), low_rates=False, patience=5),
    Source("ridge", regression(ridge, features=5, n=900, noise=0.4)),
    Source("extremes", regression(extremes, features=10, n=400, noise=0.5), epochs=60, patience=15),
    Source("cubes", regression(cubes, features=3, n=300, noise=0.3), low_rates=False, epochs=60),
    Source("nearly linear, 25 columns", regression(nearly_linear, features=25, n=350, noise=0.8), epochs=60),
    Source("softplus, mostly noise", regression(softplus, features=8, n=1000, noise=2.0)),
    Source("cross", classes(cross, n=800), low_rates=False),
    Source("sectors", classes(sectors, n=500, n_classes=5), epochs=60),
    Source("odds", classes(odds, n=700), low_rates=False, patience=5),
    Source("eight clusters, 4 classes", classes(eight_clusters, n=600, n_classes=4)),
    Source("thirds", classes(thirds, n=450, n_classes=3), epochs=60, patience=15),
    Source("coins, labels 10 % random", classes(coins, n=400, flip=0.1)),
    Source("two spreads", classes(spreads, n=800), low_rates=False),
    Source("seldom", classes(seldom, n=1000), patience=5),
    Source(
        "titanic, sex", real("titanic/train.csv", "Sex", drop=("Name", "Ticket", "Cabin", "PassengerId")), epochs=60
    ),
    Source("telco, payment", real("telco_churn/Telco-Customer-Churn.csv", "PaymentMethod", rows=1_500)),
    Source("diamonds, depth", real("diamonds/diamonds.csv", "depth", rows=1_500), low_rates=False),
    Source("california, ocean", real("california_housing/housing.csv", "ocean_proximity", rows=1_500), patience=5),
    Source("white wine, acidity", real("wine_quality/winequality-white.csv", "column_9", rows=1_500), low_rates=False),
    Source("adult, age", real("adult/adult.data", "column_1", rows=1_500, task="regression"), epochs=30),
    Source("german credit, age", real("credit_g/credit.g.arff", "age", task="regression"), low_rates=False),
    Source(
        "adult, relationship",
        real("adult/adult.data", "column_8", rows=1_500, drop=("column_6", "column_10")),
        low_rates=False,
    ),
)
