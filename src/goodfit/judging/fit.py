"""The guide's three words about the weights that are given back: underfitting, good fit, overfitting."""

import math

from goodfit.judging.case import Case
from goodfit.judging.findings import Finding
from goodfit.judging.rules import clear, lowest, more_l2, stronger

LARGE_GAP = 0.25
"""A gap above this share of what was learned on the training rows is large."""
LITTLE = 0.15
"""A network that learned less than this share of the baseline's loss has learned little."""

UNDERFITTING = ("rate_too_small", "rate_too_large", "penalty_too_strong", "out_of_epochs", "no_better_than_baseline")
"""Findings that explain why a network without a gap has not learned what it could."""


def overfitting(case: Case) -> Finding | None:
    """Given back is a later epoch than the best; or more penalty does better; or the gap is large and no accident."""
    if not case.judged:
        return None
    later = case.given_val_loss - case.lowest_val_loss
    better = lowest(stronger(case))
    evidence = {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap}
    if later > clear(case) and case.given_epoch > case.best_epoch:
        return _overfitting(
            {**evidence, "lowest_val_loss": case.lowest_val_loss}, "Stop at the best epoch.", "--patience 10"
        )
    if better and case.given_val_loss - better.val_loss > clear(case) and case.gap > clear(case):
        found = {**evidence, "val_loss_there": better.val_loss}
        return _overfitting(found, "Strengthen the penalty.", f"--l2 {better.l2:.3g}")
    if not case.neighbours and _gap_is_large(case):
        return _overfitting(evidence, "Strengthen the penalty.", more_l2(case))
    return None


def _gap_is_large(case: Case) -> bool:
    learned = max(case.start - case.given_loss, 1e-12)
    return case.gap > LARGE_GAP * learned and case.gap > 2 * case.error


def _overfitting(evidence: dict[str, float], advice: str, argument: str) -> Finding:
    return Finding(
        "overfitting",
        "warning",
        "The network knows its training rows clearly better than rows it has not seen.",
        evidence,
        advice,
        argument,
    )


def underfitting(case: Case, others: tuple[Finding, ...]) -> Finding | None:
    """A finding says what keeps the network from learning, and there is no gap that speaks against it."""
    if not case.judged:
        return None
    causes = [finding for finding in others if finding.code in UNDERFITTING]
    learned = (case.start - case.given_val_loss) / case.start if case.start > 0 else math.nan
    if not causes and not (learned < LITTLE and case.gap < clear(case)):
        return None
    first = causes[0] if causes else None
    return Finding(
        "underfitting",
        "warning",
        "The network has not learned what these rows can teach: it does badly on the training rows, too.",
        {"loss": case.given_loss, "val_loss": case.given_val_loss, "share_learned": learned},
        first.advice if first else "Give the network more units.",
        first.argument if first else "--hidden 64,64",
    )


def good_fit(case: Case) -> Finding:
    """Both losses are low, and near each other."""
    return Finding(
        "good_fit",
        "good",
        "The network does about as well on rows it has not seen, and nothing that was tried does clearly better."
        if case.neighbours
        else "The network does about as well on rows it has not seen, and nothing says that it could do better.",
        {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap},
    )
