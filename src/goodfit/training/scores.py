"""Metrics of given predictions with 95 % confidence intervals, in float64."""

from collections.abc import Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.arrays import Array
from goodfit.nn.metrics import METRICS
from goodfit.stats import Estimate, bootstrap_intervals, wilson_interval

RESAMPLES = 200, 1000
"""How often rows are drawn anew: 1,000 times, less often when a draw is large, never below 200."""
DRAWN_PREDICTIONS = 10_000_000


def estimates(
    names: Sequence[str], y: Array, predictions: Mapping[str, Array], *, seed: int
) -> dict[str, dict[str, Estimate]]:
    """For each of several models, each metric of ``METRICS`` by name with its 95 % interval, on the same rows.

    Intervals: Wilson's for accuracy, else the percentile bootstrap over the rows, the same draws for every model.

    Args:
        y: class numbers (rows,), or values (rows, outputs).
        predictions: of each model probabilities (rows, classes), of two classes (rows, 1), or values (rows, outputs).
    """
    given = np.stack([np.asarray(prediction, np.float64) for prediction in predictions.values()])
    undrawn: list[Array] = []

    def judge(draws: Array) -> Array:
        weights = np.vstack([np.ones(len(y)), draws])
        with jax.enable_x64(True):
            values = np.asarray(_judge(tuple(names), y, given, weights))
        undrawn[:] = [values[:, 0].ravel()]
        return values[:, 1:].transpose(1, 0, 2).reshape(len(draws), -1)

    n_resamples = int(np.clip(DRAWN_PREDICTIONS // given[0].size, *RESAMPLES))
    ends = bootstrap_intervals(judge, len(y), seed=seed, n_resamples=n_resamples)
    found = iter(Estimate(value, *end) for value, end in zip(undrawn[0].tolist(), ends, strict=True))
    return {model: {name: _exact(name, next(found), len(y)) for name in names} for model in predictions}


def _exact(name: str, found: Estimate, n_rows: int) -> Estimate:
    """A share has an interval in closed form."""
    if name != "accuracy":
        return found
    return Estimate(found.value, *wilson_interval(round(found.value * n_rows), n_rows))


@partial(jax.jit, static_argnames="names")
def _judge(names: tuple[str, ...], y: jax.Array, predictions: jax.Array, weights: jax.Array) -> jax.Array:
    """Every metric of every model (models, rows, outputs) under every weighting (m, rows): (models, m, metrics)."""

    def of_model(prediction: jax.Array) -> jax.Array:
        def under(weight: jax.Array) -> jax.Array:
            return jnp.stack([METRICS[name].function(y, prediction, weight) for name in names])

        values: jax.Array = jax.lax.map(under, weights)
        return values

    values: jax.Array = jax.lax.map(of_model, predictions)
    return values
