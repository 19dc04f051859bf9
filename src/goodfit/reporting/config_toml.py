"""A training as TOML, which ``goodfit.read_config`` reads."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from goodfit.experiment.settings import Settings
from goodfit.formatting import value

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def config_toml(source: str, target: str, settings: Settings, *, start: str = "") -> str:
    """Return every setting of a training as TOML; "" where a splitter object cannot be written.

    Args:
        source: path or name of the table, "" for one in memory.
        start: folder of the earlier run that the training started from, "" for none.

    >>> lines = config_toml("my.csv", "Churn", Settings(l2=(0.0, 0.01), kinds={"zip code": "category"})).splitlines()
    >>> lines[:3], lines[-2:]
    (['table = "my.csv"', 'target = "Churn"', 'l2 = [0, 0.01]'], ['[kinds]', '"zip code" = "category"'])
    """
    if not isinstance(settings.split, str):
        return ""
    found = {"table": source or None, "target": target, "start": start or None, **settings.to_json()}
    found = {name: each for name, each in found.items() if each is not None}
    tables = {name: each for name, each in found.items() if isinstance(each, Mapping)}
    lines = [f"{name} = {_written(each)}" for name, each in found.items() if name not in tables]
    for name, entries in tables.items():
        lines += ["", f"[{name}]", *_entries(entries)] if entries else []
    return "\n".join(lines) + "\n"


def _entries(found: Mapping[str, Any]) -> Iterable[str]:
    """A key without quotes where that is allowed."""
    return (f"{name if _BARE.fullmatch(name) else _text(name)} = {_written(each)}" for name, each in found.items())


def _written(found: Any) -> str:  # noqa: ANN401
    match found:
        case bool():
            return str(found).lower()
        case str():
            return _text(found)
        case float():
            short = value(found)
            return short if float(short) == found else repr(found)
        case [str(), _, *_]:
            return "\n".join(["[", *(f"    {_written(each)}," for each in found), "]"])
        case list() | tuple():
            return f"[{', '.join(map(_written, found))}]"
        case _:
            return str(found)


def _text(found: str) -> str:
    """A basic string, in which every character can be seen."""
    return f'"{"".join(map(_character, found))}"'


def _character(found: str) -> str:
    if found in _ESCAPED:
        return _ESCAPED[found]
    if found.isprintable():
        return found
    return f"\\u{ord(found):04X}" if ord(found) <= 0xFFFF else f"\\U{ord(found):08X}"
