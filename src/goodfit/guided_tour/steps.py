"""How long the steps are: three learning rates, and a step of its own for every word."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from goodfit.arrays import Array
from goodfit.formatting import count, numbers, share
from goodfit.guided_tour.chapter import Chapter, Names, Picture, trial
from goodfit.reporting import sentences
from goodfit.reporting.charts.basics import NUMBER, Layer, rows, sized
from goodfit.reporting.charts.curves import rate_curves
from goodfit.reporting.charts.table import step_chart
from goodfit.reporting.theme import NARROW, TRAIN
from goodfit.reporting.trials import Trial, knob

L2 = 0.001
"""Of the three rates, as in the program."""
LATE = 0.5
"""How restless a curve is is measured in this share of its epochs, the last ones."""
RESTLESS = 3.0
"""So many times the change from epoch to epoch of the right rate is jumping."""
LONGER = 1.2
"""From so many times the other on a step is longer."""
SHOWN = 6
"""Common words, and rare ones, that are shown by name."""


def rates(names: Names) -> Picture:
    """Curves of three learning rates on the same space."""
    found = [trial(training, l2=L2, learning_rate=rate) for rate, training in names["rates"].items()]
    right = min(found, key=lambda each: each.at_best(each.val_loss))
    losses = np.concatenate([curve for each in found for curve in (each.loss, each.val_loss)])
    ends = float(np.nanmin(losses)), float(1.03 * found[0].val_loss[0])
    charts = [
        rate_curves(
            each,
            n_epochs=max(each.epochs for each in found),
            ends=ends,
            title=f"{knob(each.learning_rate)} · {sentences.pace(each, right)}",
            width=NARROW,
        )
        for each in found
    ]
    return Picture(f"{sentences.of_rates(found, right)}{of_jumps(found, right)}", charts)


def of_jumps(found: Sequence[Trial], right: Trial) -> str:
    """Whether the largest rate cannot settle."""
    largest = found[-1]
    ratio = restlessness(largest.val_loss) / restlessness(right.val_loss)
    if largest is right or not ratio >= RESTLESS:
        return ""
    jump, calm = numbers(restlessness(largest.val_loss), restlessness(right.val_loss))
    return (
        f" Late in the training the validation loss jumps by {jump} from one epoch to the next at "
        f"{knob(largest.learning_rate)}, and by {calm} at {knob(right.learning_rate)}."
    )


def restlessness(curve: Array) -> float:
    """Mean change from one epoch to the next, late in the training."""
    return float(np.abs(np.diff(curve[int(len(curve) * LATE) :])).mean())


def words(names: Names) -> Picture:
    """Every word by how many lines have it and how long Adam's steps for it are; some of them by name."""
    n_lines = len(names["texts"])
    shares = names["bag"].mean(axis=0)
    features = [
        (str(word), float(part), float(step))
        for word, part, step in zip(names["words"], shares, names["steps"], strict=True)
    ]
    shown = named_words(features)
    return Picture(f"{of_words(shown, n_lines)} {of_rarest(features)}", [word_chart(shown), step_chart(features)])


def named_words(features: Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """The most frequent words, then some of the rarest, evenly through the alphabet."""
    ordered = sorted(features, key=lambda feature: (-feature[1], feature[0]))
    rarest = sorted(feature for feature in ordered if feature[1] == ordered[-1][1])
    chosen = [rarest[place] for place in np.linspace(0, len(rarest) - 1, min(SHOWN, len(rarest))).round().astype(int)]
    return [*ordered[:SHOWN], *(feature for feature in chosen if feature not in ordered[:SHOWN])]


def of_words(shown: Sequence[tuple[str, float, float]], n_lines: int) -> str:
    """The most frequent word, and one of the rarest."""
    (common, part, short), (rare, rare_part, long) = shown[0], shown[-1]
    steps = numbers(short, long)
    return (
        f"“{common}” stands in {share(part, 1)} of {count(n_lines, 'line')} and moves its weights by {steps[0]} for a "
        f"unit of gradient; “{rare}” stands in {share(rare_part, 1)} and moves them by {steps[1]}."
    )


def of_rarest(features: Sequence[tuple[str, float, float]]) -> str:
    """The words that are rarest beside those that are most frequent."""
    ordered = sorted(features, key=lambda feature: -feature[1])
    rarest = [step for _, part, step in ordered if part == ordered[-1][1]]
    ratio = float(np.median(rarest) / np.median([step for _, _, step in ordered[:SHOWN]]))
    if ratio < LONGER:
        return "Here rare words have no longer steps than frequent ones."
    return (
        f"The {count(len(rarest), 'word')} that are as rare as that have steps {ratio:.1f} times as long as the "
        f"{SHOWN} most frequent: a weight that is seldom asked learns from every occasion."
    )


def word_chart(shown: Sequence[tuple[str, float, float]]) -> Layer:
    """A bar for each word: how far its weights move for a unit of gradient."""
    found = [{"word": word, "step": step, "lines": f"{share(part, 1)} of lines"} for word, part, step in shown]
    base = alt.Chart(rows(found)).encode(
        y=alt.Y("word:N", sort=None, axis=alt.Axis(title=None, ticks=False, minExtent=62))
    )
    most = 1.45 * max(step for _, _, step in shown)
    x = alt.X(
        "step:Q", axis=alt.Axis(title="step per unit of gradient", format=NUMBER), scale=alt.Scale(domain=[0, most])
    )
    bars = base.mark_bar(color=TRAIN, opacity=0.85).encode(x=x)
    said = base.mark_text(align="left", dx=5, fontSize=10.5).encode(x=x, text="lines:N")
    return sized(alt.layer(bars, said))


RATES: Chapter = Chapter(
    name="rates",
    heading="Three learning rates",
    idea="The learning rate is how far one step goes. Three of the trainings from above, same λ, same first "
    "weights. Dashed the training loss, solid the validation loss; epochs are counted in powers of ten.",
    picture=rates,
)
WORDS: Chapter = Chapter(
    name="words",
    heading="Common and rare words",
    idea="Adam gives every weight a step of its own, η divided by the usual size of its gradient. A small network "
    "reads lines of the descriptions that scikit-learn has of six of its tables, and learns which table a line is "
    "about; its inputs are the words.",
    picture=words,
)
