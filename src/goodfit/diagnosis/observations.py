"""What the diagnosis knows of a training, as plain numbers; any of them may be unknown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Numbers


class Neighbour(NamedTuple):
    """Another config of the same grid, trained with the same seeds on the same rows.

    l2, learning_rate: None where the grid does not vary it.
    loss, val_loss: at its best epoch, mean over seeds and folds; infinite where no epoch was finite.
    gain, error: by how much its validation loss is lower than that of the diagnosed training, mean and standard error
        over the same rows.
    """

    l2: float | None
    learning_rate: float | None
    loss: float
    val_loss: float
    gain: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Observations:
    """One training whose weights are restored. What is not known is None, or empty.

    Attributes:
        loss, val_loss, penalty: one value per epoch, see ``goodfit.History``.
        outcome: ``finished``, ``stopped_early``, ``diverged``, ``stopped_by_user`` or
            ``out_of_time``.
        restored_epoch: the epoch whose weights are restored, counted from 1; 0 for none.
        mean_loss, mean_val_loss: losses of the restored weights, mean over seeds and folds.
        n_folds: number of folds; 1 for a single split.
        time_order: whether the rows are ordered by time, or read in blocks, so that they cannot be dealt to folds.
        epochs, patience: the largest number of epochs, and the patience of early stopping; None for none.
        learning_rate, l2: of this training.
        hidden: units of each hidden layer; () for a linear model.
        n_train, n_validation: rows in training and validation; with folds all rows are validated.
        val_loss_error: standard error of the validation loss of the restored weights.
        baseline_loss, linear_loss, trees_loss: validation losses of the baseline, which predicts the class shares or
            the mean, of a linear model and of gradient boosting.
        baseline_difference, linear_difference, trees_difference: mean and standard error, over validation rows, of
            their loss minus the network's.
        seed_losses: validation losses of the same config with each seed, this one included.
        neighbours: other configs of the grid. edges: hyperparameters whose best value is at an end of the grid, and
            which end.
        units, dead_units: of each hidden layer the number of units, and of those that are 0 for every training row.
        confusion: validation rows, true class × predicted class. classes: their names.
    """

    loss: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    penalty: tuple[float, ...] = ()
    outcome: str = "finished"
    restored_epoch: int
    mean_loss: float | None = None
    mean_val_loss: float | None = None
    n_folds: int = 1
    time_order: bool = False
    epochs: int | None = None
    patience: int | None = None
    learning_rate: float | None = None
    l2: float | None = None
    hidden: tuple[int, ...] | None = None
    n_train: int | None = None
    n_validation: int | None = None
    val_loss_error: float | None = None
    baseline_loss: float | None = None
    linear_loss: float | None = None
    trees_loss: float | None = None
    baseline_difference: tuple[float, float] | None = None
    linear_difference: tuple[float, float] | None = None
    trees_difference: tuple[float, float] | None = None
    seed_losses: tuple[float, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    edges: Mapping[str, str] = field(default_factory=dict)
    units: tuple[int, ...] = ()
    dead_units: tuple[int, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def n_epochs(self) -> int:
        """Number of epochs that were run."""
        return len(self.loss)

    @property
    def is_complete(self) -> bool:
        """Whether weights are restored whose training and validation loss are both finite."""
        return math.isfinite(self.restored_val_loss) and math.isfinite(self.restored_loss)

    @cached_property
    def curve(self) -> Numbers:
        """Validation loss of each epoch; infinite where it is not a number."""
        found = np.asarray(self.val_loss, np.float64)
        return np.where(np.isfinite(found), found, np.inf)

    @property
    def restored_loss(self) -> float:
        """Training loss of the restored weights, the mean where it is known; NaN for none."""
        return self.mean_loss if self.mean_loss is not None else at(self.loss, self.restored_epoch)

    @property
    def restored_val_loss(self) -> float:
        """Validation loss of the restored weights, the mean where it is known; NaN for none."""
        return self.mean_val_loss if self.mean_val_loss is not None else at(self.val_loss, self.restored_epoch)

    @property
    def restored_penalty(self) -> float:
        """Penalty of the restored weights; 0 where it is not known."""
        found = at(self.penalty, self.restored_epoch)
        return found if math.isfinite(found) else 0.0

    @property
    def gap(self) -> float:
        """Validation loss minus training loss of the restored weights."""
        return self.restored_val_loss - self.restored_loss

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, counted from 1; 0 when none was finite."""
        return int(np.argmin(self.curve)) + 1 if len(self.curve) and np.isfinite(self.curve).any() else 0

    @property
    def lowest_val_loss(self) -> float:
        """The lowest validation loss of any epoch; infinite when none was finite."""
        return float(self.curve.min()) if len(self.curve) else math.inf

    @property
    def error(self) -> float:
        """Standard error of the validation loss; 0 where it is not known."""
        known = self.val_loss_error is not None and math.isfinite(self.val_loss_error)
        return max(0.0, self.val_loss_error or 0.0) if known else 0.0

    @property
    def start(self) -> float:
        """The loss from which learning counts: the baseline's, or where it is not known that of the first epoch."""
        if self.baseline_loss is not None and math.isfinite(self.baseline_loss):
            return self.baseline_loss
        first = [value for value in (*self.val_loss[:1], *self.loss[:1]) if math.isfinite(value)]
        return max(first, default=math.nan)

    @property
    def lowest_seen(self) -> float:
        """The lowest validation loss of the whole grid and of the reference models; NaN for none.

        Of a single training also its training loss, as a bound.
        """
        seen = [self.restored_val_loss, *(n.val_loss for n in self.neighbours)]
        seen += [self.lowest_val_loss] if self.mean_val_loss is None else []
        seen += [] if self.neighbours else [self.restored_loss]
        seen += [loss for loss in (self.linear_loss, self.trees_loss) if loss is not None]
        return min((value for value in seen if math.isfinite(value)), default=math.nan)


def at(values: tuple[float, ...], epoch: int) -> float:
    """Return the value of an epoch, counted from 1; NaN where there is none."""
    return float(values[epoch - 1]) if 0 < epoch <= len(values) else math.nan


def roughness(values: tuple[float, ...]) -> float:
    """Return the share of a curve's way that leads upwards: 0 for one that only falls, ½ for one that only jumps."""
    steps = _steps(values)
    way = float(np.abs(steps).sum())
    return float(steps[steps > 0].sum()) / way if 0 < way < math.inf else 0.0


def jumps(values: tuple[float, ...]) -> float:
    """Return the standard deviation of the steps from epoch to epoch in the second half of a curve."""
    steps = _steps(values[len(values) // 2 :])
    return float(steps.std()) if len(steps) > 1 else 0.0


def _steps(values: tuple[float, ...]) -> Numbers:
    found = np.asarray(values, np.float64)
    return np.diff(found[np.isfinite(found)])
