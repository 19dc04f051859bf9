"""What the numbers say of a fit, and what the data checks found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from goodfit.formatting import printable

if TYPE_CHECKING:
    from goodfit.checks.check import Check
    from goodfit.diagnosis.findings import Finding, Verdict

COLOURS = {"good fit": "bold green", "overfitting": "bold yellow", "underfitting": "bold yellow"}
MOST_FINDINGS = 4
LONGEST_SENTENCE = 500


def show_checks(checks: Iterable[Check], console: Console) -> None:
    """What is wrong with the table or its splits, each with the argument that repairs it; nothing where nothing is."""
    grid = _grid()
    for check in checks:
        if check.severity != "note":
            grid.add_row("check", printable(check.sentence, longest=LONGEST_SENTENCE))
            _add_step(grid, check.argument)
    if grid.row_count:
        console.print(grid, "")


def show_verdict(verdict: Verdict, console: Console) -> None:
    """One of the guide's words with its reason, then what else was found, the most severe first."""
    grid = _grid()
    grid.add_row("verdict", Text.assemble((verdict.word, COLOURS.get(verdict.word, "bold")), ": ", verdict.sentence))
    said: set[str] = set()
    for finding in _others(verdict):
        if finding.sentence != verdict.sentence:
            grid.add_row("", printable(finding.sentence, longest=LONGEST_SENTENCE))
        if finding.argument not in said:
            _add_step(grid, finding.argument, finding.advice)
        said |= {finding.argument} - {""}
    console.print(grid, "")


def _others(verdict: Verdict) -> Iterator[Finding]:
    """Findings that ask for something; that of the verdict itself first, and only for its next step."""
    asking = [finding for finding in verdict.findings if finding.severity != "good"]
    return iter(sorted(asking, key=lambda finding: finding.sentence != verdict.sentence)[:MOST_FINDINGS])


def _add_step(grid: Grid, argument: str, advice: str = "") -> None:
    """What to do about it: an argument on a line of its own, so that it can be copied, or advice in words."""
    if argument or advice:
        grid.add_row(Text("try", justify="right"), Text(argument or advice, style="yellow"))


def _grid() -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True, min_width=10)
    grid.add_column(overflow="fold")
    return grid
