"""The guide's three words about the weights that are given back: underfitting, good fit, overfitting.

What speaks for underfitting frees the network: less penalty, other steps, more epochs, more units. What speaks for
overfitting restrains it: more penalty, an earlier epoch. Each has a strength, 1 where it is just clear; the stronger
side names the fit, and where neither is clear the fit is good.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from goodfit.judging.case import Case, Neighbour
from goodfit.judging.findings import Finding
from goodfit.judging.rules import (
    at_the_end,
    clear,
    fall,
    faster,
    frees,
    gain,
    less_l2,
    more_l2,
    number,
    rate,
    roughness,
    slower,
    stronger,
    times,
    weaker,
)

LARGE_GAP = 0.4
"""A gap above this share of what was learned on the training rows is large."""
WORTH_A_WORD = 0.25
"""A gap above this share is mentioned where the fit is good all the same."""
HALF_CLEAR = 0.3
"""With a large gap more penalty need not do better by as much as is clear alone: two witnesses."""
LATER = 0.1, 0.2
"""The last epoch is clearly worse than the best by this share of what can be learned, and of the standard error."""
FALLING = 0.03
"""A validation loss still falls that fell by this share of what can be learned in the last tenth of the epochs;"""
FALLING_IN_A_GRID = 0.04
"""by this one where the neighbours say what a larger rate would have done."""
EVEN = 0.01
"""A training loss falls evenly of whose way less than this leads upwards."""
LITTLE = 0.25
"""A network that took less than this share off the baseline's loss on its training rows has learned little."""
HEAVY_PENALTY, NO_GAP = 0.15, 0.03
"""A penalty of this share of the baseline's loss is heavy; where there is no gap, nothing speaks for it."""
SOMETHING = 0.1
"""Who has not taken this share off the loss of the training rows has nothing that would not hold on others."""
BEHIND, LINEAR_BEHIND = 0.25, 0.2
"""A network is behind trees from this share of what can be learned on; one without hidden layers from this one, since
more units surely help it."""
BEHIND_ERRORS = 1.5
"""And from so many standard errors of the difference."""
PACE_NOISE = 0.6
"""That another learning rate does better names the fit above this share of the standard error only: nets of other rates
share less of the luck of the rows."""
ALONE_GAP, LAG = 0.55, 0.5
"""Alone, a gap is large above this share of what was learned; what a simple model is ahead, as a share of what can be
learned, counts to it with this weight."""
TREES_BETTER = " a few boosted trees do clearly better on rows they have not seen."
JUST, SURELY = 1.01, 1.5
"""The strength of what has no scale of its own."""


class Reason(NamedTuple):
    """What speaks for one side: how strongly, in words, in numbers, and what to do."""

    strength: float
    words: str
    evidence: Mapping[str, float]
    advice: str
    argument: str


def judge_fit(case: Case) -> Finding | None:
    """The finding that names the fit; None where there is nothing to judge."""
    if not case.judged or not math.isfinite(case.start):
        return None
    under, over = _strongest(freeing(case)), _strongest(restraining(case))
    if over and over.strength > 1 and (under is None or over.strength >= under.strength):
        return _finding("overfitting", case, over)
    if under and under.strength > 1:
        return _finding("underfitting", case, under)
    return good_fit(case)


def _strongest(reasons: Iterator[Reason]) -> Reason | None:
    return max(reasons, key=lambda reason: reason.strength, default=None)


def _finding(code: str, case: Case, reason: Reason) -> Finding:
    evidence = {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap, **reason.evidence}
    return Finding(code, "warning", reason.words, evidence, reason.advice, reason.argument)


def restraining(case: Case) -> Iterator[Reason]:
    """What says that the network knows its training rows better than what holds on others."""
    later = case.given_val_loss - case.lowest_val_loss
    if case.given_epoch > case.best_epoch > 0 and case.given_loss - case.loss_at_best < 0.5 * later:
        strength = later / max(LATER[0] * case.reach, LATER[1] * case.error)
        words = f"The weights given back are of epoch {case.given_epoch}; those of epoch {case.best_epoch} did better."
        yield Reason(strength, words, {"lowest_val_loss": case.lowest_val_loss}, "Stop here.", "--patience 10")
    large_gap = case.relative_gap > LARGE_GAP and case.share_learned > SOMETHING
    lead = _lead(case.baseline_difference)
    if lead is not None and lead < -2 and large_gap:
        words = "On rows it has not seen the network is worse than a model without columns; on its own rows it is not."
        yield Reason(JUST, words, {"baseline": number(case.baseline_loss)}, "Strengthen the penalty.", more_l2(case))
    words = "The network knows its training rows clearly better than rows it has not seen."
    evidence = {"relative_gap": case.relative_gap}
    if _behind_trees(case) and large_gap:
        found = evidence | {"trees": number(case.trees_loss)}
        yield Reason(JUST, words + TREES_BETTER, found, "Strengthen the penalty.", more_l2(case))
    if better := stronger(case):
        strength = gain(case, better)
        strength = max(strength, JUST) if large_gap and strength > HALF_CLEAR else strength
        found = evidence | {"val_loss_there": better.val_loss}
        yield Reason(strength, words, found, "Strengthen the penalty.", f"--l2 {better.l2:.3g}")
    for other in (slower(case), faster(case)):
        if other and not frees(case, other):
            strength = _gain_of_pace(case, other)
            strength = max(strength, JUST) if large_gap and strength > HALF_CLEAR else strength
            found = evidence | {"val_loss_there": other.val_loss}
            yield Reason(strength, words, found, "Take another pace.", rate(other.learning_rate))
    alone = not case.neighbours and case.share_learned > SOMETHING
    if alone and case.relative_gap + LAG * _lag(case) > ALONE_GAP:
        yield Reason(JUST, words, evidence, "Strengthen the penalty.", more_l2(case))


def _gain_of_pace(case: Case, other: Neighbour) -> float:
    """The gain of another learning rate, in units of what is clear."""
    return gain(case, other) * clear(case) / max(clear(case), PACE_NOISE * case.error, 1e-300)


def _behind_trees(case: Case) -> bool:
    """Whether a few boosted trees, which learned from the same rows, do clearly better on rows they have not seen."""
    if case.trees_difference is None or not all(map(math.isfinite, case.trees_difference)):
        return False
    lead, error = case.trees_difference
    share = LINEAR_BEHIND if case.hidden == () else BEHIND
    return -lead > max(share * case.reach, BEHIND_ERRORS * error)


def _lag(case: Case) -> float:
    """How far the better of the simple models is ahead on validation rows; 1 for all that can be learned, or more."""
    rivals = [loss for loss in (case.linear_loss, case.trees_loss) if loss is not None and math.isfinite(loss)]
    return min(1.0, max(0.0, case.given_val_loss - min(rivals, default=math.inf)) / case.reach)


def freeing(case: Case) -> Iterator[Reason]:
    """What says that the network has not learned what its rows can teach."""
    yield from _by_neighbours(case)
    yield from _by_its_course(case)
    yield from _by_what_it_learned(case)


def _by_neighbours(case: Case) -> Iterator[Reason]:
    if better := weaker(case):
        words = "The penalty holds the network back: it does badly on its training rows, too."
        found = {"val_loss_there": better.val_loss}
        yield Reason(gain(case, better), words, found, "Weaken the penalty.", f"--l2 {better.l2:.3g}")
    for other, pace in ((slower(case), "long"), (faster(case), "short")):
        if other and frees(case, other):
            words = f"The steps are too {pace} to get down to the low loss: it is high on the training rows, too."
            found = {"val_loss_there": other.val_loss}
            yield Reason(_gain_of_pace(case, other), words, found, "Take another pace.", rate(other.learning_rate))


def _by_its_course(case: Case) -> Iterator[Reason]:
    falling = fall(case.curve)
    share = FALLING_IN_A_GRID if case.neighbours else FALLING
    even = case.neighbours or roughness(case.loss) < EVEN
    if at_the_end(case) and even and falling > share * case.reach:
        words = "Both losses were still falling when the epochs were over."
        argument = f"--epochs {2 * (case.epochs or case.n_epochs)}"
        strength = JUST if case.neighbours else SURELY
        yield Reason(strength, words, {"fall_at_the_end": falling}, "Train for more epochs.", argument)
    heavy = case.given_penalty > HEAVY_PENALTY * abs(case.start) and case.relative_gap < NO_GAP
    if heavy and not case.neighbours:
        words = "The penalty is heavy, and there is no gap that it would close: it only holds the network back."
        yield Reason(JUST, words, {"penalty": case.given_penalty}, "Weaken the penalty.", less_l2(case))


def _by_what_it_learned(case: Case) -> Iterator[Reason]:
    advice, argument = _larger(case)
    evidence = {"share_learned": case.share_learned}
    linear, baseline = _lead(case.linear_difference), _lead(case.baseline_difference)
    if case.hidden == () and case.share_learned < LITTLE and baseline is not None and abs(baseline) < 2:
        words = "Without hidden layers the network learned little, even on its training rows."
        yield Reason(SURELY, words, evidence, advice, argument)
    if case.share_learned < LITTLE and linear is not None and linear < 2 and case.relative_gap < LARGE_GAP:
        words = "The network has learned little on its training rows, and nothing that a linear model does not know."
        yield Reason(JUST, words, evidence, advice, argument)
    if linear is not None and linear < -2 and case.relative_gap < NO_GAP:
        words = "A linear model does clearly better, and there is no gap: the network has not learned what it could."
        yield Reason(JUST, words, {"linear": number(case.linear_loss)}, advice, argument)
    if _behind_trees(case) and case.relative_gap < LARGE_GAP:
        words = "The network has more to learn than it did:" + TREES_BETTER
        yield Reason(JUST, words, {"trees": number(case.trees_loss)}, advice, argument)


def _lead(difference: tuple[float, float] | None) -> float | None:
    """By how many standard errors the network is better than another model; None where it is not known."""
    if difference is None or not all(map(math.isfinite, difference)):
        return None
    return difference[0] / max(difference[1], 1e-12)


def _larger(case: Case) -> tuple[str, str]:
    """What to try with a network that has learned too little."""
    if case.hidden == ():
        return "Give the network hidden layers.", "--hidden 64,64"
    faster_rate = rate(times(case.learning_rate, 10)) if not case.neighbours else ""
    return ("Take longer steps.", faster_rate) if faster_rate else ("Give the network more units.", "--hidden 256,256")


def good_fit(case: Case) -> Finding:
    """Both losses are low, and near each other, as far as the numbers say."""
    words = "nothing that was tried does" if case.neighbours else "nothing says that it could do"
    wide = case.relative_gap > WORTH_A_WORD
    apart = "There is a gap to the rows that the network has not seen, but"
    near = "The network does about as well on rows it has not seen, and"
    return Finding(
        "good_fit",
        "good",
        f"{apart if wide else near} {words} clearly better.",
        {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap, "clear": clear(case)},
    )
