"""Which configuration wins, how sure that is, and how much better it looks for having been chosen, without test rows.

value of a configuration = mean over its members (folds, seeds) of the validation loss at the restored epoch
standard error           = s/√k over k members; of one member the standard error of its validation rows' own losses
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from goodfit.errors import RecipeError

Array = npt.NDArray[Any]
ChoiceRule = Literal["best", "1se"]
RULES = ("best", "1se")
N_RESAMPLES = 500


@dataclass(frozen=True)
class Configuration:
    """One point of the grid: its values, the numbers of its members, mean validation loss and standard error."""

    point: Mapping[str, float]
    members: tuple[int, ...]
    mean: float
    standard_error: float


@dataclass(frozen=True)
class Gain:
    """How much lower the validation loss is than without L2, each at its best other values; and its standard error."""

    value: float
    standard_error: float


@dataclass(frozen=True)
class Choice:
    """The outcome of choosing.

    Attributes:
        rule: ``best`` or ``1se``.
        chosen, best: the configuration chosen, and the one with the lowest mean.
        member: the member whose weights are given back: of the chosen configuration the one with the lowest loss.
        optimism: by how much the chosen loss can be expected to be too low, for having been the lowest of many.
        edges: axes at whose end the best configuration lies, with the end: the grid should be extended there.
        gain: of the chosen configuration against λ = 0; None where the grid has no λ = 0.
    """

    rule: ChoiceRule
    chosen: Configuration
    best: Configuration
    member: int
    optimism: float
    edges: Mapping[str, Literal["low", "high"]]
    gain: Gain | None


def choose(
    points: Sequence[Mapping[str, float]],
    values: Array,
    losses: Sequence[Array],
    *,
    rule: ChoiceRule = "best",
    seed: int = 0,
) -> Choice:
    """Choose among members.

    Args:
        points: the point of the grid that each member stands for; members of one configuration have equal points.
        values: validation loss of each member at its restored epoch (members,); infinite for one that diverged at once.
        losses: for each member the losses of its validation rows (rows,).
        rule: ``best``, the lowest mean; ``1se``, the largest l2 whose mean is within one standard error of the lowest.
        seed: of the bootstrap that estimates the optimism.

    Raises:
        RecipeError: an unknown rule, ``1se`` without an l2 axis, or nothing that is finite.
    """
    if rule not in RULES:
        raise RecipeError(f"choice must be one of {', '.join(RULES)}, not {rule!r}.")
    configurations = _configurations(points, values, losses)
    if not np.isfinite([c.mean for c in configurations]).any():
        raise RecipeError("every member of the grid diverged; try learning rates ten times smaller.")
    best = min(configurations, key=lambda c: c.mean)
    chosen = best if rule == "best" else _simplest(configurations, best)
    member = min(chosen.members, key=lambda index: float(values[index]))
    return Choice(
        rule=rule,
        chosen=chosen,
        best=best,
        member=member,
        optimism=_optimism(configurations, losses, seed=seed),
        edges=_edges([c.point for c in configurations], best.point),
        gain=_gain(configurations, chosen, values, losses),
    )


def _configurations(
    points: Sequence[Mapping[str, float]], values: Array, losses: Sequence[Array]
) -> list[Configuration]:
    members: dict[tuple[float, ...], list[int]] = {}
    for index, point in enumerate(points):
        members.setdefault(tuple(point.values()), []).append(index)
    found = []
    for indices in members.values():
        own = np.asarray(values, float)[indices]
        spread = own if len(own) > 1 else np.asarray(losses[indices[0]], float)
        found.append(Configuration(points[indices[0]], tuple(indices), float(own.mean()), _standard_error(spread)))
    return found


def _standard_error(values: Array) -> float:
    with np.errstate(invalid="ignore"):
        return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _simplest(configurations: Sequence[Configuration], best: Configuration) -> Configuration:
    """The largest l2 within one standard error of the best, at its own best other values."""
    if "l2" not in best.point:
        raise RecipeError("choice='1se' needs several values of l2 to choose from.")
    near = [c for c in configurations if c.mean <= best.mean + np.nan_to_num(best.standard_error)]
    return min(near, key=lambda c: (-c.point["l2"], c.mean))


def _edges(points: Sequence[Mapping[str, float]], best: Mapping[str, float]) -> dict[str, Literal["low", "high"]]:
    """Axes of three or more values with the best one at an end. λ = 0 is no end: nothing lies beyond it."""
    edges: dict[str, Literal["low", "high"]] = {}
    for name, value in best.items():
        values = sorted({point[name] for point in points})
        if len(values) >= 3 and value == values[-1]:
            edges[name] = "high"
        elif len(values) >= 3 and value == values[0] and value != 0:
            edges[name] = "low"
    return edges


def _gain(
    configurations: Sequence[Configuration], chosen: Configuration, values: Array, losses: Sequence[Array]
) -> Gain | None:
    """Chosen against the best without L2, pair by pair: the same folds and seeds, or the same rows."""
    without = [c for c in configurations if c.point.get("l2") == 0 and np.isfinite(c.mean)]
    if not without:
        return None
    rival = min(without, key=lambda c: c.mean)
    if rival is chosen:
        return Gain(0.0, 0.0)
    if len(chosen.members) > 1:
        pairs = np.asarray(values, float)[list(rival.members)] - np.asarray(values, float)[list(chosen.members)]
    else:
        pairs = np.asarray(losses[rival.members[0]], float) - np.asarray(losses[chosen.members[0]], float)
    return Gain(float(rival.mean - chosen.mean), _standard_error(pairs))


def _optimism(configurations: Sequence[Configuration], losses: Sequence[Array], *, seed: int) -> float:
    """Bootstrap bias correction: choose on rows drawn with replacement, judge on the rows that were not drawn.

    Source: Tsamardinos, Greasidou & Borboudakis 2018, "Bootstrapping the out-of-sample predictions".
    """
    table = np.stack([np.concatenate([np.asarray(losses[i], float) for i in c.members]) for c in configurations])
    table = table[np.isfinite(table).all(axis=1)]
    n_rows = table.shape[1]
    if len(table) < 2 or n_rows < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    honest = []
    for _ in range(N_RESAMPLES):
        drawn = np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)
        if (left := drawn == 0).any():
            winner = int(np.argmin(table @ drawn))
            honest.append(float(table[winner, left].mean()))
    return max(0.0, float(np.mean(honest)) - float(table.mean(axis=1).min()))
