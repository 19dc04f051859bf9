"""How far a training is, in one line on stderr: replaced in place where someone watches, else a line now and then."""

import math
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Protocol, Self

from goodfit.errors import ConfigError
from goodfit.formatting import count, numbers

SECONDS_BETWEEN_LINES = 10.0
"""Of plain lines; the first comes after a fifth of that."""


MEASURING = ", measuring the result …"
"""What follows when all trainings are done."""


class Progress(Protocol):
    """What is shown of a search; see ``goodfit.search.parallel.Progress``."""

    @property
    def done(self) -> int: ...
    @property
    def trials(self) -> int: ...
    @property
    def restored(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def values(self) -> Iterable[float]: ...
    @property
    def fold(self) -> int: ...
    @property
    def rung(self) -> int: ...


def lowest_of(progress: Progress) -> str:
    """The lowest validation loss so far; of the first fold or rung only: losses of several have no common level."""
    if progress.fold or progress.rung:
        return ""
    return f", lowest validation loss {numbers(min(progress.values, default=math.nan))[0]}"


def is_watched() -> bool:
    """Whether stderr is a terminal or a notebook."""
    return sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel")


class StatusLine:
    """Shows the progress of a training or search.

    Args:
        verbose: 0 for nothing, 1 for a line; ``auto`` is 1 where someone watches.

    Raises:
        ConfigError: ``verbose`` is something else.
    """

    def __init__(self, verbose: str | int) -> None:
        if verbose not in ("auto", 0, 1):
            raise ConfigError(f"verbose must be 'auto', 0 or 1, not {verbose!r}.")
        self.in_place = is_watched()
        self.is_on = self.in_place if verbose == "auto" else bool(verbose)
        self.shown = self.latest = self.lasting = ""
        self.due_at = time.monotonic() + SECONDS_BETWEEN_LINES / 5
        self.lowest, self.best_epoch = math.inf, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def epoch(self, record: Mapping[str, float]) -> None:
        """Show an epoch of a single training."""
        if record["val_loss"] < self.lowest:
            self.lowest, self.best_epoch = record["val_loss"], int(record["epoch"])
        loss, val_loss, lowest = numbers(record["loss"], record["val_loss"], self.lowest)
        best = f", lowest {lowest} at epoch {self.best_epoch:,}" if self.best_epoch else ""
        self.show(f"epoch {int(record['epoch']):,}: loss {loss}, validation loss {val_loss}{best}")

    def step(self, progress: Progress) -> None:
        """Show how far a search is."""
        done = f"{progress.done:,} of {count(progress.trials, 'training')} done{lowest_of(progress)}"
        own = progress.done - progress.restored
        left = progress.seconds * (progress.trials - progress.done) / own if own else math.nan
        passing = f", about {left:.0f} s left" if progress.done < progress.trials else MEASURING
        self.show(done, passing if own and self.in_place else "")

    def end(self) -> None:
        """Show the last state, and end the line."""
        if self.in_place and self.shown:
            self._replace(self.lasting)
            print(file=sys.stderr, flush=True)
        elif self.latest != self.shown:
            self._print(self.latest)

    def show(self, text: str, passing: str = "") -> None:
        """Show a text. passing: what changes by itself, and is shown in place only."""
        if not self.is_on:
            return
        self.lasting, self.latest = text, text + passing
        if self.in_place:
            self._replace(self.latest)
        elif time.monotonic() >= self.due_at and self.latest != self.shown:
            self._print(self.latest)

    def _replace(self, text: str) -> None:
        if text != self.shown:
            print(f"\r{text:<{len(self.shown)}}", end="", file=sys.stderr, flush=True)
        self.shown = text

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.shown, self.due_at = text, time.monotonic() + SECONDS_BETWEEN_LINES
