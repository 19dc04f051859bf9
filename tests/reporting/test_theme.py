"""Colours that everyone can read and tell apart."""

import pytest

from goodfit.reporting.theme import DARK, HEAT_DARK, HEAT_LIGHT, LIGHT, palette_css

TEXT = ("ink", "muted", "blue", "orange", "green", "red")


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", TEXT)
def test_text_can_be_read_on_paper_and_on_cards(palette, name):
    assert contrast(palette[name], palette["paper"]) >= 4.5
    assert contrast(palette[name], palette["card"]) >= 4.5


@pytest.mark.parametrize(("palette", "heat"), [(LIGHT, HEAT_LIGHT), (DARK, HEAT_DARK)], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_cell_of_a_heat_map(palette, heat):
    assert min(contrast(palette["ink"], colour) for colour in heat) >= 4.5
    brightness = [luminance(colour) for colour in heat]
    assert brightness == sorted(brightness, reverse=palette is DARK)


def test_the_colours_of_a_chart_are_all_different_so_that_each_has_its_variable():
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert set(LIGHT) == set(DARK)
    assert all(f"--{name}: {LIGHT[name]};" in palette_css() for name in LIGHT)
