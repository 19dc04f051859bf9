"""Formulas, draws and questions to real tables; they were fresh once, until thresholds were chosen on them, too."""

import numpy as np

from benchmarks.bank.data import Source, classes, real, regression

Drawn = tuple[np.ndarray, np.ndarray]


def swell(x: np.ndarray) -> np.ndarray:
    return np.sin(1.5 * x[:, 0]) * np.cos(x[:, 1]) + 0.5 * np.tanh(x[:, 2])


def largest(x: np.ndarray) -> np.ndarray:
    return x[:, :4].max(axis=1)


def growth(x: np.ndarray) -> np.ndarray:
    return np.exp(0.4 * x[:, :5].sum(axis=1))


def ledge(x: np.ndarray) -> np.ndarray:
    return np.sign(x[:, 0] + x[:, 1] - x[:, 2]) + 0.5 * x[:, 3]


def distance(x: np.ndarray) -> np.ndarray:
    return np.sqrt((x[:, :6] ** 2).sum(axis=1))


def ratio(x: np.ndarray) -> np.ndarray:
    return x[:, 0] / (0.5 + x[:, 1] ** 2) + x[:, 2]


def slope(x: np.ndarray) -> np.ndarray:
    return x @ np.linspace(1, 0.1, x.shape[1])


def bowls(x: np.ndarray) -> np.ndarray:
    return x[:, 0] ** 2 - x[:, 1] ** 2 + x[:, 2] * x[:, 3] + x[:, 4]


def logarithm(x: np.ndarray) -> np.ndarray:
    return np.log(0.1 + x[:, 0] ** 2 + 0.5 * x[:, 1] ** 2) + 0.5 * x[:, 2]


def triangle(rng: np.random.Generator, n: int) -> Drawn:
    """Three clusters in two columns, beside ten that say nothing."""
    y = rng.integers(3, size=n)
    angle = 2 * np.pi * y / 3
    place = 1.3 * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.column_stack([place + rng.normal(size=(n, 2)), rng.normal(size=(n, 10))]), y


def spheres(rng: np.random.Generator, n: int) -> Drawn:
    """Three classes by the distance from the middle of five columns."""
    x = rng.normal(size=(n, 5))
    return x, np.digitize((x**2).sum(axis=1), [3.0, 6.0])


def all_three(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.integers(2, size=(n, 10))
    return x, x[:, :3].all(axis=1).astype(int)


def together(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 15))
    score = x[:, 0] + x[:, 1] - x[:, 2] + 1.5 * x[:, 3] * x[:, 4]
    return x, (rng.random(n) < 1 / (1 + np.exp(-1.5 * score))).astype(int)


def grades(rng: np.random.Generator, n: int) -> Drawn:
    """Four classes in an order: a sum with noise, cut three times."""
    x = rng.normal(size=(n, 6))
    return x, np.digitize(x[:, :3].sum(axis=1) + rng.normal(size=n), [-1.5, 0.0, 1.5])


def arms(rng: np.random.Generator, n: int) -> Drawn:
    """Four arms that bend, with four columns that say nothing."""
    y, t = rng.integers(4, size=n), rng.random(n)
    angle = 1.5 * t + np.pi * y / 2
    arm = np.column_stack([t * np.cos(angle), t * np.sin(angle)]) + 0.07 * rng.normal(size=(n, 2))
    return np.column_stack([arm, 0.5 * rng.normal(size=(n, 4))]), y


def quarters(rng: np.random.Generator, n: int) -> Drawn:
    """Four clusters that overlap, opposite ones of the same class."""
    corner = rng.integers(2, size=(n, 2))
    return 2.4 * corner + rng.normal(size=(n, 2)), corner.sum(axis=1) % 2


def words(rng: np.random.Generator, n: int) -> Drawn:
    """Counts of fifty words, rare and common ones; ten of them say something."""
    x = rng.poisson(np.geomspace(0.05, 1.5, 50), size=(n, 50))
    return x, (rng.random(n) < 1 / (1 + np.exp(-(x[:, ::5] @ np.linspace(-1.5, 1.5, 10))))).astype(int)


FORMULAS = (
    Source("swell", regression(swell, features=5, n=700, noise=0.4), low_rates=False),
    Source("largest of four", regression(largest, features=8, n=600, noise=0.3), patience=5),
    Source("growth", regression(growth, features=6, n=500, noise=0.2), epochs=60),
    Source("ledge", regression(ledge, features=5, n=900, noise=0.5), low_rates=False),
    Source("distance from the middle", regression(distance, features=8, n=1000, noise=0.5)),
    Source("ratio", regression(ratio, features=4, n=400, noise=0.3), epochs=60, patience=15),
    Source("slope, mostly noise", regression(slope, features=15, n=800, noise=2.0)),
    Source("bowls among 20 columns", regression(bowls, features=20, n=640, noise=0.3), low_rates=False),
    Source("logarithm", regression(logarithm, features=3, n=1200, noise=0.4), patience=5),
    Source("triangle among 12 columns", classes(triangle, n=450, n_classes=3), epochs=60),
    Source("spheres, 3 classes", classes(spheres, n=700, n_classes=3), low_rates=False),
    Source("all three, labels 5 % random", classes(all_three, n=600, flip=0.05)),
    Source("together", classes(together, n=800), low_rates=False, patience=5),
    Source("grades", classes(grades, n=500, n_classes=4), epochs=60),
    Source("four arms", classes(arms, n=900, n_classes=4), low_rates=False, epochs=60),
    Source("quarters", classes(quarters, n=400), epochs=60, patience=15),
    Source("words", classes(words, n=1000)),
    Source(
        "titanic, fare",
        real("titanic/train.csv", "Fare", drop=("Name", "Ticket", "Cabin", "PassengerId")),
        low_rates=False,
    ),
    Source("telco, contract", real("telco_churn/Telco-Customer-Churn.csv", "Contract", rows=1_500)),
    Source("diamonds, clarity", real("diamonds/diamonds.csv", "clarity", rows=2_000), low_rates=False),
    Source("california, age of houses", real("california_housing/housing.csv", "housing_median_age", rows=1_500)),
    Source("red wine, alcohol", real("wine_quality/winequality-red.csv", "column_11"), low_rates=False, patience=5),
    Source("adult, sex", real("adult/adult.data", "column_10", rows=2_000), epochs=30),
    Source("german credit, duration", real("credit_g/credit.g.arff", "duration"), low_rates=False),
    Source(
        "bank marketing, contact",
        real("bank_marketing/bank-additional.zip", "contact", rows=2_000, drop=("duration", "y")),
    ),
)
