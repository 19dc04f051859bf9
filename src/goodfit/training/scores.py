"""Metrics of given predictions as plain numbers, and with 95 % intervals."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from goodfit.data.exam import Estimate, bootstrap_intervals, wilson_interval
from goodfit.learning.metrics import METRICS

Array = npt.NDArray[Any]


def scores(names: Sequence[str], y: Array, prediction: Array) -> dict[str, float]:
    """Each metric of ``METRICS`` by name, in float64.

    Args:
        y: class numbers (rows,), or values (rows, outputs).
        prediction: probabilities (rows, classes), of two classes (rows, 1), or values (rows, outputs).
    """
    values = _judge(tuple(names), y, prediction, np.ones((1, len(y))))[0]
    return dict(zip(names, values.tolist(), strict=True))


def estimates(names: Sequence[str], y: Array, prediction: Array, *, seed: int) -> dict[str, Estimate]:
    """Each metric with its 95 % interval: Wilson's for accuracy, else the percentile bootstrap over the rows."""
    found = scores(names, y, prediction)
    intervals = bootstrap_intervals(lambda weights: _judge(tuple(names), y, prediction, weights), len(y), seed=seed)
    of_metric = dict(zip(names, intervals, strict=True))
    if "accuracy" in found:
        of_metric["accuracy"] = wilson_interval(round(found["accuracy"] * len(y)), len(y))
    return {name: Estimate(value, *of_metric[name]) for name, value in found.items()}


def _judge(names: tuple[str, ...], y: Array, prediction: Array, weights: Array) -> Array:
    """Every metric under every weighting of the rows: (weightings, metrics)."""
    with jax.enable_x64(True):
        return np.asarray(_compiled(names, y, prediction.astype(np.float64), weights.astype(np.float64)))


@partial(jax.jit, static_argnames="names")
def _compiled(names: tuple[str, ...], y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    def under(weight: jax.Array) -> jax.Array:
        return jnp.stack([METRICS[name].function(y, prediction, weight) for name in names])

    values: jax.Array = jax.lax.map(under, weights)
    return values
