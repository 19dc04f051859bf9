"""The report of a run: one HTML file that says what happened, why, and what to do next."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import RunError
from goodfit.experiment.run_folder import write_file
from goodfit.formatting import METRIC_LABELS, numbers
from goodfit.reporting import sentences, view
from goodfit.reporting.charts.grid import heat_map
from goodfit.reporting.command import source_name, train_command
from goodfit.reporting.pages import Figure, render, write_pngs
from goodfit.reporting.trials import Grid, given_back, grid_of

MOST_CLASSES = 20
"""A confusion matrix of more classes is not shown: only its sentence."""


def report(run: view.TrialResult, path: str | Path, *, pngs: str | Path | None = None) -> Path:
    """Write the report of a run as one HTML file that needs no network, and give its path back.

    In the reader's order: the verdict and the next step, what else might have done better, the splits and the seal, the
    curves, the grid, weights without and with L2, three learning rates, what each λ did, Adam's steps, what the data
    checks found, metrics with intervals beside a linear model and a baseline, the exam if it was opened, and how to
    make the run again. What a run does not have is left out.

    Args:
        run: of ``goodfit.train`` or ``goodfit.load``.
        path: the file, written in one step; one that is there is replaced.
        pngs: a folder that every picture is written into as well, as a PNG file.

    Raises:
        RunError: a file cannot be written, or this is no run.
    """
    if not isinstance(run, view.TrialResult):
        raise RunError(f"a report is of a run, from goodfit.train or goodfit.load, not of {type(run).__name__!r}.")
    out = Path(path)
    try:
        write_file(out, html(run).encode())
    except OSError as error:
        raise RunError(f"{out} cannot be written ({error.strerror}): name another file.") from error
    if pngs is not None:
        write_pngs(pictures(run), Path(pngs))
    return out


def pictures(run: view.TrialResult) -> list[Figure]:
    """Every picture of the report."""
    grid = grid_of(run.record.sweep) if run.record.sweep else None
    figures = [figure for figure in _figures(run, grid).values() if figure is not None]
    if grid is not None:
        figures.append(Figure("grid", "λ and learning rate", sentences.of_grid(grid), [heat_map(grid)]))
    return [*figures, *view.judged_figures(run.record)]


def html(run: view.TrialResult) -> str:
    """The report as text."""
    record, verdict = run.record, diagnose(run.record)
    grid = grid_of(record.sweep) if record.sweep else None
    selected = view.selection(grid) if grid else None
    figures, judged = _figures(run, grid), list(view.judged_figures(record))
    evidence = record.measurements
    return render(
        "report.html.j2",
        [figure for figure in (*figures.values(), *judged, *(selected.figures if selected else ())) if figure],
        extra_css=_selection_css(selected) if selected else "",
        record=record,
        source=source_name(record.source),
        verdict=verdict,
        steps={finding.code: _command(run, finding.argument) for finding in verdict.findings},
        serious=[check for check in evidence.checks if check.severity == "serious"],
        figures=figures,
        judged=judged,
        curves_sentence=sentences.of_curves(given_back(record)),
        grid=grid,
        grid_sentence=sentences.of_grid(grid) if grid else "",
        selection=selected,
        sizes={name: len(rows) for name, rows in record.splits.arrays().items()},
        checks=evidence.checks,
        repairs={check.sentence: _command(run, check.argument) for check in evidence.checks},
        metrics=view.metric_rows(record),
        confusion=evidence.confusion if len(evidence.confusion) <= MOST_CLASSES else (),
        confusion_sentence=(
            sentences.of_confusion(evidence.confusion, record.target.classes) if evidence.confusion else ""
        ),
        openings=list(_openings(run)),
        command=train_command(record),
    )


def _figures(run: view.TrialResult, grid: Grid | None) -> dict[str, Figure | None]:
    """The figures of fixed places by name; None for what this run does not have."""
    record = run.record
    openings = len(run.ledger.openings())
    return {
        "reasons": view.reasons_figure(record),
        "splits": view.splits_figure(record, openings),
        "curves": view.curves_figure(record),
        "weights": view.pair_figure(grid) if grid else view.own_weights_figure(record),
        "rates": view.rates_figure(grid) if grid else None,
        "ladder": view.ladder_figure(grid) if grid else None,
        "steps": view.steps_figure(record),
    }


def _command(run: view.TrialResult, argument: str) -> str:
    """The training with this argument as a command; "" without one."""
    return train_command(run.record, argument=argument) if argument else ""


def _openings(run: view.TrialResult) -> Iterator[dict[str, Any]]:
    for opening in run.ledger.openings():
        rows = []
        for name, estimate in opening.scores.items():
            known = run.record.validation_scores.get(name, float("nan"))
            test, low, high, validation = numbers(*estimate, known)
            rows.append((METRIC_LABELS.get(name, name), test, f"{low} to {high}", validation))
        time = opening.time.replace("T", " ").replace("+00:00", " UTC")
        yield {"number": opening.number, "time": time, "reason": opening.reason or "", "rows": rows}


def _selection_css(selected: view.Selection) -> str:
    """What belongs to the selected cell is shown; where a browser cannot tell, what belongs to the chosen one."""
    places: Sequence[int] = range(len(selected.sentences))
    shown = "".join(f"main:has(#m{place}:checked) .m{place} {{ display: block; }}\n" for place in places)
    return f"{shown}@supports not selector(:has(*)) {{ .m{selected.start} {{ display: block; }} }}\n"
