"""Many trainings in parallel: each is the unchanged training loop with its own numbers and its own early stopping.

A fixed number of slots is split over all devices. On a CPU the slots of a device run one after the other inside one
compiled program, on a GPU side by side. When a trial ends, the next one takes its slot. Trials of one seed share
initial weights and row orders, so that λ and learning rate are compared on equal terms.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from goodfit.arrays import Array
from goodfit.formatting import count
from goodfit.nn.arrays import Params
from goodfit.nn.network import count_params
from goodfit.nn.packing import Layout
from goodfit.search.trials import Fold as Fold
from goodfit.search.trials import KeptTrials
from goodfit.search.trials import OnProgress as OnProgress
from goodfit.search.trials import Progress as Progress
from goodfit.search.trials import Trial as Trial
from goodfit.training.checkpoint import Checkpoint, Checkpoints
from goodfit.training.compilation import uncollected
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.fit import MAX_CHUNK_EPOCHS, Training, epoch_rows, evaluation_rows, next_chunk, row_order
from goodfit.training.history import column_names
from goodfit.training.interrupt import Interruption
from goodfit.training.loop import FINISHED, RUNNING, STOPPED_BY_USER, State, advance
from goodfit.training.memory import is_out_of_memory, warn_of_less
from goodfit.training.recipe import Recipe

SLOT_BYTES = 2**28
"""Memory for the states and row orders of all slots."""
MAX_SLOTS_PER_CORE = 16
"""The slots of a CPU core run one after the other, so that more would only need more memory."""


class Capacity(NamedTuple):
    """Sizes to pad to, so that folds of about the same size share one compiled program.

    train, validation: number of evaluated rows. trials: number of trials that slots are made for.
    """

    train: int = 0
    validation: int = 0
    trials: int = 0


AS_IT_IS = Capacity()


class SweepCost(NamedTuple):
    """Cost of a sweep, known before it runs.

    trials: number of trainings. parallel: how many run at a time. chunk_epochs: maximum number of epochs between two
    progress reports. running_bytes: memory of the running trials, kept_bytes: of all results. compilations: of the
    training program, without a cache.
    """

    trials: int
    parallel: int
    chunk_epochs: int
    running_bytes: int
    kept_bytes: int
    compilations: int = 1
    is_bound: bool = False


def estimate(
    recipe: Recipe, params: Params, *, n_trials: int, n_train: int, epochs: int, validation: bool = True
) -> SweepCost:
    """Return the cost of trials on the same rows; n_train: training rows of an epoch."""
    size = np.dtype(recipe.dtype).itemsize
    state_bytes = (2 + len(recipe.optimizer.state_names)) * count_params(params) * size
    order_bytes = 4 * -(-n_train // recipe.batch_size) * recipe.batch_size  # int32 row numbers of one epoch
    n_devices = len(jax.devices())
    chunk = int(np.clip(SLOT_BYTES // (4 * n_devices * order_bytes), 1, min(MAX_CHUNK_EPOCHS, epochs)))
    most = max(n_devices, SLOT_BYTES // (state_bytes + chunk * order_bytes))
    most = most if _side_by_side() else min(most, MAX_SLOTS_PER_CORE * n_devices)
    parallel = -(-min(n_trials, most) // n_devices) * n_devices
    columns = len(column_names(recipe, validation=validation))
    kept = n_trials * (2 * count_params(params) * size + 8 * columns * epochs)
    return SweepCost(n_trials, parallel, chunk, parallel * (state_bytes + chunk * order_bytes), kept)


class RunTrials(Protocol):
    """What trains all trials on the same rows: ``run_trials``, or processes elsewhere."""

    def __call__(
        self,
        trials: Sequence[Trial],
        fold: Fold,
        *,
        epochs: int,
        capacity: Capacity = AS_IT_IS,
        shuffle: bool = True,
        on_progress: OnProgress | None = None,
        interrupted: Interruption | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> list[Training | None]: ...


def run_trials(
    trials: Sequence[Trial],
    fold: Fold,
    *,
    epochs: int,
    capacity: Capacity = AS_IT_IS,
    shuffle: bool = True,
    on_progress: OnProgress | None = None,
    interrupted: Interruption | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[Training | None]:
    """Run all trials on the same rows.

    Args:
        trials: one or more, with recipes that differ in numbers only and weights of the same shapes. The seed of the
            first is that of the fixed sample of many training rows that measures ``loss``.
        epochs: maximum number of epochs.
        capacity: sizes to pad to.
        shuffle: draw a new row order for every epoch.
        on_progress: called after each chunk of epochs.
        interrupted: when set, the sweep ends after the running chunk, at the earliest after the first.
        checkpoints: where the trials are kept while they run, by their numbers, and from where they go on.

    Returns:
        The training of each trial; None for those that had not begun when the sweep was interrupted.
    """
    with jax.enable_x64(trials[0].recipe.dtype == "float64"):
        running = ParallelTrials(
            trials,
            fold,
            rows_evaluated(trials, fold, capacity),
            epochs=epochs,
            shuffle=shuffle,
            n_trials=max(len(trials), capacity.trials),
            checkpoints=checkpoints,
        )
        return running.run(on_progress, interrupted)


def rows_evaluated(trials: Sequence[Trial], fold: Fold, capacity: Capacity) -> EvaluationRows:
    """Return the rows evaluated after each epoch, the same for all trials."""
    padding = len(fold.rows.labels) - 1
    return evaluation_rows(fold.train, fold.validation, seed=trials[0].seed, sizes=capacity[:2], padding=padding)


class ParallelTrials(KeptTrials):
    """The host's side of a running sweep: which trial is in which slot, and the results so far."""

    def __init__(
        self,
        trials: Sequence[Trial],
        fold: Fold,
        evaluated: EvaluationRows,
        *,
        epochs: int,
        shuffle: bool,
        n_trials: int,
        checkpoints: Checkpoints | None = None,
        max_chunk: int = MAX_CHUNK_EPOCHS,
    ) -> None:
        super().__init__(trials, fold, evaluated, epochs=epochs, checkpoints=checkpoints)
        recipe, _, params = trials[0]
        _, n_ordered = epoch_rows(len(fold.train), recipe.batch_size, recipe.max_updates)
        cost = estimate(recipe, params, n_trials=n_trials, n_train=n_ordered, epochs=epochs)
        self.advance = make_advance(self.layout, fold.rows, evaluated)
        self.capacity, self.chunk = min(cost.chunk_epochs, max_chunk), 1
        # An empty slot holds a finished training, which costs nothing.
        empty = self.start(recipe, params)._replace(code=np.asarray(FINISHED, np.int32))
        self.states: State = stack([empty] * cost.parallel)
        self.recipes: Recipe = stack([recipe] * cost.parallel)
        self.slots: list[int | None] = [None] * cost.parallel
        self.records: list[list[Array]] = [[] for _ in trials]
        self.draw = _row_orders(fold, recipe, shuffle=shuffle, cache=4 * self.capacity)
        self.orders = np.repeat(self.draw(trials[0].seed, 0)[None, None], cost.parallel, 0).repeat(self.capacity, 1)
        # Neighbours in the grid take about equally long, so they are dealt out over the devices.
        for slot in np.arange(cost.parallel).reshape(len(jax.devices()), -1).T.ravel().tolist():
            self.fill(slot)

    def run(
        self, on_progress: OnProgress | None = None, interrupted: Interruption | None = None
    ) -> list[Training | None]:
        """Train until all trials have ended or the sweep is interrupted; see ``run_trials``."""
        tell = self.telling(on_progress)
        while self.occupied():
            self.advance_or_shrink()
            tell()
            if interrupted is not None and interrupted.is_set():
                break
            self.save_if_due()
        self.save()
        return self.trainings(STOPPED_BY_USER if interrupted is None else interrupted.code)

    def occupied(self) -> list[tuple[int, int]]:
        """Slots with a trial, and their trials; those of a seed together, because they share row orders."""
        found = [(slot, index) for slot, index in enumerate(self.slots) if index is not None]
        return sorted(found, key=lambda pair: self.trials[pair[1]].seed)

    def fill(self, slot: int) -> None:
        """Put the next waiting trial into this slot, if there is one."""
        self.slots[slot] = self.waiting.popleft() if self.waiting else None
        if (index := self.slots[slot]) is not None:
            trial = self.trials[index]
            state, records = self.resumed.pop(index, (None, None))
            _write(self.states, slot, self.start(trial.recipe, trial.params) if state is None else state)
            _write(self.recipes, slot, trial.recipe)
            self.records[index] = [] if records is None else [records]

    def advance_or_shrink(self) -> None:
        """Train a chunk; if memory runs out, half as many trials at a time, and then chunks of half the epochs.

        The states on the host are those of before, so nothing is trained twice.

        Raises:
            MemoryError, jax.errors.JaxRuntimeError: one epoch of one trial on each device is too much. All is saved.
        """
        while True:
            try:
                return self.advance_chunk()
            except (MemoryError, jax.errors.JaxRuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(self.slots) == len(jax.devices()) and self.capacity == 1:
                    self.save()
                    raise
            self.shrink()  # without the error, which holds the arrays of the chunk

    def shrink(self) -> None:
        """Halve the slots; the trials of the others wait, with their states. With one on each device halve chunks."""
        n_devices = len(jax.devices())
        if len(self.slots) == n_devices:
            self.capacity //= 2
            self.chunk = min(self.chunk, self.capacity)
            self.orders = self.orders[:, : self.capacity].copy()
            warn_of_less(count(self.capacity, "epoch"))
            return
        n_slots = max(1, len(self.slots) // (2 * n_devices)) * n_devices
        for slot, index in self.occupied():
            if slot >= n_slots:
                if self.records[index]:
                    self.resumed[index] = self.checkpoint(slot, index)
                self.waiting.appendleft(index)
        self.slots, self.orders = self.slots[:n_slots], self.orders[:n_slots].copy()
        self.states, self.recipes = jax.tree.map(lambda leaf: leaf[:n_slots].copy(), (self.states, self.recipes))
        for slot in range(n_slots):
            if self.slots[slot] is None:
                self.fill(slot)
        warn_of_less(count(n_slots, "trial"))

    def advance_chunk(self) -> None:
        """Train a chunk of epochs in every slot; a trial that ends makes room for the next."""
        done, occupied = self.states.epoch.copy(), self.occupied()
        until = np.minimum(done + self.chunk, self.epochs).astype(np.int32)
        for slot, index in occupied:
            for epoch in range(done[slot], until[slot]):
                self.orders[slot, epoch - done[slot]] = self.draw(self.trials[index].seed, epoch)
        began = time.perf_counter()
        records = self.advance(self.recipes, self.states, self.orders, until)
        self.chunk = next_chunk(self.chunk, self.capacity, time.perf_counter() - began)
        for slot, index in occupied:
            self.records[index].append(records[slot, : self.states.epoch[slot] - done[slot]])
            self.values[index] = self.states.stopping.best[slot]
            if self.states.code[slot] != RUNNING or self.states.epoch[slot] == self.epochs:
                self.end(index, self.checkpoint(slot, index))
                self.records[index] = []
                self.fill(slot)

    def checkpoint(self, slot: int, index: int) -> Checkpoint:
        """Return the trial in this slot as it is now."""
        state: State = jax.tree.map(lambda leaf: leaf[slot].copy(), self.states)
        return Checkpoint(state, np.concatenate(self.records[index]))

    def running(self) -> dict[int, Checkpoint]:
        """Return the states of the trials that have begun and not ended."""
        in_slots = {index: self.checkpoint(slot, index) for slot, index in self.occupied() if self.records[index]}
        return self.resumed | in_slots


def _row_orders(fold: Fold, recipe: Recipe, *, shuffle: bool, cache: int) -> Callable[[int, int], Array]:
    """Return a function from seed and epoch to the row order, which trials of a seed share."""
    padding, updates = len(fold.rows.labels) - 1, recipe.max_updates
    order = partial(row_order, fold.train, batch_size=recipe.batch_size, padding=padding, max_updates=updates)

    @lru_cache(maxsize=cache)
    def draw(seed: int, epoch: int) -> Array:
        return order(seed=seed, epoch=epoch, shuffle=shuffle)

    return draw


_SPLIT, _TOGETHER = PartitionSpec("slots"), PartitionSpec()  # type: ignore[no-untyped-call]

Advance = Callable[[Recipe, State, Array, Array], Array]
"""Recipes, states (changed in place), orders (slots, epochs, steps, batch), last epochs (slots,) -> records
(slots, epochs, columns)"""


def make_advance(layout: Layout, rows: Dataset, evaluated: EvaluationRows) -> Advance:
    """Return ``loop.advance`` for many slots, a multiple of the number of devices, with all arrays on the host."""
    mesh = Mesh(np.array(jax.devices()), ("slots",))
    data = jax.device_put((rows, evaluated), NamedSharding(mesh, _TOGETHER))
    side_by_side = _side_by_side()

    def advance_all(recipes: Recipe, states: State, orders: Array, until: Array) -> Array:
        shards = jax.device_put((recipes, states, orders, until), NamedSharding(mesh, _SPLIT))
        with uncollected():
            done, records = _advance_slots(layout, mesh, side_by_side, *data, *shards)
        found = np.asarray(records)
        _copy_to(states, done)
        return found

    return advance_all


def _copy_to(host: State, device: State) -> None:
    """Copy device by device: an array as a whole would be assembled, and kept, once more.

    Nothing is changed before everything is there, in case memory runs out.
    """
    pairs = zip(jax.tree.leaves(host), jax.tree.leaves(device), strict=True)
    parts = [(to[part.index], np.asarray(part.data)) for to, array in pairs for part in array.addressable_shards]
    for to, values in parts:
        to[...] = values


def _side_by_side() -> bool:
    """Whether the slots of a device run side by side; on a CPU core one after the other is faster."""
    return jax.default_backend() != "cpu"


Slot = tuple[Recipe, State, jax.Array, jax.Array]
"""Recipe, state, order and last epoch of one slot, or of all slots of a device."""


@partial(jax.jit, static_argnames=("layout", "mesh", "side_by_side"))
def _advance_slots(
    layout: Layout, mesh: Mesh, side_by_side: bool, rows: Dataset, evaluated: EvaluationRows, *slots: *Slot
) -> tuple[State, jax.Array]:
    """Run the training loop in every slot, the slots split over the devices."""

    def one(slot: Slot, rows: Dataset, evaluated: EvaluationRows) -> tuple[State, jax.Array]:
        recipe, state, order, until = slot
        done: tuple[State, jax.Array] = advance(recipe, layout, rows, evaluated, state, order, until)
        return done

    def on_device(slots: Slot, rows: Dataset, evaluated: EvaluationRows) -> tuple[State, jax.Array]:
        here = partial(one, rows=rows, evaluated=evaluated)
        done: tuple[State, jax.Array] = jax.vmap(here)(slots) if side_by_side else jax.lax.map(here, slots)
        return done

    specs = (_SPLIT, _TOGETHER, _TOGETHER)
    shard_map: Any = jax.shard_map
    split = shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=_SPLIT, check_vma=False)
    done: tuple[State, jax.Array] = split(slots, rows, evaluated)
    return done


def stack(trees: Sequence[Any]) -> Any:  # noqa: ANN401
    """Return one tree of arrays with a first axis for the trees."""
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def _write(stacked: Any, slot: int, tree: Any) -> None:  # noqa: ANN401
    for target, leaf in zip(jax.tree.leaves(stacked), jax.tree.leaves(tree), strict=True):
        target[slot] = leaf
