"""Colours and fonts of every chart and page, in light and dark.

Charts are drawn in the colours of ``LIGHT``, for notebooks and PNG files. ``svg.inline_svg`` replaces each by the CSS
variable of the same name, so that on a page they follow the reader's colour scheme.

Colour-blind readers can distinguish blue, orange and ink, and a dash or a word always repeats what they mean. Text
colours have a contrast of at least 4.5 with ``paper`` and ``card`` in both schemes.
"""

from typing import Any

LIGHT = {
    "paper": "#fbfaf7",
    "card": "#ffffff",
    "shade": "#f1ece0",
    "rule": "#dddad2",
    "idle": "#b3b0a8",
    "muted": "#5b5f66",
    "ink": "#1e2126",
    "blue": "#0b5fa5",
    "orange": "#b04208",
    "green": "#17693a",
    "red": "#a8201a",
}
DARK = {
    "paper": "#14161a",
    "card": "#1b1e23",
    "shade": "#2b2820",
    "rule": "#363a41",
    "idle": "#646972",
    "muted": "#a6abb3",
    "ink": "#eceae5",
    "blue": "#78b7f0",
    "orange": "#f49a5f",
    "green": "#62c98c",
    "red": "#ff8f87",
}
HEAT_LIGHT = ("#a3cbee", "#b6d5f1", "#c9e0f5", "#d9e9f8", "#e6f1fa", "#f0f6fb", "#f8fafb")
HEAT_DARK = ("#1d5a91", "#1d4f7d", "#1e456b", "#1e3b5a", "#1d334b", "#1c2b3d", "#1b242f")
"""Cells of a heat map from the lowest value to the highest; ink is readable on all of them."""

TRAIN, VALIDATION, INK, MUTED, IDLE, SHADE, RULE = (
    LIGHT[name] for name in ("blue", "orange", "ink", "muted", "idle", "shade", "rule")
)
SOLID, DASHED = [1, 0], [6, 3]
WIDTH, HEIGHT = 360, 220
"""Of a chart in pixels: as wide as a phone, so that text stays readable there."""
NARROW = 300
"""Width of a chart in a row of three."""

_AXIS = {
    "domainColor": IDLE,
    "gridColor": RULE,
    "gridOpacity": 0.7,
    "labelColor": MUTED,
    "labelFontSize": 11,
    "labelOverlap": True,
    "tickColor": IDLE,
    "tickCount": 5,
    "titleColor": MUTED,
    "titleFontSize": 11.5,
    "titleFontWeight": "normal",
}
CONFIG: dict[str, Any] = {
    "axis": _AXIS,
    "axisX": {"grid": False, "titlePadding": 6},
    "axisY": {"titlePadding": 12},
    "background": LIGHT["card"],
    "font": "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif",
    "header": {"labelColor": INK, "labelFontSize": 11.5, "titleColor": MUTED},
    "legend": {
        "labelColor": INK,
        "labelFontSize": 11.5,
        "orient": "top",
        "symbolStrokeWidth": 2.2,
        "symbolSize": 260,
        "symbolType": "stroke",
        "title": None,
    },
    "line": {"strokeWidth": 2, "strokeCap": "butt"},
    "padding": 4,
    "text": {"color": INK, "fontSize": 11.5},
    "title": {"color": INK},
    "view": {"stroke": None},
}


def palette_css() -> str:
    """The palette as CSS variables; always the light one in print."""
    light, dark = (_variables(*palette) for palette in ((LIGHT, HEAT_LIGHT), (DARK, HEAT_DARK)))
    return (
        f":root {{ color-scheme: light dark{light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: light dark{dark} }} }}\n"
        + "".join(f".heat-{step} {{ background: var(--heat-{step}); }}\n" for step in range(len(HEAT_LIGHT)))
    )


def _variables(colours: dict[str, str], heat: tuple[str, ...]) -> str:
    named = colours | {f"heat-{step}": colour for step, colour in enumerate(heat)}
    return "".join(f";--{name}: {colour}" for name, colour in named.items())
