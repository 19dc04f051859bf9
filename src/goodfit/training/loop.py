"""The training loop, written once and used by every door.

For every batch: forward pass, loss with penalty, backward pass, update. After every epoch: loss and metrics of training
and validation rows with the same weights, early stopping, best weights. All of it is one compiled program; epochs run
inside it in chunks, so that progress can be shown and a training can be interrupted between two chunks.

Everything that changes during a training is in its ``State``; the recipe, the rows and their order come from outside.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.arrays import AnyArray, Params
from goodfit.nn.early_stopping import StoppingState, init_stopping, update_stopping
from goodfit.nn.layers import Dropout
from goodfit.nn.losses import weighted_mean
from goodfit.nn.network import apply_in_training, joined, non_trainable, trainable
from goodfit.nn.optimizers.base import OptimizerState, init_optimizer, sum_of_squares, update_weights
from goodfit.nn.packing import Layout, layout_of, pack, unpack
from goodfit.nn.regularizers import add_penalty_gradient, penalty
from goodfit.training.cross_fitted import CrossFittedState, init_cross_fitted, update_cross_fitted
from goodfit.training.evaluation import Dataset, Evaluated, EvaluationRows, make_evaluator, take
from goodfit.training.history import column_names
from goodfit.training.recipe import Recipe, n_outputs

MAX_PACKED_WEIGHTS = 2**15
"""Larger networks are not packed: fewer, larger operations win, until copying the weights costs more."""

RUNNING, FINISHED, STOPPED_EARLY, DIVERGED, STOPPED_BY_USER, OUT_OF_TIME = range(6)


class State(NamedTuple):
    """Everything that changes during a training, after an epoch. Trainable weights are packed.

    non_trainable: frozen weights, and what the forward pass changes, such as moving averages. cross_fitted: outputs for
    the validation rows. epoch, step: number of epochs and updates done. code: ``RUNNING``, or how the training ended.
    """

    params: Params
    optimizer_state: OptimizerState
    best_params: Params
    non_trainable: Params
    best_non_trainable: Params
    stopping: StoppingState
    cross_fitted: CrossFittedState
    epoch: AnyArray
    step: AnyArray
    code: AnyArray


def start(recipe: Recipe, params: Params, *, n_validation: int = 0) -> State:
    """Return the state before the first epoch, from the initial weights.

    n_validation: number of validation rows whose outputs are kept, all or none.
    """
    params = tuple({name: np.asarray(w, recipe.dtype) for name, w in layer.items()} for layer in params)
    trained, others = trainable(recipe.layers, params), non_trainable(recipe.layers, params)
    packed = pack(trained, apart=_apart(recipe)) if _packs(recipe, layout_of(params)) else trained
    zero = np.zeros((), np.int32)
    optimizer_state = init_optimizer(recipe.optimizer, packed)
    cross_fitted = init_cross_fitted(n_validation, n_outputs(recipe.layers) if n_validation else 0, recipe.dtype)
    stopping = init_stopping(recipe.dtype)
    return State(
        packed, optimizer_state, packed, others, others, stopping, cross_fitted, epoch=zero, step=zero, code=zero
    )


def unpacked(recipe: Recipe, params: Params, layout: Layout) -> Params:
    """Return the trainable weights of a ``State`` as the arrays of each layer.

    Args:
        layout: of all weights of the network.
    """
    trained = _trained(recipe, layout)
    if _packs(recipe, layout):
        return unpack(params, trained)
    # A compiled program returns mappings in alphabetical order.
    return tuple({name: layer[name] for name, _ in entries} for layer, entries in zip(params, trained, strict=True))


def all_weights(recipe: Recipe, params: Params, others: Params, layout: Layout) -> Params:
    """Return trainable weights of a ``State`` and non-trainable arrays together, as the arrays of each layer."""
    everything = joined(unpacked(recipe, params, layout), others)
    return tuple({name: layer[name] for name, _ in entries} for layer, entries in zip(everything, layout, strict=True))


def _trained(recipe: Recipe, layout: Layout) -> Layout:
    """Return the layout of the trainable weights."""
    layers = zip(recipe.layers, layout, strict=True)
    return tuple(
        tuple(entry for entry in entries if entry[0] not in layer.non_trainable()) for layer, entries in layers
    )


def _packs(recipe: Recipe, layout: Layout) -> bool:
    """Whether weights are packed: in small networks, except with ``clipnorm``, which clips each array by itself."""
    n_weights = sum(math.prod(shape) for layer in _trained(recipe, layout) for _, shape in layer)
    return n_weights <= MAX_PACKED_WEIGHTS and recipe.optimizer.clipnorm is None


def _apart(recipe: Recipe) -> bool:
    """Whether kernels are packed separately: weight decay acts on them alone."""
    return recipe.optimizer.weight_decay is not None


@partial(jax.jit, static_argnames="layout")
def advance(
    recipe: Recipe,
    layout: Layout,
    rows: Dataset,
    evaluated: EvaluationRows,
    state: State,
    order: jax.Array,
    until: jax.Array,
) -> tuple[State, jax.Array]:
    """Train from ``state.epoch`` up to epoch ``until``, or until the training stops by itself.

    Args:
        layout: of the network's weights.
        order: row numbers (epochs, steps, batch) of the next epochs, padded with the number of the empty row.
        until: total number of epochs after this call; ``order`` must reach that far.

    Returns:
        The new state, and the records (epochs, columns) of the epochs that were run, in the first rows.
    """
    first = state.epoch
    evaluate = make_evaluator(recipe, rows, evaluated)
    names = column_names(recipe, validation=evaluated.validation.shape[0] > 0)
    records = jnp.full((order.shape[0], len(names)), jnp.nan, recipe.dtype)

    def one_epoch(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        state, records = carry
        here = state.epoch - first
        state, sums = _train_epoch(recipe, layout, rows, state, _entry(order, here))
        params = all_weights(recipe, state.params, state.non_trainable, layout)
        measured = evaluate(params)
        record = _record(recipe, state, params, sums / order.shape[1], measured.scores)
        state = _end_epoch(recipe, state, record, names)
        if state.cross_fitted.outputs.shape[0]:
            state = state._replace(cross_fitted=_cross_fitted(recipe, state, measured))
        return state, _put(records, here, record)

    def running(carry: tuple[State, jax.Array]) -> jax.Array:
        return jnp.logical_and(carry[0].epoch < until, carry[0].code == RUNNING)

    done: tuple[State, jax.Array] = jax.lax.while_loop(running, one_epoch, (state, records))
    return done


def _entry(array: jax.Array, i: jax.Array) -> jax.Array:
    """Return ``array[i]`` for i within bounds, without the operations that would handle other i."""
    entry: jax.Array = jax.lax.dynamic_index_in_dim(array, i, keepdims=False, allow_negative_indices=False)
    return entry


def _put(array: jax.Array, i: jax.Array, entry: jax.Array) -> jax.Array:
    changed: jax.Array = jax.lax.dynamic_update_index_in_dim(array, entry, i, 0, allow_negative_indices=False)
    return changed


def _train_epoch(
    recipe: Recipe, layout: Layout, rows: Dataset, state: State, order: jax.Array
) -> tuple[State, jax.Array]:
    """Make one update for each batch of ``order`` (steps, batch), and sum what ``_train_batch`` measures."""

    def one_batch(i: jax.Array, carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        state, measured = _train_batch(recipe, layout, rows, carry[0], _entry(order, i))
        return state, carry[1] + measured

    whole = order.shape[0] - bool(recipe.remainder)
    begin = (state, jnp.zeros(4, recipe.dtype))
    state, sums = jax.lax.fori_loop(0, whole, one_batch, begin)
    if recipe.remainder:
        state, measured = _train_batch(recipe, layout, rows, state, order[-1, : recipe.remainder])
        sums += measured
    return state, sums


def _train_batch(
    recipe: Recipe, layout: Layout, rows: Dataset, state: State, index: jax.Array
) -> tuple[State, jax.Array]:
    """Forward pass, loss with penalty, backward pass and update on the rows ``index`` (batch,).

    Returns:
        The new state, and measurements of the update: weight·loss, weight, ‖∇objective‖², ‖Δw‖².
    """
    x, labels = take(rows.x, index).astype(recipe.dtype), take(rows.labels, index)
    y, weight = labels[:, :-1], labels[:, -1]
    for number, factor in recipe.class_weight.items():
        weight *= jnp.where(y[:, 0] == number if y.shape[1] == 1 else y[:, number] == 1, factor, 1)
    key = None
    if any(isinstance(layer, Dropout) for layer in recipe.layers):
        key = jax.random.fold_in(jax.random.key(recipe.seed), state.step)

    def batch_loss(params: Params) -> tuple[jax.Array, Params]:
        weights = joined(params, state.non_trainable)
        output, changed = apply_in_training(recipe.layers, weights, x, logits=recipe.fused, key=key)
        return weighted_mean(recipe.loss.per_example(y, output, logits=recipe.fused), weight), changed

    params = unpacked(recipe, state.params, layout)
    (loss, changed), grads = jax.value_and_grad(batch_loss, has_aux=True)(params)
    grads = add_penalty_gradient(grads, params, recipe.regularizers)
    grads = pack(grads, apart=_apart(recipe)) if _packs(recipe, layout) else grads
    new, optimizer_state, updates = update_weights(
        recipe.optimizer, grads, state.optimizer_state, state.params, step=state.step
    )
    total = jnp.sum(weight)
    measured = jnp.stack([total * loss, total, sum_of_squares(grads), sum_of_squares(updates)])
    others = joined(state.non_trainable, changed)
    state = state._replace(params=new, optimizer_state=optimizer_state, non_trainable=others, step=state.step + 1)
    return state, measured


def _record(recipe: Recipe, state: State, params: Params, means: jax.Array, evaluated: jax.Array) -> jax.Array:
    """Return the record of the epoch that has just been trained, in the order of ``column_names``.

    Args:
        means: over the updates of the epoch, of what ``_train_batch`` measures.
        evaluated: loss and metrics of the training rows, then of the validation rows.
    """
    loss, weight, gradient, update = means
    cost = penalty(params, recipe.regularizers)
    norm = jnp.sqrt(sum_of_squares(state.params))
    own = [
        cost,
        evaluated[0] + cost,
        loss / weight,
        recipe.optimizer.learning_rate * recipe.optimizer.schedule.multiplier(state.step),
        jnp.sqrt(gradient),
        jnp.sqrt(update) / norm,
        norm,
    ]
    return jnp.concatenate([evaluated, jnp.stack(own)])


def _end_epoch(recipe: Recipe, state: State, record: jax.Array, names: tuple[str, ...]) -> State:
    """Keep the weights if they are the best so far, and decide whether training goes on."""
    finite = jnp.isfinite(record[names.index("loss")])
    if "val_loss" in names:
        finite &= jnp.isfinite(record[names.index("val_loss")])
    value = jnp.where(finite, record[names.index(recipe.early_stopping.monitor)], jnp.nan)
    epoch = state.epoch + 1
    stopping = update_stopping(state.stopping, value, epoch, recipe.early_stopping)
    now, before = (state.params, state.non_trainable), (state.best_params, state.best_non_trainable)
    best, best_others = jax.tree.map(lambda new, old: jnp.where(stopping.improved, new, old), now, before)
    code = jnp.where(finite, jnp.where(stopping.stop, STOPPED_EARLY, RUNNING), DIVERGED).astype(jnp.int32)
    state = state._replace(best_params=best, best_non_trainable=best_others)
    return state._replace(stopping=stopping, epoch=epoch, code=code)


def _cross_fitted(recipe: Recipe, state: State, measured: Evaluated) -> CrossFittedState:
    """Keep the outputs of the validation rows for which the epoch that has just ended is the best so far."""
    if recipe.early_stopping.monitor == "val_loss":
        counts = state.epoch.astype(recipe.dtype) > recipe.early_stopping.start_from_epoch
        return update_cross_fitted(state.cross_fitted, *measured[1:], counts=counts)
    counts, improved = state.stopping.best_epoch > 0, state.stopping.improved
    return update_cross_fitted(state.cross_fitted, *measured[1:], counts=counts, improved=improved)
