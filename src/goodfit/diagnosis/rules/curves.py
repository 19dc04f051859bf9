"""Rules about the course of a training: when it ended, and what the penalty did to it."""

import math

from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.observations import Case
from goodfit.diagnosis.rules.comparisons import at_the_end, clear, fall, gain, less_l2, something_to_learn, weaker

STILL_FALLING = 0.02
"""A loss that fell by this share of what can be learned during the last tenth of the epochs was still falling."""
HEAVY, NO_GAP = 0.15, 0.05
"""A penalty of this share of the baseline's loss is heavy; a gap below this share of what was learned is none."""


def out_of_epochs(case: Case) -> Finding | None:
    """All epochs are done, and the validation loss was still falling."""
    falling = fall(case.curve)
    if not case.judged or not at_the_end(case) or falling < STILL_FALLING * case.reach:
        return None
    epochs = 2 * (case.epochs or case.n_epochs)
    return Finding(
        "out_of_epochs",
        "warning",
        f"The validation loss was still falling when the {case.n_epochs} epochs were over.",
        {"epochs": case.n_epochs, "best_epoch": case.best_epoch, "fall_at_the_end": falling},
        "Train for more epochs.",
        f"--epochs {epochs}",
    )


def stopped_too_early(case: Case) -> Finding | None:
    """Patience ended within the noise of the validation loss, while the training loss was still falling."""
    if case.outcome != "stopped_early" or not case.patience or not case.judged or case.best_epoch == 0:
        return None
    after = case.curve[case.best_epoch :]
    rise = float(after.min(initial=math.inf)) - case.lowest_val_loss
    learned = case.loss_at_best - case.loss[-1]
    if not rise < 0.25 * clear(case) or not learned > STILL_FALLING * case.reach or case.gap > clear(case):
        return None
    return Finding(
        "stopped_too_early",
        "note",
        f"Patience {case.patience} ended within the noise of the validation loss, while the training loss still fell.",
        {"patience": case.patience, "rise_after_best": rise, "fall_of_loss_after_best": learned},
        "Wait longer for an improvement.",
        f"--patience {max(20, 3 * case.patience)}",
    )


def overfitting_began(case: Case) -> Finding | None:
    """After the best epoch the validation loss rose clearly while the training loss fell; that epoch was given back."""
    if not case.judged or case.given_epoch != case.best_epoch or case.best_epoch == case.n_epochs:
        return None
    last_val, last = case.curve[-1], case.loss[-1]
    rise = float(last_val) - case.lowest_val_loss
    if not (math.isfinite(rise) and rise > clear(case) and last < case.given_loss):
        return None
    return Finding(
        "overfitting_began",
        "note",
        f"Stop here: after epoch {case.best_epoch} the validation loss rose while the training loss fell, "
        "so the weights of that epoch are given back.",
        {"best_epoch": case.best_epoch, "val_loss": case.lowest_val_loss, "val_loss_at_the_end": float(last_val)},
    )


def penalty_too_strong(case: Case) -> Finding | None:
    """A weaker penalty of the grid does clearly better; or the penalty outweighs the errors without a gap to close."""
    if not case.judged or not case.l2:
        return None
    if case.neighbours:
        better = weaker(case)
        if better is None or gain(case, better, clear(case))[0] < 1:
            return None
        argument = f"--l2 {better.l2:.3g}"
        evidence = {"val_loss_there": better.val_loss}
    else:
        heavy = case.given_penalty > HEAVY * abs(case.start) and case.relative_gap < NO_GAP
        if not heavy or not something_to_learn(case):
            return None
        argument = less_l2(case)
        evidence = {"penalty": case.given_penalty, "gap": case.gap}
    return Finding(
        "penalty_too_strong",
        "warning",
        "Weights near zero: the penalty is so strong that the network cannot follow the data.",
        {"l2": case.l2, "val_loss": case.given_val_loss, **evidence},
        "Weaken the penalty.",
        argument,
    )
