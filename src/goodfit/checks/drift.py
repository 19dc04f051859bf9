"""Training and validation rows whose columns differ."""

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check, CheckSeverity
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.probe_data import draw_rows
from goodfit.checks.thresholds import CheckThresholds
from goodfit.data.columns.convert import one_array
from goodfit.formatting import join, numbers, printable

DRIFT_CELLS = 500_000
"""Cells that are compared on each side: less than a second."""
MIN_DRIFT_ROWS = 500
"""Rows of each side that are compared at least, however wide the table."""


def check_drift(data: CheckInputs) -> list[Check]:
    """Find columns, the target among them, that are distributed differently in training and validation rows.

    Numbers and dates are compared by the Kolmogorov–Smirnov distance, categories and missing cells by the largest
    difference of a share. Under a random split a distance exceeds √(log(2·comparisons/rate)·(1/n + 1/m)/2) in ``rate``
    of the tables at most (inequalities of Dvoretzky–Kiefer–Wolfowitz–Massart and of Hoeffding). Splits by group are
    not checked, since rows of a group differ together by chance.
    """
    if data.splits.rule in ("group", "duplicates"):
        return []
    columns = (*data.columns, data.target)
    most = max(MIN_DRIFT_ROWS, DRIFT_CELLS // len(columns))
    sides = [draw_rows(rows, most, data.seed) for rows in (data.splits.train, data.splits.validation)]
    found = {name: _distance(data, name, sides, len(columns)) for name in columns}
    drifted = sorted((name for name in columns if found[name]), key=lambda name: -found[name])
    if not drifted:
        return []
    differ = "differs" if len(drifted) == 1 else "differ"
    sentence = (
        f"{join(map(printable, drifted), longest=80)} {differ} between training and validation rows"
        f"{_means(data, drifted[0], sides)}; {_advice(data.splits.rule)}"
    )
    severity: CheckSeverity = "note" if data.splits.rule == "time" else "warning"
    effect = {"distance": found[drifted[0]]}
    change = {"split": "random"} if data.splits.rule == "last" else {}
    return [Check("drift", severity, tuple(drifted), 0, sentence, effect, change)]


def _advice(rule: str) -> str:
    if rule == "time":
        return "later rows differ from earlier ones, so future rows may differ too."
    return "validation rows are unlike training rows; check how the rows were ordered or chosen."


def _means(data: CheckInputs, name: str, sides: Sequence[Indices]) -> str:
    if data.table.column(name).kind != "number":
        return ""
    values = data.table.values(name)
    means = numbers(*(float(np.nanmean(values[rows])) for rows in sides if not np.isnan(values[rows]).all()))
    return f" (mean of {printable(name)}: {means[0]} and {means[1]})" if len(means) == 2 else ""


def _distance(data: CheckInputs, name: str, sides: Sequence[Indices], n_columns: int) -> float:
    """Distance between training and validation rows, 0 where it is small or may be chance."""
    column = one_array(data.table.arrow[name])
    if pa.types.is_string(column.type):
        codes = np.asarray(column.dictionary_encode(null_encoding="encode").indices)
        sizes = [len(rows) for rows in sides]
        compared = int(codes.max() + 1) * n_columns
        return unless_chance(_largest_difference(*(codes[rows] for rows in sides)), sizes, compared, data.thresholds)
    missing = np.asarray(column.is_null())
    present = [data.table.values(name)[rows][~missing[rows]] for rows in sides]
    gap = abs(float(missing[sides[0]].mean() - missing[sides[1]].mean()))
    pairs = ((gap, sides), (kolmogorov_smirnov(*present), present))
    return max(unless_chance(d, [len(side) for side in of], 2 * n_columns, data.thresholds) for d, of in pairs)


def unless_chance(distance: float, sizes: Sequence[int], compared: int, thresholds: CheckThresholds) -> float:
    inverse = sum(1 / max(1, n) for n in sizes)
    chance = sqrt(log(2 * compared / thresholds.drift_error_rate) * inverse / 2)
    return distance if distance > max(chance, thresholds.min_drift_distance) else 0.0


def kolmogorov_smirnov(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> float:
    """Return the largest difference of the empirical distribution functions; 0 where a side is empty."""
    if not len(a) or not len(b):
        return 0.0
    a, b = (np.sort(side.astype(np.float64)) for side in (a, b))
    values = np.concatenate([a, b])
    below = [np.searchsorted(side, values, side="right") / len(side) for side in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def _largest_difference(a: Indices, b: Indices) -> float:
    most = int(max(a.max(initial=0), b.max(initial=0))) + 1
    shares: list[Numbers] = [np.bincount(side, minlength=most) / max(1, len(side)) for side in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())
