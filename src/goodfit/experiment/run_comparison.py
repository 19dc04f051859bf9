"""Runs compared by the rows that judged them, row by row where they share rows; the exam is never opened for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goodfit.cards import Card, ShownAsCard
from goodfit.errors import RunError
from goodfit.experiment.out_of_fold import OutOfFold
from goodfit.experiment.run_folder import Record
from goodfit.formatting import count, join, numbers, printable
from goodfit.stats import weighted_mean_error


@dataclass(frozen=True)
class RunGain:
    """How much lower the mean loss of one run is than that of another.

    n_rows: number of rows that both have, by which they are paired; 0 for runs that share none, which are compared as
    independent samples.
    """

    value: float
    standard_error: float
    n_rows: int

    @property
    def word(self) -> str:
        """``better`` or ``worse`` if the gain exceeds two standard errors, else ``no clear difference``."""
        if not abs(self.value) > 2 * self.standard_error:
            return "no clear difference"
        return "better" if self.value > 0 else "worse"


def mean_loss(found: OutOfFold) -> tuple[float, float]:
    """Return the mean loss and its standard error."""
    return weighted_mean_error(np.array(found.losses))


def gain_over(reference: OutOfFold, other: OutOfFold, *, paired: bool) -> RunGain:
    """Return the gain of another run over the reference, row by row where both have the row.

    Args:
        paired: whether row numbers of both mean the same rows.
    """
    shared, own, others = np.intersect1d(reference.rows, other.rows, assume_unique=True, return_indices=True)
    if paired and len(shared) > 1:
        differences = np.array(reference.losses)[own] - np.array(other.losses)[others]
        return RunGain(*weighted_mean_error(differences), len(shared))
    (first, error), (second, error_of_other) = mean_loss(reference), mean_loss(other)
    return RunGain(first - second, float(np.hypot(error, error_of_other)), 0)


@dataclass(frozen=True)
class ComparedRun:
    """A run among others.

    Attributes:
        name: its folder, or its number.
        loss, standard_error: mean over the rows that judged it. n_rows: number of these rows.
        gain: over the first run; None for the first.
    """

    name: str
    loss: float
    standard_error: float
    n_rows: int
    gain: RunGain | None


@dataclass(frozen=True, repr=False)
class RunComparison(ShownAsCard):
    """Runs compared with the first of them.

    metric: ``log loss``, or ``squared error`` in the target's own unit. runs: in the order in which they were given.
    """

    target: str
    metric: str
    runs: tuple[ComparedRun, ...]

    @property
    def sentence(self) -> str:
        """Which run is clearly better than the first, and by how many rows this is known."""
        first, *others = self.runs
        better = [run for run in others if run.gain and run.gain.word == "better"]
        worse = [run for run in others if run.gain and run.gain.word == "worse"]
        said = [
            f"{join(run.name for run in of)} {'is' if len(of) == 1 else 'are'} clearly {word} than {first.name}"
            for of, word in ((better, "better"), (worse, "worse"))
            if of
        ]
        return f"{'; '.join(said)}." if said else f"No run differs from {first.name} by more than two standard errors."

    def rows(self) -> list[tuple[str, ...]]:
        """Return run, loss, gain over the first, its standard error, shared rows and what that means."""
        shown = numbers(*(run.loss for run in self.runs))
        found: list[tuple[str, ...]] = []
        for run, loss in zip(self.runs, shown, strict=True):
            if run.gain is None:
                found.append((run.name, loss, "", count(run.n_rows, "row"), "reference"))
                continue
            gain, error = numbers(run.gain.value, run.gain.standard_error)
            shared = count(run.gain.n_rows, "shared row") if run.gain.n_rows else "no shared rows"
            found.append((run.name, loss, f"{gain} ± {error}", shared, run.gain.word))
        return found

    def _card(self) -> Card:
        header = ("run", self.metric, "gain", "compared by", "")
        return Card(f"Comparison of {count(len(self.runs), 'run')}", [("result", self.sentence)], header, self.rows())


def compare_records(names: Sequence[str], records: Sequence[Record]) -> RunComparison:
    """Compare runs with the first of them.

    Raises:
        RunError: fewer than two, or they predict different targets.
    """
    if len(records) < 2:
        raise RunError("compare needs two runs or more.")
    first = records[0]
    compared = []
    for name, record in zip(names, records, strict=True):
        _validate_comparable(first, record, name)
        assert record.out_of_fold is not None and first.out_of_fold is not None
        loss, error = mean_loss(record.out_of_fold)
        paired = _same_table(first, record)
        gain = None if record is first else gain_over(first.out_of_fold, record.out_of_fold, paired=paired)
        compared.append(ComparedRun(printable(name, longest=80), loss, error, len(record.out_of_fold.rows), gain))
    metric = "squared error" if first.target.task == "regression" else "log loss"
    return RunComparison(first.target.name, metric, tuple(compared))


def _validate_comparable(first: Record, other: Record, name: str) -> None:
    ours, theirs = first.target, other.target
    if (ours.name, ours.task, ours.classes) != (theirs.name, theirs.task, theirs.classes):
        raise RunError(
            f"{printable(name, longest=80)} predicts {printable(theirs.name)!r} ({theirs.task}, "
            f"{len(theirs.classes)} classes), the first run {printable(ours.name)!r} ({ours.task}, "
            f"{len(ours.classes)} classes): compare runs with one target."
        )


def _same_table(first: Record, other: Record) -> bool:
    """Whether row numbers of both mean the same rows: the content of the tables is equal, or the file."""
    same_file = first.source_file is not None and first.source_file == other.source_file
    return first.n_rows == other.n_rows and (first.fingerprint == other.fingerprint or same_file)
