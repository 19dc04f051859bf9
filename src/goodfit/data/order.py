"""Rows that know each other: in order of time, or as groups that stand on both sides of the cut."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

import goodfit.data
from goodfit.data.check import Check, option
from goodfit.data.cuts import Rows
from goodfit.data.features import Numbers
from goodfit.data.parts import Parts
from goodfit.data.sample import Sample
from goodfit.data.table import Column, Table
from goodfit.words import METRICS, plain

BLOCKS = 12
CERTAIN = 3.1
"""Standard errors of 12 blocks that chance exceeds once in 200 times."""
WORTH = 0.1
"""The part by which the squared error grows for rows of a new time or group before that is worth a word."""
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
    if (
        column.missing
        or column.kind not in ("date", "number")
        or pc.count_distinct(table.arrow[column.name]).as_py() < 5
    ):
        return False
    named = column.kind == "date" or _TIME_NAMES.fullmatch(column.name) is not None
    values = table.values(column.name)
    return named or bool((values[1:] >= values[:-1]).all())


def check_time(sample: Sample, time: str, moments: npt.NDArray[np.generic]) -> list[Check]:
    """Whether later rows are told worse from earlier rows than from rows among them.

    The last third in time is judged twice, on a random half of it: by a forest that learned from the earlier rows, and
    by one that learned from as many rows, of which some are of the same time. moments: of the rows of the sample.
    """
    if len(sample.y) < LEAST:
        return []
    order = np.argsort(moments, kind="stable")
    late = order[2 * len(order) // 3 :]
    effect = _flattery(sample, late, np.arange(len(late)) * BLOCKS // len(late))
    if not effect:
        return []
    metric = METRICS[sample.metric]
    among, ahead = effect.values()
    sentence = (
        f"{plain(time)} orders the rows in time, and rows of a later time are told worse than a random split shows: "
        f"{metric} {ahead:.3f} instead of {among:.3f}; split by time if you will predict what comes later."
    )
    return [Check("time_order", "warning", (time,), 0, sentence, effect, option("time", time))]


def group_columns(table: Table, parts: Parts, sample: Sample) -> list[str]:
    """Columns that may name groups: few rows a value, most of them with others of their value in training."""
    n, m = len(parts.train) + len(parts.validation), len(sample.rows)
    # So many different values a sample of the rows shows of groups as large as they may be.
    least = max(GROUPS, n / LARGE * (1 - (1 - m / n) ** LARGE) * 0.8) if m < n else max(GROUPS, n / LARGE)
    several = [j for j in range(len(sample.names)) if _whole(sample.x[:, j]) and _distinct(sample.x[:, j]) >= least]
    return [sample.names[j] for j in several if _on_both_sides(table, parts, sample.names[j])]


def _on_both_sides(table: Table, parts: Parts, name: str) -> bool:
    codes = group_codes(table, name)
    trained = np.bincount(codes[parts.train], minlength=codes.max() + 1)
    groups = np.count_nonzero(trained)
    sized = groups >= GROUPS and SMALL <= len(parts.train) / groups <= LARGE
    return bool(sized and (trained[codes[parts.validation]] > 0).mean() >= 0.5)


def group_codes(table: Table, name: str) -> Rows:
    """Which of the different values stands in each row; missing cells are one value."""
    codes = table.arrow[name].combine_chunks().dictionary_encode(null_encoding="encode").indices
    return np.asarray(codes).astype(np.int64)


def rows_of_groups(codes: Rows, rows: Rows, most: int, seed: int) -> Rows:
    """About so many of these rows, whole groups of them."""
    present, sizes = np.unique(codes[rows], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(present))
    chosen = present[order[np.cumsum(sizes[order]) <= most]]
    return rows[np.isin(codes[rows], chosen)]


def check_groups(sample: Sample, column: int) -> list[Check]:
    """Whether rows of a group that training did not see are told worse than rows of a group that it knows."""
    values = sample.x[:, column]
    rng = np.random.default_rng(sample.seed)
    groups = rng.permutation(np.unique(values))
    chosen = groups[: len(groups) // 3]
    new = np.flatnonzero(np.isin(values, chosen))
    blocks = np.searchsorted(np.sort(chosen), values[new]) % BLOCKS
    effect = _flattery(sample, new, blocks)
    if not effect:
        return []
    name, metric = sample.names[column], METRICS[sample.metric]
    known, unknown = effect.values()
    named = not sample.categories[column] or _GROUP_NAMES.fullmatch(name) is not None
    sentence = (
        f"rows with the same {plain(name)} stand in training and validation and are alike: {metric} {known:.3f}, but "
        f"{unknown:.3f} for a {plain(name)} not seen in training; keep its rows together if new ones will come."
    )
    return [Check("groups", "warning" if named else "note", (name,), 0, sentence, effect, option("group", name))]


def _whole(values: Numbers) -> bool:
    return not np.isnan(values).any() and bool((values == np.floor(values)).all())


def _distinct(values: Numbers) -> int:
    return len(np.unique(values))


def alike(sample: Sample, column: int) -> float:
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


def _flattery(sample: Sample, apart: Rows, blocks: Rows) -> dict[str, float]:
    """Scores of rows told from their like (some of `apart`) and from others alone; {} unless the difference is certain.

    Both forests learn from equally many rows and are judged on the same ones. blocks: of each row of `apart`, within
    which errors may go together; certainty is that of the mean over blocks.
    """
    rng = np.random.default_rng(sample.seed)
    others = np.setdiff1d(np.arange(len(sample.y)), apart)
    judged = np.zeros(len(apart), bool)
    judged[rng.permutation(len(apart))[: len(apart) // 2]] = True
    like = apart[~judged]
    mixed = np.r_[like, rng.permutation(others)[: len(others) - len(like)]]
    rows = apart[judged]
    if len(np.unique(sample.y[others])) < 2 or len(np.unique(sample.y[rows])) < 2:
        return {}
    outputs = {
        "random": goodfit.data.quick.fitted_outputs(sample, mixed, rows),
        "apart": goodfit.data.quick.fitted_outputs(sample, others, rows),
    }
    truth = sample.targets[rows]
    errors = {name: ((found - truth) ** 2).sum(axis=1) for name, found in outputs.items()}
    if not _clearly_larger(errors["apart"], errors["random"], blocks[judged]):
        return {}
    metric = sample.metric
    return {f"{metric}_{name}": goodfit.data.quick.score(sample, rows, found) for name, found in outputs.items()}


def _clearly_larger(errors: Numbers, base: Numbers, blocks: Rows) -> bool:
    difference = np.bincount(blocks, weights=errors - base, minlength=BLOCKS)
    means = difference / np.maximum(np.bincount(blocks, minlength=BLOCKS), 1)
    certain = means.mean() > CERTAIN * means.std(ddof=1) / np.sqrt(len(means))
    return bool(certain and errors.mean() > (1 + WORTH) * base.mean())
