"""What the page shows, from a run: figures with their sentences, and the tables, as plain values for the template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from goodfit.diagnosis.comparisons import Comparison
from goodfit.diagnosis.verdict import diagnose
from goodfit.experiment.run_folder import Record
from goodfit.formatting import METRIC_LABELS, grid_numbers, numbers
from goodfit.holdout.exam import Ledger
from goodfit.reporting import sentences
from goodfit.reporting.charts.curves import loss_curves, rate_curves, trial_curves
from goodfit.reporting.charts.judged import calibration_chart, residual_chart
from goodfit.reporting.charts.penalties import loss_ladder
from goodfit.reporting.charts.reasons import reason_chart
from goodfit.reporting.charts.table import splits_chart, step_chart
from goodfit.reporting.charts.weights import trial_weights, weight_histogram, weight_ladder
from goodfit.reporting.pages import Figure
from goodfit.reporting.theme import HEAT_LIGHT, NARROW, TRAIN, VALIDATION, WIDTH
from goodfit.reporting.trials import Cell, Grid, Trial, bins, given_back, knob, knobs

MOST_BESIDE = 7
"""A grid of more learning rates has no room for anything beside it."""
MOST_SHOWN = 200
"""So many trainings of a grid can be selected at most, so that the page stays small."""
MOST_POINTS = 400
"""Of more features every second, third, … is drawn, from the rarest to the most frequent."""
RARE = 0.5
"""Steps are drawn where some feature is this much rarer than another."""


@runtime_checkable
class TrialResult(Protocol):
    """What a report is written of: ``goodfit.Run``."""

    @property
    def record(self) -> Record: ...
    @property
    def ledger(self) -> Ledger: ...


@dataclass(frozen=True)
class HeatCell:
    """One pair of the grid: its value in words, its shade, and the number by which it is selected, if it can be."""

    l2: str
    rate: str
    text: str
    shade: int
    mark: str
    place: int | None


@dataclass(frozen=True)
class Selection:
    """The grid as a table of cells, and what is shown of the one that is selected.

    sentences: by place. start: the place that is selected at first. left_out: how many cells cannot be selected.
    """

    rates: Sequence[str]
    lines: Sequence[tuple[str, Sequence[HeatCell]]]
    sentences: Sequence[str]
    start: int
    curves: Figure
    weights: Figure
    left_out: int

    @property
    def is_wide(self) -> bool:
        """Whether it needs the width of the page."""
        return len(self.rates) > MOST_BESIDE

    @property
    def figures(self) -> tuple[Figure, Figure]:
        return self.curves, self.weights


def curves_figure(record: Record) -> Figure | None:
    """Curves of the training that is given back; None where no epoch is finite."""
    trial, patience = given_back(record), record.settings.patience
    if not trial.best_epoch:
        return None
    stopped = trial.outcome == "stopped_early"
    chart = loss_curves(trial.loss, trial.val_loss, best_epoch=trial.best_epoch, patience=patience, stopped=stopped)
    return Figure("curves", "Both losses", sentences.of_curves(trial, patience=patience), [chart])


def reasons_figure(record: Record) -> Figure | None:
    """What else might have done better; None where less than two were measured, or something else names the fit."""
    compared = diagnose(record).comparisons
    found = sorted((reason for reason in compared if 0 < reason.error < np.inf), key=_kind)
    named = any(reason.is_clear for reason in compared if reason.error == 0)
    if len(found) < 2 or named:
        return None
    said = sentences.of_reasons(found)
    return Figure("reasons", "What else might have done better", said, [reason_chart(found)])


def _kind(reason: Comparison) -> int:
    """Penalties first, then learning rates, then other models."""
    return 0 if "l2" in reason.change else 1 if "learning_rate" in reason.change else 2


def splits_figure(record: Record, openings: int) -> Figure:
    """Who is in which part."""
    sizes = {name: len(rows) for name, rows in record.splits.arrays().items()}
    return Figure("splits", "Three splits", sentences.of_splits(sizes, openings), [splits_chart(sizes)])


def pair_figure(grid: Grid) -> Figure | None:
    """Weights without and with L2, at the same learning rate and from the same seed."""
    pair = pair_of(grid)
    if pair is None:
        return None
    edges = bins([trial.quantiles for trial in pair])
    charts = [
        weight_histogram(trial.quantiles, edges, title=l2_name(trial.l2), colour=colour)
        for trial, colour in zip(pair, (VALIDATION, TRAIN), strict=True)
    ]
    return Figure("weights", "Weights without and with L2", sentences.of_pair(*pair), charts)


def own_weights_figure(record: Record) -> Figure | None:
    """The weights of a single training; None where it has learned none."""
    trial = given_back(record)
    if not trial.best_epoch:
        return None
    said = sentences.of_weights(trial)
    chart = weight_histogram(trial.quantiles, bins([trial.quantiles]), colour=TRAIN)
    return Figure("weights", "Weights", f"With {l2_name(trial.l2)}, {said}.", [chart])


def rates_figure(grid: Grid) -> Figure | None:
    """Too small, right, too large: the ends of the grid's learning rates beside the chosen one, at the chosen λ."""
    right = grid.winner
    line = [trial for trial in grid.of_l2(right.l2) if len(trial.loss) and np.isfinite(trial.judged[0])]
    slower = [trial for trial in line if trial.learning_rate < right.learning_rate][:1]
    faster = [trial for trial in line if trial.learning_rate > right.learning_rate][-1:]
    found = [*slower, right, *faster]
    if len(found) < 2:
        return None
    most = 1.5 * max(trial.judged[0] for trial in (*slower, right))
    losses = [x for trial in found for x in (*trial.loss, *trial.val_loss) if x <= most]
    n_epochs = max(trial.epochs for trial in found)
    charts = [
        rate_curves(
            trial,
            n_epochs=n_epochs,
            ends=(min(losses), max(losses)),
            title=f"{knob(trial.learning_rate)} · {sentences.pace(trial, right)}",
            width=WIDTH if len(found) < 3 else NARROW,
        )
        for trial in found
    ]
    return Figure("rates", "Learning rates", sentences.of_rates(found, right), charts)


def ladder_figure(grid: Grid) -> Figure | None:
    """What each λ did, at the chosen learning rate."""
    trials = [trial for trial in grid.of_rate(grid.winner.learning_rate) if trial.best_epoch]
    if len(trials) < 3:
        return None
    charts = [loss_ladder(trials, chosen=grid.winner.l2), weight_ladder(trials)]
    return Figure("ladder", "The ladder of λ", sentences.of_ladder(trials), charts)


def steps_figure(record: Record) -> Figure | None:
    """Adam's steps, where some features are rarer than others."""
    features = [row for row in record.measurements.features if row[1] > 0 and np.isfinite(row[2]) and row[2] > 0]
    shares = [share for _, share, _ in features]
    if len(features) < 4 or min(shares) > RARE * max(shares):
        return None
    drawn = sorted(features, key=lambda feature: feature[1])[:: -(-len(features) // MOST_POINTS)]
    return Figure("steps", "A step of its own for every weight", sentences.of_steps(features), [step_chart(drawn)])


def judged_figures(record: Record) -> Iterator[Figure]:
    """Calibration, and residuals of a quantity."""
    evidence, classes = record.measurements, record.target.task != "regression"
    if evidence.calibration:
        chart = calibration_chart(evidence.calibration, probabilities=classes)
        said = sentences.of_calibration(evidence.calibration, probabilities=classes)
        yield Figure("calibration", "Predicted and true", said, [chart])
    if evidence.residuals:
        said = sentences.of_residuals(evidence.residuals)
        yield Figure("residuals", "What is left over", said, [residual_chart(evidence.residuals)])


def selection(grid: Grid) -> Selection:
    """The heat map whose cells can be selected, with the curves and weights of each."""
    shown = _shown(grid)
    places = {cell: place for place, cell in enumerate(shown)}
    trials = [grid.trials[cell] for cell in shown]
    texts = dict(zip(grid.means, grid_numbers(grid.means.values()), strict=True))
    shades = _shades(grid.means)
    lines = [
        (name, [_heat_cell(grid, (l2, rate), texts, shades, places) for rate in grid.rates])
        for name, l2 in zip(knobs(grid.l2), grid.l2, strict=True)
    ]
    return Selection(
        rates=knobs(grid.rates),
        lines=lines,
        sentences=[sentences.of_trial(trial) for trial in trials],
        start=places[grid.chosen],
        curves=Figure(
            "trial-curves",
            "Its losses",
            "The selected training stands out among the faint validation losses of all others.",
            [trial_curves(trials, points=70 if len(trials) <= 60 else 40)],
        ),
        weights=Figure(
            "trial-weights",
            "Its weights",
            "All trainings share this axis, so that pulling towards zero shows as a narrower shape.",
            [trial_weights(trials)],
        ),
        left_out=len(grid.trials) - len(shown),
    )


def metric_rows(record: Record) -> list[tuple[str, str, str, str, str]]:
    """Name, network, its interval, linear model, baseline; of validation rows."""
    found = []
    for name, score in record.validation_scores.items():
        low, high = record.measurements.intervals.get(name, (score, np.nan, np.nan))[1:]
        linear = record.measurements.linear_scores.get(name, np.nan)
        own, low_, high_, linear_, base = numbers(score, low, high, linear, record.baseline_scores[name])
        found.append((METRIC_LABELS[name], own, f"{low_} to {high_}" if np.isfinite(low) else "–", linear_, base))
    return found


def pair_of(grid: Grid) -> tuple[Trial, Trial] | None:
    """The smallest λ and the chosen one; where that is the smallest, the best of the others."""
    trials = [trial for trial in grid.of_rate(grid.winner.learning_rate) if trial.best_epoch]
    if len(trials) < 2:
        return None
    least, others = trials[0], trials[1:]
    chosen = [trial for trial in others if trial.l2 == grid.winner.l2]
    return least, (chosen or sorted(others, key=lambda trial: trial.at_best(trial.judged)))[0]


def l2_name(l2: float) -> str:
    return f"λ {knob(l2)}" if l2 else "no L2"


def _shown(grid: Grid) -> list[Cell]:
    """Cells in reading order; of very many those in the chosen row and column, and the lowest."""
    ordered = [(l2, rate) for l2 in grid.l2 for rate in grid.rates if (l2, rate) in grid.trials]
    if len(ordered) <= MOST_SHOWN:
        return ordered
    near = [cell for cell in ordered if cell[0] == grid.chosen[0] or cell[1] == grid.chosen[1]]
    lowest = sorted(ordered, key=lambda cell: grid.means.get(cell, np.inf))
    kept = set(dict.fromkeys([grid.chosen, *near, *lowest][:MOST_SHOWN]))
    return [cell for cell in ordered if cell in kept]


def _shades(means: Mapping[Cell, float]) -> dict[Cell, int]:
    """0 for the lowest to the last shade for what is eight times as high or more."""
    finite = [mean for mean in means.values() if np.isfinite(mean)]
    low = min(finite)
    high = min(max(finite), 8 * low) if low > 0 else max(finite)
    last, span = len(HEAT_LIGHT) - 1, (high - low) or 1.0
    return {
        cell: round(last * min(1.0, (mean - low) / span) ** 0.6) if np.isfinite(mean) else last
        for cell, mean in means.items()
    }


def _heat_cell(
    grid: Grid, cell: Cell, texts: Mapping[Cell, str], shades: Mapping[Cell, int], places: Mapping[Cell, int]
) -> HeatCell:
    mark = "chosen" if cell == grid.chosen else "lowest" if cell == grid.lowest else ""
    return HeatCell(
        l2=knob(cell[0]),
        rate=knob(cell[1]),
        text=texts.get(cell, "–"),
        shade=shades.get(cell, len(HEAT_LIGHT) - 1),
        mark=mark,
        place=places.get(cell),
    )
