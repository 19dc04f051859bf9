"""Losses while a training runs: redrawn in place on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from goodfit.formatting import numbers, sparkline
from goodfit.status_line import SECONDS_BETWEEN_LINES


@dataclass
class Curves:
    """Losses so far."""

    epochs: int = 0
    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = 0

    def add(self, record: Mapping[str, float]) -> None:
        """Add an epoch."""
        self.loss.append(record["loss"])
        self.val_loss.append(record["val_loss"])
        if record["val_loss"] < self.best:
            self.best, self.best_epoch = record["val_loss"], len(self.loss)


class Progress(Protocol):
    """Receives the start, every epoch, and what follows the training."""

    def begin(self, epochs: int) -> None: ...

    def epoch(self, record: Mapping[str, float]) -> None: ...

    def follow(self, stage: str) -> None: ...


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Show the progress of the training in this block."""
    if console.is_terminal:
        with Drawing(console) as drawing:
            yield drawing
        return
    lines = Lines(console)
    yield lines
    lines.end()


class Lines:
    """A plain line after two seconds, then every ten, and one for the last epoch."""

    def __init__(self, console: Console) -> None:
        self.console, self.curves = console, Curves()
        self.written, self.due_at = 0, 0.0

    def begin(self, epochs: int) -> None:
        self.curves.epochs, self.due_at = epochs, time.monotonic() + SECONDS_BETWEEN_LINES / 5

    def epoch(self, record: Mapping[str, float]) -> None:
        self.curves.add(record)
        if time.monotonic() >= self.due_at:
            self._write()

    def follow(self, stage: str) -> None:
        """Nothing: a log has no line about what is over soon."""

    def end(self) -> None:
        if self.written < len(self.curves.loss):
            self._write()

    def _write(self) -> None:
        curves = self.curves
        self.written, self.due_at = len(curves.loss), time.monotonic() + SECONDS_BETWEEN_LINES
        loss, val_loss, best = numbers(curves.loss[-1], curves.val_loss[-1], curves.best)
        text = f"epoch {self.written:,} of {curves.epochs:,}: loss {loss}, validation loss {val_loss}"
        self.console.print(f"{text}, lowest {best} at epoch {curves.best_epoch:,}", soft_wrap=True)


class Drawing:
    """A bar and both curves, redrawn in place and removed at the end."""

    def __init__(self, console: Console) -> None:
        self.curves, self.began, self.stage = Curves(), 0.0, ""
        self.live = Live(console=console, get_renderable=self.render, refresh_per_second=8, transient=True)

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def begin(self, epochs: int) -> None:
        self.curves.epochs, self.began = epochs, time.monotonic()
        self.live.start()

    def epoch(self, record: Mapping[str, float]) -> None:
        self.curves.add(record)

    def follow(self, stage: str) -> None:
        self.stage = stage

    def render(self) -> RenderableType:
        curves, done = self.curves, len(self.curves.loss)
        bar = Grid.grid(padding=(0, 2, 0, 0))
        seconds = f"{time.monotonic() - self.began:.0f} s"
        what = f"epoch {done:,} of {curves.epochs:,}" if done else "compiling"
        shown = ", ".join(filter(None, (what, self.stage, seconds)))
        bar.add_row(ProgressBar(total=curves.epochs, completed=done, width=30), shown)
        hint = Text("Ctrl-C stops the training and keeps the best epoch", style="dim")
        return Group(bar, *([draw_curves(curves)] if done else []), hint)


def draw_curves(curves: Curves, *, width: int = 40) -> Grid:
    """Both losses as sparklines on one scale, with their last values."""
    finite = [value for value in (*curves.loss, *curves.val_loss) if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    loss, val_loss, best = numbers(curves.loss[-1], curves.val_loss[-1], curves.best)
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_row("loss", loss, Text(sparkline(curves.loss, low, high, width=width), style="cyan"))
    grid.add_row("validation loss", val_loss, Text(sparkline(curves.val_loss, low, high, width=width), style="green"))
    grid.add_row("lowest", best, f"at epoch {curves.best_epoch:,}" if curves.best_epoch else "")
    return grid
