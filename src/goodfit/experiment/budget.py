"""The time that a search may take."""

import re

from goodfit.errors import ConfigError

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(budget: object) -> float:
    """Return a time in seconds, from a number of them or from text with the unit s, m or h.

    Raises:
        ConfigError: it is none, or not positive.

    >>> seconds_of(90), seconds_of("90s"), seconds_of("1.5m"), seconds_of("2h")
    (90.0, 90.0, 90.0, 7200.0)
    """
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([smh]?)\s*", str(budget))
    seconds = float(found[1]) * SECONDS[found[2]] if found and not isinstance(budget, bool) else 0.0
    if seconds <= 0:
        raise ConfigError(f"budget must be a time above zero, such as '90s', '5m' or '2h', not {budget!r}.")
    return seconds
