"""A sweep while it runs: the grid filling for a person who watches, else a plain line now and then."""

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

from goodfit.cli.grid_table import CHOSEN, Cell, draw_grid
from goodfit.cli.progress import SECONDS_BETWEEN_LINES
from goodfit.formatting import count, numbers

if TYPE_CHECKING:
    from goodfit.experiment.settings import Settings
    from goodfit.search.parallel import Progress


@dataclass
class Filling:
    """What is known so far. values: for each fold, the lowest validation loss of its trials in their order."""

    l2: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    seeds: int = 1
    folds: int = 1
    done: int = 0
    seconds: float = 0.0
    values: dict[int, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Filling:
        """Nothing is known yet."""
        return cls(settings.space["l2"], settings.space["learning_rate"], settings.seeds, settings.folds)

    @property
    def trials(self) -> int:
        """How many trainings there are."""
        return len(self.l2) * len(self.rates) * self.seeds * self.folds

    def add(self, progress: Progress) -> None:
        """A fold ends with all its trials done; what is told after that is of the next one."""
        values = [float(value) for value in progress.values]
        self.values[min(self.done // len(values), self.folds - 1)] = values
        self.done, self.seconds = progress.done, progress.seconds

    def means(self) -> dict[Cell, float]:
        """For each cell that has begun the mean over its seeds and folds so far."""
        cells = [cell for cell in product(self.l2, self.rates) for _ in range(self.seeds)]
        found: dict[Cell, list[float]] = defaultdict(list)
        for values in self.values.values():
            for cell, value in zip(cells, values, strict=True):
                if math.isfinite(value):
                    found[cell].append(value)
        return {cell: sum(values) / len(values) for cell, values in found.items()}

    def left(self) -> str:
        """How long it will take yet, as far as it can be known."""
        if not self.done:
            return "time left not known yet"
        seconds = self.seconds * (self.trials - self.done) / self.done
        return f"about {seconds:.0f} s left" if seconds < 120 else f"about {seconds / 60:.0f} min left"


class SweepProgress(Protocol):
    """Told of the start of each grid and of every step."""

    def begin(self, settings: Settings) -> None: ...

    def step(self, progress: Progress) -> None: ...


@contextmanager
def sweep_progress(console: Console) -> Iterator[SweepProgress]:
    """Show the progress of the sweep in this block, if there is one."""
    if console.is_terminal:
        with SweepDrawing(console) as drawing:
            yield drawing
        return
    lines = SweepLines(console)
    yield lines
    lines.end()


class SweepLines:
    """A plain line every two seconds, and one at the end."""

    def __init__(self, console: Console) -> None:
        self.console, self.filling = console, Filling()
        self.written, self.written_at = True, 0.0

    def begin(self, settings: Settings) -> None:
        self.end()
        self.filling, self.written_at = Filling.of(settings), time.monotonic()

    def step(self, progress: Progress) -> None:
        self.filling.add(progress)
        self.written = False
        if time.monotonic() - self.written_at >= SECONDS_BETWEEN_LINES:
            self._write()

    def end(self) -> None:
        if not self.written:
            self._write()

    def _write(self) -> None:
        filling, means = self.filling, self.filling.means()
        self.written, self.written_at = True, time.monotonic()
        (lowest,) = numbers(min(means.values(), default=math.nan))
        text = f"{filling.done:,} of {count(filling.trials, 'training')} done, lowest validation loss {lowest}"
        rest = f"in {filling.seconds:.1f} s" if filling.done == filling.trials else filling.left()
        self.console.print(f"{text}, {rest}", soft_wrap=True)


class SweepDrawing:
    """A bar and the grid, redrawn in place and gone at the end."""

    def __init__(self, console: Console) -> None:
        self.filling, self.began = Filling(), 0.0
        self.live = Live(console=console, get_renderable=self.render, refresh_per_second=8, transient=True)

    def __enter__(self) -> SweepDrawing:
        return self

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def begin(self, settings: Settings) -> None:
        self.filling, self.began = Filling.of(settings), time.monotonic()
        self.live.start()

    def step(self, progress: Progress) -> None:
        self.filling.add(progress)

    def render(self) -> RenderableType:
        filling, means = self.filling, self.filling.means()
        bar = Grid.grid(padding=(0, 2, 0, 0))
        done = f"{filling.done:,} of {filling.trials:,} done, {filling.left()}" if filling.values else "compiling"
        seconds = f"{time.monotonic() - self.began:.0f} s"
        bar.add_row(ProgressBar(total=filling.trials, completed=filling.done, width=20), f"{done}, {seconds}")
        marks = {min(means, key=means.__getitem__): CHOSEN} if means else {}
        hint = Text("validation loss so far; Ctrl-C stops the sweep and keeps what there is", style="dim")
        return Group(bar, draw_grid(filling.l2, filling.rates, means, marks=marks, unknown="·"), hint)
