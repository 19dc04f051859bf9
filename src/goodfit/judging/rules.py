"""What the rules share: when a difference is clear, how a curve moves, how an argument is written."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from goodfit.judging.case import Array, Case, Neighbour
from goodfit.judging.findings import Finding

Rule = Callable[[Case], Finding | None]

CLEAR = 0.05
"""A difference of losses is clear from this share of what can be learned on."""
NEAR = 3.0
"""Learning rates, or strengths of the penalty, this many times apart are neighbours worth comparing."""


def clear(case: Case) -> float:
    """From which size on two losses of the same validation rows differ clearly.

    Nets that are judged on the same rows share most of the luck of these rows: half the standard error remains.
    """
    return max(CLEAR * case.reach, 0.5 * case.error)


def slower(case: Case) -> Iterator[Neighbour]:
    """Neighbours with the same penalty and a clearly smaller learning rate."""
    return (n for n in _same_l2(case) if n.learning_rate * NEAR <= (case.learning_rate or 0))


def faster(case: Case) -> Iterator[Neighbour]:
    """Neighbours with the same penalty and a clearly larger learning rate."""
    return (n for n in _same_l2(case) if n.learning_rate >= (case.learning_rate or math.inf) * NEAR)


def weaker(case: Case) -> Iterator[Neighbour]:
    """Neighbours with the same learning rate and less penalty."""
    return (n for n in _same_rate(case) if case.l2 is not None and n.l2 < case.l2)


def stronger(case: Case) -> Iterator[Neighbour]:
    """Neighbours with the same learning rate and more penalty."""
    return (n for n in _same_rate(case) if case.l2 is not None and n.l2 > case.l2)


def _same_l2(case: Case) -> Iterator[Neighbour]:
    return (n for n in case.neighbours if n.l2 == case.l2 and math.isfinite(n.val_loss))


def _same_rate(case: Case) -> Iterator[Neighbour]:
    return (n for n in case.neighbours if n.learning_rate == case.learning_rate and math.isfinite(n.val_loss))


def lowest(neighbours: Iterator[Neighbour]) -> Neighbour | None:
    """The one with the lowest validation loss."""
    return min(neighbours, key=lambda n: n.val_loss, default=None)


def fall(curve: Array, share: float) -> float:
    """By how much the lowest value so far fell during the last share of the epochs."""
    if len(curve) < 2:
        return 0.0
    window = max(1, math.ceil(share * len(curve)))
    before, after = curve[:-window].min(initial=np.inf), curve.min()
    return float(before - after) if math.isfinite(before) and math.isfinite(after) else 0.0


def roughness(curve: Array) -> float:
    """How much of a curve's way leads upwards: 0 for one that only falls, ½ for one that only jumps about."""
    steps = np.diff(curve[np.isfinite(curve)])
    way = float(np.abs(steps).sum())
    return float(steps[steps > 0].sum()) / way if way > 0 else 0.0


def rate(value: float | None) -> str:
    """A learning rate as an argument; "" where it is not known."""
    return f"--learning-rate {value:.3g}" if value is not None and math.isfinite(value) and value > 0 else ""


def more_l2(case: Case) -> str:
    """A penalty ten times as strong as an argument; the guide's gentle one where there was none."""
    if case.l2 is None:
        return "--l2 0.01"
    return f"--l2 {10 * case.l2:.3g}" if case.l2 > 0 else "--l2 0.001"


def less_l2(case: Case) -> str:
    """A penalty ten times as weak as an argument; "" where there is none."""
    return f"--l2 {case.l2 / 10:.3g}" if case.l2 else ""
