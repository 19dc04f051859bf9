"""Settings and next steps as a call in Python. The command line has a spelling of its own, ``cli/spelling.py``."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from goodfit.experiment.settings import Settings, apply_change
from goodfit.formatting import exact

Speller = Callable[[str, str, Mapping[str, Any]], str]
"""From the name of a table ("" for one in memory), the target and keyword arguments of ``goodfit.train`` to the text
that trains with them."""


def source_name(source: str, in_memory: str = "a table in memory") -> str:
    """Name of the file that a table came from, without its folders."""
    return Path(source).name or source or in_memory


def arguments(settings: Settings, change: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of ``goodfit.train`` that differ from the defaults, with a change applied.

    >>> arguments(Settings(l2=0.1, epochs=50), {"l2": 0.01, "refine": True})
    {'l2': 0.01, 'epochs': 50, 'refine': True}
    """
    changed, default = apply_change(settings, change), Settings()
    given = {f.name: getattr(changed, f.name) for f in fields(changed)}
    implied = "split" if changed.group or changed.time else ""
    other = {name: found for name, found in given.items() if found != getattr(default, name) and name != implied}
    return other | {name: found for name, found in change.items() if name not in given}


def python_call(source: str, target: str, given: Mapping[str, Any]) -> str:
    """Return the call of ``goodfit.train``.

    >>> print(python_call("titanic.csv", "Survived", {"l2": 0.00001, "drop": ["Name"]}))
    goodfit.train("titanic.csv", target="Survived", l2=0.00001, drop=["Name"])
    """
    table = _literal(source) if source else "table"
    return f"goodfit.train({', '.join([table, *keywords({'target': target, **given})])})"


def keywords(given: Mapping[str, Any]) -> list[str]:
    """Keyword arguments as they are written in Python.

    >>> keywords({"hidden": (256, 256), "class_weight": {"yes": 2.0}, "time": "Date"})
    ['hidden=(256, 256)', 'class_weight={"yes": 2}', 'time="Date"']
    """
    return [f"{name}={_literal(found)}" for name, found in given.items()]


def _literal(found: object) -> str:
    match found:
        case str():
            text = repr(found)
            return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in found else text
        case float():
            return exact(found)
        case Mapping():
            return "{" + ", ".join(f"{_literal(key)}: {_literal(entry)}" for key, entry in found.items()) + "}"
        case list():
            return f"[{', '.join(map(_literal, found))}]"
        case tuple():
            return f"({', '.join(map(_literal, found))}{',' if len(found) == 1 else ''})"
        case _:
            return repr(found)
