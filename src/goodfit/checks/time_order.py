"""Rows in order of time, which a random split mixes."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from goodfit.checks.check import Check
from goodfit.checks.comparison import compare, scores_if_flattered, severity_of
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.probe_data import ProbeData, value_codes
from goodfit.formatting import METRIC_LABELS, printable

MOST_TIME_COLUMNS = 3
"""Columns that are tried."""
SORTED_SHARE = 0.9
"""Of the changes from row to row in one direction: the target is sorted, perhaps within a few blocks."""
_MOMENT = re.compile(r"year|yr|date|datetime|time|timestamp|moment", re.IGNORECASE)
_CYCLE = re.compile(r"day|week|month|quarter|hour|minute|second", re.IGNORECASE)
"""Names of a time that comes again: it orders the rows only where it never falls."""


def check_time_order(data: CheckInputs) -> list[Check]:
    """Find out whether later rows are predicted worse from earlier rows than from rows among them.

    Each of the last three fifths in time is predicted, on a random half of it: by a model that learned from all earlier
    rows, and by one that learned from as many rows, of which some are of the same time.
    """
    columns = _time_columns(data) if _is_mixed(data) else []
    probe = data.probe.narrowed(columns)
    for name in columns:
        if effect := _effect(probe, data.table.values(name)[probe.rows], data):
            return [_by_column(name, effect, data)]
    return []


def check_row_order(data: CheckInputs) -> list[Check]:
    """Do the same in the order of the file where no column says when.

    Only if neighbouring rows have more similar targets than chance explains, and neither the target is sorted nor
    anything else found that keeps rows together.
    """
    others = [check for check in data.found if check.code in ("duplicates", "time_order", "groups")]
    if others or not _is_mixed(data) or _time_columns(data) or not _neighbours_are_alike(data):
        return []
    effect = _effect(data.probe.narrowed(), data.probe.rows, data)
    return [_by_row(effect, data)] if effect else []


def _is_mixed(data: CheckInputs) -> bool:
    """Whether the split mixes earlier and later rows, and there are enough of them."""
    enough = data.table.n_rows >= data.thresholds.min_rows
    return enough and not data.time and data.splits.rule not in ("time", "last")


def is_time_name(name: str) -> bool:
    """Whether a column is named like a moment: ``Date``, ``yr``, ``timestamp``.

    >>> is_time_name("Date"), is_time_name("runtime")
    (True, False)
    """
    return (_MOMENT.fullmatch(name) or _CYCLE.fullmatch(name)) is not None


def _time_columns(data: CheckInputs) -> list[str]:
    """Dates first, then years and the like, then numbers that never fall from row to row."""
    ranks = {name: rank for name in data.columns if (rank := _rank(data, name)) is not None}
    return sorted(ranks, key=lambda name: ranks[name])[:MOST_TIME_COLUMNS]


def _rank(data: CheckInputs, name: str) -> int | None:
    column = data.table.column(name)
    if column.missing or column.kind not in ("date", "number"):
        return None
    values = data.table.values(name)
    never_falls = bool((values[1:] >= values[:-1]).all())
    named = is_time_name(name) and (never_falls or not _CYCLE.fullmatch(name))
    if not (column.kind == "date" or named or never_falls):
        return None
    if 4 * pc.count_distinct(data.table.arrow[name]).as_py() < data.thresholds.min_groups:
        return None
    return 0 if column.kind == "date" else 1 if named else 2


def _effect(probe: ProbeData, moments: npt.NDArray[np.generic], data: CheckInputs) -> dict[str, float]:
    fifths = np.array_split(np.argsort(moments, kind="stable"), 5)
    comparisons = [compare(probe, fifths[k], np.concatenate(fifths[:k]), np.arange(len(fifths[k]))) for k in (2, 3, 4)]
    return scores_if_flattered(probe, comparisons, "by_time", data.thresholds)


def _neighbours_are_alike(data: CheckInputs) -> bool:
    """Whether a row's target has more in common with the next row's than chance explains, and is not sorted."""
    if data.task == "regression":
        y = data.table.values(data.target)
        z = float(np.corrcoef(y[1:], y[:-1])[0, 1]) * np.sqrt(len(y)) if np.ptp(y) else 0.0
    else:
        y = value_codes(data.table, data.target)
        chance = float(((np.bincount(y) / len(y)) ** 2).sum())
        z = float((y[1:] == y[:-1]).mean() - chance) * np.sqrt(len(y) / max(chance * (1 - chance), 1e-12))
    return bool(z > data.thresholds.standard_errors) and not _is_sorted(y)


def _is_sorted(values: npt.NDArray[np.generic]) -> bool:
    """Nearly everywhere in one direction, or in one block for each value."""
    changes = np.diff(values.astype(np.float64))
    changes = changes[changes != 0]
    rising = float((changes > 0).mean()) if len(changes) else 1.0
    return not SORTED_SHARE > rising > 1 - SORTED_SHARE or len(changes) + 1 == len(np.unique(values)) < len(values)


def _by_column(name: str, effect: dict[str, float], data: CheckInputs) -> Check:
    named = data.table.column(name).kind == "date" or is_time_name(name)
    sentence = (
        f"the rows are in order of {printable(name)}, and {_worse(effect, data)}; split by time if the model will "
        "predict future rows."
    )
    severity = severity_of(effect, data.thresholds) if named else "note"
    return Check("time_order", severity, (name,), 0, sentence, effect, {"time": name})


def _by_row(effect: dict[str, float], data: CheckInputs) -> Check:
    sentence = (
        f"neighbouring rows have similar targets, and {_worse(effect, data)}; if the rows are in order of time, "
        "validate and test on the last rows."
    )
    return Check("time_order", "warning", (), 0, sentence, effect, {"split": "last"})


def _worse(effect: dict[str, float], data: CheckInputs) -> str:
    random, by_time = effect.values()
    return (
        f"predictions for later rows are worse than a random split suggests: {METRIC_LABELS[data.probe.metric]} "
        f"{by_time:.3f} instead of {random:.3f}"
    )
