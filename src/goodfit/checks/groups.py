"""Rows that belong together, such as those of one patient, on both sides of a split."""

import re

import numpy as np

from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check
from goodfit.checks.comparison import compare, scores_if_flattered, severity_of
from goodfit.checks.inputs import PROBE_ROWS, CheckInputs
from goodfit.checks.probe_data import ProbeData, value_codes
from goodfit.formatting import METRIC_LABELS, printable

_GROUP_WORD = re.compile(
    r"(id|key|code|nr|no|patient|subject|person|customer|client|user|student|pupil|household|animal|participant|device"
    r"|machine|sensor|session|site|hospital|clinic|school|store|shop|speaker|author|player|nation|state|province|region"
    r"|district|town|village|firm|team|plant|batch)s?|(famil|countr|count|cit|compan)(y|ies)"
)


def check_groups(data: CheckInputs) -> list[Check]:
    """Find out whether rows of a group that training did not see are predicted worse than rows of a group that it saw.

    Of all columns that may name groups, the one whose rows are most alike is looked at.
    """
    if data.table.n_rows < data.thresholds.min_rows:
        return []
    strengths = {name: likeness(data, name) for name in group_columns(data)}
    best = max(strengths, key=lambda name: strengths[name], default=None)
    if best is None or strengths[best] < data.thresholds.group_correlation:
        return []
    probe = data.probe_of(_rows_of_groups(data, best), data.columns).narrowed([best])
    effect = _effect(probe, probe.x[:, probe.names.index(best)], data)
    return [_check(best, effect, data)] if effect else []


def is_group_name(name: str) -> bool:
    """Whether a word of a column's name is one for people, places, devices, or for a number of one of them.

    >>> is_group_name("patientId"), is_group_name("Countries"), is_group_name("paid")
    (True, True, False)
    """
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ").replace("-", " ").split()
    return any(_GROUP_WORD.fullmatch(word.lower()) for word in words)


def group_columns(data: CheckInputs) -> list[str]:
    """Categories and whole numbers of which most training rows and most validation rows have others of their value."""
    return [name for j, name in enumerate(data.columns) if _is_whole(data.probe.x[:, j]) and _has_groups(data, name)]


def _has_groups(data: CheckInputs, name: str) -> bool:
    codes, (least, most) = value_codes(data.table, name), (data.thresholds.min_groups, data.thresholds.max_group_rows)
    trained = np.bincount(codes[data.splits.train], minlength=codes.max() + 1)
    groups = np.count_nonzero(trained)
    sized = groups >= least and 2 <= len(data.splits.train) / groups <= most
    return bool(sized and (trained[codes[data.splits.validation]] > 0).mean() >= 0.5)


def _is_whole(values: Numbers) -> bool:
    return not np.isnan(values).any() and bool((values == np.floor(values)).all())


def _rows_of_groups(data: CheckInputs, name: str) -> Indices:
    """About `PROBE_ROWS` known rows, whole groups of them."""
    codes = value_codes(data.table, name)
    present, sizes = np.unique(codes, return_counts=True)
    order = np.random.default_rng(data.seed).permutation(len(present))
    return np.flatnonzero(np.isin(codes, present[order[np.cumsum(sizes[order]) <= PROBE_ROWS]]))


def likeness(data: CheckInputs, name: str) -> float:
    """Correlation of a row's target with the mean of the rest of its group, less that with the two groups beside it.

    An age, too, has many rows of one value that are alike; but who is 34 is like who is 35, and patient 34 is not like
    patient 35.
    """
    probe = data.probe_of(_rows_of_groups(data, name), [name])
    codes = np.unique(probe.x[:, 0], return_inverse=True)[1]
    counts = np.bincount(codes)
    rows = np.flatnonzero(counts[codes] > 1)
    if len(counts) < data.thresholds.min_groups or len(rows) < data.thresholds.min_rows:
        return 0.0
    best = 0.0
    for y in probe.targets.T:
        sums = np.bincount(codes, weights=y)
        own = (sums[codes] - y)[rows] / (counts[codes] - 1)[rows]
        beside = np.convolve(sums, [1, 0, 1], "same") / np.convolve(counts, [1, 0, 1], "same")
        near = 0.0 if probe.categories[0] else _correlation(y[rows], beside[codes][rows])
        best = max(best, _correlation(y[rows], own) - max(near, 0.0))
    return best


def _correlation(a: Numbers, b: Numbers) -> float:
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-12 else 0.0


def _effect(probe: ProbeData, values: Numbers, data: CheckInputs) -> dict[str, float]:
    """Scores of each third of the groups, predicted with and without rows of the same groups."""
    groups = np.random.default_rng(data.seed).permutation(np.unique(values))
    place = np.argsort(groups)[np.searchsorted(np.sort(groups), values)]
    third = (np.arange(len(groups)) * 3 // len(groups))[place]
    comparisons = [
        compare(probe, np.flatnonzero(third == k), np.flatnonzero(third != k), place[third == k]) for k in range(3)
    ]
    return scores_if_flattered(probe, comparisons, "by_group", data.thresholds)


def _check(name: str, effect: dict[str, float], data: CheckInputs) -> Check:
    known, unknown = effect.values()
    metric, label = METRIC_LABELS[data.probe.metric], printable(name)
    sentence = (
        f"rows with the same {label} are alike and appear in training and validation: {metric} {known:.3f}, but "
        f"{unknown:.3f} for a {label} not seen in training; keep its rows in one split if the model will meet new ones."
    )
    named = is_group_name(name) or data.table.column(name).kind == "number"
    severity = severity_of(effect, data.thresholds) if named else "note"
    change = {"group": name} if len(data.columns) > 1 else {}  # the column of the groups is no feature
    return Check("groups", severity, (name,), 0, sentence, effect, change)
