"""The trials of a search as this process keeps them: which have ended, which go on, and what the journal lacks.

Where they are trained is another matter: in slots of this process (``goodfit.search.parallel``), or elsewhere
(``goodfit.search.executors``).
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from goodfit.arrays import Array
from goodfit.nn.arrays import Params
from goodfit.nn.packing import layout_of
from goodfit.search.weight_store import make_weight_store
from goodfit.training.checkpoint import Checkpoint, Checkpoints
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.fit import Training, finish
from goodfit.training.history import History, column_names
from goodfit.training.loop import STOPPED_BY_USER, start
from goodfit.training.recipe import Recipe


class Fold(NamedTuple):
    """A split for the search: the rows, encoded by what its training rows say, and the numbers of both splits."""

    rows: Dataset
    train: Array
    validation: Array


class Trial(NamedTuple):
    """One training of a sweep: its recipe, the seed of its row orders, and its initial weights."""

    recipe: Recipe
    seed: int
    params: Params


class Progress(NamedTuple):
    """Progress of a sweep.

    done, trials: number of finished trials, and of all; before the contenders of a race are known, the most there can
    be. values: best monitored value so far of each config and seed on the running fold, infinite before its first
    epoch. fold, rung: the running ones. restored: number of the finished trials that an earlier process has trained.
    """

    done: int
    trials: int
    seconds: float
    values: Array
    fold: int = 0
    restored: int = 0
    rung: int = 0


OnProgress = Callable[[Progress], None]


class KeptTrials:
    """What has become of each trial; trials go by their numbers.

    Attributes:
        waiting: the trials that nobody trains at the moment, in order; those that have begun before come first.
        resumed: the states from which some of these go on.
        found: the training of each trial that has ended; None for the others.
        values: the best monitored value of each so far.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        fold: Fold,
        evaluated: EvaluationRows,
        *,
        epochs: int,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        recipe, _, params = trials[0]
        self.trials, self.epochs, self.checkpoints = trials, epochs, checkpoints
        self.layout = layout_of(params)
        self.names = column_names(recipe, validation=evaluated.validation.shape[0] > 0)
        self.n_validation = len(fold.validation)
        self.start = partial(start, n_validation=evaluated.validation.shape[0])
        self.found: list[Training | None] = [None] * len(trials)
        self.values = np.full(len(trials), np.inf)
        self.keep = make_weight_store(len(trials), params, recipe.dtype)
        self.unsaved = dict[int, Checkpoint]()
        self.waiting = deque(range(len(trials)))
        self.resumed = self.restore()
        self.n_restored = len(trials) - len(self.waiting)

    def restore(self) -> dict[int, Checkpoint]:
        """Keep the trials that have finished before, and return those that go on, which come first."""
        if self.checkpoints is None:
            return {}
        like = self.start(self.trials[0].recipe, self.trials[0].params)
        kept = dict(self.checkpoints.restore(like, columns=len(self.names), epochs=self.epochs))
        for index in [index for index, found in kept.items() if found.is_finished(self.epochs)]:
            self.finish(index, kept.pop(index))
            self.waiting.remove(index)
        self.waiting = deque(sorted(self.waiting, key=lambda index: index not in kept))
        return kept

    def end(self, index: int, checkpoint: Checkpoint) -> None:
        """Keep a trial that has just ended, which the journal does not have yet."""
        if self.checkpoints is not None:
            self.unsaved[index] = checkpoint
        self.finish(index, checkpoint)

    def finish(self, index: int, checkpoint: Checkpoint, stopped: int = STOPPED_BY_USER) -> None:
        """Keep the training of this trial, whether it has ended or was stopped, and why."""
        columns = checkpoint.records.T.astype(np.float64)
        history = History(dict(zip(self.names, columns, strict=True)))
        recipe, state, epochs = self.trials[index].recipe, checkpoint.state, self.epochs
        n_validation, layout = self.n_validation, self.layout
        found = finish(recipe, layout, state, history, epochs=epochs, n_validation=n_validation, stopped=stopped)
        self.found[index] = self.keep(index, found)
        self.values[index] = state.stopping.best

    def running(self) -> dict[int, Checkpoint]:
        """Return the states of the trials that have begun and not ended."""
        return self.resumed

    def save_if_due(self) -> None:
        """Save what has been done since the last time, if it is time."""
        if self.checkpoints is not None:
            leaves = [leaf for found in self.unsaved.values() for leaf in jax.tree.leaves(found)]
            if self.checkpoints.is_due(sum(leaf.nbytes for leaf in leaves)):
                self.save()

    def save(self) -> None:
        """Save what has been done since the last time."""
        if self.checkpoints is not None:
            self.checkpoints.save(self.unsaved, self.running())
            self.unsaved.clear()

    def trainings(self, stopped: int) -> list[Training | None]:
        """The training of every trial that has begun; stopped: why those that have not ended were stopped."""
        for index, checkpoint in self.running().items():
            self.finish(index, checkpoint, stopped)
        return self.found

    def progress(self, seconds: float) -> Progress:
        """Return the progress after this many seconds."""
        done = sum(training is not None for training in self.found)
        return Progress(done, len(self.trials), seconds, self.values.copy(), restored=self.n_restored)

    def telling(self, on_progress: OnProgress | None) -> Callable[[], None]:
        """Return a function that tells of the progress since now; what was restored is told at once."""
        began = time.perf_counter()

        def tell() -> None:
            if on_progress is not None:
                on_progress(self.progress(time.perf_counter() - began))

        if self.n_restored:
            tell()
        return tell
