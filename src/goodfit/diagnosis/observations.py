"""A training in the numbers that the rules read: nothing else about it is looked at, and all may be unknown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array

SPREAD = 1.3
"""Standard deviation of the losses of rows in units of their mean, where it was not measured: about that of squared
errors and of log losses."""
LEAST_REACH = 0.2
"""So much of the loss can be learned, it is supposed, where nothing has shown yet what can."""
LEAST_LEARNED = 0.4
"""A gap is compared with no less than this share of the loss: a network that has learned nothing has no large gap."""


class Neighbour(NamedTuple):
    """Another config of the same grid, trained with the same seeds and on the same rows.

    l2, learning_rate: None where the grid does not vary it.
    loss, val_loss: at its best epoch, the mean over seeds and folds; infinite where no epoch was finite.
    gain, error: by how much its validation loss is lower than that of the training in question, mean and standard
        error over the same rows; None where that was not measured.
    """

    l2: float | None
    learning_rate: float | None
    loss: float
    val_loss: float
    gain: float | None = None
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One training whose weights are given back. What is not known is None, or empty.

    Attributes:
        loss, val_loss, gradient_norm, update_ratio, weight_norm, penalty: one value for each epoch, see
            ``goodfit.History``.
        outcome: ``finished``, ``stopped_early``, ``diverged`` or ``stopped_by_user``.
        given_epoch: whose weights are given back, counted from 1; 0 for none.
        mean_loss, mean_val_loss: losses of the weights given back, the means over seeds and folds.
        n_folds: in how many folds; 1 where the rows were split once.
        in_order: whether the rows are in an order of time that folds would break.
        epochs, patience: how many were allowed; patience None where nothing stops a training early.
        learning_rate, l2: of this training.
        hidden: units of each hidden layer; () for a linear model.
        n_train, n_validation: rows that train, and that judge; of folds all judge.
        val_loss_error: standard error of the validation loss at the epoch given back.
        baseline_loss, linear_loss, trees_loss: validation losses of a model without columns, of a linear model and of
            a few boosted trees.
        baseline_difference, linear_difference, trees_difference: mean and standard error, over validation rows, of
            their loss minus the network's.
        seed_losses: validation losses of the same config of the grid with every seed, this one included.
        neighbours: other configs of the grid. edges: space at whose end the best config lies, and which end.
        dead_units, units: of each hidden layer, active on no training row, and all.
        confusion: classes of the validation rows, truth × prediction. classes: their names.
    """

    loss: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    gradient_norm: tuple[float, ...] = ()
    update_ratio: tuple[float, ...] = ()
    weight_norm: tuple[float, ...] = ()
    penalty: tuple[float, ...] = ()
    outcome: str = "finished"
    given_epoch: int
    mean_loss: float | None = None
    mean_val_loss: float | None = None
    n_folds: int = 1
    in_order: bool = False
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
        """How many epochs were run."""
        return len(self.loss)

    @property
    def judged(self) -> bool:
        """Whether there are weights to give back, and finite losses of training and validation rows that judge them."""
        return math.isfinite(self.given_val_loss) and math.isfinite(self.given_loss)

    @property
    def learned(self) -> bool:
        """Whether any epoch whose weights can be given back came to a finite loss."""
        return math.isfinite(self.given_loss)

    @cached_property
    def curve(self) -> Array:
        """The validation loss of each epoch; infinite where it is not a number."""
        return _finite(self.val_loss)

    @property
    def given_loss(self) -> float:
        """Loss on training rows of the weights that are given back, the mean where it is known; NaN for none."""
        return self.mean_loss if self.mean_loss is not None else self.own_loss

    @property
    def given_val_loss(self) -> float:
        """Validation loss of the weights that are given back, the mean where it is known; NaN for none."""
        return self.mean_val_loss if self.mean_val_loss is not None else self.own_val_loss

    @property
    def given_penalty(self) -> float:
        """Penalty of the weights that are given back; 0 where it is not known."""
        found = _at(self.penalty, self.given_epoch)
        return found if math.isfinite(found) else 0.0

    @property
    def own_loss(self) -> float:
        """Loss on training rows of the weights that are given back, of this very training."""
        return _at(self.loss, self.given_epoch)

    @property
    def own_val_loss(self) -> float:
        """Validation loss of the weights that are given back, of this very training."""
        return _at(self.val_loss, self.given_epoch)

    @property
    def gap(self) -> float:
        """Validation loss minus loss of the weights that are given back."""
        return self.given_val_loss - self.given_loss

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, counted from 1; 0 when none was finite."""
        return int(np.argmin(self.curve)) + 1 if len(self.curve) and np.isfinite(self.curve).any() else 0

    @property
    def lowest_val_loss(self) -> float:
        """Of any epoch; infinite when none was finite."""
        return float(self.curve.min()) if len(self.curve) else math.inf

    @property
    def loss_at_best(self) -> float:
        """Loss on training rows at the best epoch; NaN where there is none."""
        return _at(self.loss, self.best_epoch)

    @property
    def error(self) -> float:
        """Standard error of the validation loss: measured, or guessed from the number of rows; 0 where unknown."""
        if self.val_loss_error is not None and math.isfinite(self.val_loss_error):
            return max(0.0, self.val_loss_error)
        return SPREAD * abs(self.given_val_loss) / math.sqrt(self.n_validation) if self.n_validation else 0.0

    @property
    def start(self) -> float:
        """The loss from which learning is counted: of the baseline, or where it is not known of the first epoch."""
        if self.baseline_loss is not None and math.isfinite(self.baseline_loss):
            return self.baseline_loss
        first = [value for value in (*self.val_loss[:1], *self.loss[:1]) if math.isfinite(value)]
        return max(first, default=math.nan)

    @property
    def reach(self) -> float:
        """What can be learned: from ``start`` down to the lowest loss seen, a share of ``start`` at least.

        Seen are validation losses of the whole grid and of simple models; of a training alone its training loss, too,
        as a bound.
        """
        seen = [self.given_val_loss, *(n.val_loss for n in self.neighbours)]
        seen += [self.lowest_val_loss] if self.mean_val_loss is None else []
        seen += [] if self.neighbours else [self.given_loss]
        seen += [loss for loss in (self.linear_loss, self.trees_loss) if loss is not None]
        low = min((value for value in seen if math.isfinite(value)), default=math.nan)
        return max(self.start - low, LEAST_REACH * abs(self.start), 1e-12)

    @property
    def relative_gap(self) -> float:
        """The gap as a share of what was learned on the training rows: how much of it does not hold on others."""
        return self.gap / max(self.start - self.given_loss, LEAST_LEARNED * abs(self.start), 1e-12)

    @property
    def share_learned(self) -> float:
        """How much of ``start`` is gone on the training rows: 0 for none of it, 1 for all."""
        return (self.start - self.given_loss) / max(abs(self.start), 1e-12)


def _finite(values: tuple[float, ...]) -> Array:
    found = np.asarray(values, np.float64)
    return np.where(np.isfinite(found), found, np.inf)


def _at(values: tuple[float, ...], epoch: int) -> float:
    return float(values[epoch - 1]) if 0 < epoch <= len(values) else math.nan
