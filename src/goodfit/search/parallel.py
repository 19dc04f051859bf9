"""Many trainings at once, in lanes: each is the training cycle, unchanged, with its own numbers and its own early stop.

Lanes are split over all devices; on a CPU those of a device run one after the other within one compiled program, on a
GPU side by side. When a trial stops, the next one takes its lane. Trials of one seed share first weights and row
order, so that λ and learning rate are compared on equal terms.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from goodfit.arrays import Array
from goodfit.nn.arrays import Params
from goodfit.nn.network import count_params
from goodfit.nn.packing import Layout, layout_of
from goodfit.search.weight_store import make_weight_store
from goodfit.training.compilation import uncollected
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.fit import MAX_CHUNK_EPOCHS, Training, evaluation_rows, finish, next_chunk, row_order
from goodfit.training.history import History, column_names
from goodfit.training.loop import FINISHED, RUNNING, State, advance, start
from goodfit.training.recipe import Recipe

LANE_BYTES = 2**28
"""States and row orders of all lanes take at most about this much memory."""
MAX_CPU_LANES = 16
"""Lanes of one CPU core: they run one after the other, so that more would only need more memory."""


class Trial(NamedTuple):
    """One training of a sweep: its recipe, the seed of its row orders, and its initial weights."""

    recipe: Recipe
    seed: int
    params: Params


class Progress(NamedTuple):
    """How far a sweep is. values: best monitored value of each trial so far, infinite before its first epoch."""

    done: int
    trials: int
    seconds: float
    values: Array


OnProgress = Callable[[Progress], None]


class SweepCost(NamedTuple):
    """What a sweep will take, known before it runs.

    trials, lanes: how many there are, and how many run at a time. window: epochs of one call, at most. lane_bytes:
    weights, their best, optimizer state and row orders of all lanes. kept_bytes: best and last weights, and histories,
    of all trials. compilations: of the training program, the first time.
    """

    trials: int
    lanes: int
    window: int
    lane_bytes: int
    kept_bytes: int
    compilations: int = 1


def estimate(
    recipe: Recipe, params: Params, *, n_trials: int, n_train: int, epochs: int, validation: bool = True
) -> SweepCost:
    """What trials on the same rows will take."""
    size = np.dtype(recipe.dtype).itemsize
    state_bytes = (2 + len(recipe.optimizer.state_names)) * count_params(params) * size
    steps = -(-n_train // recipe.batch_size)
    epoch_bytes = 4 * steps * recipe.batch_size
    n_devices = len(jax.devices())
    window = int(np.clip(LANE_BYTES // (4 * n_devices * epoch_bytes), 1, min(MAX_CHUNK_EPOCHS, epochs)))
    most = max(n_devices, LANE_BYTES // (state_bytes + window * epoch_bytes))
    most = most if _side_by_side() else min(most, MAX_CPU_LANES * n_devices)
    lanes = -(-min(n_trials, most) // n_devices) * n_devices
    columns = len(column_names(recipe, validation=validation))
    kept = n_trials * (2 * count_params(params) * size + 8 * columns * epochs)
    return SweepCost(n_trials, lanes, window, lanes * (state_bytes + window * epoch_bytes), kept)


def run_trials(
    trials: Sequence[Trial],
    rows: Dataset,
    *,
    train: Array,
    validation: Array,
    epochs: int,
    evaluated_sizes: tuple[int, int] = (0, 0),
    data_seed: int = 0,
    shuffle: bool = True,
    on_progress: OnProgress | None = None,
    asked: threading.Event | None = None,
) -> list[Training | None]:
    """Run all trials on the same rows.

    Args:
        trials: one or more, with recipes that differ in numbers only and weights of the same shapes.
        evaluated_sizes: numbers of training and validation rows to pad to, so that folds of about the same size share
            one compiled program.
        data_seed: of the fixed sample of many training rows that measures ``loss``.
        on_progress: told after every call.
        asked: when it is set the sweep ends after the running call, and after the first at the earliest.

    Returns:
        The training of each trial; None for one that had not begun when the sweep was asked to end.
    """
    evaluated = evaluation_rows(train, validation, seed=data_seed, sizes=evaluated_sizes, padding=len(rows.labels) - 1)
    with jax.enable_x64(trials[0].recipe.dtype == "float64"):
        lanes = _Lanes(trials, rows, evaluated, train, epochs, shuffle)
        began = time.perf_counter()
        while lanes.busy():
            lanes.call()
            if on_progress is not None:
                on_progress(lanes.progress(time.perf_counter() - began))
            if asked is not None and asked.is_set():
                break
        return lanes.trainings()


class _Lanes:
    """The host's side of a running sweep: who is in which lane, and what has come back."""

    def __init__(
        self,
        trials: Sequence[Trial],
        rows: Dataset,
        evaluated: EvaluationRows,
        train: Array,
        epochs: int,
        shuffle: bool,
    ) -> None:
        self.trials, self.epochs = trials, epochs
        recipe, _, first = trials[0]
        self.layout = layout_of(first)
        plans = estimate(recipe, first, n_trials=len(trials), n_train=len(train), epochs=epochs)
        self.advance = make_advance(self.layout, rows, evaluated)
        self.names = column_names(recipe, validation=evaluated.validation.shape[0] > 0)
        self.window, self.chunk = plans.window, 1
        # A lane without a trial holds a training that is finished, which costs nothing.
        idle = start(recipe, first)._replace(code=np.asarray(FINISHED, np.int32))
        self.states: State = stack([idle] * plans.lanes)
        self.recipes: Recipe = stack([recipe] * plans.lanes)
        self.lane: list[int | None] = [None] * plans.lanes
        self.waiting = deque(range(len(trials)))
        self.records: list[list[Array]] = [[] for _ in trials]
        self.found: list[Training | None] = [None] * len(trials)
        self.values = np.full(len(trials), np.inf)
        self.keep = make_weight_store(len(trials), first, recipe.dtype)

        @lru_cache(maxsize=4 * self.window)
        def draw(seed: int, epoch: int) -> Array:
            padding = len(rows.labels) - 1
            return row_order(
                train, batch_size=recipe.batch_size, padding=padding, seed=seed, epoch=epoch, shuffle=shuffle
            )

        self.draw = draw
        self.orders = np.repeat(draw(trials[0].seed, 0)[None, None], plans.lanes, 0).repeat(self.window, 1)
        # Neighbours in the grid take about equally long, so they are dealt out over the devices.
        for lane in np.arange(plans.lanes).reshape(len(jax.devices()), -1).T.ravel().tolist():
            self.board(lane)

    def busy(self) -> list[tuple[int, int]]:
        """Lanes with a trial, and their trials; those of a seed together, because they share row orders."""
        found = [(lane, index) for lane, index in enumerate(self.lane) if index is not None]
        return sorted(found, key=lambda pair: self.trials[pair[1]].seed)

    def board(self, lane: int) -> None:
        """Put the next waiting trial into this lane, if there is one."""
        self.lane[lane] = self.waiting.popleft() if self.waiting else None
        if (index := self.lane[lane]) is not None:
            trial = self.trials[index]
            _write(self.states, lane, start(trial.recipe, trial.params))
            _write(self.recipes, lane, trial.recipe)

    def call(self) -> None:
        """Some more epochs in every lane; who is done makes room for the next."""
        done, busy = self.states.epoch.copy(), self.busy()
        until = np.minimum(done + self.chunk, self.epochs).astype(np.int32)
        for lane, index in busy:
            for epoch in range(done[lane], until[lane]):
                self.orders[lane, epoch - done[lane]] = self.draw(self.trials[index].seed, epoch)
        began = time.perf_counter()
        records = self.advance(self.recipes, self.states, self.orders, until)
        self.chunk = next_chunk(self.chunk, self.window, time.perf_counter() - began)
        for lane, index in busy:
            self.records[index].append(records[lane, : self.states.epoch[lane] - done[lane]])
            self.values[index] = self.states.stopping.best[lane]
            if self.states.code[lane] != RUNNING or self.states.epoch[lane] == self.epochs:
                self.retire(lane, index)
                self.board(lane)

    def retire(self, lane: int, index: int) -> None:
        """Take the trial out of its lane, with what it has."""
        state: State = jax.tree.map(lambda leaf: leaf[lane], self.states)
        columns = np.concatenate(self.records[index]).T.astype(np.float64)
        history = History(dict(zip(self.names, columns, strict=True)))
        training = finish(self.trials[index].recipe, self.layout, state, history, epochs=self.epochs)
        self.found[index] = self.keep(index, training)
        self.records[index] = []

    def trainings(self) -> list[Training | None]:
        """What every trial came to; those still in their lanes were stopped by the user."""
        for lane, index in self.busy():
            if self.records[index]:
                self.retire(lane, index)
        return self.found

    def progress(self, seconds: float) -> Progress:
        done = sum(training is not None for training in self.found)
        return Progress(done, len(self.trials), seconds, self.values.copy())


_SPLIT, _TOGETHER = PartitionSpec("lanes"), PartitionSpec()  # type: ignore[no-untyped-call]

Advance = Callable[[Recipe, State, Array, Array], Array]
"""Recipes, states (changed in place), orders (lanes, epochs, steps, batch), last epochs (lanes,) -> records
(lanes, epochs, columns)"""


def make_advance(layout: Layout, rows: Dataset, evaluated: EvaluationRows) -> Advance:
    """``cycle.advance`` for many lanes, as many as a multiple of the devices; everything comes and goes on the host."""
    mesh = Mesh(np.array(jax.devices()), ("lanes",))
    data = jax.device_put((rows, evaluated), NamedSharding(mesh, _TOGETHER))
    side_by_side = _side_by_side()

    def advance_all(recipes: Recipe, states: State, orders: Array, until: Array) -> Array:
        shards = jax.device_put((recipes, states, orders, until), NamedSharding(mesh, _SPLIT))
        with uncollected():
            done, records = _advance_lanes(layout, mesh, side_by_side, *data, *shards)
        jax.tree.map(_copy_to, states, done)
        return np.asarray(records)

    return advance_all


def _copy_to(host: Array, array: jax.Array) -> None:
    """Device by device: the array as a whole would be put together, and kept, once more."""
    for shard in array.addressable_shards:
        host[shard.index] = np.asarray(shard.data)


def _side_by_side() -> bool:
    """Whether the lanes of a device run together; one CPU core is quicker with one after the other."""
    return jax.default_backend() != "cpu"


Lane = tuple[Recipe, State, jax.Array, jax.Array]
"""Recipe, state, order and last epoch of one lane, or of all lanes of a device."""


@partial(jax.jit, static_argnames=("layout", "mesh", "side_by_side"))
def _advance_lanes(
    layout: Layout, mesh: Mesh, side_by_side: bool, rows: Dataset, evaluated: EvaluationRows, *lanes: *Lane
) -> tuple[State, jax.Array]:
    """Run the training loop in every lane, the lanes split over the devices."""

    def one(lane: Lane, rows: Dataset, evaluated: EvaluationRows) -> tuple[State, jax.Array]:
        recipe, state, order, until = lane
        done: tuple[State, jax.Array] = advance(recipe, layout, rows, evaluated, state, order, until)
        return done

    def on_device(lanes: Lane, rows: Dataset, evaluated: EvaluationRows) -> tuple[State, jax.Array]:
        here = partial(one, rows=rows, evaluated=evaluated)
        done: tuple[State, jax.Array] = jax.vmap(here)(lanes) if side_by_side else jax.lax.map(here, lanes)
        return done

    specs = (_SPLIT, _TOGETHER, _TOGETHER)
    shard_map: Any = jax.shard_map
    split = shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=_SPLIT, check_vma=False)
    done: tuple[State, jax.Array] = split(lanes, rows, evaluated)
    return done


def stack(trees: Sequence[Any]) -> Any:  # noqa: ANN401
    """One tree of arrays with a first axis for the trees."""
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def _write(stacked: Any, lane: int, tree: Any) -> None:  # noqa: ANN401
    for target, leaf in zip(jax.tree.leaves(stacked), jax.tree.leaves(tree), strict=True):
        target[lane] = leaf
