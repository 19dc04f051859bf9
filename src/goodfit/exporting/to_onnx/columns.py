"""Inputs of the graph, and what all folds share of the columns: numbers, codes of categories, counts of words."""

import msgspec
import numpy as np

from goodfit.data.columns.cells import MISSING
from goodfit.data.features.base import ColumnFeature
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.date import DateFeature, DatePart
from goodfit.data.features.number import NumberFeature
from goodfit.data.features.text import TextFeature
from goodfit.exporting.networks import Networks
from goodfit.exporting.to_onnx.cells import codes, trimmed
from goodfit.exporting.to_onnx.dates import date_parts
from goodfit.exporting.to_onnx.graph import Graph
from goodfit.exporting.to_onnx.texts import TextCounts

DESCRIPTIONS: dict[type[ColumnFeature], tuple[type, str]] = {
    NumberFeature: (float, "number; NaN is missing"),
    CategoryFeature: (str, "category as text; empty is missing"),
    DateFeature: (str, "date as text, 2021-02-28 or 2021-02-28T13:05:59; empty is missing"),
    TextFeature: (str, "text; empty is missing"),
}
"""Type and description of the input of each kind of column."""


class Columns(msgspec.Struct):
    """The columns of a table inside the graph.

    numbers: float64 (rows, n), NaN where missing: each column of numbers and each part of a date, at the place in
    ``number_places``. codes: int64 (rows, n), a number for each value of each category, unique among all categories.
    texts: by column.
    """

    numbers: str
    number_places: dict[str | tuple[str, DatePart], int]
    codes: str
    categories: dict[str, "Codes"]
    texts: dict[str, TextCounts]


class Codes(msgspec.Struct):
    """Codes of one category: at which place of ``Columns.codes``, of each value, and of all other values."""

    place: int
    values: dict[str | None, int]
    others: int


def add_columns(graph: Graph, networks: Networks) -> Columns:
    """Add an input for every column, and what all folds need of it."""
    for name, features in networks.columns.items():
        dtype, doc = DESCRIPTIONS[type(features[0])]
        graph.input(name, dtype, doc)
    numbers, places = _numbers(graph, networks)
    codes, categories = _categories(graph, networks)
    texts = {
        name: TextCounts(graph, name, [feature for feature in features if isinstance(feature, TextFeature)])
        for name, features in networks.columns.items()
        if isinstance(features[0], TextFeature)
    }
    return Columns(numbers, places, codes, categories, texts)


def _numbers(graph: Graph, networks: Networks) -> tuple[str, dict[str | tuple[str, DatePart], int]]:
    found: dict[str | tuple[str, DatePart], str] = {}
    for name, features in networks.columns.items():
        if isinstance(features[0], NumberFeature):
            found[name] = name
        if isinstance(features[0], DateFeature):
            for part, values in date_parts(graph, name).items():
                found[name, part] = graph.add("Unsqueeze", values, np.array([1]))
    numbers = graph.add("Concat", *found.values(), axis=1) if found else ""
    return numbers, {key: place for place, key in enumerate(found)}


def _categories(graph: Graph, networks: Networks) -> tuple[str, dict[str, Codes]]:
    found: dict[str, Codes] = {}
    columns = []
    first = 0
    for name, features in networks.columns.items():
        if not isinstance(features[0], CategoryFeature):
            continue
        values = {value: None for f in features if isinstance(f, CategoryFeature) for value in f.values}
        numbered = {value: first + number for number, value in enumerate(values)}
        found[name] = Codes(len(found), numbered, others := first + len(numbered))
        columns.append(codes(graph, trimmed(graph, name), _as_written(numbered, others), default=others))
        first = others + 1
    unsqueezed = [graph.add("Unsqueeze", column, np.array([1])) for column in columns]
    return graph.add("Concat", *unsqueezed, axis=1) if columns else "", found


def _as_written(numbered: dict[str | None, int], others: int) -> dict[str, int]:
    """Return the code of every way in which a cell may be written: words for missing, 3.0 for 3, True for true."""
    words = dict.fromkeys(MISSING, numbered.get(None, others))
    values = {value: code for value, code in numbered.items() if value is not None}
    whole = {f"{value}.0": code for value, code in values.items() if value.lstrip("+-").isdecimal()}
    truths = {} if values.keys() - {"true", "false"} else values
    capitals = {spelled: code for value, code in truths.items() for spelled in (value.capitalize(), value.upper())}
    return words | whole | capitals | values
