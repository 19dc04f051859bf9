"""Effect of L2: weights without and with it, and the regularization path."""

from collections.abc import Sequence

import numpy as np

from goodfit.formatting import numbers
from goodfit.guided_tour.chapter import Chapter, Names, Picture, trial
from goodfit.reporting import sentences
from goodfit.reporting.charts.l2_path import l2_path_chart
from goodfit.reporting.charts.weights import l2_path_weights, pair_histograms
from goodfit.reporting.trials import Trial, short_value

RATE = 0.01
"""Learning rate of both figures, as in the program."""
CLOSE = 0.02
"""Two losses are called equal if their gap is at most this share of them."""


def weights(names: Names) -> Picture:
    """Two histograms on one axis."""
    without, penalised = ended(names["pair"])
    said = f"{sentences.of_pair(without, penalised)} {of_losses(without, penalised)}"
    return Picture(said, pair_histograms(without, penalised))


def of_losses(without: Trial, penalised: Trial) -> str:
    """Change of both losses."""
    losses = numbers(*(each.at_best(curve) for each in (without, penalised) for curve in (each.loss, each.val_loss)))
    went = "falls" if penalised.at_best(penalised.val_loss) < without.at_best(without.val_loss) else "rises"
    return (
        f"With L2, the training loss goes from {losses[0]} to {losses[2]}, and the validation loss {went} from "
        f"{losses[1]} to {losses[3]}."
    )


def l2_path(names: Names) -> Picture:
    """Both losses and the weights of each λ."""
    trials = ended(names["l2_path"])
    best = min(trials, key=_judged)
    charts = [l2_path_chart(trials, chosen=best.l2), l2_path_weights(trials)]
    return Picture(f"{of_weights(trials)} {of_best(trials)}{of_top(trials)}", charts)


def of_weights(trials: Sequence[Trial]) -> str:
    """Range of the weights at both ends of the path."""
    first, last = trials[0], trials[-1]
    spans = [float(np.abs(np.quantile(each.quantiles, [0.05, 0.95])).max()) for each in (first, last)]
    went = "shrinks" if spans[1] < spans[0] else "grows"
    return (
        f"The range of 90% of the weights {went} from ±{short_value(spans[0], 2)} at λ {short_value(first.l2)} to "
        f"±{short_value(spans[1], 2)} at λ {short_value(last.l2)}."
    )


def of_best(trials: Sequence[Trial]) -> str:
    """The λ with the lowest validation loss, compared with the smallest."""
    first, best = trials[0], min(trials, key=_judged)
    losses = numbers(*(each.at_best(curve) for each in (first, best) for curve in (each.loss, each.val_loss)))
    if best is first:
        return f"The validation loss is lowest, {losses[1]}, at the smallest λ: more L2 only raises it."
    return (
        f"The validation loss is lowest at λ {short_value(best.l2)}, {losses[3]}. At λ {short_value(first.l2)} it is "
        f"{losses[1]}, with a training loss of {losses[0]}."
    )


def of_top(trials: Sequence[Trial]) -> str:
    """The strongest penalty, if both losses are equal and high."""
    lowest, top = min(map(_judged, trials)), trials[-1]
    loss, val_loss = top.at_best(top.loss), _judged(top)
    if val_loss <= sentences.CLEARLY * lowest or abs(val_loss - loss) > CLOSE * val_loss:
        return ""
    (both,) = numbers(val_loss)
    return f" At λ {short_value(top.l2)} both losses are {both}, equal and high: too much penalty is underfitting."


def ended(trained: Names) -> list[Trial]:
    """Trainings by λ after all epochs, so that early stopping does not hide the effect of L2."""
    return [trial(training, l2=float(l2), learning_rate=RATE, at_end=True) for l2, training in trained.items()]


def _judged(each: Trial) -> float:
    value = each.at_best(each.val_loss)
    return value if np.isfinite(value) else np.inf


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        name="weights",
        heading="Weights without and with L2",
        idea="New loss = prediction error + λ × the sum of all squared weights. The network is trained on 1,000 "
        "handwritten digits, some of them with random labels, and is large enough to memorise them. It is trained with "
        "every λ and every learning rate; here are two, with the same rate and initial weights, after all epochs.",
        picture=weights,
    ),
    Chapter(
        name="l2_path",
        heading="Regularization path",
        idea="The same network with every λ from 0 to 1. Left: both losses, without the penalty. Right: the weights; "
        "the bar holds half of them, the line 90%.",
        picture=l2_path,
    ),
)
