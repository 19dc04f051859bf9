"""Which configuration wins, how sure that is, and how much better it looks for having been chosen, without test rows.

Every configuration has a trial for each seed and fold. Its value is the mean validation loss of its trials at their
restored epochs, with the standard error

    SE² = max(Var(rows)/n, Var(folds)/K) + Var(seeds)/S

rows: each validation row's loss, averaged over the seeds; folds, seeds: the means of each of the K folds and S seeds; a
term of one fold or one seed is 0. Rows of a fold share a net, so that folds can differ by more than their rows do; few
folds can agree by chance, and then the rows speak.

The rows that judge have also chosen the epoch, so that a loss that jumps about looks lower than it is. A second reading
is free of most of that luck: the loss at the epoch that the other folds would select; of a single fold the mean over
the epochs around. What a config beside the chosen one gains is the mean of the gains g₁, g₂ by both readings, with

    SE² = SE²(difference of the rows) + ((g₁ − g₂)/2)²
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.errors import ConfigError

SelectionRule = Literal["best", "1se"]
RULES = ("best", "1se")
N_RESAMPLES = 500
DRAWN_CELLS = 2_000_000
"""They are drawn in blocks of about so many counts."""
AROUND = 2
"""The second reading of a single fold is the mean over so many epochs before and behind the best, and that itself."""
CONTENDERS = 200
"""So many configurations with the lowest loss take part in the resampling; those behind them win too seldom. And so
many configs beside the chosen one are compared with it row by row."""


class TrialResult(NamedTuple):
    """A trial: its config of the grid, fold, seed, and validation loss at the restored epoch, infinite for none.

    curve: the validation loss of every epoch, if it is known and the restored epoch is where it is lowest.
    """

    config: Mapping[str, float]
    fold: int
    seed: int
    value: float
    curve: Array = np.empty(0)


@dataclass(frozen=True)
class ConfigResult:
    """One config of the grid: its values, the numbers of its trials, mean validation loss and standard error."""

    config: Mapping[str, float]
    trials: tuple[int, ...]
    mean: float
    standard_error: float


@dataclass(frozen=True)
class Gain:
    """How much lower the validation loss is than without L2, each at its best other values.

    Attributes:
        value: the difference of the two losses.
        standard_error: of the difference, taken pair by pair: the same rows, folds and seeds.
        optimism: by how much the value can be expected to be too high, for being the difference of two minima.
    """

    value: float
    standard_error: float
    optimism: float


@dataclass(frozen=True)
class Contrast:
    """A config of the grid that differs from the chosen one in one axis only.

    Attributes:
        config: its values. trials: the numbers of its trials.
        mean: its mean validation loss.
        gain: how much lower than that of the chosen one, pair by pair: the same rows, folds and seeds; the mean of both
            readings.
        standard_error: of the gain; half the distance of the readings counts to it.
    """

    config: Mapping[str, float]
    trials: tuple[int, ...]
    mean: float
    gain: float
    standard_error: float


@dataclass(frozen=True)
class Selection:
    """The outcome of choosing.

    Attributes:
        rule: ``best`` or ``1se``.
        chosen, best: the configuration chosen, and the one with the lowest mean.
        trial: the trial whose weights are given back: of the chosen configuration the one with the lowest loss.
        optimism: by how much the chosen loss can be expected to be too low, for having been chosen among many
            configurations; that each of them has its best epoch chosen by the same rows is not in it.
        edges: space at whose end the best configuration lies, with the end: the grid should be extended there.
        gain: of the chosen configuration against λ = 0; None where the grid has no λ = 0.
        contrasts: the configs beside the chosen one, without those that diverged.
    """

    rule: SelectionRule
    chosen: ConfigResult
    best: ConfigResult
    trial: int
    optimism: float
    edges: Mapping[str, Literal["low", "high"]]
    gain: Gain | None
    contrasts: tuple[Contrast, ...] = ()


def validate_rule(rule: object, space: Container[str]) -> None:
    """ConfigError unless it is a rule by which configs of these space can be chosen."""
    if rule not in RULES:
        raise ConfigError(f"choice must be one of {', '.join(RULES)}, not {rule!r}.")
    if rule == "1se" and "l2" not in space:
        raise ConfigError("choice='1se' needs an axis of l2 to select from; give l2=[...] or l2='auto'.")


def select(
    judged: Sequence[TrialResult],
    *,
    losses: Callable[[int], Array],
    weights: Sequence[Array],
    rule: SelectionRule = "best",
    seed: int = 0,
) -> Selection:
    """Choose among trials.

    Where the sweep was stopped, configurations are compared by those folds and seeds that all of them have.

    Args:
        judged: every trial.
        losses: from the number of a trial to the losses of its fold's validation rows (rows,).
        weights: for each fold the weights of its validation rows (rows,).
        rule: ``best``, the lowest mean; ``1se``, the largest l2 whose mean is within one standard error of the lowest.
        seed: of the bootstrap that estimates the optimism.

    Raises:
        ConfigError: an unknown rule, ``1se`` without an l2 axis, or nothing that is finite.
    """
    validate_rule(rule, judged[0].config)
    table = _Table(judged, losses, weights)
    best = int(np.argmin(table.means))
    if not np.isfinite(table.means[best]):
        raise ConfigError("every trial of the grid diverged; try learning rates ten times smaller.")
    slack = table.standard_error(best) if rule == "1se" else None
    chosen = _pick(table.means, table.l2, slack)
    trials = table.trials[chosen].ravel()
    rivals = np.flatnonzero((table.l2 == 0) & np.isfinite(table.means))
    optimism, optimism_of_gain = _optimism(table, chosen, rivals, slack=slack, seed=seed)
    return Selection(
        rule=rule,
        chosen=table.configuration(chosen),
        best=table.configuration(best),
        trial=min(trials.tolist(), key=lambda index: judged[index].value),
        optimism=max(0.0, optimism),
        edges=_edges(table.configs, table.configs[best]),
        gain=_gain(table, chosen, rivals, optimism_of_gain) if len(rivals) else None,
        contrasts=tuple(_contrasts(table, chosen)),
    )


def contrasts(
    judged: Sequence[TrialResult],
    config: Mapping[str, float],
    *,
    losses: Callable[[int], Array],
    weights: Sequence[Array],
) -> tuple[Contrast, ...]:
    """What ``select`` says of the configs beside the chosen one, of those beside any other config; see there."""
    table = _Table(judged, losses, weights)
    return tuple(_contrasts(table, table.configs.index(config)))


class _Table:
    """Trials by configuration, fold and seed, as far as all configurations have them.

    Attributes:
        configs, means, l2: of each configuration; l2 is NaN where it is no axis.
        trials, values: numbers of the trials and their validation losses (configurations, folds, seeds).
        weights: of the rows of all folds (rows,); every fold weighs the same, and all sum to 1.
        rows: from the number of a configuration to the loss of each of these rows, averaged over the seeds (rows,).
    """

    def __init__(self, judged: Sequence[TrialResult], losses: Callable[[int], Array], weights: Sequence[Array]) -> None:
        cells: dict[tuple[float, ...], dict[tuple[int, int], int]] = {}
        for index, trial in enumerate(judged):
            cells.setdefault(tuple(trial.config.values()), {})[trial.fold, trial.seed] = index
        folds, seeds = _common(list(cells.values()))
        self.trials = np.array([[[of[fold, seed] for seed in seeds] for fold in folds] for of in cells.values()])
        self.configs = [judged[index].config for index in self.trials[:, 0, 0]]
        self.l2 = np.array([config.get("l2", np.nan) for config in self.configs])
        self.values = np.array([trial.value for trial in judged])[self.trials]
        self.means = self.values.mean(axis=(1, 2))
        self.judged = judged
        self.losses = losses
        self.rows = lru_cache(maxsize=2)(self._rows)  # one of them is compared with many
        self.weights = np.concatenate([weights[fold] / np.sum(weights[fold]) / len(folds) for fold in folds])

    def _rows(self, configuration: int) -> Array:
        """Loss of each validation row of all folds, averaged over the seeds (rows,)."""
        of_folds = ([self.losses(index) for index in trials] for trials in self.trials[configuration].tolist())
        return np.concatenate([np.mean(of_seeds, axis=0, dtype=float) for of_seeds in of_folds])

    def second_reading(self, configuration: int) -> Array:
        """Losses at epochs that other rows chose, or around the best (folds, seeds)."""
        trials = self.trials[configuration]
        by_seed = [[self.judged[index] for index in of_seed] for of_seed in trials.T.tolist()]
        return np.column_stack([_second_reading(of_folds) for of_folds in by_seed])

    def standard_error(self, configuration: int, rival: int | None = None) -> float:
        """Of the mean of this configuration, or of its difference from a rival's."""
        rows, values = self.rows(configuration), self.values[configuration]
        if rival is not None:
            rows, values = rows - self.rows(rival), values - self.values[rival]
        n = np.count_nonzero(self.weights)
        of_rows = self.weights**2 @ (rows - self.weights @ rows) ** 2 * n / max(1, n - 1)
        return float(np.sqrt(max(of_rows, _squared_error(values.mean(axis=1))) + _squared_error(values.mean(axis=0))))

    def configuration(self, index: int) -> ConfigResult:
        trials = tuple(self.trials[index].ravel().tolist())
        return ConfigResult(self.configs[index], trials, float(self.means[index]), self.standard_error(index))


def _common(cells: Sequence[Mapping[tuple[int, int], int]]) -> tuple[list[int], list[int]]:
    """The folds and seeds that every configuration has: folds that lack a seed which the first one has are left out."""
    shared = sorted(set.intersection(*(set(of) for of in cells)))
    seeds = [seed for fold, seed in shared if fold == shared[0][0]]
    folds = sorted({fold for fold, _ in shared})
    return [fold for fold in folds if [seed for other, seed in shared if other == fold] == seeds], seeds


def _squared_error(means: Array) -> float:
    """Var/k of k means; 0 of one."""
    return float(means.var(ddof=1) / len(means)) if len(means) > 1 else 0.0


def _pick(means: Array, l2: Array, slack: float | None) -> int:
    """The lowest mean; with ``slack`` the largest l2 among those within it of the lowest, at its lowest mean."""
    if slack is None:
        return int(np.argmin(means))
    near = np.flatnonzero(means <= means.min() + slack)
    largest = near[l2[near] == l2[near].max()]
    return int(largest[np.argmin(means[largest])])


def _edges(configs: Sequence[Mapping[str, float]], best: Mapping[str, float]) -> dict[str, Literal["low", "high"]]:
    """SearchSpace of three or more values with the best one at an end. λ = 0 is no end: nothing lies beyond it."""
    edges: dict[str, Literal["low", "high"]] = {}
    for name, value in best.items():
        values = sorted({config[name] for config in configs})
        if len(values) >= 3 and value == values[-1]:
            edges[name] = "high"
        elif len(values) >= 3 and value == values[0] and value != 0:
            edges[name] = "low"
    return edges


def _gain(table: _Table, chosen: int, rivals: Array, optimism: float) -> Gain:
    """Chosen against the best without L2."""
    rival = int(rivals[np.argmin(table.means[rivals])])
    if rival == chosen:
        return Gain(0.0, 0.0, 0.0)
    value = float(table.means[rival] - table.means[chosen])
    return Gain(value, table.standard_error(chosen, rival), optimism)


def _contrasts(table: _Table, chosen: int) -> Iterator[Contrast]:
    """The configs that differ from the chosen one in one axis: of very many only the contenders, none that diverged."""
    own, second = table.configs[chosen], table.second_reading(chosen)
    beside = [i for i, config in enumerate(table.configs) if sum(config[name] != own[name] for name in own) == 1]
    finite = [i for i in beside if np.isfinite(table.means[i])]
    among = sorted(finite, key=lambda i: table.means[i])[: CONTENDERS - 1]
    for index in sorted(among):
        first_gain = float(table.means[chosen] - table.means[index])
        second_gain = float((second - table.second_reading(index)).mean())
        apart = 0.5 * (first_gain - second_gain)
        error = float(np.hypot(table.standard_error(chosen, index), apart))
        trials, gain = tuple(table.trials[index].ravel().tolist()), 0.5 * (first_gain + second_gain)
        yield Contrast(table.configs[index], trials, float(table.means[index]), gain, error)


def _second_reading(of_folds: Sequence[TrialResult]) -> Array:
    """Of the trials of one seed the loss without the luck of their epoch (folds,); where curves lack, the first."""
    first = np.array([trial.value for trial in of_folds])
    if not all(len(trial.curve) for trial in of_folds):
        return first
    if len(of_folds) == 1:
        curve = of_folds[0].curve
        best = int(np.nanargmin(curve))
        around = curve[max(0, best - AROUND) : best + AROUND + 1]
        return np.array([around[np.isfinite(around)].mean()])
    length = max(len(trial.curve) for trial in of_folds)
    curves = np.array([np.pad(trial.curve, (0, length - len(trial.curve)), "edge") for trial in of_folds])
    curves = np.where(np.isfinite(curves), curves, np.inf)
    chosen = [int(np.argmin(np.delete(curves, fold, axis=0).mean(axis=0))) for fold in range(len(curves))]
    second = curves[np.arange(len(curves)), chosen]
    return np.where(np.isfinite(second), second, first)


def _optimism(table: _Table, chosen: int, rivals: Array, *, slack: float | None, seed: int) -> tuple[float, float]:
    """Bootstrap bias correction: select on rows drawn with replacement, judge on the rows that were not drawn.

    Each winner is compared with the actual selection on the same rows, so that the luck of a draw cancels.

    Returns:
        By how much the loss of the chosen one is too low, and its distance from the best of the rivals too large.

    Source: Tsamardinos, Greasidou & Borboudakis 2018, "Bootstrapping the out-of-sample predictions".
    """
    order = np.argsort(table.means, kind="stable")
    finite = order[np.isfinite(table.means[order])]
    among = np.union1d(np.append(finite[:CONTENDERS], chosen), finite[np.isin(finite, rivals)][:CONTENDERS])
    rows, l2 = np.stack([table.rows(index) for index in among.tolist()]), table.l2[among]
    without = np.flatnonzero(np.isin(among, rivals))

    def pick(means: Array) -> list[int]:
        winner = _pick(means, l2, slack)
        return [winner, int(without[np.argmin(means[without])]) if len(without) else winner]

    actual = [int(np.searchsorted(among, chosen)), pick(table.means[among])[1]]
    differences = []
    for drawn in _draws(rows.shape[1], seed):
        inside, outside = drawn * table.weights, np.where(drawn, 0, table.weights)
        sound = inside.any(axis=1) & outside.any(axis=1)
        inside, outside = (each[sound] / each[sound].sum(axis=1, keepdims=True) for each in (inside, outside))
        picked = np.array([pick(means) for means in inside @ rows.T], int).reshape(-1, 2)
        elsewhere = outside @ rows.T
        differences.append(np.take_along_axis(elsewhere, picked, axis=1) - elsewhere[:, actual])
    found = np.concatenate(differences)
    of_chosen, of_rival = found.mean(axis=0) if len(found) else (0.0, 0.0)
    return float(of_chosen), float(of_chosen - of_rival)


def _draws(n_rows: int, seed: int) -> Iterator[Array]:
    """How often each row is drawn, in blocks (draws, rows) of moderate size."""
    rng, size = np.random.default_rng(seed), max(1, min(N_RESAMPLES, DRAWN_CELLS // n_rows))
    for begin in range(0, N_RESAMPLES, size):
        n = min(size, N_RESAMPLES - begin)
        numbers = rng.integers(n_rows, size=(n, n_rows)) + n_rows * np.arange(n)[:, None]
        yield np.bincount(numbers.ravel(), minlength=n * n_rows).reshape(n, n_rows)
