"""Data sets of the bank: built ones, whose noise is known, and real ones, half of whose rows are kept to judge by."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import goodfit
from benchmarks.harness import ROOT
from goodfit.preparation import arrays_of, prepare
from goodfit.settings import Settings

N_FRESH = 5_000
SMALL = (), (8,), (64, 64)
LARGE = *SMALL, (256, 256)
"""Hidden layers of the networks, from small to large, so that each has its larger ones behind it."""


class Data(NamedTuple):
    """Rows that train, validate and judge, (rows, features) and (rows,); quantities are standardised."""

    x: np.ndarray
    y: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    fresh: np.ndarray
    task: str
    n_classes: int


class Source(NamedTuple):
    """A data set, and how it is trained: epochs, patience, which grid of rates, and which networks."""

    name: str
    make: Callable[[int], Data | None]
    epochs: int = 40
    patience: int = 10
    low_rates: bool = True
    networks: tuple[tuple[int, ...], ...] = SMALL


def _parts(n_train: int, n_validation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cuts = [n_train, n_train + n_validation]
    return tuple(np.split(np.arange(cuts[1] + N_FRESH), cuts))


def _regression(
    f: Callable[[np.ndarray], np.ndarray], *, features: int, n: int, noise: float, n_validation: int | None = None
) -> Callable[[int], Data]:
    """y = f(x) + noise·sd(f)·ε, x standard normal; ε normal."""

    def make(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        train, validation, fresh = _parts(n, n_validation or n)
        x = rng.normal(size=(fresh[-1] + 1, features))
        clean = f(x)
        y = clean + noise * clean.std() * rng.normal(size=len(x))
        y = (y - y[train].mean()) / y[train].std()
        return Data(x, y, train, validation, fresh, "regression", 0)

    return make


def _classes(
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]],
    *,
    n: int,
    flip: float = 0.0,
    n_classes: int = 2,
    n_validation: int | None = None,
) -> Callable[[int], Data]:
    """Classes drawn with their rows; a share ``flip`` of the labels is drawn anew, at random."""

    def make(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        train, validation, fresh = _parts(n, n_validation or n)
        x, y = draw(rng, fresh[-1] + 1)
        y = np.where(rng.random(len(y)) < flip, rng.integers(n_classes, size=len(y)), y)
        x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        return Data(
            x, y.astype(np.int64), train, validation, fresh, "multiclass" if n_classes > 2 else "binary", n_classes
        )

    return make


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


def _real(table: str, target: str = "target", *, rows: int = 3_000, **settings: object) -> Callable[[int], Data | None]:
    """A real table as goodfit reads it: 30 % of the rows train, 20 % validate, half of them judge."""

    def make(seed: int) -> Data | None:
        source = _path(table) if "/" in table else table
        if source is None:
            return None
        found = goodfit.read_table(source)
        if found.n_rows > rows:
            found = found.take(np.sort(np.random.default_rng(seed).choice(found.n_rows, rows, replace=False)))
        prepared = prepare(found, target, Settings(test_size=0.5, validation_split=0.4, seed=seed, **settings))
        known, parts = arrays_of(prepared), prepared.parts
        judge = prepared.table.take(parts.test)
        y = np.concatenate([np.asarray(known.rows.labels)[:-1, 0], np.asarray(prepared.target.encode(judge)).ravel()])
        x = np.concatenate([np.asarray(known.rows.x), prepared.encoder.transform(judge)])
        task = prepared.target.task
        y = y if task == "regression" else y.astype(np.int64)
        fresh = np.arange(len(known.rows.x), len(x))
        return Data(x, y, known.train, known.validation, fresh, task, len(prepared.target.classes or ()))

    return make


def _path(table: str) -> Path | None:
    path = Path(os.environ.get("GOODFIT_SHARED") or ROOT.parent / "shared", "data", table)
    return path if path.exists() else None


FITTED = (
    Source("linear, 10 columns", _regression(linear, features=10, n=320, noise=0.7)),
    Source("xor", _classes(xor, n=240), low_rates=False, epochs=30, networks=LARGE),
    Source("friedman 1", _regression(friedman1, features=10, n=640, noise=0.2), patience=5),
    Source("5 of 60 columns", _regression(first_five, features=60, n=160, noise=0.5, n_validation=80), epochs=60),
    Source("clusters, labels 20 % random", _classes(clusters, n=320, flip=0.2), low_rates=False),
    Source("products", _regression(products, features=6, n=240, noise=0.5), low_rates=False, epochs=30, networks=LARGE),
    Source("blobs, 5 classes", _classes(blobs, n=320, n_classes=5), epochs=60),
    Source("moons, 10 % random", _classes(moons, n=240, flip=0.1, n_validation=100), patience=20),
    Source(
        "linear, 30 columns, few rows", _regression(linear, features=30, n=96, noise=1.0, n_validation=64), epochs=80
    ),
    Source("breast cancer", _real("breast_cancer"), epochs=60),
    Source("diabetes", _real("diabetes"), epochs=60),
    Source("california housing", _real("california_housing/housing.csv", "median_house_value"), low_rates=False),
    Source("titanic", _real("titanic/train.csv", "Survived"), low_rates=False, epochs=60),
    Source("adult", _real("adult/adult.data", "column_15")),
    Source("noise alone", _regression(nothing, features=8, n=320, noise=1e6)),
    Source("weak signal, 2 classes", _classes(weak, n=400), epochs=60),
    Source("chance, 2 classes", _classes(chance, n=320)),
    Source("tanh, 40 columns", _regression(bent, features=40, n=160, noise=0.8), epochs=60),
)
"""The thresholds of the rules were chosen on these."""

UNSEEN = (
    Source("sine waves", _regression(waves, features=3, n=480, noise=0.3)),
    Source("rings, labels 10 % random", _classes(rings, n=240, flip=0.1), low_rates=False, epochs=30, networks=LARGE),
    Source("friedman 2", _regression(friedman2, features=4, n=320, noise=0.3), patience=5),
    Source("logistic, 12 columns", _classes(logistic, n=240, n_validation=120), epochs=60),
    Source("checkerboard", _classes(checkerboard, n=640), low_rates=False),
    Source("steps", _regression(steps, features=4, n=640, noise=0.4, n_validation=160), epochs=60, patience=5),
    Source("spiral, 3 classes", _classes(spiral, n=480, n_classes=3), low_rates=False, epochs=60),
    Source("rare class", _classes(rare, n=960, n_validation=320), patience=5),
    Source("digits", _real("digits"), epochs=40),
    Source("wine", _real("wine"), epochs=80),
    Source("iris", _real("iris"), epochs=100),
    Source("telco churn", _real("telco_churn/Telco-Customer-Churn.csv", "Churn")),
    Source("wine quality", _real("wine_quality/winequality-red.csv", "column_12", task="regression"), low_rates=False),
    Source("10 of 100 columns, 2 classes", _classes(sparse, n=200), epochs=60),
    Source("xor among 12 columns, labels 15 % random", _classes(xor_among, n=320, flip=0.15), low_rates=False),
    Source("3 classes, 40 columns, few rows", _classes(wide, n=120, n_classes=3), epochs=60),
    Source("squares, 20 columns, noise 1", _regression(squares, features=20, n=240, noise=1.0)),
    Source("noisy sums, few rows", _regression(first_five, features=20, n=100, noise=1.5), low_rates=False, epochs=60),
)
"""And are judged on these."""
