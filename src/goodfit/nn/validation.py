"""Whether an argument is a number."""

import math
from typing import TypeGuard

import numpy as np


def is_finite(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is a finite number of Python or NumPy; a bool is not.

    >>> [is_finite(value) for value in (0.01, 3, float("nan"), "0.01", None, True)]
    [True, True, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value)


def is_whole(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is a whole number, such as 3 or 3.0."""
    return is_finite(value) and value == int(value)
