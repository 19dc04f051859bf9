"""Cells of text in ONNX, read as goodfit reads those of a table: trimmed, missing words known, dates as numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodfit.arrays import Array
from goodfit.data.columns.cells import MISSING
from goodfit.exporting.to_onnx.graph import Graph

_TRIMMED = r"[^\s\pZ](?s:.*)[^\s\pZ]|[^\s\pZ]"
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_ISO_DATE = _DAY + r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?Z?)?"
EPOCH = "1970-01-01"


def strings(*values: str) -> Array:
    """Return an array of strings."""
    return np.array(values, object)


def tokens(graph: Graph, cells: str, pattern: str, *, blank: str, at_least: int) -> str:
    """Return what matches the pattern in each cell, in order (rows, longest), and ``blank`` behind the last match.

    at_least: fewest columns of the result. Without them there would be none where no cell has a match.
    """
    flat = graph.add("Reshape", cells, np.array([-1]))
    found = graph.tokenize(flat, pattern=pattern, blank=blank)
    shape = graph.add("Concat", graph.add("Shape", flat), np.array([at_least]), axis=0)
    return graph.add("Concat", found, graph.add("Expand", strings(blank), shape), axis=1)


def column_of(graph: Graph, matrix: str, place: int) -> str:
    """Return a column (rows,) of a matrix (rows, n)."""
    return graph.add("Reshape", graph.add("Gather", matrix, np.array([place]), axis=1), np.array([-1]))


def trimmed(graph: Graph, column: str) -> str:
    """Return the cells (rows,) of a column (rows, 1) of strings without the spaces around them."""
    return column_of(graph, tokens(graph, column, _TRIMMED, blank="", at_least=1), 0)


def is_missing(graph: Graph, cells: str) -> str:
    """Return whether each trimmed cell (rows,) counts as missing."""
    found = codes(graph, cells, dict.fromkeys(MISSING, 1), default=0)
    return graph.add("Equal", found, np.array(1))


def codes(graph: Graph, cells: str, numbers: Mapping[str, int], *, default: int) -> str:
    """Return the number of each string, as int64."""
    return graph.add(
        "LabelEncoder",
        cells,
        domain="ai.onnx.ml",
        keys_strings=list(numbers),
        values_int64s=list(numbers.values()),
        default_int64=default,
    )


def date_numbers(graph: Graph, column: str) -> tuple[Sequence[str], str]:
    """Return year, month, day, hour, minute and second of ISO dates, each float64 (rows,), and which are missing.

    A cell that is neither missing nor an ISO date makes the node fail whose name says so.
    """
    cells = trimmed(graph, column)
    missing = is_missing(graph, cells)
    filled = graph.add("Where", missing, strings(EPOCH), cells)
    valid = graph.add("RegexFullMatch", filled, pattern=_ISO_DATE)
    sound = graph.add("Where", valid, filled, strings(EPOCH))
    found = tokens(graph, sound, r"\d+\.\d+|\d+", blank="0", at_least=6)
    parts = [column_of(graph, found, place) for place in range(6)]
    parts[0] = graph.add("Where", valid, parts[0], strings("no date"))
    told = f"column {column!r} must hold dates such as 2021-02-28 or 2021-02-28T13:05:59"
    return [graph.cast(part, float, name=told if part == parts[0] else "") for part in parts], missing
