"""Columns that give the target away."""

import numpy as np
import numpy.typing as npt

import goodfit.checks
from goodfit.arrays import Numbers
from goodfit.checks.check import Check, CheckSeverity
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.probe_data import ProbeData
from goodfit.formatting import METRIC_LABELS, join, printable, share


def check_leakage(data: CheckInputs) -> list[Check]:
    """Find copies of the target, columns of which one value stands for a class, and one column far ahead of all others.

    A strong column alone is no leak: a diamond's weight predicts its price and a petal's width the species, as other
    columns do. What counts is what is lost without the column. A column that is as good as another leak would hide it;
    so the strongest column is looked for among those that are neither copies nor indicators, which are compared with
    what is left.
    """
    probe, t = data.probe, data.thresholds
    if len(probe.names) < 2 or len(probe.y) < t.min_rows or np.unique(probe.y).size < 2:
        return []
    copies = [j for j in range(len(probe.names)) if agreement(probe, j) >= t.copy_agreement]
    others = [j for j in range(len(probe.names)) if j not in copies]
    indicators = [j for j in others if indicator_agreement(probe, j, t.min_side_rows)[0] >= t.indicator_agreement]
    rest = probe.only([j for j in others if j not in indicators]).narrowed()
    if not rest.names:
        return []
    found, score = _strongest(rest, data)
    if (score - probe.chance) / (1 - probe.chance) >= t.known_share:
        return found
    if copies:
        found.append(_copy(probe, [probe.names[j] for j in copies], score))
    return found + [_indicates(probe, j, score, data) for j in indicators]


def _copy(probe: ProbeData, names: list[str], rest: float) -> Check:
    sentence = (
        f"{join(map(printable, names))} {'is' if len(names) == 1 else 'are each'} a copy of the target in "
        f"another form, while all other columns together reach {METRIC_LABELS[probe.metric]} {rest:.3f}; drop what is "
        "known only after the outcome."
    )
    effect = {f"{probe.metric}_with": 1.0, f"{probe.metric}_without": rest}
    return Check("leak", "serious", tuple(names), 0, sentence, effect, {"drop": names})


def indicator_agreement(probe: ProbeData, column: int, min_side_rows: int) -> tuple[float, float]:
    """How well "has its most frequent value", or "is missing", predicts one class: balanced accuracy, and accuracy.

    Of the class for which it does best, among those with at least ``min_side_rows`` rows; (0, 0) for a quantity.
    """
    if probe.task == "regression":
        return 0.0, 0.0
    marked, best = _most_frequent(probe.x[:, column]), (0.0, 0.0)
    for is_class in probe.targets.T.astype(bool):
        if min(is_class.sum(), (~is_class).sum()) >= min_side_rows:
            balanced = 0.5 + 0.5 * abs(float(marked[is_class].mean() - marked[~is_class].mean()))
            share = float((marked == is_class).mean())
            best = max(best, (balanced, max(share, 1 - share)))
    return best


def _most_frequent(values: Numbers) -> npt.NDArray[np.bool_]:
    """The rows with the most frequent value, where missing is one."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    marked: npt.NDArray[np.bool_] = codes == counts.argmax()
    return marked


def _indicates(probe: ProbeData, column: int, rest: float, data: CheckInputs) -> Check:
    name, marked = probe.names[column], _most_frequent(probe.x[:, column])
    value = data.table.values(name)[probe.rows[marked.argmax()]]
    shown = "is missing" if value is None or value != value else f"is {printable(value)}"
    _, part = indicator_agreement(probe, column, data.thresholds.min_side_rows)
    sentence = (
        f"whether {printable(name)} {shown} predicts {printable(data.target)} in {share(part, 1)} of the rows, while "
        f"all other columns reach {METRIC_LABELS[probe.metric]} {rest:.3f}: possible leakage; if it is filled in "
        "after the outcome, drop it."
    )
    effect = {"accuracy_alone": part, f"{probe.metric}_without": rest}
    return Check("leak", "warning", (name,), 0, sentence, effect, {"drop": [name]})


def _strongest(probe: ProbeData, data: CheckInputs) -> tuple[list[Check], float]:
    """The column without which far more is lost than without the next, if there is one; and the score without it."""
    t = data.thresholds
    score, importances = goodfit.checks.probe.score_of(probe)
    if len(probe.names) < 2:
        return [], score
    first, second = (int(j) for j in np.argsort(-importances, kind="stable")[:2])
    without = _score_without(probe, first)
    lost, gained = score - without, score - probe.chance
    # The error at least doubles without the column, and more than noise is lost.
    strong = gained >= t.strong_share * (1 - probe.chance) and lost > max(t.standard_errors * probe.noise, 1 - score)
    if not strong or lost < t.lost_share * gained or score - _score_without(probe, second) > t.lost_share * lost:
        return [], score
    return [_too_good(probe, probe.names[first], score, without, t.informed_share)], without


def _too_good(probe: ProbeData, name: str, score: float, without: float, informed_share: float) -> Check:
    """A warning where the other columns know something of their own; else the column may be the only cause.

    A quantity, too, often has one cause.
    """
    informed = without - probe.chance >= informed_share * (1 - probe.chance)
    severity: CheckSeverity = "warning" if informed and probe.task != "regression" else "note"
    sentence = (
        f"column {printable(name)} predicts the target far better than any other column: {METRIC_LABELS[probe.metric]} "
        f"{score:.3f} with it, {without:.3f} without: possible leakage; if it is known only after the outcome, drop it."
    )
    effect = {f"{probe.metric}_with": score, f"{probe.metric}_without": without}
    return Check("leak", severity, (name,), 0, sentence, effect, {"drop": [name]})


def _score_without(probe: ProbeData, column: int) -> float:
    kept = [j for j in range(len(probe.names)) if j != column]
    return float(goodfit.checks.probe.score_of(probe.only(kept))[0])


def agreement(probe: ProbeData, column: int) -> float:
    """How well one column alone predicts the target, 1 for a copy in whatever form.

    Rows are sorted by the column, and each is predicted from its two neighbours: R² of their mean, or the mean over
    classes of the share of rows one of whose neighbours has their class. Rows of equal value are in random order, so a
    value that stands for several targets predicts none; a category says nothing about other categories.
    """
    values = probe.x[:, column]
    shuffled = np.random.default_rng(probe.seed).permutation(len(values))
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    y, values = probe.y[order], values[order]
    if probe.task == "regression":
        predicted = (y[:-2] + y[2:]) / 2
        spread = float(((y[1:-1] - y.mean()) ** 2).sum())
        return 1 - float(((y[1:-1] - predicted) ** 2).sum()) / spread if spread else 0.0
    same = y[1:] == y[:-1]
    if probe.categories[column]:
        same &= values[1:] == values[:-1]
    return _mean_over_classes(y, np.r_[same, False] | np.r_[False, same])


def _mean_over_classes(y: npt.NDArray[np.generic], right: npt.NDArray[np.bool_]) -> float:
    counts = np.bincount(y.astype(np.int64))
    hits = np.bincount(y.astype(np.int64), weights=right)
    several = counts > 1
    return float((hits[several] / counts[several]).mean()) if several.any() else 0.0
