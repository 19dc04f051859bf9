"""Data sets of scikit-learn's generators, and some more real ones."""

from collections.abc import Callable

import numpy as np
from sklearn import datasets

from benchmarks.bank.data import N_FRESH, Data, Source, classes, real, splits

Draw = Callable[..., tuple[np.ndarray, ...]]


def _quantity(draw: Draw, *, n: int, noise: float, features: int = 0, **options: object) -> Callable[[int], Data]:
    """y of one of scikit-learn's generators + noise·sd(y)·ε, with so many columns that say nothing besides."""

    def make(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        known, fresh = splits(n)
        x, y, *_ = draw(n_samples=n + N_FRESH, random_state=seed, **options)
        x = np.column_stack([x, rng.normal(size=(len(x), features))])
        y = y + noise * y.std() * rng.normal(size=len(y))
        x = (x - x[known].mean(axis=0)) / x[known].std(axis=0)
        return Data(x, (y - y[known].mean()) / y[known].std(), known, fresh, "regression", 0)

    return make


def _kinds(draw: Draw, *, n: int, n_classes: int = 2, **options: object) -> Callable[[int], Data]:
    """Classes of one of scikit-learn's generators; ``flip`` is among the options where it has none of its own."""
    flip = float(options.pop("flip", 0.0))
    options |= {"n_classes": n_classes} if n_classes > 2 else {}

    def rows(rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = draw(n_samples=n_rows, random_state=int(rng.integers(2**31)), **options)
        order = rng.permutation(len(x))
        return x[order], np.unique(y[order], return_inverse=True)[1]

    return classes(rows, n=n, n_classes=n_classes, flip=flip)


def _swiss_roll(n_samples: int, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_swiss_roll(n_samples, noise=0.5, random_state=random_state)


GENERATED = (
    Source("friedman 3", _quantity(datasets.make_friedman3, n=600, noise=0.2)),
    Source(
        "5 of 20 columns, 2 classes",
        _kinds(datasets.make_classification, n=600, n_features=20, n_informative=5, flip_y=0.1),
    ),
    Source(
        "4 classes, 30 columns",
        _kinds(datasets.make_classification, n=800, n_classes=4, n_features=30, n_informative=12, class_sep=1.5),
        low_rates=False,
    ),
    Source("circles", _kinds(datasets.make_circles, n=400, noise=0.15, factor=0.5), epochs=60, patience=15),
    Source("sums of squares, 2 classes", _kinds(datasets.make_hastie_10_2, n=960), low_rates=False),
    Source("swiss roll with 6 columns of noise", _quantity(_swiss_roll, n=480, noise=0.3, features=6)),
    Source(
        "4 of 30 columns",
        _quantity(datasets.make_sparse_uncorrelated, n=300, noise=0.3, n_features=30),
        epochs=60,
        low_rates=False,
    ),
    Source(
        "shells, 3 classes, labels 15 % random",
        _kinds(datasets.make_gaussian_quantiles, n=600, n_classes=3, n_features=6, flip=0.15),
        low_rates=False,
    ),
    Source(
        "10 of 50 columns, few rows",
        _quantity(datasets.make_regression, n=200, noise=0.8, n_features=50, n_informative=10),
        epochs=60,
    ),
    Source("german credit", real("credit_g/credit.g.arff", "class"), epochs=60),
    Source("spambase", real("spambase/spambase.arff", "class", rows=1_500), low_rates=False),
    Source(
        "bank marketing",
        real("bank_marketing/bank-additional.zip", "y", rows=2_000, drop=("duration",)),
    ),
    Source("diamonds", real("diamonds/diamonds.csv", "price", rows=1_500), low_rates=False),
)
