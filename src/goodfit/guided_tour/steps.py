"""Step sizes: three learning rates, and Adam's step for every word."""

from collections.abc import Sequence

import numpy as np

from goodfit.arrays import Array
from goodfit.formatting import count, numbers, share
from goodfit.guided_tour.chapter import Chapter, Names, Picture, trial
from goodfit.reporting import sentences
from goodfit.reporting.charts.curves import leave, rate_curves
from goodfit.reporting.charts.table import SHOWN, named_features, named_step_chart, step_chart
from goodfit.reporting.theme import NARROW
from goodfit.reporting.trials import Trial, short_value

L2 = 0.001
"""λ of the three learning rates, as in the program."""
LATE = 0.5
"""The roughness of a curve is measured in this last share of its epochs."""
ROUGH = 3.0
"""Ratio of roughness from which on a curve jumps."""
LONGER = 1.2
"""Ratio of two steps from which on one is called longer."""


def rates(names: Names) -> Picture:
    """Curves of three learning rates on the same axes."""
    found = [trial(training, l2=L2, learning_rate=rate) for rate, training in names["rates"].items()]
    right = min(found, key=lambda each: each.at_best(each.val_loss))
    losses = np.concatenate([curve for each in found for curve in (each.loss, each.val_loss)])
    ends = float(np.nanmin(losses)), float(1.03 * found[0].val_loss[0])
    charts = [
        rate_curves(
            each,
            n_epochs=max(each.epochs for each in found),
            ends=ends,
            title=sentences.caption(each, right, guide=True),
            width=NARROW,
        )
        for each in found
    ]
    left = sentences.LEAVES if leave(found, ends) else ""
    return Picture(f"{sentences.of_rates(found, right)}{of_jumps(found, right)}{left}", charts)


def of_jumps(found: Sequence[Trial], right: Trial) -> str:
    """Fluctuation of the validation loss with the largest rate."""
    largest = found[-1]
    ratio = roughness(largest.val_loss) / roughness(right.val_loss)
    if largest is right or not ratio >= ROUGH:
        return ""
    jump, calm = numbers(roughness(largest.val_loss), roughness(right.val_loss))
    return (
        f" In the second half of the training, the validation loss changes by {jump} per epoch on average at "
        f"{short_value(largest.learning_rate)}, and by {calm} at {short_value(right.learning_rate)}."
    )


def roughness(curve: Array) -> float:
    """Mean change from one epoch to the next, late in the training."""
    return float(np.abs(np.diff(curve[int(len(curve) * LATE) :])).mean())


def words(names: Names) -> Picture:
    """Frequency of every word and Adam's step for it; some words by name."""
    n_lines = len(names["texts"])
    shares = names["bag"].mean(axis=0)
    features = [
        (str(word), float(part), float(step))
        for word, part, step in zip(names["words"], shares, names["steps"], strict=True)
    ]
    shown = named_features(features)
    return Picture(
        f"{of_words(shown, n_lines)} {of_rarest(features)}", [named_step_chart(shown, "lines"), step_chart(features)]
    )


def of_words(shown: Sequence[tuple[str, float, float]], n_lines: int) -> str:
    """The most frequent word, and one of the rarest."""
    (common, part, short), (rare, rare_part, long) = shown[0], shown[-1]
    steps = numbers(short, long)
    return (
        f"“{common}” is in {share(part, 1)} of {count(n_lines, 'line')}, and its weights move by {steps[0]} per unit "
        f"of gradient; “{rare}” is in {share(rare_part, 1)}, and its weights move by {steps[1]}."
    )


def of_rarest(features: Sequence[tuple[str, float, float]]) -> str:
    """Steps of the rarest words compared with those of the most frequent."""
    ordered = sorted(features, key=lambda feature: -feature[1])
    rarest = [step for _, part, step in ordered if part == ordered[-1][1]]
    ratio = float(np.median(rarest) / np.median([step for _, _, step in ordered[:SHOWN]]))
    if ratio < LONGER:
        return "Here the steps for rare words are not longer than those for frequent ones."
    return (
        f"The steps for the {count(len(rarest), 'word')} that are as rare are {ratio:.1f} times as long as those for "
        f"the {SHOWN} most frequent: a weight that is seldom updated moves further each time."
    )


RATES: Chapter = Chapter(
    name="rates",
    heading="Three learning rates",
    idea="The learning rate is the size of the steps. Three of the trainings from above, with the same λ and initial "
    "weights. Dashed: training loss; solid: validation loss; the axis of epochs is logarithmic.",
    picture=rates,
)
WORDS: Chapter = Chapter(
    name="words",
    heading="Common and rare words",
    idea="Adam gives every weight its own step size: η divided by the typical size of its gradient. A small network "
    "reads lines from the descriptions of six scikit-learn data sets and predicts which data set a line describes; its "
    "inputs are the words.",
    picture=words,
)
