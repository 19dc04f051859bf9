"""What the command line shows: before a training, during it and after it, for people and as JSON."""

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows words as they are: those of a table may look like markup, or like the name of an emoji."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)
