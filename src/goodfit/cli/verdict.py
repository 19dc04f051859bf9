"""The verdict and the data checks on the console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from goodfit.cli.spelling import flags
from goodfit.formatting import printable

if TYPE_CHECKING:
    from goodfit.checks.check import Check
    from goodfit.diagnosis.findings import Finding, Verdict

COLOURS = {"good fit": "bold green", "overfitting": "bold yellow", "underfitting": "bold yellow"}
MOST_FINDINGS = 4
LONGEST_SENTENCE = 500


def show_checks(checks: Iterable[Check], console: Console) -> None:
    """Problems of the table or its splits, each with the flags that fix it; nothing if there are none."""
    grid = _grid()
    for check in checks:
        if check.severity != "note":
            grid.add_row("check", printable(check.sentence, longest=LONGEST_SENTENCE))
            _add_step(grid, flags(check.change))
    if grid.row_count:
        console.print(grid, "")


def show_verdict(verdict: Verdict, console: Console) -> None:
    """The verdict with its reason, then the other findings, most severe first."""
    grid = _grid()
    grid.add_row("verdict", Text.assemble((verdict.word, COLOURS.get(verdict.word, "bold")), ": ", verdict.sentence))
    shown: set[str] = set()
    for finding in _advising(verdict):
        if finding.sentence != verdict.sentence:
            grid.add_row("", printable(finding.sentence, longest=LONGEST_SENTENCE))
        step = flags(finding.change) or finding.advice
        if step not in shown:
            _add_step(grid, step)
        shown.add(step)
    console.print(grid, "")


def _advising(verdict: Verdict) -> list[Finding]:
    """Findings that are not good news; that of the verdict itself first, of which only the next step is shown."""
    found = [finding for finding in verdict.findings if finding.severity != "good"]
    return sorted(found, key=lambda finding: finding.sentence != verdict.sentence)[:MOST_FINDINGS]


def _add_step(grid: Grid, step: str) -> None:
    """What to do about it, on a line of its own so that it can be copied."""
    if step:
        grid.add_row(Text("try", justify="right"), Text(printable(step, longest=LONGEST_SENTENCE), style="yellow"))


def _grid() -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True, min_width=10)
    grid.add_column(overflow="fold")
    return grid
