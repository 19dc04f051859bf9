"""Intervals of stats.py: Wilson's as SciPy has it, the bootstrap beside a closed form."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from goodfit.stats import bootstrap_intervals, weighted_mean_error, wilson_interval


def test_the_standard_error_of_a_mean_is_s_over_root_n():
    values = np.random.default_rng(0).normal(size=50)
    mean, error = weighted_mean_error(values)
    assert (mean, error) == pytest.approx((values.mean(), values.std(ddof=1) / math.sqrt(50)), rel=1e-12)


def test_a_row_of_weight_zero_is_not_there():
    values, weights = np.array([1.0, 2.0, 4.0, 99.0]), np.array([2.0, 2.0, 2.0, 0.0])
    assert weighted_mean_error(values, weights) == pytest.approx(weighted_mean_error(values[:3]), rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (8, 10), (1, 1), (170, 200), (14_000, 16_281)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_wilson_interval_solves_its_equation(k, n, confidence):
    """Its ends are the p for which |k/n − p| = z·√(p(1 − p)/n)."""
    z = norm.ppf((1 + confidence) / 2)
    for p in wilson_interval(k, n, confidence=confidence):
        assert abs(k / n - p) == pytest.approx(z * math.sqrt(p * (1 - p) / n), abs=1e-9)


@pytest.mark.parametrize(("k", "n", "confidence"), [(1, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.5)])
def test_an_interval_of_nothing_is_refused(k, n, confidence):
    with pytest.raises(ValueError, match=r"."):
        wilson_interval(k, n, confidence=confidence)


RIGHT = np.arange(400) < 300


def shares(weights):
    """Share of the rows that are right, and a metric that only draws with the first row have."""
    return np.stack(
        [weights @ RIGHT[: weights.shape[1]] / weights.sum(axis=1), np.where(weights[:, 0], 0.5, np.nan)], 1
    )


def test_the_bootstrap_of_a_share_is_the_binomial_interval():
    (low, high), _ = bootstrap_intervals(shares, 400, seed=1, n_resamples=4000)
    half = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.005)


def test_the_weights_are_counts_in_blocks_and_the_seed_decides(monkeypatch):
    seen = []
    intervals = bootstrap_intervals(lambda w: seen.append(w) or shares(w), 3, seed=3, n_resamples=50)
    counts = np.concatenate(seen)
    assert counts.shape == (50, 3) and set(counts.sum(axis=1)) == {3} and counts.max() > 1
    monkeypatch.setattr("goodfit.stats.BLOCK_CELLS", 3 * 20)
    assert bootstrap_intervals(shares, 3, seed=3, n_resamples=50) == intervals


def test_draws_on_which_a_metric_is_undefined_are_left_out():
    assert bootstrap_intervals(shares, 3, seed=0)[1] == (0.5, 0.5)
    never = bootstrap_intervals(lambda w: np.full((len(w), 1), np.nan), 3, seed=0, n_resamples=3)
    assert all(map(math.isnan, never[0]))


def test_no_rows_have_no_interval():
    with pytest.raises(ValueError, match="at least one row"):
        bootstrap_intervals(shares, 0, seed=0)
