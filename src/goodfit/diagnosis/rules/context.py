"""Rules about what surrounds a training: the rows that judge it, simpler models, other seeds, the grid, its units."""

import math

import numpy as np

from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.observations import Case
from goodfit.diagnosis.rules.comparisons import clear, more_judges

LARGE_ERROR = 0.15
"""With a standard error above this share of what can be learned, the rows cannot tell one net from another."""
DEAD_SHARE = 0.5
"""Dead units are worth a word from this share of a layer on."""
FEWEST_OF_A_CLASS = 5


def validation_too_small(case: Case) -> Finding | None:
    """The standard error of the validation loss is a large share of what can be learned; or there are no such rows."""
    if not case.val_loss:
        return Finding(
            "validation_too_small",
            "warning",
            "There are no validation rows, so nothing says how the network does on rows it did not learn from.",
            {},
            "Keep some rows for validation.",
            "--validation-split 0.2",
        )
    if not case.judged or case.error <= LARGE_ERROR * case.reach:
        return None
    rows = f"The {case.n_validation} validation rows are" if case.n_validation else "The validation rows are"
    return Finding(
        "validation_too_small",
        "warning",
        f"{rows} too few to tell close networks apart: their loss is uncertain by {case.error:.3g}.",
        {"standard_error": case.error, "val_loss": case.given_val_loss, "can_be_learned": case.reach},
        *more_judges(case),
    )


def seeds_disagree(case: Case) -> Finding | None:
    """The same training with other seeds comes to clearly other losses."""
    losses = np.asarray(case.seed_losses, np.float64)
    finite = losses[np.isfinite(losses)]
    if len(losses) < 2 or not case.judged or not len(finite):
        return None
    spread = float(finite.max() - finite.min()) if len(finite) == len(losses) else math.inf
    if spread <= 2 * clear(case):
        return None
    return Finding(
        "seeds_disagree",
        "warning",
        "Other first weights and row orders come to clearly other losses: one seed is not to be trusted.",
        {"lowest": float(finite.min()), "highest": float(losses.max()), "seeds": len(losses)},
        "Average over more seeds.",
        f"--seeds {max(5, 2 * len(losses))}",
    )


def best_at_edge(case: Case) -> Finding | None:
    """The best config lies at the end of an axis, so that a better one may lie beyond."""
    if not case.edges:
        return None
    names = {"l2": "λ", "learning_rate": "learning rate"}
    ends = [
        f"the {'largest' if end == 'high' else 'smallest'} {names.get(axis, axis)}" for axis, end in case.edges.items()
    ]
    return Finding(
        "best_at_edge",
        "note",
        f"The best of the grid has {' and '.join(ends)} that was tried: a better one may lie beyond.",
        {axis: float(getattr(case, axis, None) or math.nan) for axis in case.edges},
        "Look beyond the end of the grid.",
        "--refine",
    )


def no_better_than_baseline(case: Case) -> Finding | None:
    """The validation loss is not clearly below that of a model that knows no column."""
    if not case.judged or case.baseline_loss is None or not math.isfinite(case.baseline_loss):
        return None
    gain, error = case.baseline_difference or (case.baseline_loss - case.given_val_loss, case.error)
    if gain > 2 * error and gain > 0:
        return None
    evidence = {"val_loss": case.given_val_loss, "baseline": case.baseline_loss, "gain": gain, "standard_error": error}
    if gain > error:
        words = "Better than always predicting the same, but on so few rows that may be luck."
        return Finding("no_better_than_baseline", "warning", words, evidence, *more_judges(case))
    words = "No better than a model that knows no column and always predicts the same."
    advice = "Look for columns that have to do with the target, or more rows."
    return Finding("no_better_than_baseline", "serious", words, evidence, advice)


def no_better_than_linear(case: Case) -> Finding | None:
    """A linear model does as well within a standard error, or better; nothing is said of a network that is one."""
    if not case.judged or case.linear_loss is None or not math.isfinite(case.linear_loss) or case.hidden == ():
        return None
    gain, error = case.linear_difference or (case.linear_loss - case.given_val_loss, 0.5 * case.error)
    if gain > error and gain > 0:
        return None
    worse = gain < -2 * error
    return Finding(
        "no_better_than_linear",
        "warning" if worse else "note",
        f"A linear model does {'better' if worse else 'as well'} on the validation rows.",
        {"val_loss": case.given_val_loss, "linear": case.linear_loss, "gain": gain, "standard_error": error},
        "Compare with a network without hidden layers.",
        "--hidden none",
    )


def linear_network(case: Case) -> Finding | None:
    """There is no hidden layer: whether the columns hold more than a line, one that has them can tell, or trees."""
    trees = case.trees_difference
    if not case.judged or case.hidden != () or (trees is not None and trees[0] < -2 * trees[1]):
        return None
    return Finding(
        "linear_network",
        "note",
        "Without hidden layers the network draws straight lines; nothing here says whether the data has bends.",
        {"val_loss": case.given_val_loss},
        "Compare with a network that has hidden layers.",
        "--hidden 64,64",
    )


def dead_units(case: Case) -> Finding | None:
    """Half a hidden layer or more is silent on every training row."""
    shares = [dead / all_ for dead, all_ in zip(case.dead_units, case.units, strict=False) if all_ > 0]
    worst = max(shares, default=0.0)
    if worst < DEAD_SHARE or not case.learned:
        return None
    layer = shares.index(worst)
    smaller = case.learning_rate / 10 if case.learning_rate else None
    return Finding(
        "dead_units",
        "warning",
        f"Of the {case.units[layer]} units of hidden layer {layer + 1}, {case.dead_units[layer]} are dead: "
        "no training row makes them speak.",
        {"dead": case.dead_units[layer], "units": case.units[layer], "share": worst},
        "Take shorter steps, or fewer units.",
        f"--learning-rate {smaller:.3g}" if smaller else "",
    )


def class_ignored(case: Case) -> Finding | None:
    """A class with some validation rows is never predicted."""
    table = np.asarray(case.confusion, np.int64)
    if table.ndim != 2 or not table.size or not case.learned:
        return None
    ignored = np.flatnonzero((table.sum(axis=0) == 0) & (table.sum(axis=1) >= FEWEST_OF_A_CLASS))
    if not len(ignored):
        return None
    first = int(ignored[0])
    name = case.classes[first] if first < len(case.classes) else str(first)
    others = f" and {len(ignored) - 1} more" if len(ignored) > 1 else ""
    return Finding(
        "class_ignored",
        "warning",
        f"Class {name!r}{others} is never predicted, though {int(table[first].sum())} validation rows have it.",
        {"rows": float(table[ignored].sum()), "classes": float(len(ignored))},
        "Let rare classes weigh as much as common ones.",
        "--class-weight balanced",
    )
