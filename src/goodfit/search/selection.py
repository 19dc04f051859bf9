"""Selection of a config by its validation loss, and the bias of the selected loss, without test rows."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from goodfit.arrays import Array
from goodfit.cards import Card
from goodfit.errors import ConfigError
from goodfit.formatting import count, exact, numbers
from goodfit.search.choices import RULES, SelectionRule
from goodfit.search.trial_table import MAX_COMPARED, TrialTable
from goodfit.search.trial_table import ConfigResult as ConfigResult
from goodfit.search.trial_table import Contrast as Contrast
from goodfit.search.trial_table import TrialResult as TrialResult
from goodfit.stats import BLOCK_CELLS

N_RESAMPLES = 500


@dataclass(frozen=True)
class Gain:
    """How much L2 lowers the validation loss: the selected config against the best config with λ = 0.

    Attributes:
        value: the difference of the two losses.
        standard_error: of the difference, paired by rows, folds and seeds.
        optimism: bias of the value, which is the difference of two minima.
    """

    value: float
    standard_error: float
    optimism: float


@dataclass(frozen=True)
class Selection:
    """Result of a selection.

    Attributes:
        rule: ``best`` or ``1se``.
        chosen, best: the selected config, and the one with the lowest mean, of the contenders of a race.
        trial: the trial whose weights are returned: of the selected config on the first fold, the seed with the lowest
            loss. The luckiest fold would make its metrics too good.
        optimism: selection bias: how much too low the selected loss is on average, for being the lowest of many.
        edges: hyperparameters whose best value is at an end of the grid, with the end: the grid should be extended.
        gain: of the selected config over λ = 0; None if the grid has no λ = 0.
        contrasts: the configs that differ from the selected one in one hyperparameter, without those that diverged.
            Each is compared by the rows that judged both; of several rungs, by those of the last that has both.
    """

    rule: SelectionRule
    chosen: ConfigResult
    best: ConfigResult
    trial: int
    optimism: float
    edges: Mapping[str, Literal["low", "high"]]
    gain: Gain | None
    contrasts: tuple[Contrast, ...] = ()


def selection_card(title: str, found: Selection) -> Card:
    """Return what a search says of itself: the selected config, and those that differ in one hyperparameter."""
    chosen = found.chosen
    loss, error = numbers(chosen.mean, chosen.standard_error)
    facts = [
        ("selected", _spelled(chosen.config)),
        ("loss", f"{loss} ± {error} (validation, {count(chosen.n_rows, 'row')})"),
        *[("edge", f"the best {name} is the {end}est of the grid") for name, end in found.edges.items()],
    ]
    rows = []
    for other in sorted(found.contrasts, key=lambda contrast: -contrast.gain):
        mean, gain, of_gain = numbers(other.mean, other.gain, other.standard_error)
        rows.append((_spelled(other.config), mean, f"{gain} ± {of_gain}"))
    return Card(title, facts, ("alternative", "loss", "gain"), rows)


def _spelled(config: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {exact(number)}" for name, number in config.items())


def validate_rule(rule: object, space: Container[str]) -> None:
    """Raise ConfigError unless configs of this search space can be selected by this rule."""
    if rule not in RULES:
        raise ConfigError(f"choice must be one of {', '.join(RULES)}, not {rule!r}.")
    if rule == "1se" and "l2" not in space:
        raise ConfigError("choice='1se' needs several values of l2 to choose from; give l2=[...] or l2='auto'.")


def select(
    results: Sequence[TrialResult],
    *,
    losses: Callable[[int], Array],
    weights: Sequence[Array],
    contenders: Sequence[Mapping[str, float]] | None = None,
    rule: SelectionRule = "best",
    seed: int = 0,
) -> Selection:
    """Select a config among those of all folds.

    Configs are compared by the folds and seeds that all of them have.

    Args:
        results: of all trials. losses, weights: of their validation rows; see ``TrialTable``.
        contenders: of a race the configs that were trained on all folds, from which one is selected; None for all.
        rule, seed: see ``select_among``.

    Raises:
        ConfigError: every trial diverged, or the rule is unknown or does not fit the search space.
    """
    tables = [TrialTable(results, losses, weights)]
    if contenders is not None:
        tables.append(TrialTable(results, losses, weights, contenders))
    return select_among(tables, rule=rule, seed=seed)


def select_among(tables: Sequence[TrialTable], *, rule: SelectionRule = "best", seed: int = 0) -> Selection:
    """Select a config of the last table.

    Args:
        tables: all configs, and then ever fewer of them that more rows judged or taught.
        rule: ``best``, the lowest mean; ``1se``, the largest l2 whose mean is within one standard error of the lowest.
        seed: of the bootstrap that estimates the optimism.

    Raises:
        ConfigError: every trial diverged, or the rule is unknown or does not fit the search space.
    """
    every, table = tables[0], tables[-1]
    validate_rule(rule, every.configs[0])
    best = int(np.argmin(table.means))
    if not np.isfinite(table.means[best]):
        raise ConfigError("every trial of the grid diverged; try learning rates ten times smaller.")
    slack = table.standard_error(best) if rule == "1se" else None
    chosen = _pick(table.means, table.l2, slack)
    of_first_fold = table.trials[chosen, 0].tolist()
    without_l2 = np.flatnonzero((table.l2 == 0) & np.isfinite(table.means))
    optimism, optimism_of_gain = _optimism(table, chosen, without_l2, slack=slack, seed=seed)
    return Selection(
        rule=rule,
        chosen=table.result(chosen),
        best=table.result(best),
        trial=min(of_first_fold, key=lambda index: table.results[index].value),
        optimism=max(0.0, optimism),
        edges=_edges(every.configs, table.configs[best]),
        gain=_gain(table, chosen, without_l2, optimism_of_gain) if len(without_l2) else None,
        contrasts=_contrasts(tables, chosen),
    )


def _contrasts(tables: Sequence[TrialTable], chosen: int) -> tuple[Contrast, ...]:
    """Return the contrasts of the selected config, each by the last table that has the other config."""
    config, mean = tables[-1].configs[chosen], float(tables[-1].means[chosen])
    found: dict[tuple[float, ...], Contrast] = {}
    for table in tables:
        own = table.index(config)
        if own is not None:
            shift = mean - float(table.means[own])
            found |= {
                tuple(each.config.values()): replace(each, mean=each.mean + shift) for each in table.contrasts(own)
            }
    return tuple(found.values())


def _pick(means: Array, l2: Array, slack: float | None) -> int:
    """Return the lowest mean; with ``slack`` the largest l2 among those within it of the lowest, at its lowest mean."""
    if slack is None:
        return int(np.argmin(means))
    near = np.flatnonzero(means <= means.min() + slack)
    largest = near[l2[near] == l2[near].max()]
    return int(largest[np.argmin(means[largest])])


def _edges(configs: Sequence[Mapping[str, float]], best: Mapping[str, float]) -> dict[str, Literal["low", "high"]]:
    """Return the hyperparameters of three or more values with the best at an end. Nothing lies beyond λ = 0."""
    edges: dict[str, Literal["low", "high"]] = {}
    for name, value in best.items():
        values = sorted({config[name] for config in configs})
        if len(values) >= 3 and value == values[-1]:
            edges[name] = "high"
        elif len(values) >= 3 and value == values[0] and value != 0:
            edges[name] = "low"
    return edges


def _gain(table: TrialTable, chosen: int, without_l2: Array, optimism: float) -> Gain:
    """Return the gain of the selected config over the best without L2."""
    other = int(without_l2[np.argmin(table.means[without_l2])])
    if other == chosen:
        return Gain(0.0, 0.0, 0.0)
    value = float(table.means[other] - table.means[chosen])
    return Gain(value, table.standard_error(chosen, other), optimism)


def _optimism(
    table: TrialTable, chosen: int, without_l2: Array, *, slack: float | None, seed: int
) -> tuple[float, float]:
    """Return the selection bias of the selected loss, and of its gain over the best without L2, by the bootstrap.

    Select on rows drawn with replacement and evaluate on the rows that were not drawn. Each winner is compared with the
    actual selection on the same rows, so that the variation between draws cancels.

    Source: Tsamardinos, Greasidou & Borboudakis (2018), "Bootstrapping the out-of-sample predictions".
    """
    order = np.argsort(table.means, kind="stable")
    finite = order[np.isfinite(table.means[order])]
    of_gain = finite[np.isin(finite, without_l2)]
    contenders = np.union1d(np.append(finite[:MAX_COMPARED], chosen), of_gain[:MAX_COMPARED])
    rows, l2 = np.stack([table.rows(index) for index in contenders.tolist()]), table.l2[contenders]
    without = np.flatnonzero(np.isin(contenders, without_l2))

    def pick(means: Array) -> list[int]:
        winner = _pick(means, l2, slack)
        return [winner, int(without[np.argmin(means[without])]) if len(without) else winner]

    actual = [int(np.searchsorted(contenders, chosen)), pick(table.means[contenders])[1]]
    differences = []
    for drawn in _draws(rows.shape[1], seed):
        inside, outside = drawn * table.weights, np.where(drawn, 0, table.weights)
        usable = inside.any(axis=1) & outside.any(axis=1)
        inside, outside = (each[usable] / each[usable].sum(axis=1, keepdims=True) for each in (inside, outside))
        picked = np.array([pick(means) for means in inside @ rows.T], int).reshape(-1, 2)
        elsewhere = outside @ rows.T
        differences.append(np.take_along_axis(elsewhere, picked, axis=1) - elsewhere[:, actual])
    found = np.concatenate(differences)
    of_chosen, of_other = found.mean(axis=0) if len(found) else (0.0, 0.0)
    return float(of_chosen), float(of_chosen - of_other)


def _draws(n_rows: int, seed: int) -> Iterator[Array]:
    """Yield how often each row is drawn, in blocks (draws, rows)."""
    rng, size = np.random.default_rng(seed), max(1, min(N_RESAMPLES, BLOCK_CELLS // n_rows))
    for begin in range(0, N_RESAMPLES, size):
        n = min(size, N_RESAMPLES - begin)
        numbers = rng.integers(n_rows, size=(n, n_rows)) + n_rows * np.arange(n)[:, None]
        yield np.bincount(numbers.ravel(), minlength=n * n_rows).reshape(n, n_rows)
