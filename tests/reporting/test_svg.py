"""A chart as SVG inside a page."""

import re
from xml.etree import ElementTree

import altair as alt
import pytest
import vl_convert

from goodfit.reporting.charts.table import named_features, named_step_chart
from goodfit.reporting.svg import KEY, drawings_of, inline_svg
from goodfit.reporting.theme import LIGHT, TRAIN


def chart(**encoding):
    data = alt.InlineData(values=[{"x": 1, "y": 2, "word": "<script>&\"'"}, {"x": 2, "y": 3, "word": "b"}])
    return alt.Chart(data).mark_line(color=TRAIN).encode(x="x:Q", y="y:Q", **encoding)


def test_only_shapes_and_words_are_left_with_the_colours_of_the_page():
    root = ElementTree.fromstring(inline_svg(chart(), label='what "it" shows <', name="a"))
    assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "line", "rect", "text"}
    roles = {name for element in root.iter() for name in element.attrib if name.startswith(("aria", "role", "on"))}
    assert roles == {"role", "aria-label"}
    assert (root.get("role"), root.get("aria-label")) == ("img", 'what "it" shows <')
    assert root.get("width") is None
    colours = {element.get(side) for element in root.iter() for side in ("fill", "stroke")} - {None, "none"}
    assert "var(--blue)" in colours
    assert all(re.fullmatch(r"var\(--\w+\)|transparent", colour) for colour in colours)


def test_every_colour_of_the_palette_becomes_its_variable():
    points = alt.Chart(alt.InlineData(values=[{"x": place} for place in range(len(LIGHT))])).mark_point(filled=True)
    colour = alt.Color("x:N", scale=alt.Scale(range=list(LIGHT.values())), legend=None)
    text = inline_svg(points.encode(x="x:Q", color=colour), label="a", name="a")
    assert {f"var(--{name})" for name in LIGHT} <= set(re.findall(r"var\(--\w+\)", text))


def test_words_of_the_data_stay_words():
    text = inline_svg(chart(color="word:N"), label="a", name="a")
    assert "<script" not in text
    words = [element.text for element in ElementTree.fromstring(text).iter("text")]
    assert "<script>&\"'" in words


def test_a_mark_with_a_key_gets_its_classes_and_others_get_none():
    keyed = chart(description=alt.value(f"{KEY}of m3"))
    classes = {
        element.get("class") for element in ElementTree.fromstring(inline_svg(keyed, label="a", name="a")).iter()
    }
    assert classes == {None, "of m3"}
    hostile = chart(description=alt.value(f'{KEY}x" onload="alert(1)'))
    assert "onload" not in inline_svg(hostile, label="a", name="a")


def test_what_cuts_a_picture_is_its_own():
    layer = chart().mark_line(clip=True).encode(y=alt.Y("y:Q", scale=alt.Scale(domain=[2, 2.5])))
    text = inline_svg(layer, label="a", name="first")
    ids = re.findall(r' id="([^"]+)"', text)
    assert ids
    assert all(found.startswith("first-") for found in ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert "<clipPath" in text
    assert all(len(clip) for clip in ElementTree.fromstring(text).iter("clipPath"))


def test_the_same_chart_is_the_same_text_whatever_was_drawn_before():
    layer = chart().mark_line(clip=True)
    first, second = (inline_svg(layer, label="a", name="a") for _ in range(2))
    assert "clipPath" in first
    assert first == second


def test_names_of_features_with_control_characters_are_drawn():
    features = [("a\x1b[31m", 0.9, 1.0), ("b\x00", 0.5, 2.0), ("x" * 40 + "1", 0.1, 3.0), ("x" * 40 + "2", 0.1, 3.0)]
    drawn = inline_svg(named_step_chart(named_features(features)), label="steps", name="steps")
    assert "\\x1b[31m" in drawn
    assert "…" + "x" * 16 + "2" in drawn


def test_a_chart_that_has_not_changed_is_not_drawn_again(monkeypatch):
    layer = chart()
    first = inline_svg(layer, label='a "label" <', name="a")
    before = drawings_of(f"<p>text</p>{first}<svg viewBox='0'></svg>")
    assert list(before.values()) == [first]

    def refuse(spec):
        raise AssertionError("drawn again")

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", refuse)
    assert inline_svg(chart(), label='a "label" <', name="a", before=before) == first
    another = ElementTree.fromstring(inline_svg(chart(), label='"another" <', name="a", before=before))
    assert another.get("aria-label") == '"another" <'
    another.set("aria-label", 'a "label" <')
    assert ElementTree.tostring(another, encoding="unicode") == first
    with pytest.raises(AssertionError, match="drawn again"):
        inline_svg(layer, label='a "label" <', name="b", before=before)
