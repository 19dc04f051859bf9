"""A training on arrays that is kept in a folder while it runs, so that the same call goes on with it."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import jax
import numpy as np

from goodfit.arrays import Array
from goodfit.errors import RunError
from goodfit.experiment.resuming import warn_of_other_bits
from goodfit.experiment.run_folder import ArraysPlan, Journal, claimed
from goodfit.experiment.run_path import ARRAYS_PLAN, JOURNAL, PLAN
from goodfit.formatting import join
from goodfit.nn.arrays import Params
from goodfit.search.parallel import Fold
from goodfit.search.sweep import SweepPlan
from goodfit.training.checkpoint import Checkpoints, OpenCheckpoints
from goodfit.training.recipe import Recipe

BLOCK_ROWS = 4096
"""Rows of a table that are copied at a time to be hashed."""
SPLIT = "the validation rows"
NAMES = {"early_stopping": "callbacks"}
"""Fields of a recipe that have another name as an argument."""


class ArraysJournal:
    """The journal of a training on arrays; see ``resumable``."""

    def __init__(self, journal: Journal, plan: ArraysPlan) -> None:
        self.journal, self.plan = journal, plan

    def of_training(self) -> Checkpoints:
        """Return the checkpoints of a single training."""
        return self.of_grid()(0, [0])

    def of_grid(self) -> OpenCheckpoints:
        """Return a function that opens the checkpoints of one fold."""
        return self.journal.of_grid("first")

    def keep_start(self, params: Params) -> None:
        """Let the training also go on from the weights that the model has taken from it."""
        starts = tuple(dict.fromkeys((*self.plan.starts, mark(params))))
        if starts != self.plan.starts:
            self.journal.begin(replace(self.plan, starts=starts))


@contextlib.contextmanager
def resumable(
    folder: str | Path | None, arguments: Callable[[], Mapping[str, str]], start: Params | None = None
) -> Iterator[ArraysJournal | None]:
    """Keep the training of the block in a folder, or go on with the one that is kept there; with None neither.

    Args:
        arguments: returns the marks of ``arguments_of_fit``.
        start: the initial weights, where they are the model's own.

    Raises:
        RunError: the folder holds something else, another process trains into it, it cannot be written to, or the
            training in it was begun with other arguments, which are named.
    """
    if folder is None:
        yield None
        return
    path, starts = Path(folder), () if start is None else (mark(start),)
    if (path / JOURNAL / PLAN).exists():
        raise RunError(f"{path} holds a training of a table: resume it by goodfit.train, or name another folder.")
    goes_on = (path / JOURNAL / ARRAYS_PLAN).exists()
    with claimed(path, resume=goes_on):
        journal = Journal(path)
        plan = ArraysPlan(arguments=arguments(), starts=starts, **ArraysPlan.here_and_now())
        if goes_on:
            before = journal.read(ArraysPlan)
            _validate_same(path, before, plan)
            plan = before
        else:
            journal.begin(plan)
        yield ArraysJournal(journal, plan)


def _validate_same(path: Path, before: ArraysPlan, now: ArraysPlan) -> None:
    names = dict.fromkeys([*now.arguments, *before.arguments])
    changed = [name for name in names if before.arguments.get(name) != now.arguments.get(name)]
    if {"x", "y"} & {*changed} and SPLIT in changed:
        changed.remove(SPLIT)  # it follows from them
    if not changed and not set(now.starts) <= set(before.starts):
        changed = ["the weights of the model"]
    if changed:
        raise RunError(
            f"The training in {path} was begun with other values of {join(changed)}: "
            "give what it was begun with to go on, or name another folder to train anew."
        )
    warn_of_other_bits(before)


def arguments_of_fit(recipe: Recipe, fold: Fold, *, epochs: int, shuffle: bool) -> dict[str, str]:
    """Return the SHA-256 of everything that decides the result of a training but its initial weights, by name."""
    return {**_of_rows([fold]), **_of_recipe(recipe), "epochs": mark(epochs), "shuffle": mark(shuffle)}


def arguments_of_sweep(plan: SweepPlan, folds: Sequence[Fold], *, rule: str, race: bool) -> dict[str, str]:
    """Return the SHA-256 of everything that decides the result of a sweep, by name."""
    # The recipe of a config holds its values in place of those that a model took from an earlier sweep.
    recipe = plan.recipe(plan.grid[0], len(folds[0].train))
    own = {"epochs": plan.epochs, "shuffle": plan.shuffle, "seed": plan.seeds, "choice": rule, "folds": race}
    space = {name: mark([float(value) for value in values]) for name, values in plan.space.items()}
    return {**_of_rows(folds), **_of_recipe(recipe), **{name: mark(of) for name, of in own.items()}, **space}


def _of_rows(folds: Sequence[Fold]) -> dict[str, str]:
    """Marks of inputs, targets, row weights and splits; the folds share their inputs and targets."""
    labels = [fold.rows.labels for fold in folds]
    return {
        "x": mark_of_rows([folds[0].rows.x]),
        "y": mark_of_rows([labels[0][:, :-1]]),
        "sample_weight or class_weight": mark_of_rows([each[:, -1] for each in labels]),
        SPLIT: mark_of_rows([rows for fold in folds for rows in (fold.train, fold.validation)]),
    }


def _of_recipe(recipe: Recipe) -> dict[str, str]:
    return {NAMES.get(field.name, field.name): mark(getattr(recipe, field.name)) for field in fields(recipe)}


def mark(value: object) -> str:
    """Return the SHA-256 of a pytree: its structure, which holds the choices, and its numbers."""
    leaves, structure = jax.tree.flatten(value)
    digest = hashlib.sha256(str(structure).encode())
    for leaf in leaves:
        array = np.asarray(leaf)
        digest.update(repr((array.dtype.str, array.shape)).encode() + array.tobytes())
    return digest.hexdigest()


def mark_of_rows(arrays: Iterable[Array]) -> str:
    """Return the SHA-256 of arrays, a block of rows at a time, whatever their order in memory."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        for first in range(0, len(array), BLOCK_ROWS):
            digest.update(np.ascontiguousarray(array[first : first + BLOCK_ROWS]).tobytes())
    return digest.hexdigest()
