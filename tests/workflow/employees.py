"""A small table with numbers, categories and dates, runs on it, and what makes two of them the same."""

import numpy as np
import pandas as pd

from goodfit import (
    train,
)

RNG = np.random.default_rng(0)
N = 96
"""Of these 64 rows train, 16 validate and 16 are sealed, so that all tests share a few compiled programs."""

AGE = RNG.normal(40, 10, N)
CITY = RNG.choice(["Bonn", "Rome", "Oslo"], N)
SCORE = AGE / 10 + 2 * (CITY == "Rome") + 0.3 * RNG.normal(size=N)
TABLE = pd.DataFrame(
    {
        "age": np.where(np.arange(N) % 9 == 4, np.nan, AGE),
        "city": CITY,
        "joined": pd.date_range("2024-01-31", periods=N, freq="7D").astype(str),
        "left": np.where(np.median(SCORE) < SCORE, "no", "Yes"),
        "team": np.array(["blue", "green", "red"])[np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))],
        "pay": SCORE,
    }
)
TARGETS = ("left", "team", "pay")
SMALL = {"hidden": (4,), "epochs": 5, "l2": 0.001, "learning_rate": 0.01, "test_size": 16}


def fit(target="left", table=TABLE, **choices):
    others = [name for name in TARGETS if name != target and name in getattr(table, "columns", TARGETS)]
    return train(table, target, **SMALL | {"drop": others} | choices)


def assert_same_params(params, expected):
    for layer, other in zip(params, expected, strict=True):
        for name in layer:
            np.testing.assert_array_equal(layer[name], other[name])


def assert_same_predictions(found, expected, **tolerance):
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, **({"rtol": 0} | tolerance))
