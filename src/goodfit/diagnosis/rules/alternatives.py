"""What a training is compared with: other penalties and learning rates, reference models, earlier or later epochs."""

import math
from collections.abc import Iterator
from typing import Any, Literal

from goodfit.diagnosis.comparisons import TENFOLD, Comparison, Diagnosis
from goodfit.diagnosis.observations import Neighbour, at, roughness
from goodfit.formatting import short_value

PENALTY = 0.001
"""The λ to begin with where there was none."""
WIDTHS = (64, 64)
"""Hidden layers to begin with."""
WIDER = 256
"""Units of a layer to try where the data has more to teach."""
PATIENCE = 10
"""Epochs without improvement after which to stop."""
LINEAR, TREES = "a linear model", "gradient boosting"


Side = Literal["frees", "restrains", ""]
Step = tuple[str, dict[str, Any]]
"""What to do next, in words and as keyword arguments of ``goodfit.train``."""


def other_penalties(d: Diagnosis) -> Iterator[Comparison]:
    """Every λ of the grid at the same learning rate. Less penalty frees, more restrains."""
    obs = d.obs
    for n in obs.neighbours:
        if n.learning_rate == obs.learning_rate and n.l2 is not None and obs.l2 is not None and n.l2 != obs.l2:
            more = n.l2 > obs.l2
            step = f"{'Strengthen' if more else 'Weaken'} the penalty.", {"l2": n.l2}
            yield _neighbour(d, n, f"λ = {short_value(n.l2)}", "restrains" if more else "frees", step)


def other_rates(d: Diagnosis) -> Iterator[Comparison]:
    """The next smaller and larger learning rate. It frees where at least half of its gain is on the training rows."""
    for larger in (False, True):
        if (n := d.next_rate(larger=larger)) and n.learning_rate is not None:
            frees = d.obs.restored_loss - n.loss >= 0.5 * (d.obs.restored_val_loss - n.val_loss)
            step = f"Use a {'larger' if larger else 'smaller'} learning rate.", {"learning_rate": n.learning_rate}
            name, factor = f"learning rate {short_value(n.learning_rate)}", d.thresholds.rate_factor
            yield _neighbour(d, n, name, "frees" if frees else "restrains", step, factor=factor)


def reference_models(d: Diagnosis) -> Iterator[Comparison]:
    """Reference models on the same rows: where one is better, the network overfits if its gap is large, else underfits.

    The baseline says nothing about a network that has not learned from its training rows either.
    """
    obs, large = d.obs, d.has_large_gap
    known = {LINEAR: obs.linear_difference, TREES: obs.trees_difference}
    known |= {"the baseline": obs.baseline_difference} if large else {}
    for name, difference in known.items():
        if difference is not None:
            step = _more_penalty(d) if large else _larger(d, linear=name == LINEAR)
            measured = -difference[0], difference[1]
            reason = _lowers(f"{name} on the same rows", *measured)
            clear = d.clear_gain(d.thresholds.model)
            side: Side = "restrains" if large else "frees"
            yield _comparison(d, name, side, measured, clear, reason, step, prior=d.prior * clear)


def earlier_epoch(d: Diagnosis) -> Iterator[Comparison]:
    """The best epoch, where a later one was restored that fits the training rows better."""
    obs = d.obs
    gain = at(obs.val_loss, obs.restored_epoch) - obs.lowest_val_loss
    learned = at(obs.loss, obs.best_epoch) - at(obs.loss, obs.restored_epoch)
    if obs.restored_epoch > obs.best_epoch > 0 and learned > -0.5 * gain:
        measured = gain, d.thresholds.same_rows * obs.error
        step = "Stop training earlier.", d.smaller("patience", PATIENCE)
        reason = f"the validation loss of epoch {obs.best_epoch:,} is lower by {gain:.2g}"
        clear = d.clear_gain(d.thresholds.frees)
        yield _comparison(d, f"epoch {obs.best_epoch:,}", "restrains", measured, clear, reason, step)


def curves_alone(d: Diagnosis) -> Iterator[Comparison]:
    """What the curves show where no other config was trained."""
    obs, limits = d.obs, d.thresholds
    if obs.neighbours:
        return
    shown = d.relative_gap if d.has_learned else 0.0, 0.0
    reason = f"the gap is {d.relative_gap:.0%} of what was learned"
    yield _comparison(d, "the gap", "restrains", shown, limits.large_gap, reason, _more_penalty(d))
    learnable = obs.start - obs.lowest_seen > d.clear_gain(limits.frees)
    if obs.l2 and learnable and not d.has_large_gap:
        shown = obs.restored_penalty / max(abs(obs.start), 1e-12), 0.0
        reason = f"the penalty is {shown[0]:.0%} of the baseline's loss"
        step = "Weaken the penalty.", d.untested("l2", obs.l2 / TENFOLD)
        yield _comparison(d, "the penalty", "frees", shown, limits.heavy_penalty, reason, step)
    if roughness(obs.loss) < limits.smooth:
        clear, reason = limits.still_falling * d.learnable, "the validation loss was still falling at the last epoch"
        step = "Use a larger learning rate.", d.times("learning_rate", TENFOLD)
        yield _comparison(d, "the late fall", "frees", (d.late_fall, 0.0), clear, reason, step)
    else:
        shown, reason = (d.jumps(obs.loss), 0.0), "the training loss jumps from epoch to epoch"
        step = "Use a smaller learning rate.", d.times("learning_rate", 1 / TENFOLD)
        yield _comparison(d, "the jumps", "", shown, limits.jumps, reason, step)


def _neighbour(
    d: Diagnosis, other: Neighbour, name: str, side: Literal["frees", "restrains"], step: Step, *, factor: float = 1.0
) -> Comparison:
    """Compare with another config of the grid."""
    clear = d.clear_gain(factor * (d.thresholds.frees if side == "frees" else d.thresholds.restrains))
    reason = _lowers(name, other.gain, other.error)
    return _comparison(d, name, side, (other.gain, other.error), clear, reason, step, prior=d.prior * clear)


def _comparison(
    d: Diagnosis,
    name: str,
    side: Side,
    measured: tuple[float, float],
    clear: float,
    reason: str,
    step: Step,
    prior: float = math.inf,
) -> Comparison:
    """Build a comparison from its gain and standard error; without a grid questions are open from a lesser gain on."""
    loss = d.obs.restored_val_loss
    return Comparison(
        name=name,
        side=side,
        gain=measured[0],
        error=measured[1],
        prior=prior,
        clear=clear,
        open_from=clear if d.obs.neighbours else d.thresholds.open_question * clear,
        most=loss if measured[1] and loss >= 0 else math.inf,
        doubt=d.thresholds.doubt,
        reason=reason,
        advice=step[0],
        change=step[1],
    )


def _lowers(name: str, gain: float, error: float) -> str:
    return f"{name} lowers the validation loss by {gain:.2g} ± {error:.2g}"


def _more_penalty(d: Diagnosis) -> Step:
    """What to try against a gap: a stronger penalty, unless the grid has tried that."""
    change = d.untested("l2", d.obs.l2 * TENFOLD if d.obs.l2 else PENALTY)
    return ("Strengthen the penalty.", change) if change else ("Collect more rows, or use a smaller network.", {})


def _larger(d: Diagnosis, *, linear: bool) -> Step:
    """What to try with a network that has learned too little: the first of these that nothing speaks against."""
    obs = d.obs
    if d.at_the_end:
        return "Train for more epochs.", {"epochs": 2 * (obs.epochs or obs.n_epochs)}
    is_calm = obs.outcome != "diverged" and d.jumps(obs.loss) < d.thresholds.jumps
    if not obs.neighbours and is_calm and (change := d.times("learning_rate", TENFOLD)):
        return "Use a larger learning rate.", change
    if linear:
        return ("Use a linear model.", {"hidden": ()}) if obs.hidden else ("", {})
    if obs.hidden == ():
        return "Add hidden layers.", {"hidden": WIDTHS}
    return "Use more units.", {"hidden": tuple(max(WIDER, 2 * units) for units in obs.hidden or (WIDER, WIDER))}
