"""Whether an argument is a number, a count or a share: decided before anything that is slow is imported."""

import math
from numbers import Integral, Rational, Real
from typing import TypeGuard

from goodfit.errors import ConfigError, SplitError


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether ``value`` is an integer of Python or NumPy, which registers its own; a bool is not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is an integer or a float of Python or NumPy; a bool and a fraction are not."""
    return is_integer(value) or (isinstance(value, Real) and not isinstance(value, Rational))


def is_finite(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is a finite number of Python or NumPy; a bool is not.

    >>> [is_finite(value) for value in (0.01, 3, float("nan"), "0.01", None, True)]
    [True, True, False, False, False, False]
    """
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def is_whole(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is a whole number, such as 3 or 3.0."""
    return is_finite(value) and value == int(value)


def is_weight(value: object) -> bool:
    """Return whether ``value`` is a finite number, zero or larger; a bool is 0 or 1."""
    return isinstance(value, bool) or (is_finite(value) and value >= 0)


def validate_not_negative(argument: str, value: object) -> None:
    """Raise ConfigError, naming ``argument``, unless ``value`` is a finite number, zero or larger."""
    if not (is_finite(value) and value >= 0):
        raise ConfigError(f"{argument} must be a finite number, zero or larger, not {value!r}.")


def validate_count(
    argument: str, value: object, *, smallest: int = 1, largest: int = 2**31 - 1, auto: bool = False
) -> None:
    """Raise ConfigError, naming ``argument``, unless ``value`` is a whole number in this range, or ``auto``."""
    if auto and isinstance(value, str) and value == "auto":
        return
    if not is_integer(value) or value < smallest:
        choices = f"{smallest} or more, or 'auto'" if auto else f"{smallest} or more"
        raise ConfigError(f"{argument} must be a whole number, {choices}, not {value!r}.")
    if value > largest:
        raise ConfigError(f"{argument} must be at most {largest:,}, not {value:,}.")


def validate_size(name: str, size: object, *, zero: bool = False, counts: bool = False) -> None:
    """Raise SplitError unless size is a fraction in (0, 1); `zero` allows 0 too, `counts` a number of rows."""
    if is_number(size) and (0 < size < 1 or (zero and size == 0) or (counts and is_integer(size) and size > 0)):
        return
    low = "from 0 up to but not including 1" if zero else "between 0 and 1"
    raise SplitError(f"{name} must be a fraction {low}{' or a number of rows' if counts else ''}, not {size!r}.")
