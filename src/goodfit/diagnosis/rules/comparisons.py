"""What the rules share: when a difference is clear, which neighbours count, how a curve moves, how arguments look."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from goodfit.arrays import Array
from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.observations import Case, Neighbour

Rule = Callable[[Case], Finding | None]

DOUBT = 1.25
"""Surely is what so many standard errors do not change."""
FREES, RESTRAINS = 0.08, 0.04
"""A gain is clear from this share of what can be learned on. Of what restrains the lesser share is enough, since the
rows that judge have chosen each training's best epoch, and a network let loose profits most from that."""
PACE = 1.4
"""Of another learning rate it must be so many times as much: nets of other rates share less of the luck of the rows."""
FLOOR = 0.015
"""And from this share of the baseline's loss."""
SHARED = 0.3
"""Nets judged on the same rows share most of their luck: the error of a difference that nobody measured is this share
of that of the loss."""
CLEAR = 0.07
"""Validation losses differ clearly from this share of what can be learned on, …"""
NOISE = 0.2
"""… and from this share of the standard error: nets judged on the same rows share most of the luck of these rows."""
FEWEST_TIMES = 3.0
"""Learning rates that are so many times apart are worth comparing."""
AT_THE_END = 0.95
"""The best epoch is at the end when it lies behind this share of the epochs."""


def clear(case: Case) -> float:
    """From which size on two losses of the same validation rows differ clearly."""
    return max(CLEAR * case.reach, NOISE * case.error)


def clear_gain(case: Case, share: float) -> float:
    """From where on it is clear that something else does better: this share of what can be learned."""
    return max(share * case.reach, FLOOR * abs(case.start))


def gain(case: Case, other: Neighbour | None, unit: float) -> tuple[float, float]:
    """How much lower the validation loss of a neighbour is, and the error of that, in a unit; 0 where there is none."""
    if other is None or not case.judged:
        return 0.0, 0.0
    measured = case.given_val_loss - other.val_loss if other.gain is None else other.gain
    error = SHARED * case.error if other.error is None else other.error
    return measured / unit, error / unit


def surely(strength: float, error: float) -> bool:
    """Whether it is clear whatever the luck of the rows."""
    return strength - DOUBT * error >= 1


def perhaps(strength: float, error: float) -> bool:
    """Whether it is clear, or may be."""
    return strength + DOUBT * error >= 1


def slower(case: Case) -> Neighbour | None:
    """The neighbour with the same penalty and the next smaller learning rate."""
    return min(_of_other_rates(case, up=False), key=lambda n: -(n.learning_rate or 0), default=None)


def faster(case: Case) -> Neighbour | None:
    """The neighbour with the same penalty and the next larger learning rate."""
    return min(_of_other_rates(case, up=True), key=lambda n: n.learning_rate or 0, default=None)


def weaker_ones(case: Case) -> list[Neighbour]:
    """The neighbours with the same learning rate and less penalty."""
    return list(_with_other_l2(case, up=False))


def stronger_ones(case: Case) -> list[Neighbour]:
    """The neighbours with the same learning rate and more penalty."""
    return list(_with_other_l2(case, up=True))


def weaker(case: Case) -> Neighbour | None:
    """Of the neighbours with the same learning rate and less penalty the one with the lowest validation loss."""
    return min(weaker_ones(case), key=lambda n: n.val_loss, default=None)


def frees(case: Case, other: Neighbour) -> bool:
    """Whether a gain is for the greater part on the training rows, too: then the net was held back, not let loose."""
    return case.given_loss - other.loss >= 0.5 * (case.given_val_loss - other.val_loss)


def _of_other_rates(case: Case, *, up: bool) -> Iterator[Neighbour]:
    """Neighbours with the same penalty, a finite loss, and a rate that is clearly larger, or clearly smaller."""
    for n in case.neighbours:
        large, small = (n.learning_rate, case.learning_rate) if up else (case.learning_rate, n.learning_rate)
        if n.l2 == case.l2 and large and small and large > FEWEST_TIMES * small and math.isfinite(n.val_loss):
            yield n


def _with_other_l2(case: Case, *, up: bool) -> Iterator[Neighbour]:
    """Neighbours with the same learning rate, a finite loss, and more, or less, penalty."""
    for n in case.neighbours:
        large, small = (n.l2, case.l2) if up else (case.l2, n.l2)
        same = n.learning_rate == case.learning_rate and math.isfinite(n.val_loss)
        if same and large is not None and small is not None and large > small:
            yield n


def ahead(difference: tuple[float, float] | None) -> float:
    """By how many standard errors another model is better than the network; NaN where it is not known."""
    return math.nan if difference is None else -difference[0] / max(difference[1], 1e-12)


def something_to_learn(case: Case) -> bool:
    """Whether the network or a simple model surely beats the baseline, or nobody knows."""
    rivals = (case.linear_difference, case.trees_difference)
    beaten = ahead(case.baseline_difference) < -2
    return beaten or case.baseline_difference is None or any(ahead(rival) > 1 for rival in rivals)


def at_the_end(case: Case) -> bool:
    """Whether all epochs were done, and the best is among the last."""
    return case.outcome == "finished" and case.best_epoch > AT_THE_END * case.n_epochs


def fall(curve: Array, share: float = 0.1) -> float:
    """By how much the lowest value so far fell during the last share of the epochs."""
    window = max(1, math.floor(share * len(curve)))
    if len(curve) <= window:
        return 0.0
    before, after = curve[:-window].min(), curve.min()
    return float(before - after) if math.isfinite(before) and math.isfinite(after) else 0.0


def roughness(values: tuple[float, ...]) -> float:
    """How much of a curve's way leads upwards: 0 for one that only falls, ½ for one that only jumps about."""
    steps = _steps(values)
    way = float(np.abs(steps).sum())
    return float(steps[steps > 0].sum()) / way if 0 < way < math.inf else 0.0


def jumps(values: tuple[float, ...]) -> float:
    """Standard deviation of the steps from epoch to epoch, in the second half of a curve."""
    steps = _steps(values[len(values) // 2 :])
    return float(steps.std()) if len(steps) > 1 else 0.0


def _steps(values: tuple[float, ...]) -> Array:
    found = np.asarray(values, np.float64)
    return np.diff(found[np.isfinite(found)])


def more_judges(case: Case) -> tuple[str, str]:
    """What to do where too few rows judge: advice, and the argument."""
    if case.n_folds > 1 or case.in_order:
        return "Collect more rows.", ""
    return "Let every row judge once.", "--folds 5"


def rate(value: float | None) -> str:
    """A learning rate as an argument; "" where it is not known."""
    return f"--learning-rate {value:.3g}" if value is not None and math.isfinite(value) and value > 0 else ""


def times(value: float | None, factor: float) -> float | None:
    """A multiple of what may be unknown."""
    return None if value is None else value * factor


def number(value: float | None) -> float:
    """What may be unknown as a number."""
    return math.nan if value is None else float(value)


def more_l2(case: Case) -> str:
    """A penalty ten times as strong as an argument; a gentle one where there was none."""
    return f"--l2 {10 * case.l2:.3g}" if case.l2 and math.isfinite(10 * case.l2) and case.l2 > 0 else "--l2 0.001"


def less_l2(case: Case) -> str:
    """A penalty ten times as weak as an argument; "" where there is none."""
    return f"--l2 {case.l2 / 10:.3g}" if case.l2 and math.isfinite(case.l2) and case.l2 > 0 else ""
