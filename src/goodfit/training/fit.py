"""One training from initial weights to result: row orders, chunks of epochs, the best weights restored."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from goodfit.cards import Card, ShownAsCard
from goodfit.formatting import count, numbers
from goodfit.nn.arrays import AnyArray, Params, is_kernel
from goodfit.nn.optimizers.base import OptimizerState
from goodfit.nn.packing import Layout, layout_of
from goodfit.training.checkpoint import Checkpoint, Checkpoints
from goodfit.training.compilation import uncollected
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.history import History, column_names
from goodfit.training.interrupt import Interruption, interruptible
from goodfit.training.loop import (
    DIVERGED,
    FINISHED,
    OUT_OF_TIME,
    RUNNING,
    STOPPED_BY_USER,
    STOPPED_EARLY,
    State,
    advance,
    all_weights,
    start,
    unpacked,
)
from goodfit.training.memory import is_out_of_memory, warn_of_less
from goodfit.training.recipe import Recipe

Step = Callable[[State, np.ndarray, np.int32], tuple[State, jax.Array]]
"""``loop.advance`` for a recipe and its rows."""
OnEpoch = Callable[[Mapping[str, float]], None]
"""Called after each epoch, between chunks, with the epoch's number and its record (see ``History.rows``)."""

CHUNK_SECONDS = 0.5
"""Chunks grow until one takes about this long: progress is shown, and Ctrl-C noticed, between chunks."""

MAX_CHUNK_EPOCHS = 32
MAX_ORDERED_ROWS = 2**18
"""Row numbers drawn in advance for one chunk."""

TRAIN_SAMPLE_ROWS = 10_000
"""``loss`` is measured on all training rows up to twice this number, otherwise on a fixed sample of this many."""


SHOWN = ("loss", "val_loss", "penalty", "objective")
"""Columns of the history that a training shows of itself."""


class Outcome(IntEnum):
    """How a training ended."""

    FINISHED = FINISHED
    STOPPED_EARLY = STOPPED_EARLY
    DIVERGED = DIVERGED
    STOPPED_BY_USER = STOPPED_BY_USER
    OUT_OF_TIME = OUT_OF_TIME

    @property
    def text(self) -> str:
        """What happened, and what to try."""
        return _TEXTS[self]


_TEXTS = {
    Outcome.FINISHED: "all epochs are done; if the validation loss was still falling, train for more epochs",
    Outcome.STOPPED_EARLY: "stopped early: the monitored value had not improved for `patience` epochs",
    Outcome.DIVERGED: "diverged: the loss is no longer a finite number; try a learning rate ten times smaller",
    Outcome.STOPPED_BY_USER: "stopped by the user; the best weights so far are kept",
    Outcome.OUT_OF_TIME: "stopped when the time was over; the best weights so far are kept",
}


class OptimizerPosition(NamedTuple):
    """Where the optimizer stands after a training, for a next one that goes on.

    state: its running means. step: number of updates so far. epoch: number of epochs so far, which decides row orders.
    """

    state: OptimizerState
    step: int
    epoch: int


@dataclass(frozen=True, repr=False)
class Training(ShownAsCard):
    """Result of a training.

    Attributes:
        params: the restored weights: those of ``best_epoch``, or the last if ``restore_best_weights`` is False and the
            training did not diverge.
        last_params: the weights after the last epoch.
        history: one record for each epoch.
        outcome: how the training ended.
        best_epoch: counted from 1; 0 if no epoch had a finite loss, and then ``params`` are the initial weights.
        input_steps: final step size of Adam per unit of gradient, η/(√v̂ + ε), averaged over the weights of each input
            (n_inputs,); None for SGD, whose step is η for all, and for a first layer that is not trained, or not Dense.
        validation_outputs: the outputs for the validation rows, each at an epoch that other validation rows chose, as
            the loss takes them (rows, outputs); see ``goodfit.training.cross_fitted``.
        optimizer: where the optimizer stands after the last epoch; None of a sweep's trials.
    """

    params: Params
    last_params: Params
    history: History
    outcome: Outcome
    best_epoch: int
    input_steps: AnyArray | None = None
    validation_outputs: AnyArray = field(default_factory=lambda: np.empty((0, 0)))
    optimizer: OptimizerPosition | None = None

    def _card(self) -> Card:
        done, best = self.history.n_epochs, self.best_epoch
        facts = [("outcome", self.outcome.text), ("epochs", f"{done:,}; best epoch {best:,}" if best else f"{done:,}")]
        shown = [name for name in SHOWN if name in self.history] if best else []
        epochs = sorted({best, done})
        rows = [(name, *numbers(*(self.history.row(epoch)[name] for epoch in epochs))) for name in shown]
        return Card("Training", facts, ("", *(f"epoch {epoch:,}" for epoch in epochs)), rows)


def epoch_rows(n_train: int, batch_size: int, max_updates: int | None) -> tuple[int, int]:
    """Return in how many epochs all training rows are seen once, and the rows of an epoch.

    >>> epoch_rows(640, 32, None), epoch_rows(640_000, 256, 1000)
    ((1, 640), (3, 213334))
    """
    updates = -(-n_train // batch_size)
    n_epochs = 1 if max_updates is None else -(-updates // max_updates)
    return n_epochs, -(-n_train // n_epochs)


def row_order(
    rows: np.ndarray,
    *,
    batch_size: int,
    padding: int,
    seed: int,
    epoch: int,
    shuffle: bool,
    max_updates: int | None = None,
) -> np.ndarray:
    """Return the row numbers of one epoch in batches (steps, batch_size), the last one padded with ``padding``.

    The order depends on seed and epoch alone, so that any epoch can be drawn without those before it. Where all rows
    need more than ``max_updates`` updates, one pass over them is several epochs of equal size.
    """
    n_epochs, size = epoch_rows(len(rows), batch_size, max_updates)
    drawn, part = divmod(epoch, n_epochs)
    shuffled = np.random.default_rng([seed, drawn]).permutation(rows) if shuffle else rows
    begin = min(part * size, len(rows) - size)  # the last part begins up to n_epochs - 1 rows earlier
    order = np.full(-(-size // batch_size) * batch_size, padding, np.int32)
    order[:size] = shuffled[begin : begin + size]
    return order.reshape(-1, batch_size)


def evaluation_rows(
    train: np.ndarray, validation: np.ndarray, *, seed: int, sizes: tuple[int, int] = (0, 0), padding: int = 0
) -> EvaluationRows:
    """Return the rows evaluated after each epoch, with a fixed sample of many training rows.

    Args:
        seed: of the sample.
        sizes: numbers of training and validation rows to pad to, with the row number ``padding``.
    """
    if len(train) > 2 * TRAIN_SAMPLE_ROWS:
        train = np.sort(np.random.default_rng([seed, 0]).choice(train, TRAIN_SAMPLE_ROWS, replace=False))
        sizes = (TRAIN_SAMPLE_ROWS, sizes[1])
    padded = (
        np.pad(rows, (0, max(0, size - len(rows))), constant_values=padding)
        for rows, size in zip((train, validation), sizes, strict=True)
    )
    return EvaluationRows(*(rows.astype(np.int32) for rows in padded))


def fit(
    recipe: Recipe,
    rows: Dataset,
    *,
    params: Params,
    train: np.ndarray,
    validation: np.ndarray,
    epochs: int,
    seed: int = 0,
    shuffle: bool = True,
    sizes: tuple[int, int] = (0, 0),
    after: OptimizerPosition | None = None,
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
    deadline: float | None = None,
) -> Training:
    """Run one training.

    Args:
        rows: training and validation rows.
        params: initial weights.
        train, validation: row numbers; ``validation`` may be empty.
        epochs: maximum number of epochs.
        seed: of the row orders and of the sample that measures ``loss``.
        shuffle: draw a new row order for every epoch; otherwise keep the order of ``train``.
        sizes: numbers of evaluated training and validation rows to pad to.
        after: where the optimizer goes on; it starts anew if it was another one, or of other weights.
        on_epoch: called with the record of every epoch, of those that are restored, too.
        checkpoints: where the training, number 0, is kept while it runs, and from where it goes on.
        deadline: when it is to end, in seconds of ``time.monotonic``.
    """
    padding = len(rows.labels) - 1
    layout, before = layout_of(params), 0 if after is None else after.epoch
    order = partial(row_order, train, batch_size=recipe.batch_size, padding=padding, max_updates=recipe.max_updates)

    def draw(epoch: int) -> np.ndarray:
        return order(seed=seed, epoch=before + epoch, shuffle=shuffle)

    with jax.enable_x64(recipe.dtype == "float64"):
        evaluated = evaluation_rows(train, validation, seed=seed, sizes=sizes, padding=padding)
        state = start(recipe, params, n_validation=len(evaluated.validation))
        if after is not None and _same_shapes(state.optimizer_state, after.state):
            state = state._replace(optimizer_state=after.state, step=np.asarray(after.step, np.int32))
        data = jax.tree.map(jax.device_put, (rows, evaluated))
        names = column_names(recipe, validation=evaluated.validation.shape[0] > 0)
        step = partial(advance, recipe, layout, *data)
        with interruptible(saves=checkpoints is not None, deadline=deadline) as interrupted:
            state, history = _run(step, names, state, draw, epochs, on_epoch, checkpoints, interrupted)
        n_validation, code = len(validation), interrupted.code
        found = finish(recipe, layout, state, history, epochs=epochs, n_validation=n_validation, stopped=code)
        own = jax.tree.map(np.asarray, state.optimizer_state)
        return replace(found, optimizer=OptimizerPosition(own, int(state.step), before + history.n_epochs))


def _same_shapes(one: OptimizerState, other: OptimizerState) -> bool:
    shapes = [jax.tree.map(lambda array: (array.shape, str(array.dtype)), state) for state in (one, other)]
    return bool(shapes[0] == shapes[1])


def _run(
    step: Step,
    names: Sequence[str],
    state: State,
    draw: Callable[[int], np.ndarray],
    epochs: int,
    on_epoch: OnEpoch | None,
    checkpoints: Checkpoints | None,
    interrupted: Interruption,
) -> tuple[State, History]:
    """Run chunks of epochs until the training stops, all epochs are done, or it is interrupted."""

    def tell(records: np.ndarray, first: int) -> None:
        if on_epoch is None:
            return
        for epoch in range(first, len(records)):
            on_epoch({"epoch": epoch + 1, **dict(zip(names, map(float, records[epoch]), strict=True))})

    records, chunk = np.empty((0, len(names))), 1
    if checkpoints is not None:
        kept = checkpoints.restore(state, columns=len(names), epochs=epochs).get(0)
        state, records = kept or (state, records)
        tell(records, 0)
    state = jax.device_put(state)
    first = draw(0)
    capacity = max(1, min(MAX_CHUNK_EPOCHS, MAX_ORDERED_ROWS // first.size))
    orders = np.repeat(first[None], capacity, axis=0)
    while not _ends(state, done := len(records), epochs, interrupted):
        until = min(done + chunk, epochs)
        for epoch in range(done, until):
            orders[epoch - done] = draw(epoch)
        began = time.perf_counter()
        try:
            with uncollected():
                after, new = step(state, orders, np.int32(until))
                records = np.concatenate([records, np.asarray(new, np.float64)[: int(after.epoch) - done]])
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error) or capacity == 1:
                _save(checkpoints, state, records)
                raise
            capacity //= 2
            chunk, orders = min(chunk, capacity), orders[:capacity].copy()
            warn_of_less(count(capacity, "epoch"))
            continue
        state = after
        tell(records, done)
        chunk = next_chunk(chunk, capacity, time.perf_counter() - began)
        if checkpoints is not None and (_ends(state, len(records), epochs, interrupted) or checkpoints.is_due(0)):
            _save(checkpoints, state, records)
    return state, History(dict(zip(names, records.T, strict=True)))


def _save(checkpoints: Checkpoints | None, state: State, records: np.ndarray) -> None:
    """Save a training that has run an epoch."""
    if checkpoints is not None and len(records):
        checkpoints.save({}, {0: Checkpoint(jax.tree.map(np.asarray, state), records)})


def _ends(state: State, done: int, epochs: int, interrupted: Interruption) -> bool:
    return done >= epochs or int(state.code) != RUNNING or interrupted.is_set()


def next_chunk(chunk: int, capacity: int, seconds: float) -> int:
    """Return the number of epochs of the next chunk: twice that of a short one, up to ``capacity``."""
    return min(capacity, 2 * chunk) if seconds < CHUNK_SECONDS / 2 else chunk


def finish(
    recipe: Recipe,
    layout: Layout,
    state: State,
    history: History,
    *,
    epochs: int,
    n_validation: int,
    stopped: int = STOPPED_BY_USER,
) -> Training:
    """Return the result of a training, whatever ended it.

    stopped: the code of a training that has neither stopped by itself nor run all epochs.
    """
    code = int(state.code)
    if code == RUNNING:
        code = FINISHED if history.n_epochs == epochs else stopped
    state = jax.tree.map(np.asarray, state)
    best = all_weights(recipe, state.best_params, state.best_non_trainable, layout)
    last = all_weights(recipe, state.params, state.non_trainable, layout)
    best_epoch = int(state.stopping.best_epoch)
    if best_epoch == 0 and code != DIVERGED:  # early stopping ignored every epoch: the last is as good as any
        best, best_epoch = last, history.n_epochs
    restored = best if recipe.early_stopping.restore_best_weights or code == DIVERGED else last
    steps, outputs = _input_steps(recipe, layout, state), np.array(state.cross_fitted.outputs[:n_validation])
    return Training(restored, last, history, Outcome(code), best_epoch, steps, outputs)


def _input_steps(recipe: Recipe, layout: Layout, state: State) -> AnyArray | None:
    """See ``Training``; without the multiplier of the schedule."""
    steps = tuple(
        {name: recipe.optimizer.step_sizes(of_array, t=state.step) for name, of_array in layer.items()}
        for layer in state.optimizer_state
    )
    if any(step is None for layer in steps for step in layer.values()):
        return None
    first = next((index for index, layer in enumerate(layout) if any(is_kernel(name) for name, _ in layer)), None)
    kernel = None if first is None else unpacked(recipe, steps, layout)[first].get("kernel")
    return None if kernel is None else kernel.mean(axis=1)
