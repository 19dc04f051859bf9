"""Rules about the course of a training: when it ended, and what the penalty did to it."""

import math

from goodfit.diagnosis.comparisons import Diagnosis
from goodfit.diagnosis.findings import Finding


def out_of_epochs(d: Diagnosis) -> Finding | None:
    """All epochs were run, and the validation loss was still falling."""
    obs = d.obs
    if not obs.is_complete or not d.is_still_falling:
        return None
    return Finding(
        "out_of_epochs",
        "warning",
        f"The validation loss was still falling after all {obs.n_epochs:,} epochs.",
        {"epochs": obs.n_epochs, "best_epoch": obs.best_epoch, "fall_at_the_end": d.late_fall},
        "Train for more epochs.",
        {"epochs": 2 * (obs.epochs or obs.n_epochs)},
    )


def stopped_too_early(d: Diagnosis) -> Finding | None:
    """Early stopping ended within the noise of the validation loss, while the training loss was still falling."""
    obs, limits = d.obs, d.thresholds
    if obs.outcome != "stopped_early" or not obs.patience or not obs.is_complete or obs.best_epoch == 0:
        return None
    rise = float(obs.curve[obs.best_epoch :].min(initial=math.inf)) - obs.lowest_val_loss
    learned = obs.loss[obs.best_epoch - 1] - obs.loss[-1]
    clear = d.clear_gain(limits.frees)
    if not (rise < limits.open_question * clear and learned > limits.still_falling * d.learnable and obs.gap < clear):
        return None
    patience = max(20, 3 * obs.patience)
    return Finding(
        "stopped_too_early",
        "note",
        f"Early stopping (patience {obs.patience:,}) ended the training within the noise of the validation loss.",
        {"patience": obs.patience, "rise_after_best": rise, "fall_of_loss_after_best": learned},
        "Use a larger patience.",
        d.untested("patience", patience),
    )


def overfitting_began(d: Diagnosis) -> Finding | None:
    """After the restored best epoch the validation loss rose clearly while the training loss fell."""
    obs = d.obs
    if not obs.is_complete or obs.restored_epoch != obs.best_epoch or obs.best_epoch == obs.n_epochs:
        return None
    last_val = float(obs.curve[-1])
    rise = last_val - obs.lowest_val_loss
    if not (d.clear_gain(d.thresholds.frees) < rise < math.inf and obs.loss[-1] < obs.restored_loss):
        return None
    return Finding(
        "overfitting_began",
        "note",
        f"After epoch {obs.best_epoch:,} the validation loss rose while the training loss fell; "
        "the weights of that epoch are restored.",
        {"best_epoch": obs.best_epoch, "val_loss": obs.lowest_val_loss, "val_loss_at_the_end": last_val},
    )


def penalty_too_strong(d: Diagnosis) -> Finding | None:
    """Less penalty is clearly better."""
    best = d.best("l2")
    if best is None or d.pull("l2") > -1:
        return None
    sentence = f"The penalty is too strong: {best.reason}."
    evidence = {"l2": d.obs.l2 or 0.0, "gain": best.gain, "standard_error": best.error}
    return Finding("penalty_too_strong", "warning", sentence, evidence, best.advice, best.change)
