"""Small cards: how a result shows itself, as plain text in a terminal and as HTML in a notebook."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from goodfit.formatting import MAX_NAME_CHARS, cut, without_controls

WIDTH, MAX_ROWS = 88, 12
"""Characters of a line, and rows of a table."""
_CARD = (
    "font:13px/1.5 system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;max-width:46rem;margin:.4rem 0;"
    "padding:.1rem .9rem;border-left:3px solid #8a8f98;overflow-x:auto"
)
_TABLE = "font:inherit;border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums"
_CELL = "padding:.1rem 1.1rem .1rem 0;text-align:{};vertical-align:top;white-space:nowrap;background:none"
_MUTED = "opacity:.72"


@dataclass(frozen=True)
class Card:
    """What there is to say about a result.

    title: one line. facts: label and sentence. header, rows: of a table; the first column is a name, the others hold
    numbers. note: one sentence below.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""

    def text(self) -> str:
        """Return the card as plain text of at most about 40 lines.

        >>> print(Card("Training", [("outcome", "finished")], ["metric", "value"], [["loss", "0.5"]]).text())
        Training
          outcome  finished
        <BLANKLINE>
          metric  value
          loss      0.5
        """
        lines = [_line(self.title, WIDTH), *self._fact_lines()]
        if self.rows:
            lines += ["", *self._table_lines()]
        lines += textwrap.wrap(self._note, WIDTH, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(line.rstrip() for line in lines)

    def html(self) -> str:
        """Return the card as HTML without script or link; every text is escaped."""
        facts = "".join(
            f'<tr><th style="{_CELL.format("left")};font-weight:600">{_html(label)}</th>'
            f'<td style="{_CELL.format("left")};white-space:normal">{_html(said)}</td></tr>'
            for label, said in self.facts
        )
        parts = [f'<div style="{_CARD}"><strong>{_html(self.title)}</strong>']
        if facts:
            parts.append(f'<table style="{_TABLE}"><tbody>{facts}</tbody></table>')
        if self.rows:
            parts.append(self._table_html())
        if self._note:
            parts.append(f'<div style="{_MUTED}">{_html(self._note)}</div>')
        return f"{''.join(parts)}</div>"

    @property
    def _shown(self) -> Sequence[Sequence[str]]:
        return self.rows[:MAX_ROWS]

    @property
    def _note(self) -> str:
        left = len(self.rows) - MAX_ROWS
        return " ".join([*[f"… and {left:,} more."] * (left > 0), *[self.note] * bool(self.note)])

    def _fact_lines(self) -> Iterable[str]:
        width = max((len(label) for label, _ in self.facts), default=0) + 4
        for label, said in self.facts:
            head = f"  {label}".ljust(width)
            yield from textwrap.wrap(
                _line(said), max(WIDTH, width + 20), initial_indent=head, subsequent_indent=" " * width
            ) or [head]

    def _table_lines(self) -> Iterable[str]:
        cells = [[_line(cell, MAX_NAME_CHARS) for cell in row] for row in (self.header, *self._shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for name, *others in cells:
            padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            yield "  " + "  ".join([name.ljust(widths[0]), *padded])

    def _table_html(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            sides = ("left", *["right"] * (len(cells) - 1))
            inside = "".join(
                f'<{tag} style="{_CELL.format(side)}">{_html(cell, MAX_NAME_CHARS)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )
            return f"<tr>{inside}</tr>"

        body = "".join(row(cells, "td") for cells in self._shown)
        head = f'<thead style="{_MUTED}">{row(self.header, "th")}</thead>'
        return f'<table style="{_TABLE}">{head}<tbody>{body}</tbody></table>'


class ShownAsCard:
    """A result that shows itself as a card: ``repr`` in a terminal, HTML in a notebook."""

    def _card(self) -> Card:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()


def _line(text: str, longest: int = 400) -> str:
    """A text from anywhere on one line, without characters that steer a terminal."""
    return cut(without_controls(" ".join(text.split())), longest)


def _html(text: str, longest: int = 400) -> str:
    return escape(_line(text, longest))
