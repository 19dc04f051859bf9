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
from goodfit.reporting.trials import Grid, Trial, grid_of_several, trial_of
from goodfit.search.space import refined
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training

OF_FIT = {name: name for name in ("epochs", "batch_size", "class_weight")}
OF_SWEEP = OF_FIT | {name: name for name in ("l2", "learning_rate", "dropout", "seeds", "folds")}
"""Arguments of ``goodfit.train`` that ``Sequential.fit`` and ``sweep`` have, too, by their names there."""


def array_html(found: Training | Sweep, verdict: Verdict | None = None, names: Mapping[str, str] | None = None) -> str:
    """The report as text.

    Args:
        verdict: by default what the training or sweep alone says.
        names: arguments of ``goodfit.train`` that the user can change, by their names there; advice on others is left
            to the words. By default those of ``Sequential``.
    """
    verdict = verdict or diagnose(found)
    names = names or (OF_FIT if isinstance(found, Training) else OF_SWEEP)
    trial, grid, figures = _drawn(found, verdict)
    cells = selectable(grid) if grid else None
    return render(
        "array_report.html.j2",
        [figure for figure in (*figures.values(), *(cells.figures if cells else ())) if figure],
        extra_css=cells.css if cells else "",
        card=found._card(),
        verdict=verdict,
        steps={each.code: ", ".join(keywords(_given(each.change, found, names))) for each in verdict.findings},
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


def _given(change: Mapping[str, Any], found: Training | Sweep, names: Mapping[str, str]) -> dict[str, Any]:
    """Advice as arguments that the user can give."""
    if isinstance(found, Sweep) and change.get("refine"):
        space = refined(found.space, found.selection)
        return {name: list(values) for name, values in space.items() if values != found.space[name]}
    return {names[name]: value for name, value in change.items() if name in names}


def _drawn(found: Training | Sweep, verdict: Verdict) -> tuple[Trial, Grid | None, dict[str, Figure | None]]:
    """The training whose curves are shown, the grid that it was selected from, if it has several cells, and figures."""
    trial = trial_of(found if isinstance(found, Training) else found.winner)
    if grid := grid_of_several(found if isinstance(found, Sweep) else None):
        trial = grid.winner
    return trial, grid, training_figures(Trained(trial, grid, verdict.comparisons))
