"""What to see in each picture, in one sentence computed from its numbers, in the guide's words."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodfit.diagnosis.comparisons import Comparison
from goodfit.formatting import count, join, numbers, printable, share
from goodfit.reporting.trials import Grid, Trial, knob

CLEARLY = 1.02
"""A loss is clearly higher from here on, as a multiple of the other."""


def of_curves(trial: Trial, *, patience: int | None = None) -> str:
    """The curves of the training that is given back."""
    if not trial.best_epoch:
        return "No epoch has a finite loss: the steps were too long, and the loss blew up."
    best, gap, loss = _at_best(trial)
    lower = trial.at_best(trial.judged) < trial.at_best(trial.loss)
    at = f"the validation loss is lowest at epoch {trial.best_epoch:,}, {best}"
    if not len(trial.val_loss):
        first, last = numbers(trial.loss[0], trial.at_best(trial.loss))
        return f"The training loss goes from {first} to {last} in {count(trial.epochs, 'epoch')}; no rows validate it."
    shaded = f"the shaded gap to the training loss, {loss}, is {gap}"
    if lower:
        shaded = f"the training loss, {loss}, is not even as low"
    match trial.outcome:
        case "stopped_early" if patience:
            waited = f"nothing got lower in the {count(patience, 'epoch')} of patience after it"
            return f"Stop here: {at}, {waited}, and {shaded}."
        case "diverged":
            return f"The loss blew up after epoch {trial.epochs:,}; before that {at}, and {shaded}."
        case "finished" if trial.best_epoch == trial.epochs:
            return f"The best epoch is the last one: {at}, and {shaded}."
        case _:
            return f"Stop here: {at}, and {shaded}."


def of_trial(trial: Trial) -> str:
    """One training of the grid."""
    config = f"λ {knob(trial.l2)}, learning rate {knob(trial.learning_rate)}"
    if not trial.best_epoch:
        return f"{config}: the loss blew up in epoch {trial.epochs:,}, and no epoch is finite."
    best, gap, loss = _at_best(trial)
    how = {
        "stopped_early": f"stopped after {trial.epochs:,}",
        "diverged": f"blew up after {trial.epochs:,}",
        "finished": f"all {trial.epochs:,} done",
    }.get(trial.outcome, f"ended after {trial.epochs:,}")
    lowest = f"lowest validation loss {best} at epoch {trial.best_epoch:,} ({how})"
    return f"{config}: {lowest}, training loss there {loss}, gap {gap}; {of_weights(trial)}."


def _at_best(trial: Trial) -> list[str]:
    """Validation loss, gap and training loss at the best epoch."""
    loss, val_loss = trial.at_best(trial.loss), trial.at_best(trial.judged)
    return numbers(val_loss, val_loss - loss, loss)


def of_weights(trial: Trial) -> str:
    """Where they lie, as part of a sentence."""
    low, high = (np.quantile(trial.quantiles, end) for end in (0.05, 0.95))
    return "90% of the weights lie between {} and {}".format(*numbers(low, high))


def of_grid(grid: Grid) -> str:
    """The heat map."""
    finite = [mean for mean in grid.means.values() if np.isfinite(mean)]
    lowest, highest = numbers(min(finite), max(finite))
    l2, rate = grid.lowest
    at = f"at λ {knob(l2)} and learning rate {knob(rate)}"
    said = f"The validation loss is lowest, {lowest}, {at}, and goes up to {highest}"
    if grid.chosen == grid.lowest:
        return f"{said}; that pair was chosen."
    return f"{said}; chosen was λ {knob(grid.chosen[0])}, the largest within one standard error of the lowest."


def of_pair(without: Trial, penalised: Trial) -> str:
    """Weights with less L2 and with more."""
    spans = [float(np.diff(np.quantile(trial.quantiles, [0.05, 0.95]))[0]) for trial in (without, penalised)]
    less, more = numbers(spans[0] / 2, spans[1] / 2)
    first = "Without L2" if without.l2 == 0 else f"With λ {knob(without.l2)}"
    ratio = spans[0] / spans[1] if spans[1] else np.inf
    if ratio < 1.15:
        return (
            f"{first} and with λ {knob(penalised.l2)} the weights lie alike, 90% of them within ±{less} and ±{more}: "
            "so little penalty hardly pulls."
        )
    near = "weights near zero" if ratio >= 3 else "closer to zero"
    return f"{first} 90% of the weights lie within ±{less}; with λ {knob(penalised.l2)} within ±{more}: {near}."


def pace(trial: Trial, right: Trial) -> str:
    """What a learning rate is like beside the right one, in the guide's words."""
    if trial is right:
        return "perfect pace"
    clearly = trial.at_best(trial.judged) > CLEARLY * right.at_best(right.judged)
    if trial.learning_rate < right.learning_rate:
        return "too small: baby steps" if clearly else "smaller: gets there as well"
    if trial.outcome == "diverged":
        return "too large: it blows up"
    return "too large: jumping around" if clearly else "larger: gets there as well"


def of_rates(trials: Sequence[Trial], right: Trial) -> str:
    """The pace of several learning rates, the smallest first."""
    what = "Validation loss" if len(right.val_loss) else "Loss"
    return f"{what} by learning rate: {'; '.join(_reached(trial, right) for trial in trials)}."


def _reached(trial: Trial, right: Trial) -> str:
    rate, lowest = knob(trial.learning_rate), trial.at_best(trial.judged)
    epochs = count(trial.best_epoch, "epoch")
    (loss,) = numbers(lowest)
    if not np.isfinite(lowest):
        return f"{rate} blows up at once"
    match pace(trial, right):
        case "perfect pace":
            return f"{rate} is the perfect pace, down to {loss} in {epochs}"
        case "too small: baby steps":
            return f"{rate} takes baby steps and is only down to {loss} after {epochs}"
        case "too large: jumping around":
            return f"{rate} is jumping around and gets no lower than {loss}"
        case "too large: it blows up":
            return f"{rate} gets down to {loss} and blows up"
        case _:
            return f"{rate} gets there as well, {loss} in {epochs}"


def of_ladder(trials: Sequence[Trial]) -> str:
    """What more and more L2 does."""
    finite = [trial for trial in trials if np.isfinite(trial.at_best(trial.judged))]
    first, last = finite[0], finite[-1]
    best = min(finite, key=lambda trial: trial.at_best(trial.judged))
    gaps = numbers(*(trial.at_best(trial.val_loss) - trial.at_best(trial.loss) for trial in (first, last)))
    spans = numbers(*(float(np.abs(np.quantile(trial.quantiles, [0.05, 0.95])).max()) for trial in (first, last)))
    ends = f"From λ {knob(first.l2)} to λ {knob(last.l2)}"
    return (
        f"{ends} 90% of the weights shrink from within ±{spans[0]} to within ±{spans[1]} and the gap between both "
        f"losses goes from {gaps[0]} to {gaps[1]}; the validation loss is lowest at λ {knob(best.l2)}."
    )


def of_steps(features: Sequence[tuple[str, float, float]]) -> str:
    """Adam's steps for rare and frequent features."""
    ordered = sorted(features, key=lambda feature: feature[1])
    third = max(1, len(ordered) // 3)
    rare, frequent = (float(np.median([step for _, _, step in part])) for part in (ordered[:third], ordered[-third:]))
    ratio = rare / frequent
    if ratio > 1.2:
        how = f"{ratio:.1f} times as long as" if ratio < 10 else f"{ratio:.0f} times as long as"
    else:
        how = "about as long as" if ratio > 0.8 else "shorter than"
    return f"For the rarest third of the features Adam's steps are {how} those for the most frequent third."


def of_reasons(reasons: Sequence[Comparison]) -> str:
    """What else might have done better."""
    better = [reason.name for reason in reasons if reason.is_clear]
    perhaps_better = [reason.name for reason in reasons if reason.is_open]
    compared = f"{count(len(reasons), 'alternative')} compared on the same validation rows"
    if better:
        said = f"Of {compared}, {join(better, longest=80)} surely did clearly better"
    elif perhaps_better:
        said = f"Of {compared}, {join(perhaps_better, longest=80)} may do clearly better, or not"
    else:
        said = f"None of {compared} does clearly better"
    ends = "what is far away stands at the end"
    return f"{said}; bars show how far the luck of the rows reaches, right of the dashed line is clear, {ends}."


def of_splits(sizes: Mapping[str, int], openings: int) -> str:
    """Who learns, who chooses, who examines."""
    shares = {part: f"{100 * n / sum(sizes.values()):.0f}%" for part, n in sizes.items()}
    said = f"{shares['train']} of the rows teach, {shares['validation']} choose"
    if not sizes["test"]:
        return f"{said}; there are no test rows, so there is no exam."
    if openings:
        opened = "once" if openings == 1 else f"{openings} times"
        return f"{said}, and {shares['test']} are for the exam, which was opened {opened}."
    return f"{said}, and {shares['test']} are sealed for the exam: nothing has looked at them."


def of_confusion(matrix: Sequence[Sequence[int]], classes: Sequence[object]) -> str:
    """Right and wrong among the validation rows."""
    found = np.array(matrix)
    right, total = int(np.trace(found)), int(found.sum())
    said = f"{right:,} of {count(total, 'validation row')} are right"
    wrong = found - np.diag(np.diag(found))
    if not wrong.any():
        return f"{said}: none is taken for another class."
    truth, taken = divmod(int(wrong.argmax()), len(wrong))
    n = int(wrong.max())
    return (
        f"{said}; the most frequent mistake is {printable(classes[truth])} taken for {printable(classes[taken])}, "
        f"{count(n, 'row')}."
    )


def of_calibration(bins: Sequence[tuple[float, float, int]], *, probabilities: bool) -> str:
    """Whether what is predicted is what is there."""
    weights = np.array([n for _, _, n in bins], float)
    off = np.average([observed - predicted for predicted, observed, _ in bins], weights=weights)
    spread = np.average([abs(observed - predicted) for predicted, observed, _ in bins], weights=weights)
    if probabilities:
        side = "too low" if off > 0 else "too high"
        lean = f", {side} on the whole" if abs(off) > spread / 2 and spread > 0.02 else ""
        return (
            f"What is predicted and what is true differ by {100 * spread:.1f} points on average{lean}; "
            "on the dashed line they would be the same."
        )
    return (
        f"Predicted and true values differ by {numbers(spread)[0]} on average of the bins; the dashed line is equality."
    )


def of_residuals(bins: Sequence[tuple[float, float, int]]) -> str:
    """How far off a quantity is predicted."""
    n = np.array([rows for _, _, rows in bins], float)
    middles = np.array([(low + high) / 2 for low, high, _ in bins])
    order = np.argsort(np.abs(middles))
    half = np.abs(middles[order])[np.searchsorted(np.cumsum(n[order]), n.sum() / 2)]
    above = n[middles > 0].sum()
    half_of_them = f"Half of the predictions are within about {numbers(half)[0]} of the truth"
    return f"{half_of_them}; the truth lies above the prediction in {share(above, n.sum())} of the rows."
