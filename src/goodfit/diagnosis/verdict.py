"""Numbers to findings, findings to a verdict."""

import numpy as np

from goodfit.diagnosis.findings import Finding, Verdict, Word, by_severity
from goodfit.diagnosis.from_run import case_of
from goodfit.diagnosis.observations import Case
from goodfit.diagnosis.rules.comparisons import Rule
from goodfit.diagnosis.rules.context import (
    best_at_edge,
    class_ignored,
    dead_units,
    linear_network,
    no_better_than_baseline,
    no_better_than_linear,
    seeds_disagree,
    validation_too_small,
)
from goodfit.diagnosis.rules.curves import out_of_epochs, overfitting_began, penalty_too_strong, stopped_too_early
from goodfit.diagnosis.rules.fit import judge_fit
from goodfit.diagnosis.rules.learning_rate import diverged, jumping, perfect_pace, rate_too_large, rate_too_small

RULES: tuple[Rule, ...] = (
    diverged,
    rate_too_small,
    rate_too_large,
    jumping,
    perfect_pace,
    out_of_epochs,
    stopped_too_early,
    overfitting_began,
    penalty_too_strong,
    validation_too_small,
    seeds_disagree,
    best_at_edge,
    no_better_than_baseline,
    no_better_than_linear,
    linear_network,
    dead_units,
    class_ignored,
)
WORDS: dict[str, Word] = {
    "overfitting": "overfitting",
    "underfitting": "underfitting",
    "good_fit": "good fit",
    "cannot_tell": "cannot tell",
}


def diagnose(result: object) -> Verdict:
    """What the numbers of a training say: a word about the weights that are given back, and every finding.

    The word is ``underfitting``, ``good fit``, ``overfitting``, or ``cannot tell`` where the numbers carry none of
    them. How often it is right is measured, see docs/verdict.md.

    Args:
        result: a ``Run``, a ``Sweep``, a ``Training``, or a ``Case``.

    Raises:
        ConfigError: the result is none of these.

    >>> falling = tuple(1 / epoch for epoch in range(1, 31))
    >>> diagnose(Case(loss=falling, val_loss=falling, given_epoch=30, baseline_loss=1.2, n_validation=500)).word
    'good fit'
    """
    case = case_of(result)
    with np.errstate(all="ignore"):
        others = tuple(finding for rule in RULES if (finding := rule(case)) is not None)
        fit = judge_fit(case)
    others = tuple(finding for finding in others if fit is None or not _unsaid(finding, fit))
    return Verdict(
        word=WORDS[fit.code] if fit else "cannot tell",
        sentence=fit.sentence if fit else _why_not(case),
        findings=by_severity((*((fit,) if fit else ()), *others)),
    )


def _unsaid(finding: Finding, fit: Finding) -> bool:
    """Where the fit is good, nothing does better; and that the rows are too few is said once."""
    if fit.code == "good_fit" and finding.code in ("rate_too_small", "rate_too_large", "penalty_too_strong"):
        return True
    return fit.code == "cannot_tell" and (finding.code, finding.argument) == ("validation_too_small", fit.argument)


def _why_not(case: Case) -> str:
    if not case.val_loss:
        return "There are no validation rows, so nothing says how the network does on rows it did not learn from."
    return "No epoch came to a finite loss, so there is no fit to be judged."
