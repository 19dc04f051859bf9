"""Rows that know each other: in order of time, or as groups that stand on both sides of the cut."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

import goodfit.checks
from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check, CheckSeverity, option
from goodfit.checks.probe_data import ProbeData
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Column, Table
from goodfit.formatting import METRIC_LABELS, printable

BLOCKS = 5
"""Of each trial."""
CERTAIN = 3.0
"""Standard errors of 15 blocks that chance exceeds once in 200 times."""
WORTH = 0.1
"""The part by which the squared error grows for rows of a new time or group before that is worth a word."""
MOMENTS = 5
"""Fewer different moments make no order."""
LEAST = 200
"""Fewer rows can show no such thing."""
SMALL, LARGE, GROUPS = 2, 50, 20
"""Rows that a value has, on average, and how many values there are, where a column may name groups."""
ALIKE = 0.2
"""Least correlation of a row's target with that of the other rows of its group."""
_TIME_NAMES = re.compile(r"year|yr|date|datetime|time|timestamp|moment", re.IGNORECASE)
_GROUP_NAMES = re.compile(
    r"(.*[_ ])?(id|ids|key|code|nr|no|patient|subject|person|customer|client|user|student|pupil|family|household|animal"
    r"|participant|device|machine|sensor|session|site|hospital|clinic|school|store|shop|speaker|author|player)s?"
    r"([_ ](id|key|code|nr|no|name))?|.*Id|.*ID"
)


def time_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """Columns that may say when: dates, years, and numbers that never fall from row to row."""
    found = [name for name in columns if _tells_time(table, table.column(name))]
    return sorted(found, key=lambda name: table.column(name).kind != "date")[:3]


def _tells_time(table: Table, column: Column) -> bool:
    if column.missing or column.kind not in ("date", "number"):
        return False
    values = table.values(column.name)
    never_falls = bool((values[1:] >= values[:-1]).all())
    named = column.kind == "date" or _TIME_NAMES.fullmatch(column.name) is not None
    return (named or never_falls) and pc.count_distinct(table.arrow[column.name]).as_py() >= MOMENTS


def check_time(sample: ProbeData, time: str, moments: npt.NDArray[np.generic]) -> list[Check]:
    """Whether later rows are told worse from earlier rows than from rows among them.

    Each of the last three fifths in time is judged, on a random half of it: by a forest that learned from all earlier
    rows, and by one that learned from as many rows, of which some are of the same time. moments: of the sample's rows.
    """
    if len(sample.y) < LEAST:
        return []
    fifths = np.array_split(np.argsort(moments, kind="stable"), 5)
    trials = [_trial(sample, fifths[k], np.concatenate(fifths[:k]), np.arange(len(fifths[k]))) for k in (2, 3, 4)]
    effect = _flattery(sample, trials, "by_time")
    if not effect:
        return []
    metric = METRIC_LABELS[sample.metric]
    among, ahead = effect.values()
    sentence = (
        f"{printable(time)} orders the rows in time, and rows of a later time are told worse than a random split "
        f"shows: {metric} {ahead:.3f} instead of {among:.3f}; split by time if you will predict what comes later."
    )
    return [Check("time_order", _severity(sample, among, ahead), (time,), 0, sentence, effect, option("time", time))]


def group_columns(table: Table, splits: Splits, sample: ProbeData) -> list[str]:
    """Columns that may name groups: few rows a value, most of them with others of their value in training."""
    n, m = len(splits.train) + len(splits.validation), len(sample.rows)
    # So many different values a sample of the rows shows of groups as large as they may be.
    least = max(GROUPS, n / LARGE * (1 - (1 - m / n) ** LARGE) * 0.8) if m < n else max(GROUPS, n / LARGE)
    several = [j for j in range(len(sample.names)) if _whole(sample.x[:, j]) and _distinct(sample.x[:, j]) >= least]
    return [sample.names[j] for j in several if _on_both_sides(table, splits, sample.names[j])]


def _on_both_sides(table: Table, splits: Splits, name: str) -> bool:
    codes = group_codes(table, name)
    trained = np.bincount(codes[splits.train], minlength=codes.max() + 1)
    groups = np.count_nonzero(trained)
    sized = groups >= GROUPS and SMALL <= len(splits.train) / groups <= LARGE
    return bool(sized and (trained[codes[splits.validation]] > 0).mean() >= 0.5)


def group_codes(table: Table, name: str) -> Indices:
    """Which of the different values stands in each row; missing cells are one value."""
    codes = table.arrow[name].combine_chunks().dictionary_encode(null_encoding="encode").indices
    return np.asarray(codes).astype(np.int64)


def rows_of_groups(codes: Indices, rows: Indices, most: int, seed: int) -> Indices:
    """About so many of these rows, whole groups of them."""
    present, sizes = np.unique(codes[rows], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(present))
    chosen = present[order[np.cumsum(sizes[order]) <= most]]
    return rows[np.isin(codes[rows], chosen)]


def check_groups(sample: ProbeData, column: int) -> list[Check]:
    """Whether rows of a group that training did not see are told worse than rows of a group that it knows."""
    values = sample.x[:, column]
    groups = np.random.default_rng(sample.seed).permutation(np.unique(values))
    place = np.argsort(groups)[np.searchsorted(np.sort(groups), values)]
    thirds = np.arange(len(groups)) * 3 // len(groups)
    trials = []
    for third in range(3):
        new = np.flatnonzero(thirds[place] == third)
        trials.append(_trial(sample, new, np.flatnonzero(thirds[place] != third), place[new]))
    effect = _flattery(sample, trials, "by_group")
    if not effect:
        return []
    name, metric = sample.names[column], METRIC_LABELS[sample.metric]
    known, unknown = effect.values()
    named = not sample.categories[column] or _GROUP_NAMES.fullmatch(name) is not None
    sentence = (
        f"rows with the same {printable(name)} stand in training and validation and are alike: {metric} {known:.3f}, "
        f"but {unknown:.3f} for a {printable(name)} not seen in training; keep its rows together if new ones will come."
    )
    severity = _severity(sample, known, unknown) if named else "note"
    return [Check("groups", severity, (name,), 0, sentence, effect, option("group", name))]


def _severity(sample: ProbeData, flattered: float, true: float) -> CheckSeverity:
    """Serious if less than half of what seems to be known is."""
    return "serious" if true - sample.chance < 0.5 * (flattered - sample.chance) else "warning"


def _whole(values: Numbers) -> bool:
    return not np.isnan(values).any() and bool((values == np.floor(values)).all())


def _distinct(values: Numbers) -> int:
    return len(np.unique(values))


def alike(sample: ProbeData, column: int) -> float:
    """Correlation of a row's target with the mean of the rest of its group, less that with the two groups beside it.

    An age, too, has many rows of one value that are alike; but who is 34 is like who is 35, and patient 34 is not like
    patient 35.
    """
    codes = np.unique(sample.x[:, column], return_inverse=True)[1]
    counts = np.bincount(codes)
    rows = np.flatnonzero(counts[codes] > 1)
    if len(counts) < GROUPS or len(rows) < LEAST:
        return 0.0
    best = 0.0
    for y in sample.targets.T:
        sums = np.bincount(codes, weights=y)
        own = (sums[codes] - y)[rows] / (counts[codes] - 1)[rows]
        beside = np.convolve(sums, [1, 0, 1], "same") / np.convolve(counts, [1, 0, 1], "same")
        near = 0.0 if sample.categories[column] else _correlation(y[rows], beside[codes][rows])
        best = max(best, _correlation(y[rows], own) - max(near, 0.0))
    return best


def _correlation(a: Numbers, b: Numbers) -> float:
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-12 else 0.0


class HeldOutComparison(NamedTuple):
    """Rows that were judged twice: by a forest that learned from rows of their kind, and by one that did not."""

    judged: Indices
    block: Indices
    among: Numbers
    apart: Numbers


def _trial(sample: ProbeData, rows: Indices, others: Indices, order: Indices) -> HeldOutComparison | None:
    """Judge a random half of the rows: from the others alone, and from as many of which some are the other half.

    order: places of `rows` in time, or numbers of their groups; rows of one block are near each other in it.
    """
    rng = np.random.default_rng(sample.seed)
    judged = np.zeros(len(rows), bool)
    judged[rng.permutation(len(rows))[: len(rows) // 2]] = True
    like, rest = rows[~judged], rng.permutation(others)
    mixed = np.sort(np.concatenate([like, rest[: max(0, len(others) - len(like))]]))[: len(others)]
    if min(np.unique(sample.y[part]).size for part in (mixed, others, rows[judged])) < 2:
        return None
    places = order[judged] - order.min()
    return HeldOutComparison(
        rows[judged],
        places * BLOCKS // (int(np.ptp(order)) + 1),
        goodfit.checks.probe.fitted_outputs(sample, mixed, rows[judged]),
        goodfit.checks.probe.fitted_outputs(sample, others, rows[judged]),
    )


def _flattery(sample: ProbeData, trials: Sequence[HeldOutComparison | None], name: str) -> dict[str, float]:
    """Scores of rows told from their like and from others alone; {} unless the difference is certain and large.

    Errors within a block may go together: certainty is that of the mean over the blocks of all trials.
    """
    done = [trial for trial in trials if trial is not None]
    if not done:
        return {}
    rows = np.concatenate([trial.judged for trial in done])
    blocks = np.concatenate([trial.block + BLOCKS * i for i, trial in enumerate(done)])
    outputs = {
        "random": np.concatenate([trial.among for trial in done]),
        name: np.concatenate([trial.apart for trial in done]),
    }
    truth = sample.targets[rows]
    among, apart = (((found - truth) ** 2).sum(axis=1) for found in outputs.values())
    if not _clearly_larger(apart, among, blocks):
        return {}
    metric = sample.metric
    return {f"{metric}_{key}": goodfit.checks.probe.score(sample, rows, found) for key, found in outputs.items()}


def _clearly_larger(errors: Numbers, base: Numbers, blocks: Indices) -> bool:
    """Whether the errors of a block grow on average; in logarithms, since in some blocks they grow beyond measure."""
    rows = np.bincount(blocks)
    means = [(np.bincount(blocks, weights=side) / np.maximum(rows, 1))[rows > 0] for side in (errors, base)]
    little = 0.5 * base.mean() + 1e-12
    ratios = np.log((means[0] + little) / (means[1] + little))
    certain = ratios.mean() > CERTAIN * ratios.std(ddof=1) / np.sqrt(len(ratios))
    return bool(certain and errors.mean() > (1 + WORTH) * base.mean())
