"""The charts of the report for a notebook: ``goodfit.plot`` and ``goodfit.plot_weights``."""

from typing import Any

import numpy as np

from goodfit.errors import ConfigError
from goodfit.experiment.run_folder import SweepRecord
from goodfit.reporting.charts.curves import loss_curves
from goodfit.reporting.charts.grid import explorer
from goodfit.reporting.charts.weights import weight_histograms
from goodfit.reporting.figures import RunLike
from goodfit.reporting.svg import Chart, side_by_side
from goodfit.reporting.theme import CONFIG
from goodfit.reporting.trials import grid_of, l2_name, pair_of, quantiles
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Outcome, Training
from goodfit.training.history import History


def plot(result: object) -> Chart:
    """Plot a training or a search as an altair chart, which a notebook shows.

    A training gives both losses with the gap shaded and the best epoch marked; a search gives the heat map of λ and
    learning rate, where a click on a cell shows the losses of that configuration.

    Args:
        result: a ``History``, ``Training``, ``Sweep``, or a ``Run``.

    Raises:
        ConfigError: ``result`` is of another type.

    >>> import goodfit
    >>> run = goodfit.train("iris", l2=0.01, learning_rate=0.01, epochs=5)
    >>> type(goodfit.plot(run.history)).__name__
    'LayerChart'
    """
    found = result.record.sweep or result.record.training if isinstance(result, RunLike) else result
    patience = result.record.settings.patience if isinstance(result, RunLike) else None
    match found:
        case Training():
            return styled(_curves(found.history, found.best_epoch, found.outcome, patience))
        case History():
            return styled(_curves(found, _lowest(found)))
        case Sweep() | SweepRecord():
            return styled(explorer(grid_of(found)))
    raise ConfigError(f"plot needs a History, Training, Sweep or Run, not {type(result).__name__}.")


def plot_weights(result: object) -> Chart:
    """Plot histograms of the weights as an altair chart: for a search without and with L2, side by side on one axis.

    Both have the same learning rate and the same seed. A search with a single λ, and a single training, give one
    histogram.

    Args:
        result: a ``Training``, ``Sweep``, or a ``Run``.

    Raises:
        ConfigError: ``result`` is of another type.
    """
    found = result.record.sweep or result.record.training if isinstance(result, RunLike) else result
    match found:
        case Training():
            shown = {"": quantiles(found.params)}
        case Sweep() | SweepRecord():
            grid = grid_of(found)
            shown = {l2_name(trial.l2): trial.quantiles for trial in pair_of(grid) or [grid.winner]}
        case _:
            raise ConfigError(f"plot_weights needs a Training, Sweep or Run, not {type(result).__name__}.")
    return styled(side_by_side(weight_histograms(list(shown.items()))))


def styled(chart: Any) -> Chart:  # noqa: ANN401
    """The chart with the theme."""
    finished: Chart = chart.configure(**CONFIG)
    return finished


def _curves(history: History, best_epoch: int, outcome: Outcome | None = None, patience: int | None = None) -> Chart:
    return loss_curves(
        history["loss"],
        history.get("val_loss", np.empty(0)),
        best_epoch=best_epoch,
        patience=patience,
        stopped=outcome is Outcome.STOPPED_EARLY,
    )


def _lowest(history: History) -> int:
    """Epoch with the lowest validation loss, or training loss without one; 0 if none is finite."""
    values = history["val_loss"] if "val_loss" in history else history["loss"]
    finite = np.where(np.isfinite(values), values, np.inf)
    return int(finite.argmin()) + 1 if np.isfinite(finite).any() else 0
