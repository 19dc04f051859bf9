"""The trials of a sweep as arrays, and back.

Losses at the best epochs are not kept a second time: they are read from the curves.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.experiment.run_folder.arrays import Spec
from goodfit.experiment.run_folder.record import SHARES, SweepRecord, curves_table, quantiles_of
from goodfit.search.selection import Selection
from goodfit.training.fit import Outcome
from goodfit.training.history import History

COUNTS = ("seed", "fold", "rung", "train_rows", "best_epoch", "epochs", "outcome")
"""Columns of whole numbers, besides those of the configs."""
AT_BEST = ("val_loss", "loss", "penalty")


def trial_specs(config_names: Sequence[str], n_trials: int) -> dict[str, Spec]:
    """Return the arrays of ``trials.safetensors``. A new number of each trial gets its line here and in both ways."""
    return {
        **{f"config.{name}": Spec("F64", (n_trials,)) for name in config_names},
        **{name: Spec("I64", (n_trials,)) for name in COUNTS},
        "cross_fitted_loss": Spec("F64", (n_trials,)),
        "quantiles": Spec("F64", (n_trials, len(SHARES))),
    }


def curve_specs(columns: Sequence[str], n_epochs: int) -> dict[str, Spec]:
    """Return the arrays of ``curves.safetensors``."""
    return {name: Spec("F64", (n_epochs,)) for name in columns}


def trial_arrays(swept: SweepRecord) -> dict[str, Array]:
    """Return the arrays of the trials."""
    table = swept.table
    counts = {name: table[name].to_numpy() for name in COUNTS if name != "outcome"}
    outcomes = [Outcome[name.upper()].value for name in table["outcome"].to_pylist()]
    quantiles = swept.weights["weight"].to_numpy().reshape(table.num_rows, len(SHARES))
    return {
        **{f"config.{name}": table[name].to_numpy().astype(np.float64) for name in swept.selection.chosen.config},
        **{name: values.astype(np.int64) for name, values in counts.items()},
        "outcome": np.array(outcomes, np.int64),
        "cross_fitted_loss": table["cross_fitted_loss"].to_numpy(),
        "quantiles": quantiles.astype(np.float64),
    }


def curve_arrays(swept: SweepRecord) -> dict[str, Array]:
    """Return the curves of all trials, one after the other."""
    names = [name for name in swept.curves.column_names if name not in ("trial", "epoch")]
    return {name: swept.curves[name].to_numpy() for name in names}


def sweep_from(
    trials: Mapping[str, Array], curves: Mapping[str, Array], selection: Selection, n_planned: int
) -> SweepRecord:
    """Return the sweep of these arrays; ValueError unless their numbers agree."""
    counts = {name: trials[name] for name in COUNTS}
    lengths, best = counts["epochs"], counts["best_epoch"]
    if (lengths < 1).any() or lengths.sum() != len(next(iter(curves.values()))):
        raise ValueError("the epochs of the trials are not those of the curves")
    if (best < 0).any() or (best > lengths).any():
        raise ValueError("a best epoch is none of its trial")
    outcomes = [Outcome(value).name.lower() for value in counts["outcome"].tolist()]
    ends = np.cumsum(lengths)
    histories = [
        History({name: values[end - length : end] for name, values in curves.items()})
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
    places = ends - lengths + np.maximum(best, 1) - 1
    at_best = {name: np.where(best > 0, curves[name][places], np.inf) for name in AT_BEST}
    table = pa.table(
        {
            **{name.removeprefix("config."): values for name, values in trials.items() if name.startswith("config.")},
            **{name: counts[name] for name in ("seed", "fold", "rung", "train_rows")},
            "cross_fitted_loss": trials["cross_fitted_loss"],
            **at_best,
            **{name: counts[name] for name in ("best_epoch", "epochs")},
            "outcome": outcomes,
        }
    )
    return SweepRecord(table, curves_table(histories), quantiles_of(list(trials["quantiles"])), selection, n_planned)
