"""Loss and metrics of given rows with given weights: without dropout or penalty, in blocks that fit in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.arrays import AnyArray, Params
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss, weighted_mean
from goodfit.nn.metrics import METRICS
from goodfit.nn.network import apply_network
from goodfit.training.recipe import Recipe

BLOCK_BYTES = 2**24
"""Memory for the inputs of one block, or for the outputs of its widest layer."""

MIN_BLOCK_ROWS = 32
SHARED_ROWS = 2048
"""Losses of up to so many rows share one compiled program, which takes far longer to compile than to run."""


class Dataset(NamedTuple):
    """Training and validation rows as arrays.

    x: (n, features), of any number type. labels: (n + 1, outputs + 1), the targets, and the row's weight in the last
    column. The last row of the labels is empty, all zero: its number n pads the last batch.
    """

    x: AnyArray
    labels: AnyArray


class EvaluationRows(NamedTuple):
    """Numbers of the rows evaluated after each epoch: training rows (all, or a fixed sample), and validation rows."""

    train: AnyArray
    validation: AnyArray


def make_labels(y: np.ndarray, weight: np.ndarray | None, dtype: str) -> np.ndarray:
    """Return targets (n,) or (n, outputs) and weights (n,), by default 1, as the labels of a ``Dataset``.

    Weights are divided by a power of two, so that ``dtype`` can hold them; only their ratios count.
    """
    columns = y.reshape(len(y), -1)
    labels = np.zeros((len(y) + 1, columns.shape[1] + 1), dtype)
    labels[:-1, :-1] = columns
    labels[:-1, -1] = 1 if weight is None else scaled_weights(weight)
    return labels


def scaled_weights(weight: np.ndarray) -> np.ndarray:
    """Return weights divided by a power of two, so that float32 can hold them."""
    scaled: np.ndarray = np.ldexp(weight, 1 - np.frexp(weight.max())[1])
    return scaled


def take(array: jax.Array, index: jax.Array) -> jax.Array:
    """Return rows of an array by number; a number past the end gives the last row."""
    return array.at[index].get(mode="clip", wrap_negative_indices=False)


def block_size(recipe: Recipe, n_features: int) -> int:
    """Return the number of rows in one block, a power of two."""
    width = max(n_features, *(layer.width for layer in recipe.layers))
    return 1 << int(np.log2(max(1, BLOCK_BYTES // (4 * width))))


class Evaluated(NamedTuple):
    """What is measured after an epoch.

    scores: loss and metrics of the training rows, then of the validation rows. outputs, losses: of each validation row
    (rows, outputs) and (rows,), outputs as the loss takes them. weights: of these rows (rows,).
    """

    scores: jax.Array
    outputs: jax.Array
    losses: jax.Array
    weights: jax.Array


def make_evaluator(recipe: Recipe, rows: Dataset, evaluated: EvaluationRows) -> Callable[[Params], Evaluated]:
    """Return a function from weights to what is measured of the training and the validation rows.

    Both go through one forward pass and differ in their row weights. What does not depend on the network's weights is
    gathered once, here.
    """
    index = jnp.concatenate([evaluated.train, evaluated.validation])
    outputs_of = _make_forward(recipe, rows.x, index)
    labels = take(rows.labels, index)
    is_train = jnp.arange(index.shape[0]) < evaluated.train.shape[0]
    splits = jnp.stack([is_train, ~is_train] if evaluated.validation.shape[0] else [is_train])
    weights = jnp.where(splits, labels[:, -1][None, :], 0)

    def evaluate(params: Params) -> Evaluated:
        found, first = outputs_of(params), evaluated.train.shape[0]
        scores = score(recipe, labels[:, :-1], found, weights).reshape(-1)
        losses = recipe.loss.per_example(labels[first:, :-1], found[first:], logits=recipe.fused)
        return Evaluated(scores, found[first:], losses, labels[first:, -1])

    return evaluate


def score(recipe: Recipe, y: jax.Array, outputs: jax.Array, weights: jax.Array) -> jax.Array:
    """Return loss and metrics (splits, columns) under each weighting of the rows, weights (splits, rows)."""
    losses = recipe.loss.per_example(y, outputs, logits=recipe.fused)
    predictions = ACTIVATIONS[recipe.link](outputs)

    def of_split(weight: jax.Array) -> jax.Array:
        metrics = [METRICS[name].function(y, predictions, weight) for name in recipe.metrics]
        return jnp.stack([weighted_mean(losses, weight), *metrics])

    return jax.vmap(of_split)(weights)


def _make_forward(recipe: Recipe, x: jax.Array, index: jax.Array) -> Callable[[Params], jax.Array]:
    """Return a function from weights to the outputs (len(index), n_outputs) that the loss takes."""
    n, size = index.shape[0], block_size(recipe, x.shape[1])

    def forward(params: Params, inputs: jax.Array) -> jax.Array:
        return apply_network(recipe.layers, params, inputs.astype(recipe.dtype), logits=recipe.fused)

    if n <= size:
        inputs = take(x, index)
        return lambda params: forward(params, inputs)
    blocks = jnp.pad(index, (0, -n % size), constant_values=x.shape[0]).reshape(-1, size)

    def by_blocks(params: Params) -> jax.Array:
        outputs: jax.Array = jax.lax.map(lambda block: forward(params, take(x, block)), blocks)
        return outputs.reshape(-1, outputs.shape[-1])[:n]

    return by_blocks


@partial(jax.jit, static_argnames=("dtype", "logits", "activation"))
def _outputs(
    layers: Sequence[Layer], params: Params, x: jax.Array, *, dtype: str, logits: bool, activation: str
) -> jax.Array:
    return ACTIVATIONS[activation](apply_network(layers, params, x.astype(dtype), logits=logits))


def outputs(recipe: Recipe, params: Params, x: np.ndarray, *, activation: str = "linear") -> np.ndarray:
    """Return what the loss takes, (rows, n_outputs), for inputs (rows, features), after an optional activation.

    The last block is padded to a power of two, so that tables of many sizes share a few compilations.
    """
    of_block = partial(_outputs, dtype=recipe.dtype, logits=recipe.fused, activation=activation)
    size, blocks = block_size(recipe, x.shape[1]), []
    with jax.enable_x64(recipe.dtype == "float64"):
        for begin in range(0, len(x), size):
            block = x[begin : begin + size]
            blocks.append(np.asarray(of_block(recipe.layers, params, _padded(block)))[: len(block)])
    return np.concatenate(blocks)


def predictions(recipe: Recipe, params: Params, x: np.ndarray) -> np.ndarray:
    """Return probabilities or values (rows, n_outputs): the outputs after the link function of the loss."""
    return outputs(recipe, params, x, activation=recipe.link)


def ensemble_predictions(recipe: Recipe, networks: Sequence[Params], shares: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the weighted mean of the predictions of several networks (rows, n_outputs), in one call for all of them.

    Args:
        networks: weights of networks with the layers of the recipe.
        shares: weight of each network in the mean (networks,).
    """
    stacked = jax.tree.map(lambda *arrays: np.stack(arrays), *networks)
    size, blocks = max(1, block_size(recipe, x.shape[1]) // len(networks)), []
    size = 1 << (size.bit_length() - 1)
    with jax.enable_x64(recipe.dtype == "float64"):
        weights = np.asarray(shares, recipe.dtype)
        for begin in range(0, len(x), size):
            block = x[begin : begin + size]
            choices = {"dtype": recipe.dtype, "logits": recipe.fused, "activation": recipe.link}
            of_block = _mean_outputs(recipe.layers, stacked, weights, _padded(block), **choices)
            blocks.append(np.asarray(of_block)[: len(block)])
    return np.concatenate(blocks)


def _padded(block: np.ndarray) -> np.ndarray:
    """Return the rows with rows of zeros below, up to a power of two.

    Few rows are padded to ``MIN_BLOCK_ROWS``: a single row is multiplied by other machine code, with other last digits.
    """
    padded = np.zeros((max(MIN_BLOCK_ROWS, 1 << (len(block) - 1).bit_length()), block.shape[1]), block.dtype)
    padded[: len(block)] = block
    return padded


@partial(jax.jit, static_argnames=("dtype", "logits", "activation"))
def _mean_outputs(
    layers: Sequence[Layer],
    networks: Params,
    shares: jax.Array,
    x: jax.Array,
    *,
    dtype: str,
    logits: bool,
    activation: str,
) -> jax.Array:
    of_one = partial(_outputs, layers, x=x, dtype=dtype, logits=logits, activation=activation)
    return jnp.tensordot(shares, jax.vmap(of_one)(networks), axes=1)


def last_layer(recipe: Recipe, params: Params, x: np.ndarray) -> np.ndarray:
    """Return the outputs of the last layer (rows, n_outputs), including its activation."""
    return outputs(recipe, params, x, activation=recipe.link if recipe.fused else "linear")


def row_losses(recipe: Recipe, params: Params, rows: Dataset, index: np.ndarray) -> np.ndarray:
    """Return the loss (rows,) of each of these rows, given by number."""
    return losses_of(recipe, np.asarray(rows.labels)[index, :-1], outputs(recipe, params, np.asarray(rows.x)[index]))


def losses_of(recipe: Recipe, y: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return the loss of each row (rows,) from targets and outputs (rows, n_outputs) as returned by ``outputs``."""
    return _row_losses(recipe, recipe.loss, y, outputs, logits=recipe.fused)


def _row_losses(recipe: Recipe, loss: Loss, y: np.ndarray, given: np.ndarray, *, logits: bool) -> np.ndarray:
    """Return the loss of each row; rows below pad them, so that few sizes are compiled."""
    size = padded_rows(len(given))
    padded = [np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)]) for rows in (y, given)]
    with jax.enable_x64(recipe.dtype == "float64"):
        return np.asarray(_per_example(loss, *padded, logits=logits))[: len(given)]


def padded_rows(n: int) -> int:
    """Return the smallest of 2048, 3072, 4096, 6144, … that is at least ``n``."""
    size = SHARED_ROWS
    while size < n:
        size *= 2
    return size if size == SHARED_ROWS or size * 3 // 4 < n else size * 3 // 4


@partial(jax.jit, static_argnames="logits")
def _per_example(loss: Loss, y: jax.Array, outputs: jax.Array, *, logits: bool) -> jax.Array:
    return loss.per_example(y, outputs, logits=logits)


def losses_of_predictions(recipe: Recipe, y: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the loss of each row (…, rows) from targets (rows, …) and predictions (…, rows, n_outputs)."""
    loss: Any = recipe.loss
    loss = replace(loss, from_logits=False) if getattr(loss, "from_logits", False) else loss
    given = np.asarray(predictions, recipe.dtype)
    rows = np.broadcast_to(y, (*given.shape[:-2], *y.shape)).reshape(-1, *y.shape[1:])
    return _row_losses(recipe, loss, rows, given.reshape(-1, given.shape[-1]), logits=False).reshape(given.shape[:-1])


def evaluate(recipe: Recipe, params: Params, x: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return loss and metrics by name of rows x (n, features) with the labels (n + 1, outputs + 1) of a ``Dataset``."""
    found = outputs(recipe, params, x)
    with jax.enable_x64(recipe.dtype == "float64"):
        values = jax.jit(score)(recipe, labels[:-1, :-1], found, labels[None, :-1, -1])
    return dict(zip(("loss", *recipe.metrics), np.asarray(values[0], float).tolist(), strict=True))
