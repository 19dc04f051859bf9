"""The record of a training: one row for each epoch."""

from collections.abc import Iterator

import numpy as np

from goodfit.training.recipe import Recipe


def column_names(recipe: Recipe, *, validation: bool) -> tuple[str, ...]:
    """Names of the columns that a training with this recipe records, in order; see ``History``."""
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


class History(dict[str, np.ndarray]):
    """Columns of equal length by name, float64; entry i belongs to epoch i + 1.

    ``loss`` and ``val_loss``: prediction error at the end of the epoch, same weights, dropout off, no penalty.
    metrics, and ``val_`` metrics: the same rows, moment and weights as the losses.
    ``penalty``, ``objective``: sum of the penalties, and ``loss`` + ``penalty``.
    ``running_loss``: mean of the batches' losses while the weights moved and dropout was on (what Keras calls loss).
    ``learning_rate``: η times the schedule's multiplier at the end of the epoch.
    ``gradient_norm``: √ mean over the epoch's updates of ‖∇objective‖², before clipping.
    ``update_ratio``: √ mean over the epoch's updates of ‖Δw‖², divided by ``weight_norm``.
    ``weight_norm``: √Σw² over all weights at the end of the epoch.
    """

    @property
    def n_epochs(self) -> int:
        """How many epochs were run."""
        return len(next(iter(self.values())))

    def row(self, epoch: int) -> dict[str, float]:
        """The values of one epoch, counted from 1."""
        return {name: float(values[epoch - 1]) for name, values in self.items()}

    def rows(self) -> Iterator[dict[str, float]]:
        """One mapping for each epoch, with its number under ``epoch``."""
        for epoch in range(1, self.n_epochs + 1):
            yield {"epoch": epoch, **self.row(epoch)}
