"""A template and its figures as one self-contained page: no other file, no script, no request.

A page is a template that extends ``base.html.j2`` and begins with

    {% import "figures.html.j2" as draw with context %}

``render(template, figures, …)`` draws the figures and fills in the template; ``{{ draw.show(figure) }}`` shows one.
Autoescape is on. ``{{ text | legible }}`` writes text of a user: invisible characters, and those that change the
writing direction, are spelled out. A name from a table goes into <bdi>: ``<bdi>{{ name | printable }}</bdi>``.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

import goodfit
from goodfit.errors import RunError
from goodfit.files import write_file
from goodfit.formatting import CONTROLS, count, numbers, printable, share, value
from goodfit.reporting.svg import Chart, drawings_of, inline_svg, png, relabelled, side_by_side
from goodfit.reporting.theme import palette_css

LONGEST_TEXT = 2000
POLICY = "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Figure:
    """One figure of a page.

    Attributes:
        name: unique on its page; also the name of its PNG file.
        title: what is drawn, in a few words.
        sentence: its message, computed from the numbers.
        draw: one chart, or several side by side; or what makes them when they are to be drawn.
        code: the code that made it, or "".
    """

    name: str
    title: str
    sentence: str
    draw: Sequence[Chart] | Callable[[], Sequence[Chart]]
    code: str = ""

    @cached_property
    def charts(self) -> Sequence[Chart]:
        """The charts."""
        return self.draw() if callable(self.draw) else self.draw


def render(
    template: str,
    figures: Iterable[Figure],
    /,
    *,
    extra_css: str = "",
    before: str = "",
    of: str = "",
    **context: Any,  # noqa: ANN401
) -> str:
    """Render a page.

    Args:
        figures: every figure that the template shows.
        extra_css: rules of this page alone; it must not contain text of a user.
        before: the same page as it was: figures that have not changed are not drawn again.
        of: what all figures are made of, as a digest: where it is that of ``before``, no figure is made.
        context: variables of the template.
    """
    style = palette_css() + (files(__package__) / "page.css").read_text(encoding="utf-8") + extra_css
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = (
        _environment()
        .get_template(template)
        .render(
            **context,
            drawings=_drawings(figures, drawings_of(before), of),
            policy=POLICY.format(digest),
            style=style,
            version=goodfit.__version__,
        )
    )
    return CONTROLS.sub(lambda found: legible(found[0]), page)


def _drawings(figures: Iterable[Figure], before: Mapping[str, str], of: str) -> dict[str, list[str]]:
    """Charts of each figure as SVG, by name; drawn in threads, since drawing releases the GIL."""
    with ThreadPoolExecutor() as pool:
        drawn = {figure.name: _drawn(figure, before, of, pool) for figure in figures}
        return {
            name: [svg if isinstance(svg, str) else svg.result() for svg in several] for name, several in drawn.items()
        }


def _drawn(figure: Figure, before: Mapping[str, str], of: str, pool: ThreadPoolExecutor) -> Sequence[str | Future[str]]:
    """The drawings of the page before, or those that are being drawn."""
    label = legible(figure.sentence)
    for n in range(1, 1 + len(before)) if of else ():
        digests = [_digest(of, figure, number, n) for number in range(n)]
        if all(digest in before for digest in digests):
            return [relabelled(before[digest], label) for digest in digests]
    return [
        pool.submit(
            inline_svg,
            chart,
            label=label,
            name=f"{figure.name}-{number}",
            before=before,
            digest=_digest(of, figure, number, len(figure.charts)) if of else "",
        )
        for number, chart in enumerate(figure.charts)
    ]


def _digest(of: str, figure: Figure, number: int, n: int) -> str:
    return hashlib.sha256(f"{of} {figure.name} {number} {n}".encode()).hexdigest()[:32]


def write_pngs(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Write every figure as ``<name>.png``, several charts side by side.

    Raises:
        RunError: the folder cannot be written to.
    """
    paths = [folder / f"{figure.name}.png" for figure in figures]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure, path in zip(figures, paths, strict=True):
            write_file(path, png(side_by_side(figure.charts)))
    except OSError as error:
        raise RunError(f"{folder} cannot be written to ({error.strerror}): choose another folder.") from error
    return paths


def legible(text: object, longest: int = LONGEST_TEXT) -> str:
    """A text with invisible characters spelled out, cut if it is very long.

    >>> legible("a\\x00b\\u202ec")
    'a⟨U+0000⟩b⟨U+202E⟩c'
    """
    whole = str(text)
    cut = whole if len(whole) <= longest else whole[: longest - 1] + "…"
    return "".join(letter if letter.isprintable() else f"⟨U+{ord(letter):04X}⟩" for letter in cut)


def legible_lines(text: str) -> str:
    """``legible`` for several lines."""
    return "\n".join(legible(line) for line in text.splitlines())


def _template(name: str) -> str:
    """A template of this folder, or of another one that is named before a slash."""
    folder, _, file = name.rpartition("/")
    return (files("goodfit") / (folder or "reporting") / file).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_template),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: Mapping[str, Any] = {
        "count": count,
        "legible": legible,
        "legible_lines": legible_lines,
        "numbers": numbers,
        "printable": printable,
        "share": share,
        "value": value,
    }
    environment.filters.update(filters)
    return environment
