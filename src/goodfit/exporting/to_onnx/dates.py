"""Calendar and elapsed time of dates in ONNX: the numbers of `goodfit.data.features.date`."""

import numpy as np

from goodfit.data.features.date import DatePart
from goodfit.exporting.to_onnx.cells import date_numbers
from goodfit.exporting.to_onnx.graph import Graph


def date_parts(graph: Graph, column: str) -> dict[DatePart, str]:
    """Return the numbers of each date, float64 (rows,), NaN where it is missing."""
    (year, month, day, hour, minute, second), missing = date_numbers(graph, column)
    days = _days_since_1970(graph, year, month, day)
    first = _days_since_1970(graph, year, graph.constant(1.0), graph.constant(1.0))
    angle = graph.add("Mul", graph.add("Sub", days, first), 2 * np.pi / 365.25)
    minutes = graph.add("Add", minute, graph.add("Div", second, 60.0))
    hours = graph.add("Add", hour, graph.add("Div", minutes, 60.0))
    since_monday = graph.add("Add", days, 3.0)
    weeks = graph.add("Floor", graph.add("Div", since_monday, 7.0))
    parts: dict[DatePart, str] = {
        "year": year,
        "month": month,
        "weekday": graph.add("Sub", since_monday, graph.add("Mul", weeks, 7.0)),
        "sine of the day of the year": graph.add("Sin", angle),
        "cosine of the day of the year": graph.add("Cos", angle),
        "hour": hours,
        "days since 1970": graph.add("Add", days, graph.add("Div", hours, 24.0)),
    }
    return {part: graph.add("Where", missing, np.nan, values) for part, values in parts.items()}


def _days_since_1970(graph: Graph, year: str, month: str, day: str) -> str:
    """Return the number of days since 1970-01-01 of dates in the Gregorian calendar.

    Years begin in March, so that a leap day is the last of its year: day 0 … 365 is ⌊(153·m + 2)/5⌋ + day − 1 for
    m = 0 … 11 from March. From the first of March of the year 0 to 1970 there are 719,468 days.
    """
    before_march = graph.cast(graph.add("Less", month, 3.0), float)
    shifted = graph.add("Sub", year, before_march)
    from_march = graph.add("Add", graph.add("Sub", month, 3.0), graph.add("Mul", before_march, 12.0))
    in_months = graph.add("Add", graph.add("Mul", from_march, 153.0), 2.0)
    days = graph.add("Add", graph.add("Floor", graph.add("Div", in_months, 5.0)), day)
    days = graph.add("Add", days, graph.add("Mul", shifted, 365.0))
    for years, sign in ((4.0, "Add"), (100.0, "Sub"), (400.0, "Add")):
        days = graph.add(sign, days, graph.add("Floor", graph.add("Div", shifted, years)))
    return graph.add("Sub", days, 719469.0)
