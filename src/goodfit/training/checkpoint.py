"""Checkpoints: what a training that was killed needs in order to go on, bit for bit."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from goodfit.arrays import Array
from goodfit.training.loop import RUNNING, State


class Checkpoint(NamedTuple):
    """A training after an epoch: its state, and the records of its epochs (epochs, columns)."""

    state: State
    records: Array

    def is_finished(self, epochs: int) -> bool:
        """Whether the training stopped by itself or has run all its epochs."""
        return int(self.state.code) != RUNNING or int(self.state.epoch) >= epochs


class Checkpoints(Protocol):
    """Where the checkpoints of some trainings are kept, by the numbers of the trainings."""

    def restore(self, like: State, *, columns: int, epochs: int) -> Mapping[int, Checkpoint]:
        """Return the latest checkpoint of each training that has one.

        Args:
            like: a state of the same shapes. columns: of a record. epochs: most of a training.
        """

    def is_due(self, n_bytes: int) -> bool:
        """Whether to save now, where so many bytes of finished trainings are not saved yet."""

    def save(self, finished: Mapping[int, Checkpoint], running: Mapping[int, Checkpoint]) -> None:
        """Keep trainings that have finished since the last call, and all that are running."""


OpenCheckpoints = Callable[[int, Sequence[int]], Checkpoints]
"""From a fold and the numbers of its trials, in their order, to the checkpoints of these trials."""
