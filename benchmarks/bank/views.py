"""What is known of a training of the bank when it is judged: it alone, its grid, a race or full grid of five folds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.bank.trainings import L2, Trained
from goodfit.diagnosis.observations import Neighbour, Observations
from goodfit.search.racing import find_contenders
from goodfit.search.trial_table import Contrast, TrialResult, TrialTable

View = Callable[[Trained, tuple[int, int]], Observations | None]
"""From a grid and a place (λ, rate) in it to what is known there; None where there is nothing to judge."""


def alone(one: Trained, place: tuple[int, int]) -> Observations | None:
    """The first fold's training as a single one has it, beside the simple models."""
    obs = one.curves[place[0]][place[1]]
    return replace(obs, **_measured(one, place, 1)) if obs.restored_epoch else None


def in_a_grid(one: Trained, place: tuple[int, int]) -> Observations | None:
    """The first fold's training with its neighbours; a sweep always gives the best epoch back."""
    return _with_neighbours(one, place, 1)


def in_folds(one: Trained, place: tuple[int, int]) -> Observations | None:
    """The same with the means over all folds."""
    return _with_neighbours(one, place, one.truth.shape[2])


def in_a_race(one: Trained, place: tuple[int, int]) -> Observations | None:
    """The whole grid on the first fold, contenders on all folds: configs are compared on the folds that both have."""
    obs, contenders = in_a_grid(one, place), _contenders(one)
    full = in_folds(one, place) if place in contenders else None
    if obs is None or full is None:
        return obs
    by_all = {(n.l2, n.learning_rate): n for n in full.neighbours if _place(one, n) in contenders}
    shift = [full.restored_loss - obs.restored_loss, full.restored_val_loss - obs.restored_val_loss]
    by_first = {(n.l2, n.learning_rate): _shifted(n, *shift) for n in obs.neighbours}
    return replace(full, neighbours=tuple((by_first | by_all).values()))


def _shifted(n: Neighbour, loss: float, val_loss: float) -> Neighbour:
    """A neighbour of the first fold, beside means over all folds."""
    return n._replace(loss=n.loss + loss, val_loss=n.val_loss + val_loss)


def _contenders(one: Trained) -> frozenset[tuple[int, int]]:
    """Places of the configs that a race trains on all folds."""
    table = _table(one, list(np.ndindex(one.truth.shape[:2])), 1)
    found = find_contenders(table, "best")
    return frozenset((L2.index(config["l2"]), one.rates.index(config["learning_rate"])) for config in found)


def _place(one: Trained, n: Neighbour) -> tuple[int, int]:
    return L2.index(n.l2), one.rates.index(n.learning_rate)


def _with_neighbours(one: Trained, place: tuple[int, int], n_folds: int) -> Observations | None:
    obs = one.curves[place[0]][place[1]]
    folds = np.arange(n_folds)
    if one.scheme == "last" or not obs.restored_epoch or not np.isfinite(one.truth[place][folds]).all():
        return None
    rows = one.rows[place][one.fold < n_folds].astype(float)
    means = {"mean_loss": float(one.loss[place][folds].mean()), "mean_val_loss": float(rows.mean())}
    found = _beside(one, place, n_folds)
    neighbours = tuple(
        Neighbour(
            **each.config,
            loss=_loss(one, each.config, n_folds),
            val_loss=each.mean,
            gain=each.gain,
            error=each.standard_error,
        )
        for each in found
    )
    measured = _measured(one, place, n_folds)
    return replace(obs, neighbours=neighbours, n_folds=n_folds, **means, **measured)


def _beside(one: Trained, place: tuple[int, int], n_folds: int) -> tuple[Contrast, ...]:
    """As a sweep has them, by the code of a sweep."""
    places = [at for at in np.ndindex(one.truth.shape[:2]) if at[0] == place[0] or at[1] == place[1]]
    table = _table(one, places, n_folds)
    return tuple(table.contrasts(table.configs.index(_point(one, place))))


def _table(one: Trained, places: Sequence[tuple[int, ...]], n_folds: int) -> TrialTable:
    """Configs on the first folds, as a sweep compares them."""
    trials = [(at, k) for at in places for k in range(n_folds)]
    judged = []
    for at, k in trials:
        rows = one.rows[at][one.fold == k]
        judged.append(TrialResult(_point(one, at), k, 0, float(rows.mean(dtype=float))))

    def losses(index: int) -> np.ndarray:
        at, k = trials[index]
        return one.rows[at][one.fold == k]

    weights = [np.ones(np.count_nonzero(one.fold == k)) for k in range(n_folds)]
    return TrialTable(judged, losses, weights)


def _point(one: Trained, at: tuple[int, int]) -> dict[str, float]:
    return {"l2": L2[at[0]], "learning_rate": one.rates[at[1]]}


def _loss(one: Trained, config: Mapping[str, float], n_folds: int) -> float:
    """On training rows."""
    at = L2.index(config["l2"]), one.rates.index(config["learning_rate"])
    return float(one.loss[at][:n_folds].mean())


def _measured(one: Trained, place: tuple[int, int], n_folds: int) -> dict[str, object]:
    """What a run measures of a config, on the validation rows of the first folds."""
    judge = one.fold < n_folds
    rows = one.rows[place][judge].astype(float)
    found: dict[str, object] = {"val_loss_error": _difference(rows)[1]}
    for name, losses in one.rivals.items():
        found[f"{name}_loss"] = float(losses[judge].mean())
        found[f"{name}_difference"] = _difference(losses[judge] - rows)
    return found


def _difference(rows: np.ndarray) -> tuple[float, float]:
    if not np.isfinite(rows).all():
        return np.nan, np.nan
    return float(rows.mean()), float(rows.std(ddof=1) / np.sqrt(len(rows)))
