"""Rules about the learning rate: views of the comparisons that change it, and what the curves show."""

import math

from goodfit.diagnosis.comparisons import TENFOLD, Diagnosis
from goodfit.diagnosis.findings import Finding


def diverged(d: Diagnosis) -> Finding | None:
    """The loss is no longer a finite number."""
    obs = d.obs
    if obs.outcome != "diverged":
        return None
    sentence = f"Training diverged: the loss was not finite after epoch {obs.n_epochs:,}."
    evidence = {"epochs": obs.n_epochs, "learning_rate": _rate(d)}
    change = d.times("learning_rate", 1 / TENFOLD)
    return Finding("diverged", "serious", sentence, evidence, "Use a smaller learning rate.", change)


def rate_too_small(d: Diagnosis) -> Finding | None:
    """A larger learning rate is clearly better, on the training rows, too."""
    best = d.best("learning_rate")
    if best is None or d.pull("learning_rate") < 1 or best.side != "frees":
        return None
    sentence = f"The learning rate is too small: {best.reason}."
    return Finding("rate_too_small", "warning", sentence, _evidence(d, best.gain), best.advice, best.change)


def rate_too_large(d: Diagnosis) -> Finding | None:
    """A smaller learning rate is clearly better."""
    best = d.best("learning_rate")
    if best is None or d.pull("learning_rate") > -1:
        return None
    sentence = f"The learning rate is too large: {best.reason}."
    return Finding("rate_too_large", "warning", sentence, _evidence(d, best.gain), best.advice, best.change)


def jumping(d: Diagnosis) -> Finding | None:
    """The validation loss jumps from epoch to epoch; this alone does not say that a smaller rate is better."""
    size = d.jumps(d.obs.val_loss)
    if not d.obs.is_complete or size < d.thresholds.jumps or rate_too_large(d):
        return None
    sentence = f"The validation loss jumps by about {size:.0%} of the baseline's loss from epoch to epoch."
    change = d.times("learning_rate", 1 / TENFOLD)
    advice = "Try a smaller learning rate." if change else ""
    return Finding("jumping", "note", sentence, _evidence(d, size), advice, change)


def perfect_pace(d: Diagnosis) -> Finding | None:
    """Learning rates on both sides were tried, and neither is, or may be, clearly better."""
    rates = [each for each in d.comparisons if "learning_rate" in each.change]
    if not d.obs.is_complete or not d.obs.neighbours or len(rates) < 2 or any(each.is_open for each in rates):
        return None
    sentence = "The learning rate is well chosen: neither a smaller nor a larger one of the grid is clearly better."
    return Finding("perfect_pace", "good", sentence, _evidence(d, max(each.gain for each in rates)))


def _evidence(d: Diagnosis, size: float) -> dict[str, float]:
    return {"val_loss": d.obs.restored_val_loss, "learning_rate": _rate(d), "gain": size}


def _rate(d: Diagnosis) -> float:
    return math.nan if d.obs.learning_rate is None else float(d.obs.learning_rate)
