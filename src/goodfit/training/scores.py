"""Metrics of given predictions as plain numbers, and with 95 % intervals."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from goodfit.data.exam import Estimate, bootstrap_interval, wilson_interval
from goodfit.learning.metrics import METRICS

Array = npt.NDArray[Any]


def scores(names: Sequence[str], y: Array, prediction: Array) -> dict[str, float]:
    """Each metric of ``METRICS`` by name, in float64.

    Args:
        y: class numbers (rows,), or values (rows, outputs).
        prediction: probabilities (rows, classes), of two classes (rows, 1), or values (rows, outputs).
    """
    weight = np.ones(len(y))
    with jax.enable_x64(True):
        return {name: float(METRICS[name].function(*_arrays(y, prediction), jnp.asarray(weight))) for name in names}


def estimates(names: Sequence[str], y: Array, prediction: Array, *, seed: int) -> dict[str, Estimate]:
    """Each metric with its 95 % interval: Wilson's for accuracy, else the percentile bootstrap over the rows."""
    found = scores(names, y, prediction)
    with jax.enable_x64(True):
        return {name: Estimate(value, *_interval(name, value, y, prediction, seed)) for name, value in found.items()}


def _interval(name: str, value: float, y: Array, prediction: Array, seed: int) -> tuple[float, float]:
    if name == "accuracy":
        return wilson_interval(round(value * len(y)), len(y))
    arrays = _arrays(y, prediction)
    compiled = jax.jit(METRICS[name].function)

    def metric(_y: Array, _prediction: Array, weights: Array) -> float:
        return float(compiled(*arrays, weights.astype(np.float64)))

    return bootstrap_interval(metric, y, prediction, seed=seed)


def _arrays(y: Array, prediction: Array) -> tuple[jax.Array, jax.Array]:
    return jnp.asarray(y), jnp.asarray(prediction, jnp.float64)
