"""What is measured of the network that is given back, with the rows that taught it and those that judged it.

Plain numbers that a run folder keeps, so that a verdict and a report need neither the table nor the network again. No
row of data is among them, and no test row is looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from goodfit.arrays import Array
from goodfit.checks.registry import Check
from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.data.encoder import Encoder
from goodfit.data.target import Target
from goodfit.experiment.decision import Decision, all_decided, choose
from goodfit.experiment.goal import Goal, Rule
from goodfit.experiment.importance import Importance
from goodfit.experiment.out_of_fold import OutOfFold
from goodfit.experiment.prediction_bins import Bins, calibration_of, residuals_of
from goodfit.experiment.prepare import scores_in_unit, unit_of
from goodfit.experiment.reference_models import (
    ReferenceData,
    boosted_trees,
    constant_outputs,
    linear_model,
    reference_outputs,
    scores_of_baseline,
)
from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense
from goodfit.search.sweep import Fold
from goodfit.stats import weighted_mean_error
from goodfit.training.evaluation import losses_of
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe
from goodfit.training.scores import confusion_matrix, estimates, point_estimates

REFERENCES = ("linear", "trees")
PROBED_ROWS = 10_000
"""Training rows on which dead units and frequencies are counted, at most."""


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Numbers about the network that is given back.

    Attributes:
        intervals: metric of the validation rows to value and ends of its 95 % interval, in the target's own unit.
        baseline_scores: the same metrics by a model without columns, which gives the shares of the classes or the mean
            in training; NaN where they are undefined.
        reference_scores: metrics by a ``linear`` model and by boosted ``trees`` that learned from the same training
            rows; on the validation rows of all folds where an ensemble predicts, otherwise on those of the network.
        losses: validation loss of ``baseline``, ``linear`` and ``trees``, a few boosted trees that learned from these
            training rows, too: the mean over the folds of the selected config, comparable with its loss.
        differences: for each, mean and standard error of (its loss − the selected config's) over the validation rows
            of these folds.
        confusion: rows of each class (first index) taken for each class (second), in the target's order; () for a
            quantity.
        calibration: bins of validation rows: mean predicted, mean observed, rows. Of the probability of the positive
            class; of several classes, of the class that was predicted; of a quantity, its predicted and true values.
        residuals: of a quantity, bins of (true − predicted): low end, high end, rows.
        units, dead_units: of each hidden layer, and how many of them no training row activates (relu).
        features: name of each encoded column, share of training rows in which it has not its most frequent value, and
            Adam's step for a unit of gradient, NaN with SGD; see ``Training.input_steps``.
        checks: what the data checks found.
        decision: the threshold of the network, if it was chosen on these validation rows.
        out_of_fold: of a single network, the loss of every validation row.
        importance: of every column for what predicts; None where it was not measured.
    """

    intervals: Mapping[str, tuple[float, float, float]]
    baseline_scores: Mapping[str, float]
    reference_scores: Mapping[str, Mapping[str, float]]
    losses: Mapping[str, float]
    differences: Mapping[str, tuple[float, float]]
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: Bins = ()
    residuals: Bins = ()
    units: tuple[int, ...] = ()
    dead_units: tuple[int, ...] = ()
    features: tuple[tuple[str, float, float], ...] = ()
    checks: tuple[Check, ...] = ()
    decision: Decision | None = None
    out_of_fold: OutOfFold | None = None
    importance: Importance | None = None


class MeasuredFold(NamedTuple):
    """A fold of the selected config, with what its networks, one for each seed, say of the validation rows.

    outputs: of each network (rows, outputs), as the loss takes them, at epochs that other rows chose.
    """

    fold: Fold
    target: Target
    encoder: Encoder
    outputs: tuple[Array, ...]


def gather(
    recipe: Recipe,
    training: Training,
    folds: Sequence[MeasuredFold],
    *,
    metrics: Sequence[str],
    checks: Sequence[Check] = (),
    rule: Rule = DEFAULT_THRESHOLD,
    seed: int = 0,
    of_all_folds: bool = False,
) -> Measurements:
    """Measure a network on the rows of its fold, and compare its config with reference models on all folds.

    Args:
        folds: of the selected config, that of the network first.
        metrics: of the validation rows, in the target's own unit.
        rule: the threshold of two classes, or what it is chosen for.
        of_all_folds: whether metrics of reference models are wanted on the validation rows of all folds.
    """
    fold, target, encoder, _ = folds[0]
    x = np.asarray(fold.rows.x)
    compared = [_with_references(recipe, each, seed) for each in folds]
    truth = compared[0].truth
    outputs = {"own": training.validation_outputs, "baseline": compared[0].outputs["baseline"]}
    predicted = {name: _linked(recipe, given) for name, given in outputs.items()}
    shown = {name: target.with_mean(values) for name, values in predicted.items()}
    binary, regression = target.task == "binary", target.task == "regression"
    labelled = all_decided(rule, truth, shown) if binary else shown
    found_scores = estimates(metrics, target.with_mean(truth), shown, seed=seed, decided=labelled)
    judged = {model: scores_in_unit(scores, target) for model, scores in found_scores.items()}
    found = predicted["own"]
    judging = zip(compared, folds, strict=True) if of_all_folds else [(compared[0], folds[0])]
    reference_scores = _reference_scores(recipe, [(each, of.target) for each, of in judging], metrics, rule)
    in_unit = [values.astype(float) * target.scale + target.mean for values in (truth, found)]
    sample = np.random.default_rng(seed).permutation(fold.train)[:PROBED_ROWS]
    units, dead = _dead_units(recipe, training.params, x[sample])
    weights = np.concatenate([each.weights / each.weights.sum() / len(folds) for each in compared])
    losses = {name: np.concatenate([each.losses[name] for each in compared]) for name in compared[0].losses}
    own = losses.pop("own")
    return Measurements(
        intervals={name: (score.value, score.low, score.high) for name, score in judged["own"].items()},
        baseline_scores=scores_of_baseline(judged["baseline"]),
        reference_scores=reference_scores,
        losses={name: float(values @ weights) for name, values in losses.items()},
        differences={name: weighted_mean_error(values - own, weights) for name, values in losses.items()},
        confusion=() if regression else confusion_matrix(truth, labelled["own"], len(target.classes)),
        calibration=calibration_of(target.task, *in_unit),
        residuals=residuals_of((truth - found)[:, 0] * target.scale) if regression else (),
        units=units,
        dead_units=dead,
        features=_features(encoder.feature_names, x[sample], training.input_steps),
        checks=tuple(checks),
        decision=choose(rule, truth, found[:, 0]) if binary and isinstance(rule, Goal) else None,
    )


class _Compared(NamedTuple):
    """Validation rows of a fold: their classes or values, weights, and losses by each model; outputs of some models."""

    truth: Array
    weights: Array
    losses: dict[str, Array]
    outputs: dict[str, Array]


def _with_references(recipe: Recipe, measured: MeasuredFold, seed: int) -> _Compared:
    """Reference models learn from the columns that are not bins."""
    fold, target, encoder, own = measured
    labels, rows = np.asarray(fold.rows.labels)[:-1], fold.validation
    y, weight = labels[:, :-1], labels[:, -1].astype(float)
    truth: Array = y.astype(float) if target.task == "regression" else y[:, 0].astype(np.int64)
    data = ReferenceData(target, fold, np.asarray(fold.rows.x)[:, encoder.without_bins], truth, weight, seed)
    linear, trees = (reference_outputs(model, data) for model in (linear_model, boosted_trees))
    models = {"baseline": constant_outputs(data, weight), "linear": linear, "trees": trees}
    losses = {name: losses_of(recipe, y[rows], given).astype(float) for name, given in models.items()}
    losses["own"] = np.mean([losses_of(recipe, y[rows], given) for given in own], axis=0, dtype=float)
    shown = {"baseline": constant_outputs(data, np.ones_like(weight)), "linear": linear, "trees": trees}
    return _Compared(truth[rows], weight[rows], losses, shown)


def _reference_scores(
    recipe: Recipe, compared: Sequence[tuple[_Compared, Target]], metrics: Sequence[str], rule: Rule
) -> dict[str, dict[str, float]]:
    """Metrics of the reference models on the validation rows of these folds, in the target's own unit."""
    first = compared[0][1]

    def joined(of_folds: Iterable[Array]) -> Array:
        """Class numbers or probabilities; of a quantity multiples of the scale of the first fold."""
        if first.task != "regression":
            return np.concatenate(list(of_folds))
        pairs = zip(of_folds, (target for _, target in compared), strict=True)
        return np.concatenate([(values.astype(float) * own.scale + own.mean) / first.scale for values, own in pairs])

    truth = joined(each.truth for each, _ in compared)
    models = {name: joined(_linked(recipe, each.outputs[name]) for each, _ in compared) for name in REFERENCES}
    labelled = all_decided(rule, truth, models) if first.task == "binary" else models
    found = point_estimates(metrics, truth, models, decided=labelled)
    return {
        model: {name: value * unit_of(name, first) for name, value in scores.items()} for model, scores in found.items()
    }


def _linked(recipe: Recipe, outputs: Array) -> Array:
    """Probabilities, or values, from what the loss takes."""
    return np.asarray(ACTIVATIONS[recipe.link](jnp.asarray(outputs)))


def _dead_units(recipe: Recipe, params: Params, x: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Units of each hidden Dense layer, and how many of them give 0 for every row of ``x`` (rows, n_inputs)."""
    units, dead = [], []
    for layer, weights in zip(recipe.layers[:-1], params[:-1], strict=True):
        x = np.asarray(layer.apply(weights, jnp.asarray(x), key=None))
        if isinstance(layer, Dense):
            units.append(layer.units)
            dead.append(int((x == 0).all(axis=0).sum()) if layer.activation == "relu" else 0)
    return tuple(units), tuple(dead)


def _features(names: Sequence[str], x: Array, steps: Array | None) -> tuple[tuple[str, float, float], ...]:
    def frequency(column: Array) -> float:
        return 1 - float(np.unique(column, return_counts=True)[1].max()) / len(column)

    found = np.full(len(names), np.nan) if steps is None else np.asarray(steps, float)
    return tuple((name, frequency(x[:, i]), float(found[i])) for i, name in enumerate(names))
