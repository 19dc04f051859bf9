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
    shown = [check for check in checks if check.severity != "note"]
    for check in shown:
        _show("check", printable(check.sentence, longest=LONGEST_SENTENCE), console)
        _show_step(flags(check.change), console)
    if shown:
        console.print()


def show_verdict(verdict: Verdict, console: Console) -> None:
    """The verdict with its reason, then the other findings, most severe first."""
    word = (verdict.word, COLOURS.get(verdict.word, "bold"))
    _show("verdict", Text.assemble(word, ": ", verdict.sentence), console)
    shown: set[str] = set()
    for finding in _advising(verdict):
        if finding.sentence != verdict.sentence:
            _show("", printable(finding.sentence, longest=LONGEST_SENTENCE), console)
        step = flags(finding.change) or finding.advice
        if step not in shown:
            _show_step(step, console)
        shown.add(step)
    console.print()


def _advising(verdict: Verdict) -> list[Finding]:
    """Findings that are not good news; that of the verdict itself first, of which only the next step is shown."""
    found = [finding for finding in verdict.findings if finding.severity != "good"]
    return sorted(found, key=lambda finding: finding.sentence != verdict.sentence)[:MOST_FINDINGS]


def _show(label: str, text: str | Text, console: Console) -> None:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True, min_width=10)
    grid.add_column(overflow="fold")
    grid.add_row(label, text)
    console.print(grid)


def _show_step(step: str, console: Console) -> None:
    """What to do about it, on one line however long it is, so that it can be copied."""
    if step:
        label = Text(f"{'try':>10}  ", style="cyan")
        console.print(label + Text(printable(step, longest=len(step)), style="yellow"), soft_wrap=True)
