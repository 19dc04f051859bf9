"""Names of columns: completed, checked for duplicates, and the nearest one to a misspelt name."""

import difflib
from collections.abc import Iterable, Sequence

from goodfit.errors import DataError
from goodfit.formatting import join


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: the nearest known name, or the first few.

    >>> did_you_mean("Pclas", ["Survived", "Pclass"])
    "did you mean 'Pclass'?"
    >>> did_you_mean("zzz", ["a", "b"])
    "choose from 'a', 'b'"
    """
    known = list(options)
    lowered = {option.lower(): option for option in reversed(known)}
    if near := difflib.get_close_matches(name.lower(), lowered, n=1):
        return f"did you mean {lowered[near[0]]!r}?"
    return "choose from " + join(map(repr, known), most=8)


def complete_names(names: Sequence[str]) -> list[str]:
    """Return the names trimmed, ``unnamed_<position>`` for an empty one; DataError if two are equal."""
    complete = [name.strip() or f"unnamed_{position}" for position, name in enumerate(names, start=1)]
    first: dict[str, int] = {}
    for position, name in enumerate(complete, start=1):
        if name in first:
            raise DataError(f"columns {first[name]} and {position} are both named {name!r}: rename one of them")
        first[name] = position
    return complete
