"""Estimates from samples: standard errors, confidence intervals and the bootstrap.

NumPy only. Nothing here knows a table, a network or a file.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Array

Scorer = Callable[[Array], npt.ArrayLike]
"""scorer(weights): metrics (draws, metrics) of draws (draws, rows) that say how often each row was drawn."""

Z95 = 1.96
"""Standard errors that a 95 % interval of a mean reaches to each side."""
BLOCK_CELLS = 200_000
"""Draws are scored in blocks of about this many weights, which a processor's cache holds."""


class Estimate(NamedTuple):
    """A value and the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def weighted_mean_error(values: Array, weights: Array | None = None) -> tuple[float, float]:
    """Return the weighted mean of independent values and its standard error.

        mean = Σ wᵢ·vᵢ        SE² = n/(n − 1) · Σ wᵢ²·(vᵢ − mean)²        w normalised to Σ wᵢ = 1

    n counts the non-zero weights; with equal weights this is s/√n.

    Args:
        values: (n,). weights: (n,), not negative; None for equal weights.

    >>> weighted_mean_error(np.array([1.0, 2.0, 3.0, 4.0]))
    (2.5, 0.6454972243679028)
    """
    weights = np.ones(len(values)) if weights is None else weights
    share = weights / weights.sum()
    mean, n = float(share @ values), np.count_nonzero(share)
    return mean, float(np.sqrt(share**2 @ (values - mean) ** 2 * n / max(1, n - 1)))


def wilson_interval(k: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval for k successes in n trials.

    Unlike p ± z·√(p(1 − p)/n) it holds near 0 and 1 and in small samples. Source: Wilson (1927). SciPy has it, too, but
    takes as long to import as the rest of ``goodfit test``.

    Raises:
        ValueError: unless 0 ≤ k ≤ n, n ≥ 1 and 0 < confidence < 1.

    >>> low, high = wilson_interval(8, 10)
    >>> print(f"{low:.4f} {high:.4f}")
    0.4902 0.9433
    """
    if not (n >= 1 and 0 <= k <= n and 0 < confidence < 1):
        raise ValueError(f"wilson_interval needs 0 ≤ k ≤ n and n ≥ 1, not k={k} and n={n}.")
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    center, half = k + z2 / 2, math.sqrt(z2 * (k * (n - k) / n + z2 / 4))
    # Exact at the ends, where rounding would leave 1 − 1e-16.
    return (center - half) / (n + z2) if k else 0.0, (center + half) / (n + z2) if k < n else 1.0


def interval_of_new_sample(found: Estimate, n: int, n_new: int) -> Estimate:
    """Return the interval in which the same statistic of another sample lies, from a sample and its interval.

    Both samples vary, so each half of the interval is stretched by √(1 + n/n_new).

    >>> interval_of_new_sample(Estimate(0.5, 0.4, 0.6), n=300, n_new=100)
    Estimate(value=0.5, low=0.3, high=0.7)
    """
    stretch = math.sqrt(1 + n / n_new)
    value, low, high = found
    return Estimate(value, value - stretch * (value - low), value + stretch * (high - value))


def bootstrap_intervals(
    scorer: Scorer,
    n_rows: int,
    *,
    seed: int,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    stands_for: Array | None = None,
) -> list[tuple[float, float]]:
    """Return the percentile bootstrap interval over rows of each of several metrics.

    ``scorer`` receives draws of n rows with replacement as weights (draws, n): multinomial counts that sum to n. It
    returns the metrics (draws, metrics). An interval runs from the (1 − confidence)/2 to the (1 + confidence)/2
    quantile. Draws for which a metric is undefined (NaN) are left out; the interval is NaN if all are.

    stands_for: for how many rows each row stands (n,), where these are a sample of more. The counts then sum to the
    total, and the interval is that of so many rows.

    Source: Efron (1979); Kleiner et al. (2014), "A scalable bootstrap for massive data".

    Raises:
        ValueError: there are no rows.
    """
    if n_rows < 1:
        raise ValueError("bootstrap_intervals needs at least one row.")
    rng = np.random.default_rng(seed)
    size = max(1, min(n_resamples, BLOCK_CELLS // n_rows))

    def draw() -> Array:
        if stands_for is None:
            return np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)
        total = stands_for.sum()
        return rng.multinomial(round(total), stands_for / total)

    blocks = []
    for begin in range(0, n_resamples, size):
        draws = np.stack([draw() for _ in range(size)])
        blocks.append(np.asarray(scorer(draws))[: n_resamples - begin])
    return [_quantiles(values[~np.isnan(values)], confidence) for values in np.concatenate(blocks).T]


def _quantiles(values: Array, confidence: float) -> tuple[float, float]:
    if not values.size:
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
