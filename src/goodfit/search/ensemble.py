"""An ensemble: the weighted mean of configs that were trained anyway, each the mean of its networks of all folds.

The selection begins with one vote for each config that may be the best: the eight with the lowest validation losses, of
those within two standard errors of the lowest. Further votes go, one at a time, to the config that lowers the loss of
the mean the most. Every row is predicted by networks that were not trained on it, at epochs that other rows chose. The
loss that is reported is cross-fitted: the weights that predict a row were selected on the rows of other folds.

Source: Caruana, Niculescu-Mizil, Crew & Ksikes (2004), "Ensemble selection from libraries of models": selection with
replacement, sorted initialisation. With few votes the weights stay near each other, which is what holds for new rows
where there are few to select by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.nn.arrays import Params
from goodfit.nn.losses import SMALLEST_PROBABILITY
from goodfit.search.calibration import cross_fit_temperature, fit_temperature, linked, with_temperature
from goodfit.search.parallel import Fold
from goodfit.search.race_arithmetic import MAX_CONFIGS
from goodfit.search.racing import IN_DOUBT
from goodfit.search.selection import Selection
from goodfit.search.trial_table import TrialResult
from goodfit.stats import weighted_mean_error
from goodfit.training.cross_fitted import N_PARTS
from goodfit.training.evaluation import ensemble_predictions, losses_of_predictions
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe

MAX_VOTES = 12
"""Most votes of an ensemble: with few, the weights stay near each other, which is best where rows are few."""

TrialsOfConfig = Mapping[tuple[int, int], int]
"""By fold and seed, the number of the trial."""


class Member(NamedTuple):
    """A config of an ensemble: its weight (all sum to 1), and the numbers of its trials."""

    config: Mapping[str, float]
    weight: float
    trials: tuple[int, ...]


class KnownRows(NamedTuple):
    """Validation rows of all folds.

    folds: the fold of each row (rows,). parts: groups of rows for cross-fitting (rows,): the folds, or parts of a
    single fold. y: targets (rows, outputs). weights: (rows,), of equal sum in every fold, 1 in all.
    """

    folds: Array
    parts: Array
    y: Array
    weights: Array

    def select(self, inside: Array) -> "KnownRows":
        """Return some of the rows, with weights that sum to 1."""
        folds, parts, y, weights = (each[inside] for each in self)
        return KnownRows(folds, parts, y, weights / weights.sum())


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Result of an ensemble selection.

    Attributes:
        members: configs with their weights, the largest first.
        networks: weights of the networks of each fold, in the order of the members, seed by seed.
        shares: weight of each network of a fold (networks,); they sum to 1.
        recipe: what all networks have in common.
        temperature: of the probabilities, see ``goodfit.search.calibration``; 1 for none.
        loss, standard_error: cross-fitted, of all validation rows. loss_before: without the temperature.
        selected_loss: of the selected config alone.
        rows: all validation rows. predictions: of these rows, cross-fitted (rows, outputs).
        selected_predictions: by the selected config alone. baseline: shares of the classes, or the mean, in the
            training rows.
    """

    members: tuple[Member, ...]
    networks: tuple[tuple[Params, ...], ...]
    shares: Array
    recipe: Recipe
    temperature: float
    loss: float
    standard_error: float
    loss_before: float
    selected_loss: float
    rows: KnownRows
    predictions: Array
    selected_predictions: Array
    baseline: Array

    def predict(self, x: Array) -> Array:
        """Return probabilities or values (rows, outputs) of inputs (rows, features)."""
        networks = [network for of_fold in self.networks for network in of_fold]
        shares = np.tile(self.shares, len(self.networks)) / len(self.networks)
        found = ensemble_predictions(self.recipe, networks, shares, x)
        return with_temperature(found, self.temperature, self.recipe.link)


def make_ensemble(
    results: Sequence[TrialResult],
    trainings: Sequence[Training],
    selection: Selection,
    recipe: Recipe,
    folds: Sequence[Fold],
) -> Ensemble:
    """Select an ensemble among the configs that were trained on the rung, folds and seeds of the selected config.

    Args:
        results, trainings: of all trials. recipe: of any of them.
    """
    trials = _candidates(results, selection)
    used = sorted({fold for fold, _ in trials[0]})
    rows = _known_rows(folds, used)
    found = np.stack([_out_of_fold(recipe, trainings, of) for of in trials])
    counts = select_greedily(recipe, found, rows)
    weights = counts / counts.sum()
    before = _cross_fitted(recipe, found, rows)
    temperature, after = _calibrated(recipe, before, rows)
    loss, error = _mean_loss(recipe, after, rows)
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    members = [
        Member(results[min(of.values())].config, float(weights[i]), tuple(of.values())) for i, of in enumerate(trials)
    ]
    by_fold = [[trainings[n].params for i in order for (k, _), n in trials[i].items() if k == fold] for fold in used]
    n_seeds = len(trials[0]) // len(used)
    selected = next(i for i, of in enumerate(trials) if selection.trial in of.values())
    baseline = np.tile(np.mean([baseline_of(folds[fold], found.shape[2]) for fold in used], axis=0), (len(rows.y), 1))
    return Ensemble(
        members=tuple(members[i] for i in order),
        networks=tuple(map(tuple, by_fold)),
        shares=np.repeat(weights[order] / n_seeds, n_seeds),
        recipe=recipe,
        temperature=temperature,
        loss=loss,
        standard_error=error,
        loss_before=_mean_loss(recipe, before, rows)[0],
        selected_loss=_mean_loss(recipe, found[selected], rows)[0],
        rows=rows,
        predictions=after,
        selected_predictions=found[selected],
        baseline=baseline,
    )


def select_greedily(recipe: Recipe, found: Array, rows: KnownRows) -> Array:
    """Return the votes of each config (configs,).

    Args:
        found: predictions of each config (configs, rows, outputs).
    """

    def mean_losses(candidates: Array) -> Array:
        return losses_of_predictions(recipe, rows.y, candidates).astype(float) @ rows.weights

    votes = _first_votes(losses_of_predictions(recipe, rows.y, found).astype(float), rows.weights)
    best, lowest = votes, mean_losses(np.tensordot(votes, found, axes=1)[None] / votes.sum())[0]
    for n in range(votes.sum() + 1, MAX_VOTES + 1):
        values = mean_losses((np.tensordot(votes, found, axes=1) + found) / n)
        if np.count_nonzero(votes) == MAX_CONFIGS:
            values[votes == 0] = np.inf
        votes = votes + (np.arange(len(votes)) == np.argmin(values))
        if values.min() < lowest:
            best, lowest = votes, values.min()
    return best


def _first_votes(losses: Array, weights: Array) -> Array:
    """Return one vote for each config that may be the best, and none for the others, from losses (configs, rows)."""
    order = np.argsort(losses @ weights, kind="stable")[:MAX_CONFIGS]
    behind = [weighted_mean_error(losses[i] - losses[order[0]], weights) for i in order.tolist()]
    votes = np.zeros(len(losses), int)
    votes[[i for i, (gap, error) in zip(order.tolist(), behind, strict=True) if gap <= IN_DOUBT * error]] = 1
    return votes


def _candidates(results: Sequence[TrialResult], selection: Selection) -> list[TrialsOfConfig]:
    """Return the trials of each config that has those of the selected one, and diverged in none."""
    pairs = sorted((results[number].fold, results[number].seed) for number in selection.chosen.trials)
    by_config: dict[tuple[float, ...], dict[tuple[int, int], int]] = {}
    for number, result in enumerate(results):
        if result.rung == results[selection.trial].rung:
            by_config.setdefault(tuple(result.config.values()), {})[result.fold, result.seed] = number
    full = [{pair: of[pair] for pair in pairs} for of in by_config.values() if set(pairs) <= set(of)]
    return [of for of in full if all(np.isfinite(results[number].value) for number in of.values())]


def _known_rows(folds: Sequence[Fold], used: Sequence[int]) -> KnownRows:
    labels = [np.asarray(folds[fold].rows.labels)[folds[fold].validation].astype(float) for fold in used]
    of_folds = np.repeat(used, [len(each) for each in labels])
    parts = of_folds if len(used) > 1 else np.arange(len(of_folds)) % N_PARTS
    weights = [each[:, -1] / each[:, -1].sum() / len(used) for each in labels]
    return KnownRows(of_folds, parts, np.concatenate(labels)[:, :-1], np.concatenate(weights))


def _out_of_fold(recipe: Recipe, trainings: Sequence[Training], trials: TrialsOfConfig) -> Array:
    """Return the predictions of a config for the validation rows of all folds (rows, outputs), the mean over seeds.

    Each row is predicted at an epoch that it did not choose, see ``goodfit.training.cross_fitted``.
    """
    of_fold: dict[int, list[Array]] = {}
    for (fold, _), number in trials.items():
        predicted = linked(trainings[number].validation_outputs, recipe.link)
        if recipe.link != "linear":  # as the losses clip them, so that losses and metrics agree
            predicted = predicted.clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        of_fold.setdefault(fold, []).append(predicted)
    return np.concatenate([np.mean(of_seeds, axis=0, dtype=float) for of_seeds in of_fold.values()])


def _cross_fitted(recipe: Recipe, found: Array, rows: KnownRows) -> Array:
    """Return predictions (rows, outputs) with the weights that the other parts select."""
    result = np.empty(found.shape[1:])
    for part in np.unique(rows.parts):
        inside = rows.parts == part
        others = inside if inside.all() else ~inside
        counts = select_greedily(recipe, found[:, others], rows.select(others))
        result[inside] = np.tensordot(counts / counts.sum(), found[:, inside], axes=1)
    return result


def _mean_loss(recipe: Recipe, predicted: Array, rows: KnownRows) -> tuple[float, float]:
    """Return the loss of predictions (rows, outputs) and its standard error."""
    return weighted_mean_error(losses_of_predictions(recipe, rows.y, predicted), rows.weights)


def _calibrated(recipe: Recipe, before: Array, rows: KnownRows) -> tuple[float, Array]:
    """Return the temperature, and the predictions with that of the other parts."""

    def loss(predicted: Array, inside: Array) -> float:
        some = rows.select(inside)
        return float(losses_of_predictions(recipe, some.y, predicted).astype(float) @ some.weights)

    temperature = fit_temperature(before, rows.parts, recipe.link, loss)
    after = before if temperature == 1 else cross_fit_temperature(before, rows.parts, recipe.link, loss)
    return temperature, after


def baseline_of(fold: Fold, n_outputs: int) -> Array:
    """Return the shares of the classes, or the mean target, in the training rows (outputs,)."""
    y = np.asarray(fold.rows.labels)[fold.train, :-1].astype(float)
    classes = y.shape[1] < n_outputs
    return np.bincount(y[:, 0].astype(int), minlength=n_outputs) / len(y) if classes else y.mean(axis=0)
