"""Many trainings at once, in lanes: each is the training cycle, unchanged, with its own numbers and its own early stop.

Lanes are split over all devices; on a CPU those of a device run one after the other within one compiled program, on a
GPU side by side. When a member stops, the next one takes its lane. Members of one seed share first weights and row
order, so that λ and learning rate are compared on equal terms.
"""

import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from goodfit.learning.arrays import Params
from goodfit.learning.network import count_params
from goodfit.learning.packing import Layout, layout_of
from goodfit.training.cycle import FINISHED, RUNNING, State, advance, start
from goodfit.training.evaluation import Plan, Rows
from goodfit.training.fitting import Training, finish, make_plan, row_order
from goodfit.training.history import History, column_names
from goodfit.training.interrupt import interruptible
from goodfit.training.recipe import Knobs, Recipe

Array = npt.NDArray[Any]
LANE_BYTES = 2**28
"""States and row orders of all lanes take at most about this much memory."""
KEPT_BYTES = 2**28
"""Weights of more members than fit here are kept in a temporary file instead of in memory."""
CALL_SECONDS = 0.5
"""Calls grow until one takes about this long: how often progress is shown and Ctrl-C is heard."""
MOST_EPOCHS = 32
"""Epochs of one call, at most."""


class Member(NamedTuple):
    """One training of a sweep: its numbers, the seed of its row order, and its first weights."""

    knobs: Knobs
    seed: int
    params: Params


class Progress(NamedTuple):
    """How far a sweep is. values: best monitored value of each member so far, infinite before its first epoch."""

    done: int
    members: int
    seconds: float
    values: Array


OnProgress = Callable[[Progress], None]


class Estimate(NamedTuple):
    """What a sweep will take, known before it runs.

    members, lanes: how many there are, and how many run at a time. lane_bytes: weights, their best, optimizer state and
    row orders of all lanes. kept_bytes: best and last weights and histories of all members.
    """

    members: int
    lanes: int
    window: int
    lane_bytes: int
    kept_bytes: int


def estimate(
    recipe: Recipe, params: Params, *, n_members: int, n_train: int, epochs: int, validation: bool = True
) -> Estimate:
    """Members, lanes, the epochs of one call (``window``) and bytes, without running anything."""
    size = np.dtype(recipe.dtype).itemsize
    slots = 2 + getattr(recipe.optimizer, "amsgrad", False)
    state_bytes = (2 + slots) * count_params(params) * size
    steps = -(-n_train // recipe.batch_size)
    epoch_bytes = 4 * steps * recipe.batch_size
    n_devices = len(jax.devices())
    window = int(np.clip(LANE_BYTES // (4 * n_devices * epoch_bytes), 1, min(MOST_EPOCHS, epochs)))
    most = max(n_devices, LANE_BYTES // (state_bytes + window * epoch_bytes))
    lanes = -(-min(n_members, most) // n_devices) * n_devices
    columns = len(column_names(recipe, validation=validation))
    kept = n_members * (2 * count_params(params) * size + 8 * columns * epochs)
    return Estimate(n_members, lanes, window, lanes * (state_bytes + window * epoch_bytes), kept)


def run_members(
    recipe: Recipe,
    members: Sequence[Member],
    rows: Rows,
    *,
    train: Array,
    validation: Array,
    epochs: int,
    data_seed: int = 0,
    shuffle: bool = True,
    on_progress: OnProgress | None = None,
) -> list[Training | None]:
    """Run all members on the same rows.

    Args:
        members: one or more, all with weights of the same shapes.
        data_seed: of the fixed sample of many training rows that measures ``loss``.
        on_progress: told after every call.

    Returns:
        The training of each member; None for one that had not begun when the user stopped the sweep.
    """
    plan = make_plan(train, validation, seed=data_seed)
    with jax.enable_x64(recipe.dtype == "float64"), interruptible() as asked:
        lanes = _Lanes(recipe, members, rows, plan, train, epochs, shuffle)
        began = time.perf_counter()
        while lanes.busy() and not asked.is_set():
            lanes.call()
            if on_progress is not None:
                on_progress(lanes.progress(time.perf_counter() - began))
        return lanes.trainings()


class _Lanes:
    """The host's side of a running sweep: who is in which lane, and what has come back."""

    def __init__(
        self,
        recipe: Recipe,
        members: Sequence[Member],
        rows: Rows,
        plan: Plan,
        train: Array,
        epochs: int,
        shuffle: bool,
    ) -> None:
        self.recipe, self.members, self.epochs = recipe, members, epochs
        first = members[0].params
        self.layout = layout_of(first)
        plans = estimate(recipe, first, n_members=len(members), n_train=len(train), epochs=epochs)
        self.mesh = Mesh(np.array(jax.devices()), ("lanes",))
        self.data = jax.device_put((rows, plan), NamedSharding(self.mesh, _TOGETHER))
        self.names = column_names(recipe, validation=plan.validation.shape[0] > 0)
        self.window, self.chunk = plans.window, 1
        # A lane without a member holds a training that is finished, which costs nothing.
        idle = start(recipe, first)._replace(code=np.asarray(FINISHED, np.int32))
        self.states: State = _stack([idle] * plans.lanes)
        self.knobs: Knobs = _stack([members[0].knobs] * plans.lanes)
        self.lane: list[int | None] = [None] * plans.lanes
        self.waiting = deque(range(len(members)))
        self.records: list[list[Array]] = [[] for _ in members]
        self.found: list[Training | None] = [None] * len(members)
        self.values = np.full(len(members), np.inf)
        self.keep = _shelf(len(members), first, recipe.dtype)

        @lru_cache(maxsize=4 * self.window)
        def draw(seed: int, epoch: int) -> Array:
            padding = len(rows.labels) - 1
            return row_order(
                train, batch_size=recipe.batch_size, padding=padding, seed=seed, epoch=epoch, shuffle=shuffle
            )

        self.draw = draw
        self.orders = np.repeat(draw(members[0].seed, 0)[None, None], plans.lanes, 0).repeat(self.window, 1)
        for lane in range(plans.lanes):
            self.board(lane)

    def busy(self) -> bool:
        return any(member is not None for member in self.lane)

    def board(self, lane: int) -> None:
        """Put the next waiting member into this lane, if there is one."""
        self.lane[lane] = self.waiting.popleft() if self.waiting else None
        if (index := self.lane[lane]) is not None:
            member = self.members[index]
            _write(self.states, lane, start(self.recipe, member.params))
            _write(self.knobs, lane, member.knobs)

    def call(self) -> None:
        """Some more epochs in every lane; who is done makes room for the next."""
        done = self.states.epoch.copy()
        until = np.minimum(done + self.chunk, self.epochs).astype(np.int32)
        for lane, index in enumerate(self.lane):
            if index is not None:
                for epoch in range(done[lane], until[lane]):
                    self.orders[lane, epoch - done[lane]] = self.draw(self.members[index].seed, epoch)
        began = time.perf_counter()
        shards = jax.device_put((self.knobs, self.states, self.orders, until), NamedSharding(self.mesh, _SPLIT))
        states, records = _advance_lanes(self.recipe, self.layout, self.mesh, *self.data, *shards)
        self.states, records = jax.tree.map(np.array, (states, records))
        if time.perf_counter() - began < CALL_SECONDS / 2:
            self.chunk = min(self.window, 2 * self.chunk)
        for lane, index in enumerate(self.lane):
            if index is not None:
                self.records[index].append(records[lane, : self.states.epoch[lane] - done[lane]])
                self.values[index] = self.states.stopping.best[lane]
                if self.states.code[lane] != RUNNING or self.states.epoch[lane] == self.epochs:
                    self.retire(lane, index)
                    self.board(lane)

    def retire(self, lane: int, index: int) -> None:
        """Take the member out of its lane, with what it has."""
        state: State = jax.tree.map(lambda leaf: leaf[lane], self.states)
        columns = np.concatenate(self.records[index]).T.astype(np.float64)
        history = History(dict(zip(self.names, columns, strict=True)))
        training = finish(self.recipe, self.layout, state, history, epochs=self.epochs)
        self.found[index] = self.keep(index, training)
        self.records[index] = []

    def trainings(self) -> list[Training | None]:
        """What every member came to; those still in their lanes were stopped by the user."""
        for lane, index in enumerate(self.lane):
            if index is not None and self.records[index]:
                self.retire(lane, index)
        return self.found

    def progress(self, seconds: float) -> Progress:
        done = sum(training is not None for training in self.found)
        return Progress(done, len(self.members), seconds, self.values.copy())


_SPLIT, _TOGETHER = PartitionSpec("lanes"), PartitionSpec()  # type: ignore[no-untyped-call]


@partial(jax.jit, static_argnames=("recipe", "layout", "mesh"))
def _advance_lanes(
    recipe: Recipe,
    layout: Layout,
    mesh: Mesh,
    rows: Rows,
    plan: Plan,
    knobs: Knobs,
    states: State,
    orders: jax.Array,
    until: jax.Array,
) -> tuple[State, jax.Array]:
    """The cycle in every lane: lanes split over the devices, one after the other on a CPU, side by side on a GPU."""

    def one(lane: tuple[Knobs, State, jax.Array, jax.Array], rows: Rows, plan: Plan) -> tuple[State, jax.Array]:
        own_knobs, state, order, last = lane
        done: tuple[State, jax.Array] = advance(recipe, layout, own_knobs, rows, plan, state, order, last)
        return done

    def on_device(lanes: tuple[Knobs, State, jax.Array, jax.Array], rows: Rows, plan: Plan) -> tuple[State, jax.Array]:
        lay = jax.lax.map if jax.default_backend() == "cpu" else lambda f, xs: jax.vmap(f)(xs)
        done: tuple[State, jax.Array] = lay(lambda lane: one(lane, rows, plan), lanes)
        return done

    specs = (_SPLIT, _TOGETHER, _TOGETHER)
    shard_map: Any = jax.shard_map
    split = shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=_SPLIT, check_vma=False)
    done: tuple[State, jax.Array] = split((knobs, states, orders, until), rows, plan)
    return done


def _stack(trees: Sequence[Any]) -> Any:  # noqa: ANN401
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def _write(stacked: Any, lane: int, tree: Any) -> None:  # noqa: ANN401
    for target, leaf in zip(jax.tree.leaves(stacked), jax.tree.leaves(tree), strict=True):
        target[lane] = leaf


def _shelf(n_members: int, params: Params, dtype: str) -> Callable[[int, Training], Training]:
    """A function that puts the weights of a training on the shelf: one array for all, in a file when they are many."""
    shape = (n_members, 2, count_params(params))
    if np.dtype(dtype).itemsize * np.prod(shape) > KEPT_BYTES:
        with tempfile.TemporaryFile() as file:  # the map keeps the file's room until it goes itself
            shelf: Array = np.memmap(file, dtype, shape=shape)
    else:
        shelf = np.empty(shape, dtype)

    def keep(index: int, training: Training) -> Training:
        best, last = (
            _placed(shelf[index, which], weights)
            for which, weights in enumerate((training.params, training.last_params))
        )
        return replace(training, params=best, last_params=last)

    return keep


def _placed(room: Array, params: Params) -> Params:
    """The weights copied into ``room`` (n_weights,), as views of it."""
    begin = 0
    layers = []
    for layer in params:
        views = {}
        for name, w in layer.items():
            views[name] = room[begin : begin + w.size].reshape(w.shape)
            views[name][...] = w
            begin += w.size
        layers.append(views)
    return tuple(layers)
