"""The command that makes a run again, and the one that takes its next step."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goodfit.experiment.run_folder import Record
from goodfit.experiment.settings import Settings
from goodfit.formatting import value

NAMES = {"kinds": "--kind"}
REPEATABLE = ("--kind", "--drop", "--class-weight")


def source_name(source: str) -> str:
    """What a page says of where the table came from: the name of the file, not the folders it lies in."""
    return Path(source).name or source or "a table in memory"


def train_command(record: Record, *, argument: str = "") -> str:
    """``goodfit train …`` with every setting that is not the default; ``argument`` is added, or put in its place."""
    options = list(_options(record.settings))
    added = _pairs(shlex.split(argument)) if argument else []
    replaced = {name for name, _ in added if name not in REPEATABLE}
    kept = [(name, text) for name, text in options if name not in replaced and (name, text) not in added]
    data = Path(record.source).name if record.source else "TABLE"
    words = ["goodfit", "train", data, "--target", record.target.name]
    for name, text in [*kept, *added]:
        words += [name, text] if text else [name]
    return shlex.join(words)


def _options(settings: Settings) -> Iterator[tuple[str, str]]:
    """Options of the command line with their values, but for those that have the default."""
    default = Settings().to_json()
    for name, found in settings.to_json().items():
        if found != default[name]:
            option = NAMES.get(name, f"--{name.replace('_', '-')}")
            yield from ((option, text) for text in _texts(name, found))


def _texts(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401
    """What stands behind the option; several for one that is repeated."""
    if isinstance(found, dict):
        yield from (f"{key}={_text(entry)}" for key, entry in found.items())
    elif name == "drop":
        yield from found
    elif isinstance(found, list | tuple):
        yield ",".join(map(_text, found)) or "none"
    else:
        yield _text(found)


def _text(found: Any) -> str:  # noqa: ANN401
    return value(found) if isinstance(found, float) else str(found)


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """--option value --option … as pairs, "" for one without a value."""
    pairs: list[tuple[str, str]] = []
    for word in words:
        if word.startswith("--") or not pairs or pairs[-1][1]:
            pairs.append((word, ""))
        else:
            pairs[-1] = (pairs[-1][0], word)
    return pairs
