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
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near is not None else "choose from " + join(map(repr, known), most=8)


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the name that a misspelt one is most like, if there is one."""
    lowered = {option.lower(): option for option in reversed(list(options))}
    near = difflib.get_close_matches(name.lower(), lowered, n=1)
    return lowered[near[0]] if near else None


def numbered_names(n: int) -> list[str]:
    """Return the names of columns that have none: in arrays, in files without header, in frames numbered from 0.

    >>> numbered_names(2)
    ['column_1', 'column_2']
    """
    return [f"column_{position}" for position in range(1, n + 1)]


def complete_names(names: Sequence[str]) -> list[str]:
    """Return the names trimmed, ``unnamed_<position>`` for an empty one; DataError if two are equal.

    Names 0, 1, 2, …, which a data frame made of an array has, also in its CSV file, are no names.

    >>> complete_names(["age ", ""]), complete_names(["0", "1"])
    (['age', 'unnamed_2'], ['column_1', 'column_2'])
    """
    if list(names) == [str(position) for position in range(len(names))]:
        return numbered_names(len(names))
    complete = [name.strip() or f"unnamed_{position}" for position, name in enumerate(names, start=1)]
    first: dict[str, int] = {}
    for position, name in enumerate(complete, start=1):
        if name in first:
            raise DataError(f"columns {first[name]} and {position} are both named {name!r}: rename one of them")
        first[name] = position
    return complete
