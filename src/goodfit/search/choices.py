"""What may be asked of a search, as plain values: known before anything that is slow is imported."""

from collections.abc import Iterable, Mapping
from typing import Literal

from goodfit.errors import ConfigError
from goodfit.validation import is_number

SelectionRule = Literal["best", "1se"]
RULES = ("best", "1se")
AUTO = {"l2": (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0), "learning_rate": (0.00001, 0.0001, 0.001, 0.01, 0.1)}
"""The values of ``auto``: those of the guide."""


def validate_values(name: str, given: object) -> tuple[float, ...]:
    """Return the values of a hyperparameter as sorted, distinct numbers: of one, of several, or of ``auto``.

    Raises:
        ConfigError: they are no numbers, or there are none.
    """
    if isinstance(given, str) and given == "auto" and name in AUTO:
        return AUTO[name]
    listed = given.tolist() if hasattr(given, "tolist") else given
    values = list(listed) if isinstance(listed, Iterable) and not isinstance(listed, str | Mapping) else [listed]
    if not values:
        raise ConfigError(f"{name} has no values; give at least one, or leave it out.")
    try:
        return tuple(sorted({_as_float(value) for value in values}))
    except (OverflowError, TypeError) as error:
        raise ConfigError(f"{name} must be a number or a list of numbers, not {given!r}.") from error


def _as_float(value: object) -> float:
    if not is_number(value):
        raise TypeError("no number")
    return float(value)
