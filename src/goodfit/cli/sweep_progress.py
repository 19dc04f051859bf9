"""Progress of a search: the grid, redrawn in place on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from goodfit.cli.grid_table import SELECTED, Cell, draw_grid
from goodfit.formatting import count
from goodfit.search.race_arithmetic import Place, comparable_means
from goodfit.status_line import MEASURING, SECONDS_BETWEEN_LINES, lowest_of

if TYPE_CHECKING:
    from goodfit.experiment.settings import Settings
    from goodfit.search.parallel import Progress


@dataclass
class SweepState:
    """Results so far.

    trials: number of trainings, as far as it is known. restored: those of an earlier process. lowest: the lowest
    validation loss, as part of a sentence. values: for each rung and fold, the lowest validation loss so far of each
    configuration and seed, infinite where there is none.
    """

    l2: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    seeds: int = 1
    trials: int = 0
    done: int = 0
    restored: int = 0
    seconds: float = 0.0
    lowest: str = ""
    values: dict[tuple[int, int], list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> SweepState:
        """Before the first result."""
        l2, rates = settings.space["l2"], settings.space["learning_rate"]
        return cls(l2, rates, settings.seeds, len(l2) * len(rates) * settings.seeds)

    def add(self, progress: Progress) -> None:
        """Add the losses of the running fold."""
        self.values[progress.rung, progress.fold] = [float(value) for value in progress.values]
        self.done, self.trials, self.seconds = progress.done, progress.trials, progress.seconds
        self.restored, self.lowest = progress.restored, lowest_of(progress)

    def means(self) -> dict[Cell, float]:
        """Mean of each cell over its seeds and folds so far."""
        cells = [(cell, seed) for cell in product(self.l2, self.rates) for seed in range(self.seeds)]
        found: dict[Cell, dict[Place, float]] = defaultdict(dict)
        for (rung, fold), values in self.values.items():
            for (cell, seed), value in zip(cells, values, strict=True):
                if math.isfinite(value):
                    found[cell][rung, fold, seed] = value
        return comparable_means(found)

    def left(self) -> str:
        """Time left, as far as it is known; when all are done, what follows."""
        if self.done == self.trials:
            return MEASURING.removeprefix(", ")
        if self.done == self.restored:
            return "estimating time left …"
        seconds = self.seconds * (self.trials - self.done) / (self.done - self.restored)
        return f"about {seconds:.0f} s left" if seconds < 120 else f"about {seconds / 60:.0f} min left"


class SweepProgress(Protocol):
    """Receives the start of each grid, every step, and what follows the search."""

    def begin(self, settings: Settings) -> None: ...

    def step(self, progress: Progress) -> None: ...

    def follow(self, stage: str) -> None: ...


@contextmanager
def sweep_progress(console: Console) -> Iterator[SweepProgress]:
    """Show the progress of a search in this block."""
    if console.is_terminal:
        with SweepDrawing(console) as drawing:
            yield drawing
        return
    lines = SweepLines(console)
    yield lines
    lines.end()


class SweepLines:
    """A plain line after two seconds, then every ten where something is new, and one at the end."""

    def __init__(self, console: Console) -> None:
        self.console, self.state = console, SweepState()
        self.written, self.is_new, self.due_at = "", False, 0.0

    def begin(self, settings: Settings) -> None:
        self.end()
        self.state, self.due_at = SweepState.of(settings), time.monotonic() + SECONDS_BETWEEN_LINES / 5

    def step(self, progress: Progress) -> None:
        self.state.add(progress)
        self.is_new = True
        if time.monotonic() >= self.due_at:
            self._write()

    def follow(self, stage: str) -> None:
        """Nothing: a log has no line about what is over soon."""

    def end(self) -> None:
        if self.is_new:
            self._write()

    def _write(self) -> None:
        state = self.state
        self.is_new, self.due_at = False, time.monotonic() + SECONDS_BETWEEN_LINES
        text = f"{state.done:,} of {count(state.trials, 'training')} done{state.lowest}"
        rest = f"in {state.seconds:.1f} s" if state.done == state.trials else state.left()
        if text != self.written:
            self.console.print(f"{text}, {rest}", soft_wrap=True)
        self.written = text


class SweepDrawing:
    """A bar and the grid, redrawn in place and removed at the end."""

    def __init__(self, console: Console) -> None:
        self.state, self.began, self.stage = SweepState(), 0.0, ""
        self.live = Live(console=console, get_renderable=self.render, refresh_per_second=8, transient=True)

    def __enter__(self) -> SweepDrawing:
        return self

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def begin(self, settings: Settings) -> None:
        self.state, self.began = SweepState.of(settings), time.monotonic()
        self.live.start()

    def step(self, progress: Progress) -> None:
        self.state.add(progress)

    def follow(self, stage: str) -> None:
        self.stage = stage

    def render(self) -> RenderableType:
        state, means = self.state, self.state.means()
        bar = Grid.grid(padding=(0, 2, 0, 0))
        done = f"{state.done:,} of {state.trials:,} done, {self.stage or state.left()}" if state.values else "compiling"
        seconds = f"{time.monotonic() - self.began:.0f} s"
        bar.add_row(ProgressBar(total=state.trials, completed=state.done, width=20), f"{done}, {seconds}")
        marks = {min(means, key=means.__getitem__): SELECTED} if means else {}
        hint = Text("lowest validation loss so far; Ctrl-C stops the search and keeps the results", style="dim")
        return Group(bar, draw_grid(state.l2, state.rates, means, marks=marks, unknown="·"), hint)
