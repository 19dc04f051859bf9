"""What the decision threshold of two classes is chosen for."""

from typing import NamedTuple

from goodfit.data.choices import DEFAULT_THRESHOLD

COST = "cost"
GOALS = ("accuracy", "balanced_accuracy", "f1")
"""Metrics for which a threshold can be chosen; precision or recall alone would predict hardly any row, or all."""


class Goal(NamedTuple):
    """What a threshold is chosen for: a metric, which is maximised, or ``cost``, which is minimised.

    false_positive, false_negative: cost of each such row.
    """

    name: str
    false_positive: float = 1.0
    false_negative: float = 1.0

    @property
    def nearest(self) -> float:
        """The threshold that is preferred among equals: of costs, the best one for probabilities that are right."""
        total = self.false_positive + self.false_negative
        return self.false_positive / total if self.name == COST else DEFAULT_THRESHOLD


Rule = float | Goal
"""A threshold, or what it is chosen for."""
