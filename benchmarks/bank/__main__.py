"""Train the bank, judge it, print the tables of docs/verdict.md: about half an hour on two cores."""

from collections.abc import Callable, Iterator, Sequence

import jax

from benchmarks.bank.consistency import faults
from benchmarks.bank.data import Source
from benchmarks.bank.fresh import FRESH
from benchmarks.bank.score import (
    CANNOT_TELL,
    RATES,
    UNCLEAR,
    WORDS,
    Pair,
    agreement,
    confusion,
    pairs,
    share,
    told,
)
from benchmarks.bank.seen import SEEN
from benchmarks.bank.trainings import train_all
from benchmarks.bank.truth import Labelled, label
from benchmarks.bank.views import alone, in_a_grid, in_a_race, in_folds
from benchmarks.harness import say, show, timed
from goodfit.diagnosis.verdict import diagnose

MODULE = "benchmarks.bank"
VIEWS = {
    "in a race": in_a_race,
    "on five folds": in_folds,
    "in a grid": in_a_grid,
    "alone": alone,
}


def labelled(sources: Sequence[Source]) -> dict[str, list[Labelled]]:
    """Every training on these data sets with its truth, in each view."""
    found: dict[str, list[Labelled]] = {name: [] for name in VIEWS}
    for source in sources:
        trained, seconds = timed(lambda source=source: list(train_all(source)))
        say(f"{source.name}: {sum(one.truth.size for one in trained)} trainings, {seconds:.0f} s")
        for name, view in VIEWS.items():
            found[name] += label(trained, view) if trained else ()
        jax.clear_caches()  # thousands of compiled programs exhaust what a process may map
    return found


def main(fresh: Sequence[Source] = FRESH, seen: Sequence[Source] = SEEN) -> None:
    for part, sources in {"Fresh data sets": fresh, "Data sets that chose the thresholds": seen}.items():
        for name, found in labelled(sources).items():
            _judge(f"{part}, {name}", found)
            say(f"{part}, {name}: {sum(map(n_faults, found))} findings contradict each other or a measurement")
            if name != "alone":
                _judge(f"{part}, {name}, selected configs", [one for one in found if one.wins])


def _judge(title: str, found: list[Labelled]) -> None:
    words, rates = pairs(found)
    _show(f"{title}: the fit", words, WORDS, (*WORDS, CANNOT_TELL), _of_words)
    _show(f"{title}: the learning rate", rates, RATES, (*RATES, CANNOT_TELL), _of_rates)


def n_faults(one: Labelled) -> int:
    """How many findings about a training contradict each other, or what its grid has measured."""
    return len(faults(one.obs, diagnose(one.obs)))


def _show(
    title: str,
    found: list[Pair],
    truths: Sequence[str],
    said: Sequence[str],
    sums: Callable[[list[Pair]], Iterator[str]],
) -> None:
    rows = [
        [truth, *map(str, counts)]
        for truth, counts in zip((*truths, UNCLEAR), confusion(found, (*truths, UNCLEAR), said), strict=True)
    ]
    clear = sum(pair.truth != UNCLEAR for pair in found)
    head = f"{len(found)} trainings, {clear} of them with a clear truth."
    show(MODULE, title, ["truth, said to be", *said], rows, " ".join([head, *sums(found)]))


def _of_words(found: list[Pair]) -> Iterator[str]:
    yield f"Balanced accuracy where a word was given {agreement(told(found), WORDS):.3f}"
    yield f"({agreement(told(found), WORDS, leaning=True):.3f} with unclear truths, for the side to which they lean),"
    yield f"of all {agreement(found, WORDS):.3f}."
    yield f"Good fit called bad {share(found, 'good fit', ('underfitting', 'overfitting')):.1%},"
    yield f"overfitting missed {share(found, 'overfitting', ('underfitting', 'good fit')):.1%},"
    yield f"cannot tell {share(found, 'underfitting', (CANNOT_TELL,)):.0%} of the underfits,"
    yield f"{share(found, 'good fit', (CANNOT_TELL,)):.0%} of the good fits,"
    yield f"{share(found, 'overfitting', (CANNOT_TELL,)):.0%} of the overfits."


def _of_rates(found: list[Pair]) -> Iterator[str]:
    yield f"Balanced accuracy where a word was given {agreement(told(found), RATES):.3f}"
    yield f"({agreement(told(found), RATES, leaning=True):.3f} with unclear truths, for the side to which they lean)."


if __name__ == "__main__":
    main()
