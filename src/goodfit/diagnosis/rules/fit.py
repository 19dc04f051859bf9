"""The guide's three words about the weights that are given back: underfitting, good fit, overfitting.

What speaks for underfitting frees the network: less penalty, other steps, more epochs, more units. What speaks for
overfitting restrains it: more penalty, an earlier epoch. Each has a strength, 1 where it is just clear, and an error.
A bad fit is named where some strength is surely above 1, after the side of the greatest of these; where all are surely
below 1 the fit is good; else nobody can tell.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.observations import Case, Neighbour
from goodfit.diagnosis.rules.comparisons import (
    DOUBT,
    FREES,
    PACE,
    RESTRAINS,
    ahead,
    at_the_end,
    clear_gain,
    fall,
    faster,
    frees,
    gain,
    jumps,
    less_l2,
    more_judges,
    more_l2,
    number,
    perhaps,
    rate,
    roughness,
    slower,
    something_to_learn,
    stronger_ones,
    surely,
    weaker_ones,
)

LARGE_GAP = 0.4
"""A gap above this share of what was learned on the training rows is large, …"""
SOMETHING = 0.1
"""… if this share of the loss was taken off; who has learned nothing has nothing that would not hold on others."""
WITNESS, LESS_DOUBT = 0.6, 0.2
"""A gap above this share is a second witness of overfitting: of the error of what restrains only this share counts."""
BEHIND = 0.3
"""A network is behind trees from this share of what can be learned on."""
LINEAR_BEHIND, NO_GAP = 0.2, 0.05
"""And behind a linear model from this one on, where there is no gap."""
LATER = 0.1, 0.2
"""The last epoch is clearly worse than the best by this share of what can be learned, and of the standard error."""
HEAVY_PENALTY = 0.5
"""Alone, a penalty of this share of the baseline's loss is too heavy where there is no gap that it would close."""
FALLING, EVEN = 0.05, 0.005
"""Alone, a loss was still falling that fell by this share of what can be learned in the last tenth of the epochs, and
evenly: less than this share of its way led upwards."""
ALONE_GAP = 0.8
"""Alone, only a gap above this share of what was learned names the fit."""
CALM_GAP, CALM_END, CALM_JUMPS, CALM_RIVALS, CALM_ERROR, CALM_PENALTY = 0.1, 0.02, 0.05, 0.07, 0.2, 0.1
"""Alone, a fit is good only where none of these is exceeded: the gap, the fall at the end of the epochs, the jumps from
epoch to epoch, what simple models are ahead, the standard error, the penalty; all but the gap as shares of what can be
learned."""
WORTH_A_WORD = 0.25
"""A gap above this share is mentioned where the fit is good all the same."""
TREES_BETTER = " a few boosted trees do clearly better on rows they have not seen."
SURELY = 1.5
"""The strength of what has no scale of its own."""


class Reason(NamedTuple):
    """What speaks for one side: what, how strongly, how uncertain that is, in words, in numbers, and what to do.

    strength, error: in units of what is clear. error is 0 where a strength was not measured by rows.
    """

    what: str
    strength: float
    error: float
    words: str
    evidence: Mapping[str, float]
    advice: str
    argument: str


def judge_fit(case: Case) -> Finding | None:
    """The finding that names the fit, or says that nobody can; None where there is nothing to judge."""
    if not case.judged or not math.isfinite(case.start):
        return None
    under, over = list(freeing(case)), list(restraining(case))
    reasons = under + over
    if sure := [reason for reason in reasons if surely(reason.strength, reason.error)]:
        strongest = max(sure, key=lambda reason: reason.strength)
        return _finding("underfitting" if strongest in under else "overfitting", case, strongest)
    if doubtful := [reason for reason in reasons if perhaps(reason.strength, reason.error)]:
        return _undecided(case, max(doubtful, key=lambda reason: reason.strength))
    if ahead(case.baseline_difference) > -2:
        return _no_better_than_baseline(case)
    return good_fit(case) if case.neighbours or _calm(case) else _unseen(case)


def _finding(code: str, case: Case, reason: Reason) -> Finding:
    evidence = {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap, **reason.evidence}
    return Finding(code, "warning", reason.words, evidence, reason.advice, reason.argument)


def restraining(case: Case) -> Iterator[Reason]:
    """What says that the network knows its training rows better than what holds on others."""
    later = case.own_val_loss - case.lowest_val_loss
    if case.given_epoch > case.best_epoch > 0 and case.own_loss - case.loss_at_best < 0.5 * later:
        strength = later / max(LATER[0] * case.reach, LATER[1] * case.error)
        words = f"The weights given back are of epoch {case.given_epoch}; those of epoch {case.best_epoch} did better."
        yield Reason(
            "an earlier epoch",
            strength,
            0.0,
            words,
            {"lowest_val_loss": case.lowest_val_loss},
            "Stop here.",
            "--patience 10",
        )
    words = "The network knows its training rows clearly better than rows it has not seen."
    for more in stronger_ones(case):
        advice = "Strengthen the penalty.", f"--l2 {more.l2:.3g}"
        yield _with_the_gap(case, _by_neighbour(case, more, RESTRAINS, words, *advice))
    for other in (slower(case), faster(case)):
        if other and not frees(case, other):
            pace = "Take another pace.", rate(other.learning_rate)
            yield _with_the_gap(case, _by_neighbour(case, other, PACE * RESTRAINS, words, *pace))
    if case.relative_gap <= LARGE_GAP or case.share_learned <= SOMETHING:
        return
    advice, evidence = ("Strengthen the penalty.", more_l2(case)), {"relative_gap": case.relative_gap}
    if case.baseline_difference is not None and ahead(case.baseline_difference) > 2:
        there = "On rows it has not seen the network is worse than a model without columns; on its own rows it is not."
        yield Reason("a baseline", SURELY, 0.0, there, {"baseline": number(case.baseline_loss)}, *advice)
    yield from _behind_trees(case, words + TREES_BETTER, *advice)
    if not case.neighbours and case.relative_gap > ALONE_GAP:
        yield Reason("more penalty", SURELY, 0.0, words, evidence, *advice)


def freeing(case: Case) -> Iterator[Reason]:
    """What says that the network has not learned what its rows can teach."""
    for less in weaker_ones(case):
        words = "The penalty holds the network back: it does badly on its training rows, too."
        yield _by_neighbour(case, less, FREES, words, "Weaken the penalty.", f"--l2 {less.l2:.3g}")
    for other, pace in ((slower(case), "long"), (faster(case), "short")):
        if other and frees(case, other):
            words = f"The steps are too {pace} to get down to the low loss: it is high on the training rows, too."
            yield _by_neighbour(case, other, PACE * FREES, words, "Take another pace.", rate(other.learning_rate))
    falling = fall(case.curve)
    even = at_the_end(case) and roughness(case.loss) < EVEN
    if even and not case.neighbours and falling > FALLING * case.reach:
        words = "Both losses were still falling when the epochs were over."
        argument = f"--epochs {2 * (case.epochs or case.n_epochs)}"
        yield Reason(
            "more epochs", SURELY, 0.0, words, {"fall_at_the_end": falling}, "Train for more epochs.", argument
        )
    heavy = case.given_penalty > HEAVY_PENALTY * abs(case.start) and case.relative_gap < NO_GAP
    if heavy and not case.neighbours and something_to_learn(case):
        words = "The penalty is heavy, and there is no gap that it would close: it only holds the network back."
        yield Reason(
            "less penalty", SURELY, 0.0, words, {"penalty": case.given_penalty}, "Weaken the penalty.", less_l2(case)
        )
    advice = _larger(case)
    if case.linear_difference is not None and case.relative_gap < NO_GAP:
        words = "A linear model does clearly better, and there is no gap: the network has not learned what it could."
        evidence = {"linear": number(case.linear_loss)}
        yield _by_rival("linear model", case, case.linear_difference, LINEAR_BEHIND, words, evidence, *advice)
    if case.relative_gap < LARGE_GAP:
        yield from _behind_trees(case, "The network has more to learn than it did:" + TREES_BETTER, *advice)


def _by_neighbour(case: Case, other: Neighbour, share: float, words: str, advice: str, argument: str) -> Reason:
    """What another config of the grid gains, in units of what is clear."""
    strength, error = gain(case, other, clear_gain(case, share))
    name = f"λ {other.l2:.6g}" if other.l2 != case.l2 else f"rate {other.learning_rate:.6g}"
    return Reason(name, strength, error, words, {"val_loss_there": other.val_loss}, advice, argument)


def _with_the_gap(case: Case, reason: Reason) -> Reason:
    """What restrains is less in doubt where the gap says the same."""
    return reason._replace(error=LESS_DOUBT * reason.error) if case.relative_gap > WITNESS else reason


def _by_rival(
    what: str,
    case: Case,
    difference: tuple[float, float],
    share: float,
    words: str,
    evidence: Mapping[str, float],
    advice: str,
    argument: str,
) -> Reason:
    """How far a simple model is ahead, in units of what is clear."""
    unit = clear_gain(case, share)
    return Reason(what, -difference[0] / unit, difference[1] / unit, words, evidence, advice, argument)


def _behind_trees(case: Case, words: str, advice: str, argument: str) -> Iterator[Reason]:
    """A few boosted trees, which learned from the same rows, do better on rows they have not seen."""
    if case.trees_difference is not None:
        evidence = {"trees": number(case.trees_loss)}
        yield _by_rival("trees", case, case.trees_difference, BEHIND, words, evidence, advice, argument)


def _larger(case: Case) -> tuple[str, str]:
    """What to try with a network that has learned too little."""
    if case.hidden == ():
        return "Give the network hidden layers.", "--hidden 64,64"
    if at_the_end(case):
        return "Train for more epochs.", f"--epochs {2 * (case.epochs or case.n_epochs)}"
    if case.learning_rate and not case.neighbours:
        return "Take longer steps.", rate(case.learning_rate * 10)
    wider = tuple(max(256, 2 * units) for units in case.hidden or (256, 256))
    return "Give the network more units.", f"--hidden {','.join(map(str, wider))}"


def _calm(case: Case) -> bool:
    """Whether the curves and the simple models leave no question open."""
    ending = fall(case.curve) if at_the_end(case) else 0.0
    rivals = [_surely_ahead(each) for each in (case.linear_difference, case.trees_difference) if each is not None]
    limits = [
        (ending, CALM_END),
        (jumps(case.val_loss), CALM_JUMPS),
        (case.error, CALM_ERROR),
        (max(rivals, default=0.0), CALM_RIVALS),
        (case.given_penalty, CALM_PENALTY),
    ]
    return case.relative_gap < CALM_GAP and all(size < share * case.reach for size, share in limits)


def _surely_ahead(difference: tuple[float, float]) -> float:
    return -difference[0] + DOUBT * difference[1]


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
        {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap},
    )


def _undecided(case: Case, reason: Reason) -> Finding:
    """Something may do clearly better, or may not: the rows that judge are too few."""
    rows = f"{case.n_validation} validation rows are" if case.n_validation else "The validation rows are"
    what = reason.argument or "another way"
    evidence = {**reason.evidence, "strength": reason.strength, "error": reason.error}
    words = f"{rows} too few to tell whether {what} would do clearly better."
    return Finding("cannot_tell", "warning", words, evidence, *more_judges(case))


def _no_better_than_baseline(case: Case) -> Finding:
    """Nothing speaks for a bad fit, and nothing says that something was learned."""
    words = "Nothing shows that the network does better than always predicting the same, so its fit cannot be judged."
    evidence = {"val_loss": case.given_val_loss, "baseline": number(case.baseline_loss)}
    advice, argument = more_judges(case)
    if not argument:
        advice = "Look for columns that have to do with the target, or more rows."
    return Finding("cannot_tell", "warning", words, evidence, advice, argument)


def _unseen(case: Case) -> Finding:
    """Nothing speaks for a bad fit, but too little is known to call it a good one."""
    words = "No other penalty or learning rate was trained, so nothing shows whether one would do clearly better."
    evidence = {"loss": case.given_loss, "val_loss": case.given_val_loss, "gap": case.gap}
    return Finding("cannot_tell", "warning", words, evidence, "Train the whole grid.", "--l2 auto --learning-rate auto")
