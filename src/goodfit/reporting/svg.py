"""A chart as a picture: SVG that lives inside a page, or a PNG file. No browser, no script, no network.

``inline_svg`` keeps of what vl-convert draws only shapes and words, so that nothing else can come into the page. A mark
whose ``description`` is ``key:a b`` gets the CSS classes a and b, by which a page can show and hide it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert

from goodfit.reporting.theme import CONFIG, LIGHT

Chart = alt.TopLevelMixin
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = ("path", "line", "rect", "text")
GROUPS = ("g", "defs", "clipPath")
KEPT = {
    *("d", "dx", "dy", "height", "transform", "viewBox", "width", "x", "x2", "y", "y2", "id", "clip-path"),
    *("fill", "fill-opacity", "opacity", "stroke", "stroke-dasharray", "stroke-linejoin", "stroke-opacity"),
    *("stroke-width", "font-size", "font-weight", "text-anchor"),
}
KEY = "key:"
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
CLIP = re.compile(r"clip\d+")
CLASSES = re.compile(r"[a-z0-9 -]+")
VARIABLES = {colour: f"var(--{name})" for name, colour in LIGHT.items()}


def spec_of(chart: Chart) -> dict[str, Any]:
    """The chart as Vega-Lite has it, in our colours.

    Ours are held against the schema by tests, so that it is not looked up on every page.
    """
    spec: dict[str, Any] = chart.to_dict(validate=False)
    several = {"hconcat", "vconcat", "concat", "facet"} & set(spec)
    fits = {} if several else {"autosize": {"type": "fit", "contains": "padding"}}
    return spec | fits | {"config": CONFIG}


def beside(charts: Sequence[Any]) -> Chart:
    """Several charts as one, in a row."""
    chart: Chart = charts[0] if len(charts) == 1 else alt.hconcat(*charts)
    return chart


def png(chart: Chart, *, scale: float = 2.0) -> bytes:
    """The chart as a PNG in the light colours, ``scale`` pixels for each of its own."""
    return bytes(vl_convert.vegalite_to_png(spec_of(chart), scale=scale))


def inline_svg(chart: Chart, *, label: str, name: str) -> str:
    """The chart as an SVG element that takes the width it is given and the colours of the page.

    Args:
        label: what it shows, for those who do not see it.
        name: of this picture on its page, a word of its own.
    """
    drawn = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec_of(chart)))
    _renumber(drawn)
    root = ElementTree.Element("svg", {"viewBox": drawn.attrib["viewBox"], "role": "img", "aria-label": label})
    root.extend(_inside(drawn, name))
    return ElementTree.tostring(root, encoding="unicode")


def _renumber(drawn: ElementTree.Element) -> None:
    """Count clips from 0. vl-convert goes on counting from one chart to the next; the same page is the same text."""
    order: dict[str, str] = {}
    for element in drawn.iter():
        for key in ("id", "clip-path"):
            if key in element.attrib:
                element.attrib[key] = CLIP.sub(
                    lambda found: order.setdefault(found[0], f"clip{len(order)}"), element.attrib[key]
                )


def _inside(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """What is drawn within the element, cleaned. What only cuts others is kept as it is."""
    for child in element:
        tag = child.tag.removeprefix(SVG)
        if tag not in (*SHAPES, *GROUPS) or child.get("display") == "none":
            continue
        found = ElementTree.Element(tag, dict(_attributes(child, name)))
        found.text = child.text if tag == "text" else None
        found.extend(_inside(child, name))
        if element.tag == f"{SVG}clipPath" or _shows(found):
            yield found


def _shows(element: ElementTree.Element) -> bool:
    """Groups that hold nothing and shapes without line and area are left out."""
    if element.tag in GROUPS:
        return len(element) > 0
    if element.tag == "text":
        return bool(element.text)
    painted = {element.get("fill", "none"), element.get("stroke", "none")} - {"none", "transparent"}
    return bool(painted) and element.get("d") != ""


def _attributes(element: ElementTree.Element, name: str) -> Iterator[tuple[str, str]]:
    """The attributes that are kept: numbers shorter, colours as variables, ids told from those of other pictures."""
    for key, value in element.attrib.items():
        if key == "aria-label" and value.startswith(KEY) and CLASSES.fullmatch(value.removeprefix(KEY)):
            yield "class", value.removeprefix(KEY)
        if key not in KEPT:
            continue
        if key == "id":
            yield key, f"{name}-{value}"
        elif key == "clip-path":
            yield key, value.replace("url(#", f"url(#{name}-")
        elif key in ("fill", "stroke"):
            yield key, VARIABLES.get(value, value)
        else:
            yield key, LONG_NUMBER.sub(_shorter, value)


def _shorter(number: re.Match[str]) -> str:
    """With one decimal: a tenth of a pixel cannot be seen."""
    return f"{float(number[0]):.1f}".removesuffix(".0")
