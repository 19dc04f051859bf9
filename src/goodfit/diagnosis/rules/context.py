"""Rules about what surrounds a training: its validation rows, reference models, other seeds, the grid, its units."""

import math
from typing import Any

import numpy as np

from goodfit.diagnosis.comparisons import TENFOLD, Diagnosis
from goodfit.diagnosis.findings import Finding, Severity
from goodfit.diagnosis.rules.alternatives import LINEAR, TREES, WIDTHS

FOLDS, SEEDS = 5, 5
NAMES = {"l2": "λ", "learning_rate": "learning rate"}


def validation_too_small(d: Diagnosis) -> Finding | None:
    """There are no validation rows, or the standard error of their loss is large."""
    obs = d.obs
    if not obs.val_loss:
        sentence = "There are no validation rows, so nothing shows how the model does on unseen rows."
        change = {"validation_split": 0.2}
        return Finding("validation_too_small", "warning", sentence, {}, "Keep rows for validation.", change)
    if not obs.is_complete or not d.has_large_error:
        return None
    rows = f" of {obs.n_validation:,} rows" if obs.n_validation else ""
    sentence = f"The validation loss{rows} is uncertain: {obs.restored_val_loss:.3g} ± {obs.error:.2g}."
    evidence = {"standard_error": obs.error, "val_loss": obs.restored_val_loss, "learnable": d.learnable}
    advice, change = more_validation(d)
    return Finding("validation_too_small", "warning", sentence, evidence, advice, change)


def seeds_disagree(d: Diagnosis) -> Finding | None:
    """The same training with other seeds comes to clearly other losses."""
    losses = np.asarray(d.obs.seed_losses, np.float64)
    finite = losses[np.isfinite(losses)]
    if len(losses) < 2 or not d.obs.is_complete or not len(finite):
        return None
    if len(finite) == len(losses) and losses.std(ddof=1) <= d.clear_gain(d.thresholds.frees):
        return None
    return Finding(
        "seeds_disagree",
        "warning",
        f"The validation loss depends on the seed: from {finite.min():.3g} to {losses.max():.3g}.",
        {"lowest": float(finite.min()), "highest": float(losses.max()), "seeds": len(losses)},
        "Average over more seeds.",
        {"seeds": max(SEEDS, 2 * len(losses))},
    )


def best_at_edge(d: Diagnosis) -> Finding | None:
    """The best config is at the end of the grid, and no comparison pulls the other way."""
    outward = {"high": 1, "low": -1}
    edges = {name: end for name, end in d.obs.edges.items() if d.pull(name) == outward[end]}
    if not edges:
        return None
    ends = [f"the {'largest' if end == 'high' else 'smallest'} {NAMES.get(name, name)}" for name, end in edges.items()]
    sentence = f"The best configuration of the grid has {' and '.join(ends)}; a better one may lie beyond."
    evidence = {name: float(getattr(d.obs, name, None) or math.nan) for name in edges}
    return Finding("best_at_edge", "note", sentence, evidence, "Extend the grid.", change={"refine": True})


def no_better_than_baseline(d: Diagnosis) -> Finding | None:
    """The validation loss is not significantly below that of the baseline."""
    obs = d.obs
    if not obs.is_complete or obs.baseline_loss is None or not math.isfinite(obs.baseline_loss):
        return None
    gain, error = obs.baseline_difference or (obs.baseline_loss - obs.restored_val_loss, obs.error)
    if gain > max(0.0, d.thresholds.significant * error):
        return None
    evidence = {"val_loss": obs.restored_val_loss, "baseline": obs.baseline_loss, "gain": gain, "standard_error": error}
    loss = f"the baseline has a loss of {obs.baseline_loss:.3g}, the gain over it is {gain:.2g} ± {error:.2g}"
    sentence = f"Not significantly better than the baseline: {loss}."
    if gain > error:
        advice, change = more_validation(d)
        return Finding("no_better_than_baseline", "warning", sentence, evidence, advice, change)
    advice = "Look for columns that are related to the target, or collect more rows."
    return Finding("no_better_than_baseline", "serious", sentence, evidence, advice)


def no_better_than_linear(d: Diagnosis) -> Finding | None:
    """A linear model is as good within a standard error, or better; nothing is said of a network that is one."""
    obs = d.obs
    if not obs.is_complete or obs.linear_difference is None or not obs.hidden:
        return None
    gain, error = obs.linear_difference
    if gain > error or not math.isfinite(gain):
        return None
    better = any(each.name == LINEAR and each.is_clear for each in d.comparisons)
    than = "clearly better" if better else "about as good"
    side = "lower" if gain <= 0 else "higher by only"
    by = f"{side} {abs(gain):.2g} ± {error:.2g}" if gain > 0 else f"lower by {abs(gain):.2g} ± {error:.2g}"
    sentence = f"A linear model is {than}: its validation loss is {by}."
    change = d.untested("hidden", ()) if gain <= 0 else {}
    advice = "Compare with a linear model." if change else ""
    evidence = {"val_loss": obs.restored_val_loss, "gain": gain, "standard_error": error}
    severity: Severity = "warning" if better else "note"
    return Finding("no_better_than_linear", severity, sentence, evidence, advice, change)


def linear_network(d: Diagnosis) -> Finding | None:
    """There is no hidden layer, and no gradient boosting that is clearly better, so nonlinear effects may be missed."""
    known = any(each.name == TREES and each.is_clear for each in d.comparisons)
    if not d.obs.is_complete or d.obs.hidden != () or known:
        return None
    sentence = "The model is linear; nonlinear effects are not captured."
    evidence = {"val_loss": d.obs.restored_val_loss}
    advice, change = "Compare with a network that has hidden layers.", d.untested("hidden", WIDTHS)
    return Finding("linear_network", "note", sentence, evidence, advice, change)


def dead_units(d: Diagnosis) -> Finding | None:
    """Half a hidden layer or more is 0 for every training row."""
    if not (words := dead_layer(d)):
        return None
    change = d.times("learning_rate", 1 / TENFOLD)
    advice = "Use a smaller learning rate." if change else "Use fewer units, or another activation."
    evidence = {"dead": sum(d.obs.dead_units), "units": sum(d.obs.units)}
    return Finding(
        "dead_units", "warning", f"{words}: they output 0 for every training row.", evidence, advice, change=change
    )


def dead_layer(d: Diagnosis) -> str:
    """The hidden layer with the largest share of dead units, in words; "" where that share is small."""
    layers = [(dead / n, i) for i, (dead, n) in enumerate(zip(d.obs.dead_units, d.obs.units, strict=False)) if n > 0]
    share, i = max(layers, default=(0.0, 0))
    if share < d.thresholds.dead_share or not math.isfinite(d.obs.restored_loss):
        return ""
    layer = f" of hidden layer {i + 1}" if len(layers) > 1 else ""
    return f"{d.obs.dead_units[i]:,} of {d.obs.units[i]:,} units{layer} are dead"


def class_ignored(d: Diagnosis) -> Finding | None:
    """A class with some validation rows is never predicted."""
    table = np.asarray(d.obs.confusion, np.int64)
    if table.ndim != 2 or not table.size or not math.isfinite(d.obs.restored_loss):
        return None
    ignored = np.flatnonzero((table.sum(axis=0) == 0) & (table.sum(axis=1) >= d.thresholds.rows_of_class))
    if not len(ignored):
        return None
    first = int(ignored[0])
    name = d.obs.classes[first] if first < len(d.obs.classes) else str(first)
    others = f" and {len(ignored) - 1:,} more" if len(ignored) > 1 else ""
    sentence = (
        f"Class {name!r}{others} is never predicted, although {int(table[first].sum()):,} validation rows have it."
    )
    evidence = {"rows": float(table[ignored].sum()), "classes": float(len(ignored))}
    advice, change = "Weight classes by their inverse frequency.", {"class_weight": "balanced"}
    return Finding("class_ignored", "warning", sentence, evidence, advice, change)


def more_validation(d: Diagnosis) -> tuple[str, dict[str, Any]]:
    """What to do where the validation rows are too few."""
    if d.obs.n_folds > 1 or d.obs.time_order:
        return "Collect more rows.", {}
    return f"Use {FOLDS}-fold cross-validation.", {"folds": FOLDS}
