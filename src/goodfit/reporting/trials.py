"""The trainings of a run as charts and sentences take them: the restored one, and the grid it was selected from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.experiment.run_folder import Record, SweepRecord, curves_table, quantiles_table
from goodfit.formatting import short_value as short_value
from goodfit.nn.arrays import Params
from goodfit.search.race_arithmetic import Place, comparable_means
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training

Cell = tuple[float, float]
"""l2 and learning rate."""
AXES = ("l2", "learning_rate")


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        number: its row in the table of the sweep; 0 where there is none.
        l2, learning_rate: NaN where they are not known.
        loss, val_loss: curves (epochs,); val_loss is empty without validation rows.
        best_epoch: counted from 1; 0 if no epoch was finite.
        quantiles: 201 quantiles of all kernel weights at that epoch, from minimum to maximum.
    """

    number: int
    l2: float
    learning_rate: float
    loss: Array
    val_loss: Array
    best_epoch: int
    outcome: str
    quantiles: Array

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.loss)

    @property
    def cell(self) -> Cell:
        return self.l2, self.learning_rate

    @property
    def judged(self) -> Array:
        """Validation loss; without one, the training loss."""
        return self.val_loss if len(self.val_loss) else self.loss

    def at_best(self, curve: Array) -> float:
        """Value of a curve at the best epoch; infinite if there is none."""
        return float(curve[self.best_epoch - 1]) if self.best_epoch and len(curve) else float("inf")


@dataclass(frozen=True)
class Grid:
    """Every pair of λ and learning rate, with one training of each, all of the same seed and fold.

    Attributes:
        trials: the training shown for each pair.
        means: validation loss at the best epochs, see ``goodfit.search.race_arithmetic``.
        chosen, lowest: the selected pair, and the one with the lowest mean.
        n_each: number of trainings of each contender. n_contenders: pairs with so many trainings.
        has_rungs: whether only contenders were trained on all rows.
        partial: pairs that are no contenders, whose means are adjusted from fewer folds or rows.
    """

    trials: Mapping[Cell, Trial]
    means: Mapping[Cell, float]
    chosen: Cell
    lowest: Cell
    n_each: int
    n_contenders: int
    has_rungs: bool = False
    partial: frozenset[Cell] = frozenset()

    @cached_property
    def l2(self) -> list[float]:
        return sorted({l2 for l2, _ in self.trials})

    @cached_property
    def rates(self) -> list[float]:
        return sorted({rate for _, rate in self.trials})

    @property
    def winner(self) -> Trial:
        """The training shown for the selected pair."""
        return self.trials[self.chosen]

    def of_rate(self, rate: float) -> list[Trial]:
        """Trainings with this learning rate, by λ."""
        return [self.trials[l2, rate] for l2 in self.l2 if (l2, rate) in self.trials]

    def of_l2(self, l2: float) -> list[Trial]:
        """Trainings with this λ, by learning rate."""
        return [self.trials[l2, rate] for rate in self.rates if (l2, rate) in self.trials]


def short_values(numbers: Sequence[float]) -> list[str]:
    """Several of them with as many digits as distinguish them, at least three.

    >>> short_values([0.01, 0.0100001]), short_values([0.01, 0.0316228])
    (['0.01', '0.0100001'], ['0.01', '0.0316'])
    """
    texts: list[str] = []
    for digits in (3, 6, 17):
        texts = [short_value(number, digits) for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts


def restored(record: Record) -> Trial:
    """The training whose weights are kept."""
    number = record.sweep.selection.trial if record.sweep else 0
    l2, rate = (record.config[name] for name in AXES)
    return replace(trial_of(record.training), number=number, l2=l2, learning_rate=rate)


def trial_of(training: Training) -> Trial:
    """A training of arrays, of which λ and learning rate are not known."""
    return Trial(
        number=0,
        l2=np.nan,
        learning_rate=np.nan,
        loss=training.history["loss"],
        val_loss=training.history.get("val_loss", np.empty(0)),
        best_epoch=training.best_epoch,
        outcome=training.outcome.name.lower(),
        quantiles=quantiles(training.params),
    )


def grid_of(found: SweepRecord | Sweep) -> Grid:
    """The grid of a search. Hyperparameters but λ and the learning rate are fixed at their selected values."""
    selection, fixed = found.selection, _fixed(found)
    table = [fixed | row for row in found.table.to_pylist()]
    curves, weights = (_by_trial(rows, len(table)) for rows in _kept(found))
    winner = table[selection.trial]
    trials: dict[Cell, Trial] = {}
    values: dict[Cell, dict[Place, float]] = {}
    for number, row in enumerate(table):
        if any(row[name] != value for name, value in selection.chosen.config.items() if name not in AXES):
            continue
        cell = row["l2"], row["learning_rate"]
        values.setdefault(cell, {})[place_of(row)] = row["cross_fitted_loss"]
        if cell not in trials or place_of(row) == place_of(winner):
            trials[cell] = _trial(number, row, curves[number], weights[number])
    chosen, lowest = (
        (config.get("l2", fixed["l2"]), config.get("learning_rate", fixed["learning_rate"]))
        for config in (selection.chosen.config, selection.best.config)
    )
    n_each = len(selection.chosen.trials)
    own = {place_of(table[number]) for number in selection.chosen.trials}
    partial = frozenset(cell for cell, of in values.items() if not set(of) >= own)
    has_rungs = any(row["rung"] for row in table)
    n_contenders = len(values) - len(partial)
    return Grid(trials, comparable_means(values), chosen, lowest, n_each, n_contenders, has_rungs, partial)


def grid_of_several(found: SweepRecord | Sweep | None) -> Grid | None:
    """The grid of a search with more than one config; None of a single one, whatever its folds and seeds."""
    grid = None if found is None else grid_of(found)
    return grid if grid and len(grid.trials) > 1 else None


def place_of(row: Mapping[str, Any]) -> Place:
    """Rung, fold and seed of a row of the table of trials."""
    return row["rung"], row["fold"], row["seed"]


def pair_of(grid: Grid) -> tuple[Trial, Trial] | None:
    """The smallest λ and the selected one; where that is the smallest, the best of the others."""
    trials = [trial for trial in grid.of_rate(grid.winner.learning_rate) if trial.best_epoch]
    if len(trials) < 2:
        return None
    least, others = trials[0], trials[1:]
    chosen = [trial for trial in others if trial.l2 == grid.winner.l2]
    return least, (chosen or sorted(others, key=lambda trial: trial.at_best(trial.judged)))[0]


def l2_name(l2: float) -> str:
    """λ as the title of a chart."""
    return f"λ {short_value(l2)}" if l2 else "no L2"


def quantiles(params: Params) -> Array:
    """201 quantiles of all kernel weights, from minimum to maximum."""
    return np.asarray(quantiles_table([params])["weight"].to_numpy())


def density(of: Array, edges: Array) -> Array:
    """Share of the weights between neighbouring edges, from their quantiles."""
    # Where many weights are equal, the share jumps there: the tiny slope keeps the quantiles in order.
    places = of + np.linspace(0, 1e-9 * max(1e-9, np.ptp(of)), len(of))
    return np.diff(np.interp(edges, places, np.linspace(0, 1, len(of)), left=0, right=1))


def bins(several: Sequence[Array], n: int = 41) -> Array:
    """Edges of an odd number of bins, the middle one around 0, that cover 98 % of the widest of these weights.

    The range is at most three times the median range.
    """
    inner = [np.abs(of[[2, -3]]).max() for of in several if np.isfinite(of).all()]
    reach = min(max(inner), 3 * np.median(inner)) if len(inner) > 2 else max(inner, default=0.0)
    reach = reach or 1.0
    return np.linspace(-reach, reach, n + 1)


def _fixed(found: SweepRecord | Sweep) -> dict[str, float]:
    """λ and the learning rate of the model, for a search that does not vary them; λ as the mean of its layers."""
    if isinstance(found, SweepRecord):
        return dict.fromkeys(AXES, 0.0)
    strengths = [float(each.l2 or 0.0) for layer in found.recipe.regularizers for each in layer.values()]
    return {
        "l2": float(np.mean(strengths)) if strengths else 0.0,
        "learning_rate": float(found.recipe.optimizer.learning_rate),
    }


def _kept(found: SweepRecord | Sweep) -> tuple[pa.Table, pa.Table]:
    """Curves and quantiles of all trials, stacked."""
    if isinstance(found, SweepRecord):
        return found.curves, found.weights
    trainings = found.trainings
    histories = [training.history for training in trainings]
    return curves_table(histories), quantiles_table([training.params for training in trainings])


def _by_trial(table: pa.Table, n_trials: int) -> list[dict[str, Array]]:
    """Columns of a table that is sorted by trial, split by trial."""
    cuts = np.searchsorted(table["trial"].to_numpy(), np.arange(1, n_trials))
    columns = {name: np.split(table[name].to_numpy(), cuts) for name in table.column_names}
    return [{name: splits[number] for name, splits in columns.items()} for number in range(n_trials)]


def _trial(number: int, row: Mapping[str, Any], curves: Mapping[str, Array], weights: Mapping[str, Array]) -> Trial:
    return Trial(
        number=number,
        l2=row["l2"],
        learning_rate=row["learning_rate"],
        loss=curves["loss"],
        val_loss=curves["val_loss"],
        best_epoch=row["best_epoch"],
        outcome=row["outcome"],
        quantiles=weights["weight"],
    )
