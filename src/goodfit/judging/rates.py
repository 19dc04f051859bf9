"""Rules about the learning rate: baby steps, perfect pace, jumping around."""

import math

import numpy as np

from goodfit.judging.case import Case
from goodfit.judging.findings import Finding
from goodfit.judging.rules import clear, fall, faster, lowest, rate, roughness, slower

BABY_STEP = 3e-4
"""Updates below this share of the weights are baby steps."""
LEAP = 0.05
"""Updates above this share of the weights are leaps."""
JUMPING = 0.35
"""A training loss of whose way more than this leads upwards jumps around."""


def diverged(case: Case) -> Finding | None:
    """The loss is no longer a finite number."""
    if case.outcome != "diverged":
        return None
    return Finding(
        "diverged",
        "serious",
        f"The steps were so long that the loss was no longer a number after epoch {case.n_epochs}.",
        {"epochs": case.n_epochs, "learning_rate": _number(case.learning_rate)},
        "Try a learning rate ten times smaller.",
        rate(_times(case, 0.1)),
    )


def rate_too_small(case: Case) -> Finding | None:
    """A larger rate of the grid does clearly better; or steps are tiny and both losses still fall evenly at the end."""
    if (better := lowest(faster(case))) and case.given_val_loss - better.val_loss > clear(case):
        return _too_small(case, better.learning_rate, {"val_loss_there": better.val_loss})
    if case.neighbours or case.outcome != "finished" or not case.judged:
        return None
    steps, falling = update_ratio(case), fall(case.curve, 0.1)
    if steps < BABY_STEP and falling > 0.01 * case.reach and case.best_epoch == case.n_epochs:
        return _too_small(case, _times(case, 10), {"update_ratio": steps, "fall_at_the_end": falling})
    return None


def _too_small(case: Case, better: float | None, evidence: dict[str, float]) -> Finding:
    return Finding(
        "rate_too_small",
        "warning",
        "Baby steps: the learning rate is so small that the loss was still on its way down.",
        {"val_loss": case.given_val_loss, "learning_rate": _number(case.learning_rate), **evidence},
        "Take longer steps.",
        rate(better),
    )


def rate_too_large(case: Case) -> Finding | None:
    """A smaller rate of the grid does clearly better; or steps are leaps and the training loss goes up and down."""
    if case.outcome == "diverged":
        return None
    if (better := lowest(slower(case))) and case.given_val_loss - better.val_loss > clear(case):
        return _too_large(case, better.learning_rate, {"val_loss_there": better.val_loss})
    if case.neighbours or not case.judged:
        return None
    steps, jumps = update_ratio(case), roughness(np.asarray(case.loss, np.float64))
    if steps > LEAP and jumps > JUMPING:
        return _too_large(case, _times(case, 0.1), {"update_ratio": steps, "roughness": jumps})
    return None


def _too_large(case: Case, better: float | None, evidence: dict[str, float]) -> Finding:
    return Finding(
        "rate_too_large",
        "warning",
        "Jumping around: the learning rate is so large that the steps leap over the low loss.",
        {"val_loss": case.given_val_loss, "learning_rate": _number(case.learning_rate), **evidence},
        "Take shorter steps.",
        rate(better),
    )


def perfect_pace(case: Case) -> Finding | None:
    """Rates on both sides were tried, and neither does clearly better."""
    sides = lowest(slower(case)), lowest(faster(case))
    if not case.judged or None in sides:
        return None
    if any(n is not None and case.given_val_loss - n.val_loss > clear(case) for n in sides):
        return None
    return Finding(
        "perfect_pace",
        "good",
        "Perfect pace: neither a smaller nor a larger learning rate of the grid does clearly better.",
        {"learning_rate": _number(case.learning_rate), "val_loss": case.given_val_loss},
    )


def update_ratio(case: Case) -> float:
    """Length of an update as a share of the weights, the median of all epochs; NaN where it is not known."""
    found = np.asarray(case.update_ratio, np.float64)
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else math.nan


def _times(case: Case, factor: float) -> float | None:
    return None if case.learning_rate is None else case.learning_rate * factor


def _number(value: float | None) -> float:
    return math.nan if value is None else value
