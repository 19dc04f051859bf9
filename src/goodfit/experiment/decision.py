"""The decision threshold of two classes: above which probability a row is predicted as the positive class.

It is chosen on out-of-fold rows, which did not train what predicts them, for a metric of the labels or for the costs of
the two errors. The chosen threshold is the best of these rows, so its value there is too good: the cross-fitted value
decides each fifth of the rows by the threshold that the other rows choose.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from goodfit.arrays import Array
from goodfit.cards import Card, ShownAsCard
from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.experiment.goal import COST, Goal, Rule
from goodfit.formatting import METRIC_LABELS, count, exact, numbers

N_PARTS, CURVE_POINTS = 5, 200


@dataclass(frozen=True, repr=False)
class Decision(ShownAsCard):
    """A threshold that was chosen on out-of-fold rows.

    Attributes:
        goal: ``cost``, or the name of a metric. costs: of a false positive and a false negative.
        threshold: rows with a higher probability are predicted as the positive class.
        value: the metric, or the mean cost per row, at this threshold; cross_fitted: the same where the other rows
            choose; default_value: at 0.5.
        n_rows: number of rows that chose.
        curve: thresholds with their values.
    """

    goal: str
    costs: tuple[float, float]
    threshold: float
    value: float
    cross_fitted: float
    default_value: float
    n_rows: int
    curve: tuple[tuple[float, float], ...]

    def _card(self) -> Card:
        own, cross_fitted, default = numbers(self.value, self.cross_fitted, self.default_value)
        of_positive, of_negative = map(exact, self.costs)
        paid = f"lowest mean cost per row: false positive {of_positive}, false negative {of_negative}"
        facts = [
            ("chosen for", paid if self.goal == COST else f"highest {METRIC_LABELS[self.goal]}"),
            ("threshold", f"{self.threshold:.4g}"),
            ("reaches", f"{own} on {count(self.n_rows, 'row')}, out-of-fold {cross_fitted}"),
            ("at 0.5", default),
        ]
        return Card("Decision threshold", facts)


def choose(goal: Goal, y: Array, p: Array) -> Decision:
    """Choose the threshold for a goal.

    Args:
        y: class numbers, 0 or 1 (rows,). p: probability of class 1, by models that were not trained on the row (rows,).
    """
    thresholds, values = threshold_curve(goal, y, p)
    best = _best(goal, thresholds, values)
    places = np.unique(np.linspace(0, len(values) - 1, CURVE_POINTS).round().astype(int))
    places = np.union1d(places, [best])
    at_default = _values(goal, *_errors(y, p > DEFAULT_THRESHOLD))
    return Decision(
        goal=goal.name,
        costs=(goal.false_positive, goal.false_negative),
        threshold=float(thresholds[best]),
        value=float(values[best]),
        cross_fitted=float(_values(goal, *_errors(y, cross_fitted_labels(goal, y, p)))),
        default_value=float(at_default),
        n_rows=len(y),
        curve=tuple(zip(thresholds[places].tolist(), values[places].tolist(), strict=True)),
    )


def decided(rule: Rule, y: Array, predicted: Array) -> Array:
    """Return predictions (rows, 1) as 0 and 1, by a threshold, or by those that other rows choose for a goal."""
    p = predicted[:, 0]
    labels = cross_fitted_labels(rule, y, p) if isinstance(rule, Goal) else p > rule
    return labels.astype(predicted.dtype)[:, None]


def all_decided(rule: Rule, y: Array, predictions: Mapping[str, Array]) -> dict[str, Array]:
    """Return the decisions of several models; those of the baseline, which has no columns, at the default."""
    return {
        model: decided(DEFAULT_THRESHOLD if model == "baseline" else rule, y, given)
        for model, given in predictions.items()
    }


def cross_fitted_labels(goal: Goal, y: Array, p: Array) -> Array:
    """Return whether each row is predicted as the positive class, each fifth by the threshold of the others."""
    labels, parts = np.zeros(len(y), bool), np.arange(len(y)) % N_PARTS
    for part in range(N_PARTS):
        own, others = parts == part, parts != part
        if own.any() and others.any():
            thresholds, values = threshold_curve(goal, y[others], p[others])
            labels[own] = p[own] > thresholds[_best(goal, thresholds, values)]
    return labels


def threshold_curve(goal: Goal, y: Array, p: Array) -> tuple[Array, Array]:
    """Return every threshold that parts the rows differently, ascending, and the value of the goal at each.

    They lie halfway between two probabilities that occur, and at 0 and 1.
    """
    distinct, place = np.unique(p.astype(float), return_inverse=True)
    positive = np.bincount(place, y, minlength=len(distinct))
    negative = np.bincount(place, 1 - y, minlength=len(distinct))
    missed = np.concatenate([[0.0], np.cumsum(positive)])
    false = negative.sum() - np.concatenate([[0.0], np.cumsum(negative)])
    thresholds = np.concatenate([[0.0], (distinct[1:] + distinct[:-1]) / 2, [1.0]])
    values = _values(goal, false, missed, float(positive.sum()), float(negative.sum()))
    first = int(distinct[0] <= 0)  # no threshold is below a probability of 0
    return thresholds[first:], values[first:]


def _best(goal: Goal, thresholds: Array, values: Array) -> int:
    wins = values <= values.min() + 1e-12 if goal.name == COST else values >= values.max() - 1e-12
    return int(np.argmin(np.where(wins, np.abs(thresholds - goal.nearest), np.inf)))


def _errors(y: Array, labels: Array) -> tuple[Array, Array, float, float]:
    """Numbers of false positives, false negatives, positives and negatives."""
    false, missed = np.sum(labels & (y == 0)), np.sum(~labels & (y == 1))
    return false, missed, float(np.sum(y == 1)), float(np.sum(y == 0))


def _values(goal: Goal, false: Array, missed: Array, positive: float, negative: float) -> Array:
    """The goal from the numbers of errors."""
    n = positive + negative
    match goal.name:
        case "accuracy":
            found = np.asarray(1 - (false + missed) / n)
        case "balanced_accuracy":
            rates = [1 - errors / total for errors, total in ((missed, positive), (false, negative)) if total]
            found = np.asarray(sum(rates) / len(rates))
        case "f1":
            hits = positive - missed
            whole = 2 * hits + false + missed
            found = np.divide(2 * hits, whole, out=np.zeros_like(whole, float), where=np.asarray(whole > 0))
        case _:
            found = np.asarray((goal.false_positive * false + goal.false_negative * missed) / n)
    return np.asarray(found, float)
