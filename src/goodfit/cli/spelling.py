"""Settings, next steps and arguments of Python as flags of the command line."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from goodfit.formatting import exact

FLAGS = {"kinds": "kind", "overwrite": "force", "start": "from"}
"""Flags that are not called like their argument."""
ARGUMENT = re.compile(r"\b([a-z]\w+)=('[^']*'|[\w.…]*\w)")


def train_command(source: str, target: str, given: Mapping[str, Any]) -> str:
    """Return ``goodfit train …`` with these keyword arguments of ``goodfit.train``, quoted for a shell.

    >>> train_command("my table.csv", "Survived", {"l2": 0.00001, "drop": ("Name", "-x")})
    "goodfit train 'my table.csv' --target Survived --l2 0.00001 --drop Name --drop=-x"
    """
    table = f"./{source}" if source.startswith("-") else source or "TABLE"
    return f"goodfit train {shlex.quote(table)} {flags({'target': target, **given})}"


def flags(given: Mapping[str, Any]) -> str:
    """Keyword arguments of ``goodfit.train`` as flags, quoted for a shell.

    >>> flags({"hidden": (256, 256), "kinds": {"zip code": "category"}, "refine": True})
    "--hidden 256,256 --kind 'zip code=category' --refine"
    """
    return " ".join(word for name, found in given.items() for word in _flag(name, found))


def with_flags(message: str, known: Mapping[str, str]) -> str:
    """A message that names arguments of Python, with the flag behind each that is an option of the command.

    known: from the name of an argument to its flag.

    >>> with_flags("folds=500 is more than the 120 rows", {"folds": "--folds"})
    'folds=500 (--folds) is more than the 120 rows'
    """
    return ARGUMENT.sub(lambda found: f"{found[0]} ({known[found[1]]})" if found[1] in known else found[0], message)


def _flag(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401
    flag = f"--{FLAGS.get(name, name).replace('_', '-')}"
    if isinstance(found, bool):
        yield from [flag] * found
        return
    for text in _texts(name, found):
        yield f"{flag}={shlex.quote(text)}" if text.startswith("-") else f"{flag} {shlex.quote(text)}"


def _texts(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401
    """What follows the flag; several texts where it is repeated."""
    if isinstance(found, Mapping):
        yield from (f"{key}={_text(entry)}" for key, entry in found.items())
    elif name == "drop":
        yield from [found] if isinstance(found, str) else found
    elif isinstance(found, list | tuple):
        yield ",".join(map(_text, found)) or "none"
    else:
        yield _text(found)


def _text(found: Any) -> str:  # noqa: ANN401
    return exact(found) if isinstance(found, float) else str(found)
