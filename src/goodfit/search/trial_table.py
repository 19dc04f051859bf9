"""Trials as a table of configs, folds and seeds: mean validation losses, standard errors, differences.

A table compares its configs by the folds and seeds that all of them have. After a race, which trains only contenders on
the other folds, one table holds all configs on the first fold, and another the contenders on all folds. Every rung of a
large table has its own.

The value of a config is the mean of its trials' cross-fitted losses: the loss of each validation row at the epoch that
the other validation rows choose (``goodfit.training.cross_fitted``). The loss at the best epoch would be too low, the
more so the noisier the curve. Its standard error is

    SE² = max(Var(rows)/n, Var(parts)/P, Var(folds)/K) + Var(seeds)/S

rows: each validation row's loss, averaged over the seeds; parts, folds, seeds: the means of each of the P parts that
share an epoch, of the K folds and of the S seeds. A term with one fold or one seed is 0. The rows of a fold share a
network, and those of a part an epoch, so folds and parts can differ by more than their rows do; a few of them can agree
by chance, and then the term of the rows is the larger one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.stats import weighted_mean_error
from goodfit.training.cross_fitted import N_PARTS

MAX_COMPARED = 200
"""Number of configs that take part in the bootstrap, and that are compared with the selected one row by row: those with
the lowest losses."""


class TrialResult(NamedTuple):
    """Result of a trial: its config, fold and seed, and its cross-fitted validation loss, infinite if it diverged.

    rung: of a large table, see ``goodfit.search.stages``; the number of its sample of rows.
    """

    config: Mapping[str, float]
    fold: int
    seed: int
    value: float
    rung: int = 0


@dataclass(frozen=True)
class ConfigResult:
    """Result of a config: its values, the numbers of its trials, mean validation loss and standard error.

    n_rows: number of validation rows behind the mean.
    """

    config: Mapping[str, float]
    trials: tuple[int, ...]
    mean: float
    standard_error: float
    n_rows: int = 0


@dataclass(frozen=True)
class Contrast:
    """A config that differs from another, usually the selected one, in one hyperparameter.

    Attributes:
        config: its values. trials: the numbers of its trials that are compared.
        mean: its mean validation loss. Of a config that was trained on fewer folds, the mean of the other config plus
            their difference on the folds of both.
        gain: how much lower its validation loss is. standard_error: of the gain, paired by rows, folds and seeds.
        n_rows: number of validation rows by which the two are compared.
    """

    config: Mapping[str, float]
    trials: tuple[int, ...]
    mean: float
    gain: float
    standard_error: float
    n_rows: int = 0


class TrialTable:
    """Trials by config, fold and seed; folds and seeds that some config lacks are left out.

    Args:
        results: of all trials.
        losses: from the number of a trial to the losses of its fold's validation rows (rows,).
        weights: for each fold, the weights of its validation rows (rows,).
        only: the configs of the table; by default all.
        rung: the rung whose trials are compared.

    Attributes:
        configs, means, l2: of each config; l2 is NaN where it is not searched.
        trials, values: numbers of the trials and their validation losses (configs, folds, seeds).
        weights: of the rows of all folds (rows,); every fold has the same total weight, and all sum to 1.
        parts: the number of the part of its fold that each row belongs to (rows,).
        rows: from the number of a config to the loss of each of these rows, averaged over the seeds (rows,).
    """

    def __init__(
        self,
        results: Sequence[TrialResult],
        losses: Callable[[int], Array],
        weights: Sequence[Array],
        only: Sequence[Mapping[str, float]] | None = None,
        *,
        rung: int = 0,
    ) -> None:
        cells: dict[tuple[float, ...], dict[tuple[int, int], int]] = {}
        for index, trial in enumerate(results):
            if trial.rung == rung and (only is None or trial.config in only):
                cells.setdefault(tuple(trial.config.values()), {})[trial.fold, trial.seed] = index
        common, seeds = _common(list(cells.values()))
        self.trials = np.array([[[of[fold, seed] for seed in seeds] for fold in common] for of in cells.values()])
        self.configs = [results[index].config for index in self.trials[:, 0, 0]]
        self.l2 = np.array([config.get("l2", np.nan) for config in self.configs])
        self.values = np.array([trial.value for trial in results])[self.trials]
        self.means = self.values.mean(axis=(1, 2))
        self.results, self.rung = results, rung
        self.losses = losses
        self.rows = lru_cache(maxsize=2)(self._rows)  # one of them is compared with many
        self.weights = np.concatenate([weights[fold] / np.sum(weights[fold]) / len(common) for fold in common])
        parts = (np.arange(len(weights[fold])) % N_PARTS for fold in common)
        self.parts = np.concatenate([i * N_PARTS + part for i, part in enumerate(parts)])

    def _rows(self, config: int) -> Array:
        of_folds = ([self.losses(index) for index in trials] for trials in self.trials[config].tolist())
        return np.concatenate([np.mean(of_seeds, axis=0, dtype=float) for of_seeds in of_folds])

    def result(self, config: int) -> ConfigResult:
        """Return the result of a config, by number."""
        trials = tuple(self.trials[config].ravel().tolist())
        mean, error = float(self.means[config]), self.standard_error(config)
        return ConfigResult(self.configs[config], trials, mean, error, len(self.weights))

    def index(self, config: Mapping[str, float]) -> int | None:
        """Return the number of a config in this table, or None."""
        return self.configs.index(config) if config in self.configs else None

    def standard_error(self, config: int, other: int | None = None) -> float:
        """Return the standard error of the mean of a config, or of its difference from another's."""
        rows, values = self.rows(config), self.values[config]
        if other is not None:
            rows, values = rows - self.rows(other), values - self.values[other]
        of_rows = weighted_mean_error(rows, self.weights)[1]
        of_folds, of_seeds = (weighted_mean_error(values.mean(axis=axis))[1] for axis in (1, 0))
        sums, totals = (np.bincount(self.parts, each) for each in (rows * self.weights, self.weights))
        some = totals > 0
        of_parts = weighted_mean_error(sums[some] / totals[some], totals[some])[1]
        return float(np.hypot(max(of_rows, of_folds, of_parts), of_seeds))

    def contrasts(self, config: int) -> Iterator[Contrast]:
        """Yield the configs that differ in one hyperparameter, without those that diverged."""
        own = self.configs[config]
        beside = [i for i, other in enumerate(self.configs) if sum(other[name] != own[name] for name in own) == 1]
        finite = [i for i in beside if np.isfinite(self.means[i])]
        contenders = sorted(finite, key=lambda i: self.means[i])[: MAX_COMPARED - 1]
        for other in sorted(contenders):
            trials, mean = tuple(self.trials[other].ravel().tolist()), float(self.means[other])
            gain, error = float(self.means[config]) - mean, self.standard_error(config, other)
            yield Contrast(self.configs[other], trials, mean, gain, error, len(self.weights))


def _common(cells: Sequence[Mapping[tuple[int, int], int]]) -> tuple[list[int], list[int]]:
    """Return the folds and seeds that every config has; folds lacking a seed of the first fold are left out."""
    shared = sorted(set.intersection(*(set(of) for of in cells)))
    seeds = [seed for fold, seed in shared if fold == shared[0][0]]
    folds = sorted({fold for fold, _ in shared})
    return [fold for fold in folds if [seed for other, seed in shared if other == fold] == seeds], seeds
