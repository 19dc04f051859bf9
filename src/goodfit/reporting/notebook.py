"""The charts of the report for a notebook: ``goodfit.plot`` and ``goodfit.plot_weights``."""

from typing import Any

import numpy as np

from goodfit.errors import ConfigError
from goodfit.experiment.run_folder import SweepRecord
from goodfit.reporting.charts.curves import loss_curves
from goodfit.reporting.charts.grid import explorer
from goodfit.reporting.charts.weights import weight_histogram
from goodfit.reporting.svg import Chart, beside
from goodfit.reporting.theme import CONFIG
from goodfit.reporting.trials import bins, grid_of, quantiles
from goodfit.reporting.view import TrialResult, l2_name, pair_of
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Outcome, Training
from goodfit.training.history import History


def plot(result: object) -> Chart:
    """What a training did, as an altair chart; a notebook shows it.

    Of one training both losses with the gap shaded and the best epoch marked; of a sweep the heat map of λ and learning
    rate, where a click on a cell shows the losses of that pair.

    Args:
        result: a ``History``, ``Training``, ``Sweep``, or a ``Run``.

    Raises:
        ConfigError: it is none of these.

    >>> import goodfit
    >>> run = goodfit.train("iris", l2=0.01, learning_rate=0.01, epochs=5)
    >>> type(goodfit.plot(run.history)).__name__
    'LayerChart'
    """
    found = result.record.sweep or result.record.training if isinstance(result, TrialResult) else result
    patience = result.record.settings.patience if isinstance(result, TrialResult) else None
    match found:
        case Training():
            return styled(_curves(found.history, found.best_epoch, found.outcome, patience))
        case History():
            return styled(_curves(found, _lowest(found)))
        case Sweep() | SweepRecord():
            return styled(explorer(grid_of(found)))
    raise ConfigError(f"plot shows a History, Training, Sweep or Run, not {type(result).__name__}.")


def plot_weights(result: object) -> Chart:
    """Where the weights lie, as an altair chart: of a sweep without and with L2 side by side on one axis.

    Both have the same learning rate and the same seed. A sweep with a single λ, and a single training, show one
    histogram.

    Args:
        result: a ``Training``, ``Sweep``, or a ``Run``.

    Raises:
        ConfigError: it is none of these.
    """
    found = result.record.sweep or result.record.training if isinstance(result, TrialResult) else result
    match found:
        case Training():
            shown = {"": quantiles(found.params)}
        case Sweep() | SweepRecord():
            grid = grid_of(found)
            shown = {l2_name(trial.l2): trial.quantiles for trial in pair_of(grid) or [grid.winner]}
        case _:
            raise ConfigError(f"plot_weights shows a Training, Sweep or Run, not {type(result).__name__}.")
    edges = bins(list(shown.values()))
    return styled(beside([weight_histogram(of, edges, title=title) for title, of in shown.items()]))


def styled(chart: Any) -> Chart:  # noqa: ANN401
    """The chart in our colours, as a chart of its own."""
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
    """The epoch with the lowest validation loss, or training loss where nothing validates; 0 where none is finite."""
    values = history["val_loss"] if "val_loss" in history else history["loss"]
    finite = np.where(np.isfinite(values), values, np.inf)
    return int(finite.argmin()) + 1 if np.isfinite(finite).any() else 0
