"""What L2 does: weights without and with it, and the ladder of λ."""

from collections.abc import Sequence

import numpy as np

from goodfit.formatting import numbers
from goodfit.guided_tour.chapter import Chapter, Names, Picture, trial
from goodfit.reporting import sentences
from goodfit.reporting.charts.penalties import loss_ladder
from goodfit.reporting.charts.weights import weight_histogram, weight_ladder
from goodfit.reporting.theme import TRAIN, VALIDATION
from goodfit.reporting.trials import Trial, bins, knob
from goodfit.reporting.view import l2_name

RATE = 0.01
"""Learning rate of the pair and of the ladder, as in the program."""
CLOSE = 0.02
"""Two losses are the same if their gap is at most this share of them."""


def weights(names: Names) -> Picture:
    """Two histograms on one axis."""
    without, penalised = _ended(names["pair"])
    edges = bins([without.quantiles, penalised.quantiles])
    charts = [
        weight_histogram(each.quantiles, edges, title=l2_name(each.l2), colour=colour)
        for each, colour in ((without, VALIDATION), (penalised, TRAIN))
    ]
    return Picture(f"{sentences.of_pair(without, penalised)} {of_losses(without, penalised)}", charts)


def of_losses(without: Trial, penalised: Trial) -> str:
    """What that did to both losses."""
    losses = numbers(*(each.at_best(curve) for each in (without, penalised) for curve in (each.loss, each.val_loss)))
    went = "falls" if penalised.at_best(penalised.val_loss) < without.at_best(without.val_loss) else "rises"
    return (
        f"The training loss goes from {losses[0]} to {losses[2]}, and the validation loss {went} from {losses[1]} "
        f"to {losses[3]}."
    )


def ladder(names: Names) -> Picture:
    """Both losses and the weights of each λ."""
    trials = _ended(names["ladder"])
    best = min(trials, key=_judged)
    charts = [loss_ladder(trials, chosen=best.l2), weight_ladder(trials)]
    return Picture(f"{of_weights(trials)} {of_best(trials)}{of_top(trials)}", charts)


def of_weights(trials: Sequence[Trial]) -> str:
    """Where the weights lie at both ends of the ladder."""
    first, last = trials[0], trials[-1]
    spans = [float(np.abs(np.quantile(each.quantiles, [0.05, 0.95])).max()) for each in (first, last)]
    went = "shrink" if spans[1] < spans[0] else "spread"
    return (
        f"90% of the weights {went} from within ±{knob(spans[0], 2)} at λ {knob(first.l2)} to within "
        f"±{knob(spans[1], 2)} at λ {knob(last.l2)}."
    )


def of_best(trials: Sequence[Trial]) -> str:
    """The λ with the lowest validation loss, beside none."""
    first, best = trials[0], min(trials, key=_judged)
    losses = numbers(*(each.at_best(curve) for each in (first, best) for curve in (each.loss, each.val_loss)))
    if best is first:
        return f"The validation loss is lowest, {losses[1]}, at the smallest λ: more only pulls it up."
    return (
        f"The validation loss is lowest at λ {knob(best.l2)}, {losses[3]}; at λ {knob(first.l2)} it is {losses[1]} "
        f"although the training loss is {losses[0]}."
    )


def of_top(trials: Sequence[Trial]) -> str:
    """What the strongest penalties have in common, if they leave the network nothing."""
    lowest, top = min(map(_judged, trials)), trials[-1]
    loss, val_loss = top.at_best(top.loss), _judged(top)
    if val_loss <= sentences.CLEARLY * lowest or abs(val_loss - loss) > CLOSE * val_loss:
        return ""
    (both,) = numbers(val_loss)
    return f" At λ {knob(top.l2)} both losses are alike, {both}, and high: too much penalty is underfitting."


def _ended(trained: Names) -> list[Trial]:
    """Trainings by λ as they were after all epochs, so that early stopping does not do the work of L2."""
    return [trial(training, l2=float(l2), learning_rate=RATE, at_end=True) for l2, training in trained.items()]


def _judged(each: Trial) -> float:
    value = each.at_best(each.val_loss)
    return value if np.isfinite(value) else np.inf


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        name="weights",
        heading="Weights without and with L2",
        idea="New loss = prediction error + λ × the sum of all squared weights. 1,000 handwritten digits, some of them "
        "labelled at random, teach a network that could learn each of them by heart. One program trains it with every "
        "λ and every learning rate; here are two of them, same rate, same first weights, after all epochs.",
        picture=weights,
    ),
    Chapter(
        name="ladder",
        heading="The ladder of λ",
        idea="The same network with one λ after the other, from none to 1. Left both losses, without the penalty in "
        "them, so that they can be compared; right where the weights lie: half of them in the wide bar, 90% along "
        "the line.",
        picture=ladder,
    ),
)
