"""What is said of a decision threshold. Plain Python, so that the shell can load it quickly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from goodfit.formatting import METRIC_LABELS, count, exact, numbers, printable

if TYPE_CHECKING:
    from goodfit.experiment.decision import Decision


def of_labels(classes: Sequence[object]) -> str:
    """Whose precision and recall are shown; "" for a quantity."""
    names = "Precision, recall, F1, specificity and average precision"
    if not classes:
        return ""
    return f"{names} are {f'those of {printable(classes[1])}' if len(classes) == 2 else 'means over the classes'}."


def of_undefined(baseline: Mapping[str, float]) -> str:
    """Why the baseline has metrics without a value; "" if it has none."""
    if "precision" not in baseline or not math.isnan(baseline["precision"]):
        return ""
    return "Its precision and F1 are undefined (–): it predicts no row as positive."


def of_decision(found: Decision) -> str:
    """Which threshold was chosen for what, and what it brings on rows that did not choose it."""
    own, cross_fitted, default = numbers(found.value, found.cross_fitted, found.default_value)
    return (
        f"The decision threshold is {found.threshold:.4g}: on {count(found.n_rows, 'out-of-fold row')} it has the "
        f"{goal(found)}, {own}; out-of-fold {cross_fitted}, and {default} at 0.5."
    )


def goal(found: Decision) -> str:
    """What the threshold was chosen for."""
    if found.goal != "cost":
        return f"highest {METRIC_LABELS[found.goal]}"
    of_positive, of_negative = map(exact, found.costs)
    return f"lowest mean cost per row (false positive {of_positive}, false negative {of_negative})"
