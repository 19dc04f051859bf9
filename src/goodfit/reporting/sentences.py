"""One sentence for each figure, computed from its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodfit.data.splits.splits import Splits
from goodfit.diagnosis.comparisons import Comparison
from goodfit.experiment.importance import Dependence, Importance
from goodfit.formatting import count, join, numbers, printable, share
from goodfit.holdout.block_partition import SplitSizes
from goodfit.reporting.trials import Grid, Trial, short_value

CLEARLY = 1.02
"""Ratio of two losses from which on one is called higher."""
LEAVES = " A triangle marks where a curve leaves the chart."
CUT_OFF = " A triangle marks an interval that the edge cuts off."
GUIDE_WORDS = {"too small": "baby steps", "selected": "perfect pace", "too large": "jumping around"}
"""The guide's words, for captions of the tour, beside the standard terms."""


def of_curves(trial: Trial, *, patience: int | None = None) -> str:
    """Learning curves of the restored training."""
    if not trial.best_epoch:
        return "No epoch has a finite loss: the training diverged."
    if not len(trial.val_loss):
        first, last = numbers(trial.loss[0], trial.at_best(trial.loss))
        epochs = count(trial.epochs, "epoch")
        return f"The training loss goes from {first} to {last} in {epochs}; there are no validation rows."
    best, gap, loss = _at_best(trial)
    lowest = f"The validation loss is lowest at epoch {trial.best_epoch:,}, {best}"
    shaded = f"It is {gap} above the training loss, {loss}; the gap is shaded."
    if trial.at_best(trial.judged) < trial.at_best(trial.loss):
        shaded = f"The training loss of that epoch is higher, {loss}."
    match trial.outcome:
        case "stopped_early" if patience:
            return f"{lowest}, and did not improve in the {count(patience, 'epoch')} of patience after it. {shaded}"
        case "diverged":
            return f"{lowest}. The training diverged after epoch {trial.epochs:,}. {shaded}"
        case "finished" if trial.best_epoch == trial.epochs:
            return f"{lowest}, the last epoch. {shaded}"
        case _:
            return f"{lowest}. {shaded}"


def of_trial(trial: Trial) -> str:
    """One training of the grid."""
    config = f"λ {short_value(trial.l2)}, learning rate {short_value(trial.learning_rate)}"
    if not trial.best_epoch:
        return f"{config}: diverged in epoch {trial.epochs:,}; no epoch has a finite loss."
    best, gap, loss = _at_best(trial)
    end = {
        "stopped_early": f"early stopping after {trial.epochs:,}",
        "diverged": f"diverged after {trial.epochs:,}",
        "finished": f"all {trial.epochs:,} completed",
    }.get(trial.outcome, f"ended after {trial.epochs:,}")
    lowest = f"lowest validation loss {best} at epoch {trial.best_epoch:,} ({end})"
    return f"{config}: {lowest}, training loss {loss}, gap {gap}; {of_weights(trial)}."


def _at_best(trial: Trial) -> list[str]:
    """Validation loss, gap and training loss at the best epoch."""
    loss, val_loss = trial.at_best(trial.loss), trial.at_best(trial.judged)
    return numbers(val_loss, val_loss - loss, loss)


def of_weights(trial: Trial) -> str:
    """Range of the weights, as part of a sentence."""
    low, high = (np.quantile(trial.quantiles, end) for end in (0.05, 0.95))
    if max(-low, high) < 1e-6:
        return "90% of the weights are practically 0"
    return "90% of the weights are between {} and {}".format(*numbers(low, high))


def of_grid(grid: Grid) -> str:
    """The heat map; in a race only contenders were trained on all folds, or on all rows."""
    finite = [mean for mean in grid.means.values() if np.isfinite(mean)]
    lowest, highest = numbers(grid.means[grid.lowest], max(finite))
    l2, rate = grid.lowest
    on = "rows" if grid.has_rungs else "folds"
    among = f"Of the {count(grid.n_contenders, 'configuration')} trained on all {on}, the lowest validation loss"
    lead = "The lowest validation loss" if grid.n_contenders == len(grid.means) else among
    at = f"at λ {short_value(l2)} and learning rate {short_value(rate)}"
    if grid.chosen == grid.lowest:
        return f"{lead}, {lowest}, is {at} (selected); the highest of all is {highest}."
    selected = f"λ {short_value(grid.chosen[0])}, the largest within one standard error of the lowest loss"
    return f"{lead}, {lowest}, is {at}; the highest of all is {highest}. Selected: {selected}."


def of_pair(without: Trial, penalised: Trial) -> str:
    """Weights with less L2 and with more."""
    ends = [np.quantile(trial.quantiles, [0.05, 0.95]).tolist() for trial in (without, penalised)]
    spans = [high - low for low, high in ends]
    less, more = (" to ".join(numbers(*pair)) for pair in ends)
    first = "Without L2" if without.l2 == 0 else f"With λ {short_value(without.l2)}"
    ratio = spans[0] / spans[1] if spans[1] else np.inf
    effect = "little effect" if ratio < 1.15 else f"a range {ratio:.2g} times as narrow"
    second = f"with λ {short_value(penalised.l2)}, from {more}: {effect}"
    return f"{first}, the central 90% of the weights range from {less}; {second}."


def pace(trial: Trial, right: Trial) -> str:
    """A learning rate compared with the selected one."""
    if trial is right:
        return "selected"
    higher = not trial.at_best(trial.judged) <= CLEARLY * right.at_best(right.judged)
    if not higher and trial.outcome != "diverged":
        return "as good"
    return "too small" if trial.learning_rate < right.learning_rate else "too large"


def caption(trial: Trial, right: Trial, *, guide: bool = False) -> str:
    """The same as the title of a chart; guide: with the guide's word for it."""
    term = pace(trial, right)
    word = "diverges" if trial.outcome == "diverged" else GUIDE_WORDS.get(term) if guide else ""
    return f"{short_value(trial.learning_rate)} · {term}{f' ({word})' if word else ''}"


def of_rates(trials: Sequence[Trial], right: Trial) -> str:
    """Several learning rates, the smallest first."""
    what = "validation loss" if len(right.val_loss) else "loss"
    return f"Lowest {what} by learning rate: {'; '.join(_reached(trial, right) for trial in trials)}."


def _reached(trial: Trial, right: Trial) -> str:
    rate, lowest = short_value(trial.learning_rate), trial.at_best(trial.judged)
    if not np.isfinite(lowest):
        return f"{rate} diverged at once"
    (loss,) = numbers(lowest)
    then = ", then it diverged" if trial.outcome == "diverged" else ""
    return f"{rate} ({pace(trial, right)}) {loss} at epoch {trial.best_epoch:,}{then}"


def of_l2_path(trials: Sequence[Trial]) -> str:
    """Effect of more and more L2."""
    finite = [trial for trial in trials if np.isfinite(trial.at_best(trial.judged))]
    first, last = finite[0], finite[-1]
    best = min(finite, key=lambda trial: trial.at_best(trial.judged))
    gaps = numbers(*(trial.at_best(trial.val_loss) - trial.at_best(trial.loss) for trial in (first, last)))
    widths = numbers(*(float(np.ptp(np.quantile(trial.quantiles, [0.05, 0.95]))) for trial in (first, last)))
    return (
        f"From λ {short_value(first.l2)} to λ {short_value(last.l2)}, the width of the central 90% of the weights goes "
        f"from {widths[0]} to {widths[1]}, and the gap from training to validation loss from {gaps[0]} to {gaps[1]}. "
        f"The validation loss is lowest at λ {short_value(best.l2)}."
    )


def of_steps(features: Sequence[tuple[str, float, float]]) -> str:
    """Adam's steps for rare and frequent features."""
    ordered = sorted(features, key=lambda feature: feature[1])
    third = max(1, len(ordered) // 3)
    rare, frequent = (float(np.median([step for _, _, step in part])) for part in (ordered[:third], ordered[-third:]))
    ratio = rare / frequent
    if ratio > 1.2:
        how = f"{ratio:.1f} times as large as" if ratio < 10 else f"{ratio:.0f} times as large as"
    else:
        how = "about as large as" if ratio > 0.8 else "smaller than"
    return (
        f"Per unit of gradient, Adam's median step for the rarest third of the features is {how} that for the most "
        "frequent third."
    )


def of_alternatives(compared: Sequence[Comparison], model: str) -> str:
    """Alternatives to the model: what is better, and how to read the chart."""
    better = [each.name for each in compared if each.is_clear]
    possibly = [each.name for each in compared if each.is_open]
    rows = f"{count(len(compared), 'alternative')} compared on the same validation rows"
    if better:
        said = f"Of {rows}, clearly better: {join(better, longest=80)}"
    elif possibly:
        said = f"Of {rows}, undecided: {join(possibly, longest=80)}"
    else:
        said = f"None of {rows} is clearly better"
    return (
        f"{said}. Points: validation loss of the alternative minus that of {model}, with 95% intervals. From the "
        "tick to the left, a difference is clearly better: large enough to matter, and too large for chance. A tick "
        "beyond the edge is not shown."
    )


def of_splits(sizes: Mapping[str, int], openings: int) -> str:
    """Shares of the splits, and whether the test rows are still sealed."""
    shares = {part: share(n, sum(sizes.values()), decimals=0) for part, n in sizes.items()}
    said = f"{shares['train']} of the rows train the network and {shares['validation']} validate it"
    if not sizes["test"]:
        return f"{said}; there are no test rows, so there is no exam."
    if openings:
        times = "once" if openings == 1 else f"{openings:,} times"
        return f"{said}; the other {shares['test']} are test rows, scored {times}."
    return f"{said}; the other {shares['test']} are sealed for the exam."


def of_sample(whole: SplitSizes, sample: Splits) -> str:
    """Which rows of a table that was read in blocks measured what, after the sentence about the splits."""
    train, validation, test = (f"{len(rows):,}" for rows in sample.arrays().values())
    return (
        f" All {count(whole.n_rows, 'row')} were read, in blocks. What predicts was trained on all training rows, "
        f"{whole.epoch_rows:,} of them in an epoch. The search, validation and every measurement are by a random "
        f"sample of {train} training and {validation} validation rows, the exam by {test} of the test rows."
    )


def of_importance(found: Importance) -> str:
    """Which columns the loss depends on, and how this was measured."""
    clear = [each.column for each in found.columns if each.value > 2 * each.standard_error]
    how = f"The loss of {count(found.n_rows, 'out-of-fold row')} when one column is shuffled, bars with 95% intervals"
    if not clear:
        return f"{how}. No column raises it by more than two standard errors."
    names = join((printable(name) for name in clear), most=5)
    of = f"{len(clear):,} of {count(len(found.columns), 'column')}"
    return f"{how}. It rises clearly for {of}: {names}. Correlated columns share their importance."


def of_dependence(found: Sequence[Dependence]) -> str:
    """What the curves are of."""
    outputs = found[0].outputs
    of = (
        f"Probability of {printable(outputs[0])}" if len(outputs) == 1 else "Probabilities" if outputs else "Prediction"
    )
    mean = "mean" if len(outputs) < 2 else "means"
    return f"{of} when the column has one value in all rows, the other columns being as they are; {mean} over the rows."


def of_confusion(matrix: Sequence[Sequence[int]], classes: Sequence[object], rows: str) -> str:
    """Correct and wrong predictions. rows: what a row is called. A class that cannot be predicted is in no column."""
    found = np.array(matrix)
    right, total = int(np.trace(found)), int(found.sum())
    wrong = found.copy()
    np.fill_diagonal(wrong[: len(wrong[0])], 0)
    if not wrong.any():
        return f"All {count(total, rows)} are classified correctly."
    truth, predicted = divmod(int(wrong.argmax()), len(wrong[0]))
    pair = f"class {printable(classes[truth])} predicted as {printable(classes[predicted])}"
    most = f"{count(int(wrong.max()), 'row')} of {pair}"
    return f"{right:,} of {count(total, rows)} are classified correctly. Most frequent error: {most}."


def of_calibration(bins: Sequence[tuple[float, float, int]], *, probabilities: bool) -> str:
    """Mean distance of predicted from observed values."""
    weights = np.array([n for _, _, n in bins], float)
    off = np.average([observed - predicted for predicted, observed, _ in bins], weights=weights)
    spread = np.average([abs(observed - predicted) for predicted, observed, _ in bins], weights=weights)
    if not probabilities:
        return f"Predicted and true values differ by {numbers(spread)[0]} on average over the bins; dashed: equality."
    side = "too low" if off > 0 else "too high"
    lean = f"; overall they are {side}" if abs(off) > spread / 2 and spread > 0.02 else ""
    return (
        f"Predicted probabilities differ from observed frequencies by {100 * spread:.1f} percentage points on "
        f"average{lean}. Dashed: perfect calibration."
    )


def of_residuals(bins: Sequence[tuple[float, float, int]]) -> str:
    """Median absolute residual, and how many are positive."""
    n = np.array([rows for _, _, rows in bins], float)
    middles = np.array([(low + high) / 2 for low, high, _ in bins])
    order = np.argsort(np.abs(middles))
    half = np.abs(middles[order])[np.searchsorted(np.cumsum(n[order]), n.sum() / 2)]
    above = share(n[middles > 0].sum(), n.sum())
    near = f"Half of the predictions are within about {numbers(half)[0]} of the true value"
    return f"{near}; the true value is above the prediction in {above} of the rows."
