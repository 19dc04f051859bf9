"""A chart as SVG for a page, or as a PNG file. No browser, no script, no network.

``inline_svg`` keeps only shapes and text of what vl-convert draws, so that nothing else can enter the page. A mark with
the ``description`` ``key:a b`` gets the CSS classes a and b, by which a page can show and hide it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias
from xml.etree import ElementTree

import vl_convert

import goodfit
from goodfit.reporting.lazy import alt
from goodfit.reporting.theme import CONFIG, LIGHT

Chart: TypeAlias = "alt.TopLevelMixin"
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = ("path", "line", "rect", "text")
GROUPS = ("g", "defs", "clipPath")
KEPT = {
    *("d", "dx", "dy", "height", "transform", "viewBox", "width", "x", "x2", "y", "y2", "id", "clip-path"),
    *("fill", "fill-opacity", "opacity", "stroke", "stroke-dasharray", "stroke-linejoin", "stroke-opacity"),
    *("stroke-width", "font-size", "font-weight", "text-anchor"),
}
KEY = "key:"
DRAWN = re.compile(r'<svg [^>]*data-digest="([0-9a-f]{32})".*?</svg>', re.DOTALL)
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
ABOUT = {"viewBox", "role", "aria-label", "data-digest"}
OUTSIDE = re.compile(r"url\((?!#)")
CLIP = re.compile(r"clip\d+")
CLASSES = re.compile(r"[a-z0-9 -]+")
VARIABLES = {colour: f"var(--{name})" for name, colour in LIGHT.items()}


def spec_of(chart: Chart) -> dict[str, Any]:
    """The chart as a Vega-Lite specification with the theme.

    Tests validate the charts against the schema, so that it is not loaded for every page.
    """
    spec: dict[str, Any] = chart.to_dict(validate=False)
    several = {"hconcat", "vconcat", "concat", "facet"} & set(spec)
    fits = {} if several else {"autosize": {"type": "fit", "contains": "padding"}}
    return spec | fits | {"config": CONFIG}


def start() -> None:
    """Start the JavaScript engine, so that the next chart need not wait for it."""
    vl_convert.vegalite_to_svg(spec_of(alt.Chart(alt.InlineData(values=[])).mark_point()))


def side_by_side(charts: Sequence[Any]) -> Chart:
    """Several charts as one, in a row."""
    chart: Chart = charts[0] if len(charts) == 1 else alt.hconcat(*charts)
    return chart


def png(chart: Chart, *, scale: float = 2.0) -> bytes:
    """The chart as a PNG in the light colours, ``scale`` pixels per unit."""
    return bytes(vl_convert.vegalite_to_png(spec_of(chart), scale=scale))


def drawings_of(page: str) -> dict[str, str]:
    """The SVG elements of a page by the digest of what they draw, if they are as ``inline_svg`` writes them.

    The page may be from a stranger: an element with anything but shapes and text is not used again.
    """
    return {found[1]: found[0] for found in DRAWN.finditer(page) if _is_drawing(found[0])}


def _is_drawing(text: str) -> bool:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return False
    if root.tag != "svg" or set(root.attrib) != ABOUT or ElementTree.tostring(root, encoding="unicode") != text:
        return False
    inside = [element for element in root.iter() if element is not root]
    values = [value for element in root.iter() for value in element.attrib.values()]
    return (
        all(element.tag in (*SHAPES, *GROUPS) and set(element.attrib) <= KEPT | {"class"} for element in inside)
        and all(CLASSES.fullmatch(element.get("class", "-")) for element in inside)
        and not any(OUTSIDE.search(value) for value in values)
    )


def inline_svg(
    chart: Chart, *, label: str, name: str, before: Mapping[str, str] = MappingProxyType({}), digest: str = ""
) -> str:
    """The chart as an SVG element that adapts to the width and colours of the page.

    Args:
        label: text alternative, which may change while the drawing stays.
        name: unique on its page.
        before: elements drawn before, by digest: a chart that is among them is not drawn again.
        digest: of what is drawn; by default that of the specification.
    """
    spec = spec_of(chart)
    what = json.dumps([spec, name, goodfit.__version__], sort_keys=True)
    digest = digest or hashlib.sha256(what.encode()).hexdigest()[:32]
    if digest in before:
        return relabelled(before[digest], label)
    drawn = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
    _renumber(drawn)
    about = {"viewBox": drawn.attrib["viewBox"], "role": "img", "aria-label": label, "data-digest": digest}
    root = ElementTree.Element("svg", about)
    root.extend(_inside(drawn, name))
    return ElementTree.tostring(root, encoding="unicode")


def relabelled(drawing: str, label: str) -> str:
    """A drawing of ``drawings_of`` with another text alternative."""
    kept = ElementTree.fromstring(drawing)
    kept.set("aria-label", label)
    return ElementTree.tostring(kept, encoding="unicode")


def _renumber(drawn: ElementTree.Element) -> None:
    """Number clips from 0. vl-convert counts on from chart to chart; the same page must be the same text."""
    order: dict[str, str] = {}
    for element in drawn.iter():
        for key in ("id", "clip-path"):
            if key in element.attrib:
                element.attrib[key] = CLIP.sub(
                    lambda found: order.setdefault(found[0], f"clip{len(order)}"), element.attrib[key]
                )


def _inside(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """The drawn children of an element, cleaned; clip paths are kept as they are."""
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
    """Whether anything is visible: not an empty group, nor a shape without line and area."""
    if element.tag in GROUPS:
        return len(element) > 0
    if element.tag == "text":
        return bool(element.text)
    painted = {element.get("fill", "none"), element.get("stroke", "none")} - {"none", "transparent"}
    return bool(painted) and element.get("d") != ""


def _attributes(element: ElementTree.Element, name: str) -> Iterator[tuple[str, str]]:
    """Attributes to keep: shorter numbers, colours as variables, ids unique on the page."""
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
    """One decimal: less than a tenth of a pixel is invisible."""
    return f"{float(number[0]):.1f}".removesuffix(".0")
