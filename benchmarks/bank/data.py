"""How the data sets of the bank are made: built ones, and real ones, half of whose rows are kept to judge by."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

import goodfit
from benchmarks.harness import shared
from benchmarks.tables import Source as Readable
from benchmarks.tables import read
from goodfit.data.table import open_source
from goodfit.experiment.prepare import arrays_of, prepare
from goodfit.experiment.settings import Settings

N_FRESH = 5_000
SMALL = (), (8,), (64, 64)
LARGE = *SMALL, (256, 256)
"""Hidden layers of the networks, from small to large, so that each has its larger ones behind it."""


class Data(NamedTuple):
    """Rows that are known, and fresh ones that judge, (rows, features) and (rows,); quantities are standardised."""

    x: np.ndarray
    y: np.ndarray
    known: np.ndarray
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


def splits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the rows that are known, and of the fresh ones."""
    return np.arange(n), np.arange(n, n + N_FRESH)


def regression(f: Callable[[np.ndarray], np.ndarray], *, features: int, n: int, noise: float) -> Callable[[int], Data]:
    """y = f(x) + noise·sd(f)·ε, x standard normal; ε normal."""

    def make(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        known, fresh = splits(n)
        x = rng.normal(size=(n + N_FRESH, features))
        clean = f(x)
        y = clean + noise * clean.std() * rng.normal(size=len(x))
        y = (y - y[known].mean()) / y[known].std()
        return Data(x, y, known, fresh, "regression", 0)

    return make


def classes(
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]],
    *,
    n: int,
    flip: float = 0.0,
    n_classes: int = 2,
) -> Callable[[int], Data]:
    """Classes drawn with their rows; a share ``flip`` of the labels is drawn anew, at random."""

    def make(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        known, fresh = splits(n)
        x, y = draw(rng, n + N_FRESH)
        y = np.where(rng.random(len(y)) < flip, rng.integers(n_classes, size=len(y)), y)
        x = (x - x[known].mean(axis=0)) / x[known].std(axis=0)
        return Data(x, y.astype(np.int64), known, fresh, "multiclass" if n_classes > 2 else "binary", n_classes)

    return make


def real(
    table: str, target: str = "target", *, rows: int = 3_000, drop: Sequence[str] = (), **settings: object
) -> Callable[[int], Data | None]:
    """A real table as goodfit reads it; half of the rows are known."""

    def make(seed: int) -> Data | None:
        source = _source(table) if "/" in table else table
        if source is None:
            return None
        found = goodfit.read_table(source, drop=drop)
        if found.n_rows > rows:
            found = found.take(np.sort(np.random.default_rng(seed).choice(found.n_rows, rows, replace=False)))
        prepared = prepare(open_source(found), target, Settings(test_size=0.5, seed=seed, **settings))
        known, splits = arrays_of(prepared), prepared.splits
        judge = found.take(splits.test)
        y = np.concatenate([np.asarray(known.rows.labels)[:-1, 0], np.asarray(prepared.target.encode(judge)).ravel()])
        x = np.concatenate([np.asarray(known.rows.x), prepared.encoder.transform(judge)])
        task = prepared.target.task
        y = y if task == "regression" else y.astype(np.int64)
        n = len(known.train) + len(known.validation)
        return Data(x, y, np.arange(n), np.arange(n, len(x)), task, len(prepared.target.classes or ()))

    return make


def _source(table: str) -> Readable | None:
    """Where a table lies; what goodfit does not read itself as a data frame; None where it is not at hand."""
    path = shared(table)
    return None if path is None else read(path)
