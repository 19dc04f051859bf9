"""Zigzag and smooth path: three optimizers on the loss of a linear model with two weights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from goodfit.arrays import Array
from goodfit.formatting import count
from goodfit.guided_tour.chapter import Chapter, Names, Picture
from goodfit.reporting.charts.basics import Layer, rows, sized
from goodfit.reporting.theme import IDLE, INK, NARROW, TRAIN
from goodfit.reporting.trials import short_value

AXES = ("weight of bmi", "weight of blood pressure")


class Walk(NamedTuple):
    """Measures of a path (places, 2): steps, steps that turn back, length, distance from start to end."""

    steps: int
    turns: int
    length: float
    way: float

    @property
    def manner(self) -> str:
        """Shape of the path, in the guide's words."""
        if self.turns > self.steps / 2:
            return "zigzag"
        return "smooth path" if self.turns <= self.steps / 20 else "some turns"


def measure(path: Array) -> Walk:
    """A step turns back when it makes an angle of more than 90° with the one before."""
    moves = np.diff(path, axis=0)
    turns = int((np.sum(moves[1:] * moves[:-1], axis=1) < 0).sum())
    return Walk(len(moves), turns, float(np.linalg.norm(moves, axis=1).sum()), float(np.linalg.norm(path[-1])))


def picture(names: Names) -> Picture:
    """Path of each optimizer on the loss of a linear model with two weights."""
    inputs, target = names["inputs"], names["target"]
    lowest = np.linalg.lstsq(inputs, target, rcond=None)[0]
    curvature = 2 / len(inputs) * inputs.T @ inputs
    found = names["paths"]
    # Each on the lines of equal loss through the starting point and through shares of the way from it to the lowest.
    height = float((path_start(found) - lowest) @ curvature @ (path_start(found) - lowest)) / 2
    rings = [ellipse(lowest, curvature, height * part) for part in (0.01, 0.05, 0.15, 0.35, 0.65, 1.0, 1.6)]
    ends = _ends([*found.values(), *rings[:4]])
    charts = [
        path_chart(path, rings, lowest, ends, title=f"{name} · {measure(path).manner}") for name, path in found.items()
    ]
    walked = of_paths({name: measure(path) for name, path in found.items()})
    return Picture(f"{walked} {of_valley(curvature)}", charts)


def of_paths(walks: Mapping[str, Walk]) -> str:
    """How often each path turns back, and how long it is."""
    each = (
        f"{name} ({walk.manner}): {walk.turns or 'none'} of {count(walk.steps, 'step')} turn back, and the path is "
        f"{walk.length / walk.way:.1f} times as long as the straight line."
        for name, walk in walks.items()
    )
    return " ".join(each)


def of_valley(curvature: Array) -> str:
    """Ratio of the curvatures, and the learning rate, 2/curvature, above which SGD diverges."""
    along, across = np.linalg.eigvalsh(curvature)
    return (
        f"The loss is {across / along:.0f} times as steep across the valley as along it; SGD diverges above a learning "
        f"rate of {short_value(2 / across)}."
    )


def path_start(found: Mapping[str, Array]) -> Array:
    """The common starting point."""
    return np.asarray(next(iter(found.values()))[0])


def ellipse(centre: Array, curvature: Array, height: float, n: int = 90) -> Array:
    """Places (n, 2) at which a quadratic loss is ``height`` above its lowest: ½·(w − w*)ᵀ·H·(w − w*) = height."""
    angles = np.linspace(0, 2 * np.pi, n)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    around: Array = centre + np.sqrt(2 * height) * circle @ np.linalg.inv(np.linalg.cholesky(curvature))
    return around


def path_chart(path: Array, rings: Sequence[Array], lowest: Array, ends: Array, *, title: str) -> Layer:
    """A path with a point per step, and lines of equal loss; the cross is the minimum."""
    space = {
        letter: channel(
            f"{letter}:Q", axis=alt.Axis(title=name, grid=False), scale=alt.Scale(domain=list(pair), nice=False)
        )
        for letter, channel, name, pair in zip("xy", (alt.X, alt.Y), AXES, ends, strict=True)
    }
    lines = [_line(ring).mark_line(color=IDLE, strokeWidth=0.9, clip=True) for ring in rings]
    cross = _line(lowest[None]).mark_point(shape="cross", filled=True, size=90, color=INK, opacity=1)
    way = _line(path).mark_line(color=TRAIN, strokeWidth=1.4, clip=True)
    places = _line(path).mark_point(filled=True, color=TRAIN, size=15, opacity=1, clip=True)
    layers = [layer.encode(**space, order=alt.Order("order:Q")) for layer in (*lines, way, places, cross)]
    return sized(alt.layer(*layers), title=title, width=NARROW)


def _line(places: Array) -> alt.Chart:
    return alt.Chart(
        rows({"order": order, "x": round(float(x), 4), "y": round(float(y), 4)} for order, (x, y) in enumerate(places))
    )


def _ends(several: Sequence[Array]) -> Array:
    """Low and high end of both axes, with a margin."""
    places = np.concatenate(several)
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.06 * (high - low)
    return np.column_stack([low - room, high + room])


CHAPTER: Chapter = Chapter(
    name="paths",
    heading="Zigzag and smooth path",
    idea="A linear model with two weights predicts the progression of diabetes in 442 people from body mass index and "
    "blood pressure, so its loss can be drawn as a map: a grey line joins points of equal loss, and the cross is the "
    "minimum. The valley is narrow because one column has larger numbers than the other.",
    picture=picture,
)
