"""The trainings of a run as charts and sentences read them: the one given back, and the grid it was chosen from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.experiment.run_folder import Record, SweepRecord, curves_table, quantiles_table
from goodfit.formatting import value
from goodfit.nn.arrays import Params
from goodfit.search.sweep import Sweep

Cell = tuple[float, float]
"""l2 and learning rate."""
AXES = ("l2", "learning_rate")


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        number: its row in the table of the sweep; 0 where there is none.
        loss, val_loss: curves (epochs,); val_loss is empty where nothing validates.
        best_epoch: counted from 1; 0 when no epoch was finite.
        quantiles: 201 quantiles of all kernel weights at that epoch, the smallest and the largest at the ends.
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
        """How many were run."""
        return len(self.loss)

    @property
    def cell(self) -> Cell:
        return self.l2, self.learning_rate

    @property
    def judged(self) -> Array:
        """The curve that is looked at: of the validation rows, where there are any."""
        return self.val_loss if len(self.val_loss) else self.loss

    def at_best(self, curve: Array) -> float:
        """The value of a curve at the best epoch; infinite where there is none."""
        return float(curve[self.best_epoch - 1]) if self.best_epoch and len(curve) else float("inf")


@dataclass(frozen=True)
class Grid:
    """Every pair of λ and learning rate, seen through one training of each, all of the same seed and fold.

    Attributes:
        trials: the training shown for each pair.
        means: validation loss at the best epochs, averaged over the seeds and folds that all pairs have.
        chosen, lowest: the pair that was chosen, and the one with the lowest mean.
        n_each: trainings of each pair that the means are of.
    """

    trials: Mapping[Cell, Trial]
    means: Mapping[Cell, float]
    chosen: Cell
    lowest: Cell
    n_each: int

    @cached_property
    def l2(self) -> list[float]:
        return sorted({l2 for l2, _ in self.trials})

    @cached_property
    def rates(self) -> list[float]:
        return sorted({rate for _, rate in self.trials})

    @property
    def winner(self) -> Trial:
        """The training shown for the chosen pair."""
        return self.trials[self.chosen]

    def of_rate(self, rate: float) -> list[Trial]:
        """Trainings with this learning rate, by λ."""
        return [self.trials[l2, rate] for l2 in self.l2 if (l2, rate) in self.trials]

    def of_l2(self, l2: float) -> list[Trial]:
        """Trainings with this λ, by learning rate."""
        return [self.trials[l2, rate] for rate in self.rates if (l2, rate) in self.trials]


def knob(number: float, digits: int = 3) -> str:
    """λ or a learning rate in three digits: as it was chosen, or near enough to tell it from its neighbours.

    >>> knob(0.0001), knob(0.000879923)
    ('0.0001', '0.00088')
    """
    return value(float(f"{number:.{digits}g}"))


def knobs(numbers: Sequence[float]) -> list[str]:
    """Several of them in as many digits as tell them apart, three at least.

    >>> knobs([0.01, 0.0100001]), knobs([0.01, 0.0316228])
    (['0.01', '0.0100001'], ['0.01', '0.0316'])
    """
    texts: list[str] = []
    for digits in (3, 6, 17):
        texts = [knob(number, digits) for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts


def given_back(record: Record) -> Trial:
    """The training whose weights are given back."""
    training, config = record.training, record.config
    return Trial(
        number=record.sweep.selection.trial if record.sweep else 0,
        l2=config["l2"],
        learning_rate=config["learning_rate"],
        loss=training.history["loss"],
        val_loss=training.history.get("val_loss", np.empty(0)),
        best_epoch=training.best_epoch,
        outcome=training.outcome.name.lower(),
        quantiles=quantiles(training.params),
    )


def grid_of(found: SweepRecord | Sweep) -> Grid:
    """The grid of a sweep. Of other space than λ and learning rate only the values of the winner are shown."""
    selection, table = found.selection, found.table.to_pylist()
    curves, weights = (_by_trial(rows, len(table)) for rows in _kept(found))
    winner = table[selection.trial]
    pairs = {(row["fold"], row["seed"]) for row in (table[number] for number in selection.best.trials)}
    trials: dict[Cell, Trial] = {}
    values: dict[Cell, dict[tuple[int, int], float]] = {}
    for number, row in enumerate(table):
        if any(row[name] != value for name, value in selection.chosen.config.items() if name not in AXES):
            continue
        cell = row.get("l2", 0.0), row.get("learning_rate", 0.0)
        values.setdefault(cell, {})[row["fold"], row["seed"]] = row["val_loss"]
        if cell not in trials or (row["fold"], row["seed"]) == (winner["fold"], winner["seed"]):
            trials[cell] = _trial(number, row, curves[number], weights[number])
    means = {cell: float(np.mean([of[pair] for pair in pairs])) for cell, of in values.items() if pairs <= set(of)}
    chosen, lowest = (
        (config.get("l2", 0.0), config.get("learning_rate", 0.0))
        for config in (selection.chosen.config, selection.best.config)
    )
    return Grid(trials, means, chosen, lowest, len(pairs))


def quantiles(params: Params) -> Array:
    """201 quantiles of all kernel weights, the smallest and the largest at the ends."""
    return np.asarray(quantiles_table([params])["weight"].to_numpy())


def density(of: Array, edges: Array) -> Array:
    """From quantiles to the share of the weights between each pair of neighbouring edges."""
    # Where many weights are equal, the share jumps there: the tiny slope keeps the quantiles in order.
    places = of + np.linspace(0, 1e-9 * max(1e-9, np.ptp(of)), len(of))
    return np.diff(np.interp(edges, places, np.linspace(0, 1, len(of)), left=0, right=1))


def bins(several: Sequence[Array], n: int = 41) -> Array:
    """Edges of an odd number of bins, the middle one around 0, that hold 98 % of the widest of these weights.

    Of many, those that are more than three times as wide as the usual ones do not count.
    """
    inner = [np.abs(of[[2, -3]]).max() for of in several if np.isfinite(of).all()]
    reach = min(max(inner), 3 * np.median(inner)) if len(inner) > 2 else max(inner, default=0.0)
    reach = reach or 1.0
    return np.linspace(-reach, reach, n + 1)


def _kept(found: SweepRecord | Sweep) -> tuple[pa.Table, pa.Table]:
    """Curves and quantiles of all trials, below each other."""
    if isinstance(found, SweepRecord):
        return found.curves, found.weights
    trainings = found.trainings
    histories = [training.history for training in trainings]
    return curves_table(histories), quantiles_table([training.params for training in trainings])


def _by_trial(table: pa.Table, n_trials: int) -> list[dict[str, Array]]:
    """The columns of a table whose rows are sorted by trial, cut into those of each."""
    cuts = np.searchsorted(table["trial"].to_numpy(), np.arange(1, n_trials))
    columns = {name: np.split(table[name].to_numpy(), cuts) for name in table.column_names}
    return [{name: splits[number] for name, splits in columns.items()} for number in range(n_trials)]


def _trial(number: int, row: Mapping[str, Any], curves: Mapping[str, Array], weights: Mapping[str, Array]) -> Trial:
    return Trial(
        number=number,
        l2=row.get("l2", 0.0),
        learning_rate=row.get("learning_rate", 0.0),
        loss=curves["loss"],
        val_loss=curves["val_loss"],
        best_epoch=row["best_epoch"],
        outcome=row["outcome"],
        quantiles=weights["weight"],
    )
