"""Trials as a table of configs, folds and seeds: mean validation losses, standard errors, differences.

A table compares its configs by the folds and seeds that all of them have. After a race, which trains only contenders on
the other folds, one table holds all configs on the first fold, and another the contenders on all folds.

The value of a config is the mean validation loss of its trials at their restored epochs. Its standard error is

    SE² = max(Var(rows)/n, Var(folds)/K) + Var(seeds)/S

rows: each validation row's loss, averaged over the seeds; folds, seeds: the means of each of the K folds and S seeds.
A term with one fold or one seed is 0. The rows of a fold share a network, so folds can differ by more than their rows
do; a few folds can agree by chance, and then the term of the rows is the larger one.

The validation rows have also chosen the epoch, so that the loss at the best epoch of a noisy curve is too low. A second
estimate is nearly free of this bias: the loss at the epoch that the other folds select, or for a single fold the mean
over the epochs around the best. The gain of a config over another is the mean of the gains g₁, g₂ by both estimates:

    SE² = SE²(difference of the rows) + ((g₁ − g₂)/2)²
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.stats import weighted_mean_error

NEAR_EPOCHS = 2
"""The second estimate of a single fold is the mean over this many epochs on either side of the best."""
MAX_COMPARED = 200
"""Number of configs that take part in the bootstrap, and that are compared with the selected one row by row: those with
the lowest losses."""


class TrialResult(NamedTuple):
    """Result of a trial: its config, fold and seed, and its validation loss at the restored epoch, infinite for none.

    curve: the validation loss of every epoch, if it is known and lowest at the restored epoch.
    """

    config: Mapping[str, float]
    fold: int
    seed: int
    value: float
    curve: Array = np.empty(0)


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
        gain: how much lower its validation loss is, paired by rows, folds and seeds; the mean of both estimates.
        standard_error: of the gain, including half the difference of the two estimates.
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

    Attributes:
        configs, means, l2: of each config; l2 is NaN where it is not searched.
        trials, values: numbers of the trials and their validation losses (configs, folds, seeds).
        weights: of the rows of all folds (rows,); every fold has the same total weight, and all sum to 1.
        rows: from the number of a config to the loss of each of these rows, averaged over the seeds (rows,).
    """

    def __init__(
        self,
        results: Sequence[TrialResult],
        losses: Callable[[int], Array],
        weights: Sequence[Array],
        only: Sequence[Mapping[str, float]] | None = None,
    ) -> None:
        cells: dict[tuple[float, ...], dict[tuple[int, int], int]] = {}
        for index, trial in enumerate(results):
            if only is None or trial.config in only:
                cells.setdefault(tuple(trial.config.values()), {})[trial.fold, trial.seed] = index
        folds, seeds = _common(list(cells.values()))
        self.trials = np.array([[[of[fold, seed] for seed in seeds] for fold in folds] for of in cells.values()])
        self.configs = [results[index].config for index in self.trials[:, 0, 0]]
        self.l2 = np.array([config.get("l2", np.nan) for config in self.configs])
        self.values = np.array([trial.value for trial in results])[self.trials]
        self.means = self.values.mean(axis=(1, 2))
        self.results = results
        self.losses = losses
        self.rows = lru_cache(maxsize=2)(self._rows)  # one of them is compared with many
        self.weights = np.concatenate([weights[fold] / np.sum(weights[fold]) / len(folds) for fold in folds])

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
        return float(np.hypot(max(of_rows, of_folds), of_seeds))

    def second_estimate(self, config: int) -> Array:
        """Return the losses at epochs that other rows selected, or around the best (folds, seeds)."""
        by_seed = [[self.results[index] for index in of_seed] for of_seed in self.trials[config].T.tolist()]
        return np.column_stack([_second_estimate(of_folds) for of_folds in by_seed])

    def contrasts(self, config: int) -> Iterator[Contrast]:
        """Yield the configs that differ in one hyperparameter, without those that diverged."""
        own, second = self.configs[config], self.second_estimate(config)
        beside = [i for i, other in enumerate(self.configs) if sum(other[name] != own[name] for name in own) == 1]
        finite = [i for i in beside if np.isfinite(self.means[i])]
        contenders = sorted(finite, key=lambda i: self.means[i])[: MAX_COMPARED - 1]
        for other in sorted(contenders):
            gains = self.means[config] - self.means[other], (second - self.second_estimate(other)).mean()
            error = float(np.hypot(self.standard_error(config, other), 0.5 * (gains[0] - gains[1])))
            trials, gain = tuple(self.trials[other].ravel().tolist()), float(0.5 * (gains[0] + gains[1]))
            yield Contrast(self.configs[other], trials, float(self.means[other]), gain, error, len(self.weights))


def _common(cells: Sequence[Mapping[tuple[int, int], int]]) -> tuple[list[int], list[int]]:
    """Return the folds and seeds that every config has; folds lacking a seed of the first fold are left out."""
    shared = sorted(set.intersection(*(set(of) for of in cells)))
    seeds = [seed for fold, seed in shared if fold == shared[0][0]]
    folds = sorted({fold for fold, _ in shared})
    return [fold for fold in folds if [seed for other, seed in shared if other == fold] == seeds], seeds


def _second_estimate(of_folds: Sequence[TrialResult]) -> Array:
    """Return the second estimates of the trials of one seed (folds,); the first ones if curves are missing."""
    first = np.array([trial.value for trial in of_folds])
    if not all(len(trial.curve) for trial in of_folds):
        return first
    if len(of_folds) == 1:
        curve = of_folds[0].curve
        best = int(np.nanargmin(curve))
        around = curve[max(0, best - NEAR_EPOCHS) : best + NEAR_EPOCHS + 1]
        return np.array([around[np.isfinite(around)].mean()])
    length = max(len(trial.curve) for trial in of_folds)
    curves = np.array([np.pad(trial.curve, (0, length - len(trial.curve)), "edge") for trial in of_folds])
    curves = np.where(np.isfinite(curves), curves, np.inf)
    selected = [int(np.argmin(np.delete(curves, fold, axis=0).mean(axis=0))) for fold in range(len(curves))]
    second = curves[np.arange(len(curves)), selected]
    return np.where(np.isfinite(second), second, first)
