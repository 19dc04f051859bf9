"""The verdict's word: underfitting, good fit, overfitting, or cannot tell.

The clear comparison with the largest gain, in units of what is clear, names a bad fit. Where none is clear the fit is
good, unless some comparison is open: then nobody can tell.
"""

import math

from goodfit.diagnosis.comparisons import Comparison, Diagnosis
from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.rules.context import dead_layer, more_validation

GRID = {"l2": "auto", "learning_rate": "auto"}


def fit(d: Diagnosis) -> Finding | None:
    """The finding that names the fit, or says that nobody can; None where there is nothing to diagnose."""
    if not d.obs.is_complete or not math.isfinite(d.obs.start):
        return None
    if clear := [each for each in d.comparisons if each.side and each.is_clear]:
        return _bad_fit(d, max(clear, key=lambda each: each.strength))
    open_questions = [each for each in d.comparisons if each.is_open]
    measured = [each for each in open_questions if each.error and (d.obs.neighbours or each.strength >= 1)]
    if measured or (open_questions and d.obs.neighbours):
        return _contested(d, max(measured or open_questions, key=lambda each: each.strength))
    if open_questions:
        return _untested(d, max(open_questions, key=lambda each: each.strength).reason)
    if not d.beats_baseline:
        return _no_better_than_baseline(d)
    if not d.obs.neighbours and d.has_large_error:
        return _untested(d, "the validation loss is uncertain")
    return good_fit(d)


def _losses(d: Diagnosis) -> dict[str, float]:
    return {"loss": d.obs.restored_loss, "val_loss": d.obs.restored_val_loss, "gap": d.obs.gap}


def _bad_fit(d: Diagnosis, strongest: Comparison) -> Finding:
    """Underfitting or overfitting, after the side of the alternative that is clearly better."""
    code, words = "underfitting", "The model can still learn from these columns"
    if strongest.side == "restrains":
        degree = "much better than" if d.has_large_gap else "better than" if d.obs.gap > 0 else "at the expense of"
        code, words = "overfitting", f"The model fits the training rows {degree} unseen rows"
    evidence = _losses(d) | {"gain": strongest.gain, "standard_error": strongest.error, "clear": strongest.clear}
    sentence = f"{words}: {strongest.reason}."
    return Finding(code, "warning", sentence, evidence, strongest.advice, strongest.change)


def good_fit(d: Diagnosis) -> Finding:
    """Nothing is clearly better, and nothing is open; what is noteworthy all the same is part of the sentence."""
    tested = "no tested alternative is clearly better" if d.obs.neighbours else "nothing points to a better fit"
    wide = d.relative_gap > d.thresholds.open_question * d.thresholds.large_gap
    side = f"{abs(d.obs.gap):.2g} {'above' if d.obs.gap >= 0 else 'below'} training loss"
    mean = f"On average over {d.obs.n_folds} folds, validation loss" if d.obs.n_folds > 1 else "Validation loss"
    near = f"{mean} is {side}, {'but' if wide else 'and'}"
    dead = f"; {dead_layer(d)}" if dead_layer(d) else ""
    return Finding("good_fit", "good", f"{near} {tested}{dead}.", _losses(d))


def _contested(d: Diagnosis, strongest: Comparison) -> Finding:
    """An alternative may be clearly better, or not: the validation rows are too few."""
    known = d.obs.n_validation if d.obs.n_folds == 1 else None  # with folds not all rows compare all alternatives
    rows = f"{known:,} validation rows are" if known else "The validation rows are"
    gain = f"{strongest.gain:.2g} ± {strongest.error:.2g}"
    words = f"{rows} too few to tell whether {strongest.name} is better: its gain in validation loss is {gain}."
    evidence = {"gain": strongest.gain, "standard_error": strongest.error, "clear": strongest.clear}
    advice, change = more_validation(d)
    return Finding("cannot_tell", "warning", words, evidence, advice, change)


def _no_better_than_baseline(d: Diagnosis) -> Finding:
    """Nothing speaks for a bad fit, and nothing says that something was learned."""
    gain, error = d.obs.baseline_difference or (math.nan, math.nan)
    words = (
        f"The network is not significantly better than the baseline: its gain in validation loss is {gain:.2g} ± "
        f"{error:.2g}, so its fit cannot be assessed."
    )
    advice, change = more_validation(d)
    if not change:
        advice = "Look for columns that are related to the target, or collect more rows."
    return Finding("cannot_tell", "warning", words, _losses(d), advice, change)


def _untested(d: Diagnosis, question: str) -> Finding:
    """Nothing speaks for a bad fit, but without a grid too little is known to call it a good one."""
    words = f"No other penalty or learning rate was trained, and a question is open: {question}."
    return Finding("cannot_tell", "warning", words, _losses(d), "Train a grid.", GRID)
