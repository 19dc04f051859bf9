"""The encoder of a fold in ONNX: from the columns to the inputs of its networks.

Equal operations of all columns are one operation, so the columns of the encoded table stand in another order than those
of ``Encoder.transform``.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array, Indices
from goodfit.data.encoder import Encoder, Feature
from goodfit.data.features.base import Scale
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.date import DateFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.features.text import TextFeature
from goodfit.exporting.to_onnx.columns import Columns
from goodfit.exporting.to_onnx.graph import Graph


class Encoded(NamedTuple):
    """Some columns of an encoded table, float32 (rows, n). places: which of ``Encoder.transform`` each one is (n,)."""

    x: str
    places: Indices


Placed = list[tuple[Feature, int]]
"""The features of an encoder, each with the place of its first column."""


def encode(graph: Graph, columns: Columns, encoder: Encoder) -> Encoded:
    """Add the encoder of a fold."""
    widths = [len(feature.names) for feature in encoder.features]
    placed: Placed = list(zip(encoder.features, accumulate(widths, initial=0), strict=False))
    blocks = [
        *_scaled(graph, columns, placed),
        *_bins(graph, columns, placed),
        *_indicators(graph, columns, placed),
        *_categories(graph, columns, placed),
        *_texts(graph, columns, placed),
    ]
    x = graph.add("Concat", *(block.x for block in blocks), axis=1)
    return Encoded(x, np.concatenate([block.places for block in blocks]))


def _scaled(graph: Graph, columns: Columns, placed: Placed) -> Iterator[Encoded]:
    """Numbers and parts of dates, as `Scale` does it."""
    found: list[tuple[int, int, Scale]] = []
    for feature, first in placed:
        if isinstance(feature, NumberFeature) and feature.scale.factor > 0:
            found.append((columns.number_places[feature.name], first, feature.scale))
        if isinstance(feature, DateFeature):
            for place, (part, scale) in enumerate(feature.scales.items(), first):
                found.append((columns.number_places[feature.name, part], place, scale))
    if not found:
        return
    sources, places, scales = map(np.array, zip(*found, strict=True))
    centers, factors = scales.T
    values = graph.add("Gather", columns.numbers, sources, axis=1)
    scaled = graph.add("Mul", graph.add("Sub", values, centers[None]), factors[None])
    # Beyond 1e100 the result is 3 to the last digit; the square stays within the range of floats.
    scaled = graph.add("Clip", scaled, -1e100, 1e100)
    third = graph.add("Div", scaled, 3.0)
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", third, third), 1.0))
    clipped = graph.add("Div", scaled, root)
    known = graph.add("Where", graph.add("IsNaN", clipped), 0.0, clipped)
    # `Encoder.transform` refuses infinite cells; a graph cannot, so what it predicts is no number either.
    known = graph.add("Where", graph.add("IsInf", values), np.nan, known)
    yield Encoded(graph.cast(known, np.float32), places)


def _bins(graph: Graph, columns: Columns, placed: Placed) -> Iterator[Encoded]:
    """Positions in bins, clip((x − low)/(high − low), 0, 1), as `in_bins` does it."""
    found = [
        (columns.number_places[feature.name], first + 1 + bin, feature.scale.center, *feature.edges[bin : bin + 2])
        for feature, first in placed
        if isinstance(feature, NumberFeature)
        for bin in range(max(len(feature.edges) - 1, 0))
    ]
    if not found:
        return
    sources, places, centers, low, high = (np.array(numbers) for numbers in zip(*found, strict=True))
    values = graph.add("Gather", columns.numbers, sources, axis=1)
    filled = graph.add("Where", graph.add("IsNaN", values), centers[None], values)
    # Halved, so that the differences of numbers near the largest float do not overflow.
    width = np.maximum(high / 2 - low / 2, np.finfo(float).tiny)
    above = graph.add("Sub", graph.add("Div", filled, 2.0), low[None] / 2)
    position = graph.add("Clip", graph.add("Div", above, width[None]), 0.0, 1.0)
    yield Encoded(graph.cast(position, np.float32), places)


def _indicators(graph: Graph, columns: Columns, placed: Placed) -> Iterator[Encoded]:
    """Whether numbers and dates are missing."""
    found = [
        (_source(columns, feature), first + len(feature.names) - 1)
        for feature, first in placed
        if isinstance(feature, NumberFeature | DateFeature) and feature.indicator
    ]
    if found:
        sources, places = np.array(found).T
        missing = graph.add("IsNaN", graph.add("Gather", columns.numbers, sources, axis=1))
        yield Encoded(graph.cast(missing, np.float32), places)


def _source(columns: Columns, feature: NumberFeature | DateFeature) -> int:
    if isinstance(feature, NumberFeature):
        return columns.number_places[feature.name]
    return columns.number_places[feature.name, "year"]


def _categories(graph: Graph, columns: Columns, placed: Placed) -> Iterator[Encoded]:
    """Columns of 0 and 1, or of −1 and 1 where there are two values: the sign at the place that a code has, or 0."""
    found = [(feature, first) for feature, first in placed if isinstance(feature, CategoryFeature)]
    if not found:
        return
    n_codes = 1 + max(code.others for code in columns.categories.values())
    place_of, sign_of = np.full(n_codes, -1), np.zeros(n_codes, np.float32)
    sources: list[int] = []
    places: list[int] = []
    for feature, first in found:
        own = columns.categories[feature.name]
        width = len(feature.names)
        if feature.others:
            every = [*own.values.values(), own.others]
            place_of[every], sign_of[every] = first + width - 1, 1
        for number, value in enumerate(feature.values):
            code = own.values[value]
            place_of[code], sign_of[code] = (first, 2 * number - 1) if feature.binary else (first + number, 1)
        sources += [own.place] * width
        places += range(first, first + width)
    codes = graph.add("Gather", columns.codes, np.array(sources), axis=1)
    here = graph.add("Equal", graph.add("Gather", place_of, codes), np.array(places)[None])
    yield Encoded(graph.add("Where", here, graph.add("Gather", sign_of, codes), np.float32(0)), np.array(places))


def _texts(graph: Graph, columns: Columns, placed: Placed) -> Iterator[Encoded]:
    """TF-IDF of words, and whether the text is missing."""
    for feature, first in placed:
        if isinstance(feature, TextFeature):
            counts = columns.texts[feature.name]
            yield Encoded(counts.weighted(graph, feature), np.arange(first, first + len(feature.words)))
            if feature.indicator:
                missing: Array = np.array([first + len(feature.words)])
                column = graph.add("Unsqueeze", counts.missing, np.array([1]))
                yield Encoded(graph.cast(column, np.float32), missing)
