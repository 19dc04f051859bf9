"""The history of a training: one record for each epoch."""

from collections.abc import Iterator

import numpy as np

from goodfit.training.recipe import Recipe


def column_names(recipe: Recipe, *, validation: bool) -> tuple[str, ...]:
    """Return the names of the columns that a training with this recipe records, in order; see ``History``."""
    evaluated = ("loss", *recipe.metrics)
    return (
        *evaluated,
        *(f"val_{name}" for name in evaluated if validation),
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

    ``loss`` and ``val_loss``: loss at the end of the epoch, with the same weights, without dropout or penalty.
    metrics, and ``val_`` metrics: on the same rows with the same weights as the losses.
    ``penalty``, ``objective``: sum of the penalties, and ``loss`` + ``penalty``.
    ``running_loss``: mean loss of the batches during the epoch, with dropout (what Keras calls loss).
    ``learning_rate``: η times the schedule's multiplier at the end of the epoch.
    ``gradient_norm``: √ mean over the epoch's updates of ‖∇objective‖², before clipping.
    ``update_ratio``: √ mean over the epoch's updates of ‖Δw‖², divided by ``weight_norm``.
    ``weight_norm``: √Σw² over all weights at the end of the epoch.
    """

    @property
    def n_epochs(self) -> int:
        """Number of epochs that were run."""
        return len(next(iter(self.values())))

    def row(self, epoch: int) -> dict[str, float]:
        """Return the values of one epoch, counted from 1."""
        return {name: float(values[epoch - 1]) for name, values in self.items()}

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one mapping for each epoch, with its number as ``epoch``."""
        for epoch in range(1, self.n_epochs + 1):
            yield {"epoch": epoch, **self.row(epoch)}
