"""What the command line shows: before a training, during it and after it, for people and as JSON."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from goodfit.formatting import without_controls


class SafeConsole(Console):
    """A console on which no text can steer the terminal, whatever a table or a run folder calls its columns."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is shown; those of rich itself that move the cursor stay as they are."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(without_controls(segment.text), segment.style)


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows words as they are: those of a table may look like markup, or like the name of an emoji."""
    return SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False)
