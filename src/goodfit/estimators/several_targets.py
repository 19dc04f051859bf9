"""Several quantities, or several labels of 0 and 1, as the targets of one network with an output for each.

A quantity is standardised by the training rows of a fold, so that all count alike. A weighted sum of the targets stands
in for the single one where rows are split and columns are encoded.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.data.encoder import Encoder
from goodfit.data.table import Table
from goodfit.estimators.joint import JointRows
from goodfit.experiment.predictor import read_for
from goodfit.experiment.prepare import TASKS, Prepared, TaskDefaults, arrays_of

QUANTITIES = TASKS["regression"]
LABELS = TaskDefaults("binary_crossentropy", "sigmoid", (), ())
"""Labels of which a row may have any number: the mean of their binary cross-entropies."""


class TableInputs(NamedTuple):
    """From the rows of a table to inputs."""

    encoder: Encoder

    def transform(self, rows: Table) -> Array:
        return self.encoder.transform(read_for(self.encoder, rows))


def rows_of_targets(prepared: Prepared, outputs: Sequence[str], defaults: TaskDefaults) -> JointRows:
    """Return the rows of a fold with the targets in these columns as labels, or the one target of the table.

    Args:
        prepared: the table; with several targets the stand-in is its target.
        outputs: () for one target.
        defaults: ``QUANTITIES`` or ``LABELS``; of one target its own.
    """
    fold, places, inputs = arrays_of(prepared), prepared.places, TableInputs(prepared.encoder)
    if not outputs:
        return JointRows(fold, inputs, np.array([prepared.target.mean]), np.array([prepared.target.scale]))
    rows = prepared.table.take(np.concatenate([places.train, places.validation]))
    y = np.stack([np.asarray(rows.values(name), float) for name in outputs], axis=1)
    mean, scale = _standard(y[: len(places.train)]) if defaults is QUANTITIES else (np.zeros(1), np.ones(1))
    own = np.asarray(fold.rows.labels)
    labels = np.zeros((len(own), len(outputs) + 1), own.dtype)
    labels[:-1, :-1] = (y - mean) / scale
    labels[:, -1] = own[:, -1]
    return JointRows(fold._replace(rows=fold.rows._replace(labels=labels)), inputs, mean, scale)


def _standard(y: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column, 1 of a constant one."""
    scale = y.std(axis=0)
    return y.mean(axis=0), np.where(scale > 0, scale, 1.0)
