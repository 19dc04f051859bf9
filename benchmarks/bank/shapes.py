"""More functions and clusters, and other questions to real tables."""

import numpy as np

from benchmarks.bank.data import Source, classes, real, regression

Drawn = tuple[np.ndarray, np.ndarray]
WAVES = np.array([np.maximum(0, 6 - np.abs(np.arange(1, 22) - centre)) for centre in (7, 15, 11)])
SEGMENTS = np.array([[*map(int, f"{lit:07b}")] for lit in (119, 18, 93, 91, 58, 107, 111, 82, 127, 123)])
"""Which of the seven segments of a display each digit lights."""


def decay(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.8 * x[:, 0]) * (1 + 0.5 * x[:, 1]) + 0.3 * x[:, 2]


def hinges(x: np.ndarray) -> np.ndarray:
    return np.abs(x[:, 0]) + np.maximum(x[:, 1], x[:, 2]) - np.maximum(0, x[:, 3] + x[:, 4])


def ripple(x: np.ndarray) -> np.ndarray:
    return np.sinc(1.2 * x[:, 0])


def cubic(x: np.ndarray) -> np.ndarray:
    return x[:, 0] ** 3 - 2 * x[:, 1] * x[:, 2] + x[:, 3] + 0.5 * x[:, 4] ** 2


def sums(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) + np.sqrt(np.abs(x[:, 1])) + x[:, 2] + np.tanh(2 * x[:, 3]) + x[:, 4:8].mean(axis=1)


def dense(x: np.ndarray) -> np.ndarray:
    return x @ np.cos(np.arange(x.shape[1]))


def arm(x: np.ndarray) -> np.ndarray:
    """How far the hand of a plane robot arm of three links is from the shoulder."""
    angles, lengths = np.cumsum(x[:, :3], axis=1), 1 + 0.2 * x[:, 3:6]
    return np.hypot((lengths * np.cos(angles)).sum(axis=1), (lengths * np.sin(angles)).sum(axis=1))


def hardly_anything(x: np.ndarray) -> np.ndarray:
    return x[:, 0] + 0.5 * x[:, 1] * x[:, 2]


def correlated(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 40)) + 1.5 * rng.normal(size=(n, 1))
    return x, (rng.random(n) < 1 / (1 + np.exp(-(x[:, :6] @ [1, -1, 1, -1, 0.5, -0.5])))).astype(int)


def ring_of_clusters(rng: np.random.Generator, n: int) -> Drawn:
    which = rng.integers(6, size=n)
    angle = np.pi * which / 3
    return 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.7 * rng.normal(size=(n, 2)), which % 3


def joint_risk(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 8))
    return x, (rng.random(n) < 1 / (1 + np.exp(-2 * (x[:, 0] * x[:, 1] + x[:, 2])))).astype(int)


def majority(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.integers(2, size=(n, 15))
    return x, (x.sum(axis=1) > 7).astype(int)


def parity(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.integers(2, size=(n, 8))
    return x, x[:, :3].sum(axis=1) % 2


def display(rng: np.random.Generator, n: int) -> Drawn:
    """Digits on a display whose segments fail now and then (Breiman et al. 1984)."""
    y = rng.integers(10, size=n)
    return np.where(rng.random((n, 7)) < 0.1, 1 - SEGMENTS[y], SEGMENTS[y]), y


def waveforms(rng: np.random.Generator, n: int) -> Drawn:
    """Mixtures of two of three waves (Breiman et al. 1984)."""
    y, share = rng.integers(3, size=n), rng.random((n, 1))
    return share * WAVES[y] + (1 - share) * WAVES[(y + 1) % 3] + rng.normal(size=(n, 21)), y


def two_clouds(rng: np.random.Generator, n: int) -> Drawn:
    """A wide cloud and a narrow one beside its middle (Breiman 1996: ringnorm)."""
    y = rng.integers(2, size=n)
    wide, narrow = 2 * rng.normal(size=(n, 20)), rng.normal(size=(n, 20)) + 1 / np.sqrt(20)
    return np.where(y[:, None] == 1, narrow, wide), y


def uncommon(rng: np.random.Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 10))
    return x, (rng.random(n) < 1 / (1 + np.exp(3.5 - x[:, 0] - x[:, 1] + x[:, 2]))).astype(int)


SHAPES = (
    Source("decay", regression(decay, features=4, n=500, noise=0.3)),
    Source("hinges", regression(hinges, features=6, n=700, noise=0.4), epochs=60, patience=5),
    Source("ripple", regression(ripple, features=1, n=400, noise=0.3), low_rates=False, epochs=60),
    Source("cubic", regression(cubic, features=5, n=400, noise=0.3), low_rates=False),
    Source("sums of 12 columns", regression(sums, features=12, n=800, noise=0.7)),
    Source("dense, 80 columns", regression(dense, features=80, n=320, noise=0.5), epochs=60),
    Source("robot arm", regression(arm, features=8, n=1000, noise=0.1), patience=15),
    Source("hardly anything", regression(hardly_anything, features=6, n=1000, noise=3.0), low_rates=False),
    Source("40 columns that go together", classes(correlated, n=500), epochs=60),
    Source("ring of clusters", classes(ring_of_clusters, n=600, n_classes=3), low_rates=False, patience=5),
    Source("joint risk", classes(joint_risk, n=800)),
    Source("majority of 15, labels 10 % random", classes(majority, n=500, flip=0.1), low_rates=False, epochs=60),
    Source("parity of 3 among 8", classes(parity, n=640, flip=0.05), epochs=60),
    Source("display", classes(display, n=800, n_classes=10), patience=5),
    Source("waveforms", classes(waveforms, n=600, n_classes=3), low_rates=False),
    Source("two clouds", classes(two_clouds, n=400), epochs=60, patience=15),
    Source("uncommon class", classes(uncommon, n=1200), low_rates=False, epochs=30),
    Source(
        "titanic, which class",
        real("titanic/train.csv", "Pclass", drop=("Name", "Ticket", "Cabin", "PassengerId"), task="classification"),
        epochs=60,
    ),
    Source("telco, monthly charges", real("telco_churn/Telco-Customer-Churn.csv", "MonthlyCharges", rows=1_500)),
    Source("diamonds, cut", real("diamonds/diamonds.csv", "cut", rows=2_000), low_rates=False),
    Source("california, income", real("california_housing/housing.csv", "median_income", rows=1_500), patience=5),
    Source(
        "white wine",
        real("wine_quality/winequality-white.csv", "column_12", rows=1_600, task="regression"),
        low_rates=False,
    ),
    Source("adult, hours", real("adult/adult.data", "column_13", rows=2_000, task="regression"), epochs=30),
    Source("german credit, amount", real("credit_g/credit.g.arff", "credit_amount"), low_rates=False),
    Source(
        "bank marketing, age", real("bank_marketing/bank-additional.zip", "age", rows=2_000, drop=("duration", "y"))
    ),
)
