"""One training from first weights to result: row orders, the cycle in chunks of epochs, the best weights given back."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import jax
import numpy as np

from goodfit.nn.arrays import Array, Params
from goodfit.nn.optimizers import Adam
from goodfit.nn.packing import Layout, layout_of
from goodfit.training.compilation import uncollected
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.history import History, column_names
from goodfit.training.interrupt import interruptible
from goodfit.training.loop import (
    DIVERGED,
    FINISHED,
    RUNNING,
    STOPPED_BY_USER,
    STOPPED_EARLY,
    State,
    advance,
    start,
    unpacked,
)
from goodfit.training.recipe import Knobs, Recipe

OnEpoch = Callable[[Mapping[str, float]], None]
"""Called after each epoch, between chunks, with the epoch's number and its record (see ``History.rows``)."""

CHUNK_SECONDS = 0.2
"""Chunks grow until one takes about this long: how soon progress is shown and Ctrl-C is heard."""

ORDERED_ROWS = 2**18
"""Row numbers drawn ahead for one chunk, at most about so many."""

FIT_SAMPLE = 10_000
"""``loss`` is measured on all training rows up to twice this number, else on a fixed sample of this many."""


class Outcome(IntEnum):
    """How a training ended."""

    FINISHED = FINISHED
    STOPPED_EARLY = STOPPED_EARLY
    DIVERGED = DIVERGED
    STOPPED_BY_USER = STOPPED_BY_USER

    @property
    def text(self) -> str:
        """What happened, and what to try."""
        return _TEXTS[self]


_TEXTS = {
    Outcome.FINISHED: "all epochs are done; if the validation loss was still falling, train for more epochs",
    Outcome.STOPPED_EARLY: "stopped early: the monitored value had not improved for `patience` epochs",
    Outcome.DIVERGED: "diverged: the loss is no longer a finite number; try a learning rate ten times smaller",
    Outcome.STOPPED_BY_USER: "stopped by the user; the best weights so far are kept",
}


@dataclass(frozen=True)
class Training:
    """The result of a training.

    Attributes:
        params: the weights given back: those of ``best_epoch``, or the last on request, unless the training diverged.
        last_params: the weights after the last epoch.
        history: one row for each epoch.
        outcome: how it ended.
        best_epoch: counted from 1; 0 when no epoch was finite, and then ``params`` are the first weights.
        input_steps: Adam's step for a unit of gradient at the end, η/(√v̂ + ε), of the weights that leave each input, on
            average (n_inputs,); None for SGD, which takes the step η for all.
    """

    params: Params = field(repr=False)
    last_params: Params = field(repr=False)
    history: History = field(repr=False)
    outcome: Outcome
    best_epoch: int
    input_steps: Array | None = field(default=None, repr=False)


def row_order(rows: np.ndarray, *, batch_size: int, padding: int, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """Row numbers of one epoch in batches (steps, batch_size), the last one padded with the number ``padding``.

    The order depends on seed and epoch alone, so that any epoch can be drawn without those before it.
    """
    steps = -(-len(rows) // batch_size)
    order = np.full(steps * batch_size, padding, np.int32)
    order[: len(rows)] = np.random.default_rng([seed, epoch]).permutation(rows) if shuffle else rows
    return order.reshape(steps, batch_size)


def evaluation_rows(
    train: np.ndarray, validation: np.ndarray, *, seed: int, room: tuple[int, int] = (0, 0), padding: int = 0
) -> EvaluationRows:
    """The rows that judge; of many training rows a fixed sample. Filled up with the number ``padding`` to ``room``."""
    if len(train) > 2 * FIT_SAMPLE:
        train = np.sort(np.random.default_rng([seed, 0]).choice(train, FIT_SAMPLE, replace=False))
        room = (FIT_SAMPLE, room[1])
    parts = (
        np.pad(rows, (0, max(0, n - len(rows))), constant_values=padding)
        for rows, n in zip((train, validation), room, strict=True)
    )
    return EvaluationRows(*(rows.astype(np.int32) for rows in parts))


def fit(
    recipe: Recipe,
    knobs: Knobs,
    rows: Dataset,
    *,
    params: Params,
    train: np.ndarray,
    validation: np.ndarray,
    epochs: int,
    seed: int = 0,
    shuffle: bool = True,
    restore_best: bool = True,
    on_epoch: OnEpoch | None = None,
) -> Training:
    """Run one training.

    Args:
        rows: all rows, those of training and of validation, as one table.
        params: first weights.
        train, validation: row numbers; ``validation`` may be empty.
        epochs: the most that are run.
        seed: of the row orders and of the sample that measures ``loss``.
        shuffle: draw a new row order for every epoch; else rows come as in ``train``.
        restore_best: give back the best epoch, else the last; that of a training that diverged is always the best.
        on_epoch: told of every epoch.
    """
    padding = len(rows.labels) - 1
    layout = layout_of(params)

    def draw(epoch: int) -> np.ndarray:
        return row_order(train, batch_size=recipe.batch_size, padding=padding, seed=seed, epoch=epoch, shuffle=shuffle)

    with jax.enable_x64(recipe.dtype == "float64"):
        state = jax.device_put(start(recipe, params))
        data = jax.tree.map(jax.device_put, (rows, evaluation_rows(train, validation, seed=seed)))
        capacity = max(1, min(32, ORDERED_ROWS // len(train)))
        names = column_names(recipe, validation=len(validation) > 0)
        state, history = _run(recipe, layout, knobs, data, state, names, draw, capacity, epochs, on_epoch)
        return finish(recipe, layout, knobs, state, history, epochs=epochs, restore_best=restore_best)


def _run(
    recipe: Recipe,
    layout: Layout,
    knobs: Knobs,
    data: tuple[Dataset, EvaluationRows],
    state: State,
    names: tuple[str, ...],
    draw: Callable[[int], np.ndarray],
    capacity: int,
    epochs: int,
    on_epoch: OnEpoch | None,
) -> tuple[State, History]:
    """Chunks of epochs until the training stops, all epochs are done, or the user asks it to stop."""
    records = np.empty((0, len(names)))
    orders = np.repeat(draw(0)[None], capacity, axis=0)
    chunk = 1
    with interruptible() as asked:
        while (done := len(records)) < epochs and int(state.code) == RUNNING and not asked.is_set():
            until = min(done + chunk, epochs)
            for epoch in range(done, until):
                orders[epoch - done] = draw(epoch)
            began = time.perf_counter()
            with uncollected():
                state, new = advance(recipe, layout, knobs, *data, state, orders, np.int32(until))
            records = np.concatenate([records, np.asarray(new, np.float64)[: int(state.epoch) - done]])
            if on_epoch is not None:
                for epoch in range(done, len(records)):
                    on_epoch({"epoch": epoch + 1, **dict(zip(names, map(float, records[epoch]), strict=True))})
            chunk = min(capacity, 2 * chunk) if time.perf_counter() - began < CHUNK_SECONDS / 2 else chunk
    return state, History(dict(zip(names, records.T, strict=True)))


def finish(
    recipe: Recipe,
    layout: Layout,
    knobs: Knobs,
    state: State,
    history: History,
    *,
    epochs: int,
    restore_best: bool = True,
) -> Training:
    """The result: the best weights so far, whatever ended the training."""
    code = int(state.code)
    if code == RUNNING:
        code = FINISHED if history.n_epochs == epochs else STOPPED_BY_USER
    best, last = (unpacked(recipe, _on_host(p), layout) for p in (state.best_params, state.params))
    best_epoch = int(state.stopping.best_epoch)
    if best_epoch == 0 and code != DIVERGED:  # every epoch stood before start_from_epoch: the last is as good as any
        best, best_epoch = last, history.n_epochs
    given = best if restore_best or code == DIVERGED else last
    return Training(given, last, history, Outcome(code), best_epoch, _input_steps(recipe, layout, knobs, state))


def _input_steps(recipe: Recipe, layout: Layout, knobs: Knobs, state: State) -> Array | None:
    """See ``Training``; without the multiplier of a schedule."""
    optimizer = recipe.optimizer
    if not isinstance(optimizer, Adam):
        return None
    steps = tuple(
        {name: optimizer.step_sizes(slots, t=state.step, knobs=knobs.optimizer) for name, slots in layer.items()}
        for layer in state.slots
    )
    kernels = (layer["kernel"] for layer in unpacked(recipe, steps, layout) if "kernel" in layer)
    return next((kernel.mean(axis=1) for kernel in kernels), None)


def _on_host(params: Params) -> Params:
    host: Params = jax.tree.map(np.asarray, params)
    return host
