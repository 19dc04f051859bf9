"""From observations to comparisons, from comparisons to findings, from findings to a verdict."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from goodfit.diagnosis.comparisons import Comparison, Diagnosis
from goodfit.diagnosis.findings import Finding, Verdict, Word, by_severity
from goodfit.diagnosis.from_run import observe
from goodfit.diagnosis.observations import Observations
from goodfit.diagnosis.rules import alternatives, context, curves, learning_rate
from goodfit.diagnosis.rules.fit import fit
from goodfit.diagnosis.thresholds import THRESHOLDS, Thresholds

COMPARISONS: tuple[Callable[[Diagnosis], Iterator[Comparison]], ...] = (
    alternatives.other_penalties,
    alternatives.other_rates,
    alternatives.reference_models,
    alternatives.earlier_epoch,
    alternatives.curves_alone,
)
RULES: tuple[Callable[[Diagnosis], Finding | None], ...] = (
    fit,
    learning_rate.diverged,
    learning_rate.rate_too_small,
    learning_rate.rate_too_large,
    learning_rate.jumping,
    learning_rate.perfect_pace,
    curves.out_of_epochs,
    curves.stopped_too_early,
    curves.overfitting_began,
    curves.penalty_too_strong,
    context.validation_too_small,
    context.seeds_disagree,
    context.best_at_edge,
    context.no_better_than_baseline,
    context.no_better_than_linear,
    context.linear_network,
    context.dead_units,
    context.class_ignored,
)
FIT: dict[str, Word] = {
    "overfitting": "overfitting",
    "underfitting": "underfitting",
    "good_fit": "good fit",
    "cannot_tell": "cannot tell",
}
"""The findings that name the fit."""


def diagnose(result: object, *, thresholds: Thresholds = THRESHOLDS) -> Verdict:
    """Diagnose a training: one word about the restored weights, and every finding.

    The word is ``underfitting``, ``good fit``, ``overfitting``, or ``cannot tell`` where the numbers support none of
    them. How often it is right is measured, see docs/verdict.md.

    Args:
        result: a ``Run``, a ``Sweep``, a ``Training``, or ``Observations``.
        thresholds: from where on a difference counts.

    Raises:
        ConfigError: the result is none of these.

    >>> falling = tuple(1 / epoch for epoch in range(1, 31))
    >>> diagnose(Observations(loss=falling, val_loss=falling, restored_epoch=30, baseline_loss=1.2)).word
    'good fit'
    """
    d = Diagnosis(observe(result), thresholds)
    with np.errstate(all="ignore"):
        if d.obs.is_complete:
            d = replace(d, comparisons=tuple(each for compare in COMPARISONS for each in compare(d)))
        findings = by_severity(tuple(finding for rule in RULES if (finding := rule(d)) is not None))
    named = next((finding for finding in findings if finding.code in FIT), None)
    word, sentence = (FIT[named.code], named.sentence) if named else ("cannot tell", _why_not(d.obs))
    return Verdict(word, sentence, findings, d.comparisons)


def _why_not(obs: Observations) -> str:
    if not obs.val_loss:
        return "There are no validation rows, so nothing shows how the model does on unseen rows."
    return "No epoch has a finite loss, so there is no fit to assess."
