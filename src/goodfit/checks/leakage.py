"""Columns that give the target away."""

import numpy as np
import numpy.typing as npt

import goodfit.checks
from goodfit.arrays import Numbers
from goodfit.checks.check import Check, CheckSeverity, option
from goodfit.checks.probe_data import ProbeData
from goodfit.formatting import METRIC_LABELS, join, printable

COPY = 0.999
"""A column that alone reaches this share of what can be known is the target in other words."""
KNOWN = 0.98
"""If the other columns together know as much, a column that does too gives nothing away."""
SHARE, LEFT = 0.25, 0.5
"""A column is too good if without it this share of all knowledge is lost and the error at least doubles ..."""
STRONG = 0.75
"""... if with it so much of the way from chance to certainty is gone ..."""
SECOND = 0.25
"""... and the next column's loss is at most this part of its own."""
AHEAD = 2.0
"""Only a column so many times as important as the next is looked at that closely."""
INFORMED = 0.2
"""The other columns know something if they reach this share of the way from chance to certainty."""
LEAST = 50
"""Of fewer rows nothing can be said."""


def check_leaks(sample: ProbeData) -> list[Check]:
    """Copies of the target; and one column that knows so much more than any other that it may be known too late.

    A single strong column is no leak: a size gives a price away and a petal's width a flower, since the other columns
    know it too. What counts is what is lost without the column.
    """
    if len(sample.names) < 2 or len(sample.y) < LEAST or np.unique(sample.y).size < 2:
        return []
    copies = [j for j in range(len(sample.names)) if agreement(sample, j) >= COPY]
    others = sample.only([j for j in range(len(sample.names)) if j not in copies]).narrowed()
    if not others.names:
        return []
    score, importances = goodfit.checks.probe.score_of(others)
    if not copies:
        return _check_strongest(others, score, importances)
    known = (score - sample.chance) / (1 - sample.chance)
    return [_copy(sample, [sample.names[j] for j in copies], score)] if known < KNOWN else []


def _copy(sample: ProbeData, names: list[str], rest: float) -> Check:
    sentence = (
        f"{join(map(printable, names))} {'gives' if len(names) == 1 else 'each give'} the target away, "
        f"as if a copy of it in another code, while all other columns together reach "
        f"{METRIC_LABELS[sample.metric]} {rest:.3f}; drop what is known only after the outcome."
    )
    effect = {f"{sample.metric}_with": 1.0, f"{sample.metric}_without": rest}
    return Check("leak", "serious", tuple(names), 0, sentence, effect, option("drop", *names))


def _check_strongest(sample: ProbeData, score: float, importances: Numbers) -> list[Check]:
    """Whether far more is lost without the most important column than without the next."""
    if len(sample.names) < 2:
        return []
    first, second = (int(j) for j in np.argsort(-importances, kind="stable")[:2])
    if importances[first] < AHEAD * importances[second]:
        return []
    lost = score - _score_without(sample, first)
    if not _is_too_much(sample, score, lost) or score - _score_without(sample, second) > SECOND * lost:
        return []
    return [_too_good(sample, sample.names[first], score, score - lost)]


def _too_good(sample: ProbeData, name: str, score: float, without: float) -> Check:
    """A warning where the other columns know something of their own; else the column may be all there is to know.

    So may it be of a quantity, which one cause often rules.
    """
    informed = without - sample.chance >= INFORMED * (1 - sample.chance)
    severity: CheckSeverity = "warning" if informed and sample.task != "regression" else "note"
    sentence = (
        f"{printable(name)} knows far more of the target than any other column: {METRIC_LABELS[sample.metric]} "
        f"{score:.3f} with it, {without:.3f} without; if it is known only after the outcome, drop it."
    )
    effect = {f"{sample.metric}_with": score, f"{sample.metric}_without": without}
    return Check("leak", severity, (name,), 0, sentence, effect, option("drop", name))


def _is_too_much(sample: ProbeData, score: float, lost: float) -> bool:
    gained, error = score - sample.chance, 1 - score
    strong = gained >= STRONG * (1 - sample.chance) and lost > 4 * sample.noise
    return strong and lost >= SHARE * gained and error <= LEFT * (error + lost)


def _score_without(sample: ProbeData, column: int) -> float:
    kept = [j for j in range(len(sample.names)) if j != column]
    return float(goodfit.checks.probe.score_of(sample.only(kept))[0])


def agreement(sample: ProbeData, column: int) -> float:
    """How well one column alone tells the target, 1 for a copy in whatever code.

    Rows are sorted by the column, and each is told by its two neighbours: R² of their mean, or the mean over classes of
    the share of rows one of whose neighbours has their class. Rows of equal value stand in random order, so a value
    that stands for several targets tells none; a category tells nothing of other categories.
    """
    values = sample.x[:, column]
    shuffled = np.random.default_rng(sample.seed).permutation(len(values))
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    y, values = sample.y[order], values[order]
    if sample.task == "regression":
        told = (y[:-2] + y[2:]) / 2
        spread = float(((y[1:-1] - y.mean()) ** 2).sum())
        return 1 - float(((y[1:-1] - told) ** 2).sum()) / spread if spread else 0.0
    same = y[1:] == y[:-1]
    if sample.categories[column]:
        same &= values[1:] == values[:-1]
    return _mean_over_classes(y, np.r_[same, False] | np.r_[False, same])


def _mean_over_classes(y: npt.NDArray[np.generic], right: npt.NDArray[np.bool_]) -> float:
    counts = np.bincount(y.astype(np.int64))
    hits = np.bincount(y.astype(np.int64), weights=right)
    several = counts > 1
    return float((hits[several] / counts[several]).mean()) if several.any() else 0.0
