"""From a run, a sweep or a training to the observations that the rules read."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.diagnosis.observations import Neighbour, Observations
from goodfit.errors import ConfigError
from goodfit.experiment.measure import Measurements
from goodfit.experiment.run_folder import Record
from goodfit.search.selection import Selection
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training
from goodfit.training.history import History

CURVES = ("loss", "val_loss", "penalty")


def observe(result: object) -> Observations:
    """Return the observations of a result; of a sweep those of the winner, with the others as its neighbours.

    Raises:
        ConfigError: the result is no run, record of a run, sweep, training or observations.
    """
    match result:
        case Observations():
            return result
        case Training():
            return Observations(**_of_training(result))
        case Sweep():
            return Observations(**_of_training(result.winner), **_of_grid(result.table, result.selection))
        case Record():
            return Observations(**_of_record(result))
        case _ if isinstance(record := getattr(result, "record", None), Record):
            return Observations(**_of_record(record))
    raise ConfigError(f"a run, a sweep or a training can be diagnosed, not {type(result).__name__!r}.")


def _of_training(training: Training) -> dict[str, Any]:
    restored = training.params is not training.last_params
    return {
        **_curves(training.history),
        "outcome": training.outcome.name.lower(),
        "restored_epoch": training.best_epoch if restored or not training.best_epoch else training.history.n_epochs,
        "hidden": _hidden(training),
    }


def _curves(history: History) -> dict[str, tuple[float, ...]]:
    return {name: tuple(history[name].tolist()) for name in CURVES if name in history}


def _hidden(training: Training) -> tuple[int, ...]:
    """Units of each hidden layer, by the shapes of the kernels."""
    kernels = [layer["kernel"] for layer in training.params if "kernel" in layer]
    return tuple(int(kernel.shape[-1]) for kernel in kernels[:-1])


def _of_grid(table: pa.Table, selection: Selection) -> dict[str, Any]:
    """The neighbours of the winner, and the means over its seeds and folds."""
    rows = table.to_pylist()
    own = rows[selection.trial]
    return {
        "mean_loss": _mean_loss(rows, selection.chosen.trials),
        "mean_val_loss": selection.chosen.mean,
        "n_folds": len({rows[trial]["fold"] for trial in selection.chosen.trials}),
        "l2": own.get("l2"),
        "learning_rate": own.get("learning_rate"),
        "neighbours": tuple(_neighbours(rows, selection)),
        "edges": dict(selection.edges),
        "seed_losses": tuple(row["cross_fitted_loss"] for row in rows if _differs_by_seed(row, own, selection)),
        "val_loss_error": _error(selection),
    }


def _neighbours(rows: Sequence[Mapping[str, Any]], selection: Selection) -> Iterable[Neighbour]:
    """Configs that differ from the chosen one in l2 or learning rate only.

    Their training loss is as on all folds and the rung of the chosen one, whose own losses give the level.
    """
    own, own_loss = selection.chosen.config, _mean_loss(rows, selection.chosen.trials)
    own_losses = {_place(row): row["loss"] for row in rows if own.items() <= row.items()}
    for each in selection.contrasts:
        if all(each.config[name] == own[name] for name in own if name not in ("l2", "learning_rate")):
            places = {_place(rows[trial]) for trial in each.trials}
            level = own_loss - float(np.mean([loss for place, loss in own_losses.items() if place in places]))
            yield Neighbour(
                each.config.get("l2"),
                each.config.get("learning_rate"),
                _mean_loss(rows, each.trials) + level,
                each.mean,
                each.gain,
                each.standard_error,
            )


def _place(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["rung"], row["fold"], row["seed"]


def _mean_loss(rows: Sequence[Mapping[str, Any]], trials: Sequence[int]) -> float:
    """On training rows."""
    return float(np.mean([rows[trial]["loss"] for trial in trials]))


def _differs_by_seed(row: Mapping[str, Any], own: Mapping[str, Any], selection: Selection) -> bool:
    return _place(row)[:2] == _place(own)[:2] and all(row[name] == own[name] for name in selection.chosen.config)


def _error(selection: Selection) -> float | None:
    error = selection.chosen.standard_error
    return error if math.isfinite(error) else None


def _of_record(record: Record) -> dict[str, Any]:
    settings, config = record.settings, record.config
    found = _of_training(record.training) | {
        "restored_epoch": record.training.best_epoch,
        "epochs": settings.epochs,
        "patience": settings.patience,
        "learning_rate": config.get("learning_rate"),
        "l2": config.get("l2"),
        "hidden": settings.hidden,
        "n_train": record.streamed.train if record.streamed else len(record.splits.train),
        "n_validation": len(record.splits.validation),
        "time_order": settings.split == "time" or record.streamed is not None,
        "classes": tuple(map(str, record.target.classes or ())),
    }
    if record.sweep is not None:
        found |= _of_grid(record.sweep.table, record.sweep.selection)
    if found.get("n_folds", 1) > 1:  # every known row is a validation row once
        found["n_validation"] = found["n_train"] + found["n_validation"]
    return found | _of_measurements(record.measurements, found)


def _of_measurements(measured: Measurements, found: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured of the restored weights."""
    known: dict[str, Any] = {f"{name}_loss": loss for name, loss in measured.losses.items()}
    known |= {f"{name}_difference": tuple(pair) for name, pair in measured.differences.items()}
    if found.get("val_loss_error") is None:
        known["val_loss_error"] = _error_from_interval(measured.intervals, found)
    return known | {"units": measured.units, "dead_units": measured.dead_units, "confusion": measured.confusion}


def _error_from_interval(intervals: Mapping[str, Sequence[float]], found: Mapping[str, Any]) -> float | None:
    """The standard error of the validation loss from the 95 % interval of the metric that is the loss, or its root."""
    if "log_loss" in intervals:
        _, low, high = intervals["log_loss"]
        return (high - low) / 3.92
    if "rmse" in intervals and found["val_loss"] and found["restored_epoch"]:
        value, low, high = intervals["rmse"]
        val_loss = float(found["val_loss"][found["restored_epoch"] - 1])
        return 2 * val_loss * (high - low) / 3.92 / value if value > 0 else None
    return None
