"""The figures of a training and of the search that it was selected from; a new one is added as in ``figures``."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting import sentences
from goodfit.reporting.charts.alternatives import alternatives_chart, is_cut
from goodfit.reporting.charts.basics import Layer
from goodfit.reporting.charts.curves import leave, loss_curves, rate_curves
from goodfit.reporting.charts.grid import heat_map
from goodfit.reporting.charts.l2_path import l2_path_chart
from goodfit.reporting.charts.weights import l2_path_weights, pair_histograms, weight_histograms
from goodfit.reporting.pages import Figure
from goodfit.reporting.svg import Chart
from goodfit.reporting.theme import NARROW, WIDTH
from goodfit.reporting.trials import Grid, Trial, l2_name, pair_of

Parts = tuple[str, str, Callable[[], Sequence[Chart]]]
"""Title and sentence of a figure, and what makes its charts."""


class Trained(NamedTuple):
    """What these figures are drawn from.

    trial: the restored training. grid: None for a single training. comparisons: with the alternatives that were
    measured. patience: of early stopping; None where it is not known. n_folds: of the search, of which curves show the
    first.
    """

    trial: Trial
    grid: Grid | None
    comparisons: Sequence[Comparison]
    patience: int | None = None
    n_folds: int = 1

    @property
    def on_fold(self) -> str:
        """Added to the title of what is of one fold."""
        return f", first of {self.n_folds} folds" if self.n_folds > 1 else ""


def training_figures(shown: Trained) -> dict[str, Figure | None]:
    """The figures by name; None for those that this training does not have."""
    found = {name: make(shown) for name, make in FIGURES.items()}
    return {name: Figure(name, *parts) if parts else None for name, parts in found.items()}


def curves(shown: Trained) -> Parts | None:
    """Learning curves of the restored training; None where no epoch is finite."""
    trial, patience = shown.trial, shown.patience
    if not trial.best_epoch:
        return None
    stopped = trial.outcome == "stopped_early"
    draw = partial(loss_curves, best_epoch=trial.best_epoch, patience=patience, stopped=stopped)
    said = sentences.of_curves(trial, patience=patience)
    return f"Training and validation loss{shown.on_fold}", said, lambda: [draw(trial.loss, trial.val_loss)]


def alternatives(shown: Trained) -> Parts | None:
    """Measured alternatives; None where fewer than two were measured, or where another reason decides the verdict."""
    compared = shown.comparisons
    found = sorted((each for each in compared if 0 < each.error < np.inf), key=_kind)
    if len(found) < 2 or any(each.is_clear for each in compared if each.error == 0):
        return None
    said = sentences.of_alternatives(found, "the selected configuration" if shown.grid else "the network")
    cut = sentences.CUT_OFF if is_cut(found) else ""
    return "Alternatives", said + cut, lambda: [alternatives_chart(found)]


def _kind(compared: Comparison) -> int:
    """Penalties first, then learning rates, then other models."""
    return 0 if "l2" in compared.change else 1 if "learning_rate" in compared.change else 2


def weights(shown: Trained) -> Parts | None:
    """Weights of the restored training; of a grid without and with L2, at the same learning rate and seed."""
    if shown.grid is not None:
        pair = pair_of(shown.grid)
        return pair and ("Weights without and with L2", sentences.of_pair(*pair), lambda: pair_histograms(*pair))
    trial = shown.trial
    if not trial.best_epoch:
        return None
    of = f"With {l2_name(trial.l2)}, " if np.isfinite(trial.l2) else ""
    said = f"{of}{sentences.of_weights(trial)}."
    return "Weights", said, lambda: weight_histograms([("", trial.quantiles)])


def rates(shown: Trained) -> Parts | None:
    """The smallest, the selected and the largest learning rate of the grid, at the selected λ."""
    if shown.grid is None:
        return None
    right = shown.grid.winner
    line = [trial for trial in shown.grid.of_l2(right.l2) if len(trial.loss) and np.isfinite(trial.judged[0])]
    slower = [trial for trial in line if trial.learning_rate < right.learning_rate][:1]
    faster = [trial for trial in line if trial.learning_rate > right.learning_rate][-1:]
    found = [*slower, right, *faster]
    if len(found) < 2:
        return None
    most = 1.5 * max(trial.judged[0] for trial in (*slower, right))
    losses = [x for trial in found for x in (*trial.loss, *trial.val_loss) if x <= most]
    ends, n_epochs = (min(losses), max(losses)), max(trial.epochs for trial in found)
    width = WIDTH if len(found) < 3 else NARROW

    def charts() -> list[Layer]:
        titles = (sentences.caption(trial, right) for trial in found)
        return [
            rate_curves(trial, n_epochs=n_epochs, ends=ends, title=title, width=width)
            for trial, title in zip(found, titles, strict=True)
        ]

    left = sentences.LEAVES if leave(found, ends) else ""
    return f"Learning rates{shown.on_fold}", sentences.of_rates(found, right) + left, charts


def l2_path(shown: Trained) -> Parts | None:
    """Losses and weights of each λ, at the selected learning rate."""
    winner = shown.grid.winner if shown.grid else None
    trials = shown.grid.of_rate(winner.learning_rate) if shown.grid and winner else []
    trials = [trial for trial in trials if trial.best_epoch]
    if winner is None or len(trials) < 3:
        return None
    said = sentences.of_l2_path(trials)
    return (
        f"Regularization path{shown.on_fold}",
        said,
        lambda: [l2_path_chart(trials, chosen=winner.l2), l2_path_weights(trials)],
    )


def grid_picture(grid: Grid) -> Figure:
    """The grid as a heat map, for a file of its own; a page has a table that can be selected from."""
    return Figure("grid", "λ and learning rate", sentences.of_grid(grid), lambda: [heat_map(grid)])


FIGURES: Mapping[str, Callable[[Trained], Parts | None]] = {
    "alternatives": alternatives,
    "curves": curves,
    "weights": weights,
    "l2_path": l2_path,
    "rates": rates,
}
