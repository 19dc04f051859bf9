"""The record of a training: one row for each epoch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from goodfit.training.recipe import Recipe


def column_names(recipe: Recipe, *, validation: bool) -> tuple[str, ...]:
    """Names of the columns that a training with this recipe records, in order.

    ``loss`` and ``val_loss``: prediction error at the end of the epoch, same weights, dropout off, no penalty.
    ``penalty``, ``objective``: Σ of the penalties, and ``loss`` + ``penalty``.
    metrics, and ``val_`` metrics: the same rows, moment and weights as the losses.
    ``running_loss``: mean of the batches' losses while the weights moved and dropout was on (what Keras calls loss).
    ``learning_rate``: η times the schedule's multiplier at the end of the epoch.
    ``gradient_norm``: √ mean over the epoch's updates of ‖∇objective‖², before clipping.
    ``update_ratio``: √ mean over the epoch's updates of ‖Δw‖², divided by ``weight_norm``.
    ``weight_norm``: √Σw² over all weights at the end of the epoch.
    """
    judged = ("loss", *recipe.metrics)
    return (
        *judged,
        *(f"val_{name}" for name in judged if validation),
        "penalty",
        "objective",
        "running_loss",
        "learning_rate",
        "gradient_norm",
        "update_ratio",
        "weight_norm",
    )


@dataclass(frozen=True)
class History:
    """Columns of equal length by name, float64; entry i belongs to epoch i + 1. See ``column_names``."""

    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        """Number of epochs."""
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    @property
    def epochs(self) -> np.ndarray:
        """1, 2, … one for each row."""
        return np.arange(1, len(self) + 1)

    def row(self, epoch: int) -> dict[str, float]:
        """The values of one epoch, counted from 1."""
        return {name: float(values[epoch - 1]) for name, values in self.columns.items()}

    def rows(self) -> Iterator[dict[str, float]]:
        """One mapping for each epoch, with its number under ``epoch``."""
        for epoch in self.epochs:
            yield {"epoch": int(epoch), **self.row(int(epoch))}
