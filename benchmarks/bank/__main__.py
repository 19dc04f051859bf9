"""Train the bank, judge it, print the tables of docs/verdict.md: about a quarter of an hour on two cores."""

from collections.abc import Iterator, Sequence

from benchmarks.bank.data import Source
from benchmarks.bank.fresh import FRESH
from benchmarks.bank.score import (
    CANNOT_TELL,
    RATES,
    UNCLEAR,
    WORDS,
    Pair,
    agreement,
    by_themselves,
    confusion,
    in_a_grid,
    pairs,
    share,
    winners,
)
from benchmarks.bank.tables import FITTED, UNSEEN
from benchmarks.bank.trainings import train_all
from benchmarks.bank.truth import Labelled, label
from benchmarks.harness import say, show, timed

MODULE = "benchmarks.bank"
VIEWS = {
    "every training of a grid": in_a_grid,
    "the winner of each grid": winners,
    "every training alone": by_themselves,
}


def labelled(sources: Sequence[Source]) -> Iterator[Labelled]:
    """Every training on these data sets with its truth."""
    for source in sources:
        trained, seconds = timed(lambda source=source: list(train_all(source)))
        say(f"{source.name}: {sum(one.truth.size for one in trained)} trainings, {seconds:.0f} s")
        if trained:
            yield from label(trained)


def main(fresh: Sequence[Source] = FRESH, unseen: Sequence[Source] = UNSEEN, fitted: Sequence[Source] = FITTED) -> None:
    parts = {
        "Fresh data sets": fresh,
        "The half that judged while the rules grew": unseen,
        "The half that chose the thresholds": fitted,
    }
    for part, sources in parts.items():
        found = list(labelled(sources))
        for name, view in VIEWS.items():
            words, rates = pairs(view(found))
            _show(f"{part}, {name}: the fit", words, WORDS, (*WORDS, CANNOT_TELL))
            _show(f"{part}, {name}: the learning rate", rates, RATES, RATES)


def _show(title: str, found: list[Pair], truths: Sequence[str], said: Sequence[str]) -> None:
    rows = [
        [truth, *map(str, counts)]
        for truth, counts in zip((*truths, UNCLEAR), confusion(found, (*truths, UNCLEAR), said), strict=True)
    ]
    show(MODULE, title, ["truth, said to be", *said], rows, " ".join(_sums(found, truths)))


def _sums(found: list[Pair], truths: Sequence[str]) -> Iterator[str]:
    clear = [pair for pair in found if pair.truth != UNCLEAR]
    yield f"{len(found)} trainings, {len(clear)} of them with a clear truth."
    yield f"Macro agreement {agreement(found, truths):.3f}"
    yield f"({agreement(found, truths, leaning=True):.3f} if unclear ones count for the side to which they lean)."
    if truths is WORDS:
        yield f"Good fit called bad {share(found, 'good fit', ('underfitting', 'overfitting')):.1%},"
        yield f"overfitting missed {1 - share(found, 'overfitting', ('overfitting',)):.1%},"
        yield f"cannot tell {sum(pair.said == CANNOT_TELL for pair in found) / max(1, len(found)):.1%}."


if __name__ == "__main__":
    main()
