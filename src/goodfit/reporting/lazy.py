"""altair, imported when the first chart is drawn: a report whose drawings are those of the page before draws none."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    import altair as alt
else:
    alt = lazy_loader.load("altair")

__all__ = ["alt"]
