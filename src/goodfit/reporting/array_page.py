"""The report of a training or sweep of ``Sequential`` as one HTML file: what a report of a run says without a table."""

from collections.abc import Mapping
from typing import Any

from goodfit.diagnosis.findings import Verdict
from goodfit.diagnosis.verdict import diagnose
from goodfit.reporting import sentences
from goodfit.reporting.heat_table import selectable
from goodfit.reporting.pages import Figure, render
from goodfit.reporting.spelling import keywords
from goodfit.reporting.training_figures import Trained, grid_picture, training_figures
from goodfit.reporting.trials import Grid, Trial, grid_of, trial_of
from goodfit.search.space import refined
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training

OF_FIT = ("epochs", "batch_size", "class_weight")
OF_SWEEP = ("l2", "learning_rate", "dropout", "seeds", "folds")
"""Arguments of ``goodfit.train`` that ``Sequential.fit`` has, too, and those that only ``sweep`` has."""


def array_html(found: Training | Sweep) -> str:
    """The report as text."""
    verdict = diagnose(found)
    trial, grid, figures = _drawn(found, verdict)
    cells = selectable(grid) if grid else None
    return render(
        "array_report.html.j2",
        [figure for figure in (*figures.values(), *(cells.figures if cells else ())) if figure],
        extra_css=cells.css if cells else "",
        card=found._card(),
        verdict=verdict,
        steps={each.code: ", ".join(keywords(_given(each.change, found))) for each in verdict.findings},
        figures=figures,
        curves_sentence=sentences.of_curves(trial),
        cells=cells,
        grid=grid,
        grid_sentence=sentences.of_grid(grid) if grid else "",
    )


def array_pictures(found: Training | Sweep) -> list[Figure]:
    """Every figure of the report, and the grid as a heat map."""
    _, grid, figures = _drawn(found, diagnose(found))
    return [*(figure for figure in figures.values() if figure), *([grid_picture(grid)] if grid else [])]


def _given(change: Mapping[str, Any], found: Training | Sweep) -> dict[str, Any]:
    """Advice as arguments of ``Sequential.fit`` or ``sweep``; what neither takes is left to the words."""
    if isinstance(found, Training):
        return {name: value for name, value in change.items() if name in OF_FIT}
    if change.get("refine"):
        space = refined(found.space, found.selection)
        return {name: list(values) for name, values in space.items() if values != found.space[name]}
    return {name: value for name, value in change.items() if name in (*OF_FIT, *OF_SWEEP)}


def _drawn(found: Training | Sweep, verdict: Verdict) -> tuple[Trial, Grid | None, dict[str, Figure | None]]:
    """The training whose curves are shown, the grid that it was selected from, if it has several cells, and figures."""
    trial, grid = trial_of(found if isinstance(found, Training) else found.winner), None
    if isinstance(found, Sweep) and len((of_all := grid_of(found)).trials) > 1:
        trial, grid = of_all.winner, of_all
    return trial, grid, training_figures(Trained(trial, grid, verdict.comparisons))
