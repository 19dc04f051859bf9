"""Training and validation rows that differ, classes with few rows, and columns that number the rows."""

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check, option
from goodfit.checks.probe_data import draw_rows
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Table
from goodfit.data.target import Task
from goodfit.formatting import count, join, numbers, printable

CELLS = 500_000
"""Cells that are compared for drift."""
ERROR_RATE = 0.001
"""How often rows that do not differ are said to, at most, over all columns together."""
DISTANCE = 0.1
"""The part of the rows that must differ before it is worth a word."""
FEW_TO_LEARN, FEW_TO_JUDGE, RARE = 10, 5, 0.05


def check_drift(table: Table, splits: Splits, columns: Sequence[str], *, seed: int) -> list[Check]:
    """Columns whose values in the validation rows are not those of the training rows.

    Compared are the distributions of numbers and dates by the Kolmogorov–Smirnov distance, categories and missing cells
    by the largest difference of a share. Under a cut at random a distance exceeds
    √(log(2·comparisons/rate)·(1/n + 1/m)/2) in `rate` of the tables at most (inequalities of Dvoretzky, Kiefer,
    Wolfowitz and Massart, and of Hoeffding). Of groups nothing is said, since their rows differ together by chance.
    """
    if splits.rule in ("group", "duplicates"):
        return []
    most = max(500, CELLS // max(1, len(columns)))
    sides = [draw_rows(rows, most, seed) for rows in (splits.train, splits.validation)]
    found = {name: _distance(table, name, sides, len(columns)) for name in columns}
    drifted = sorted((name for name in columns if found[name]), key=lambda name: -found[name])
    if not drifted:
        return []
    first = drifted[0]
    sentence = (
        f"{join(map(printable, drifted), longest=80)} {_verb(drifted, 'differs', 'differ')} between "
        f"training and validation rows{_means(table, first, sides)}; " + _advice(splits.rule)
    )
    argument = "--split random" if splits.rule == "last" else ""
    effect = {"distance": found[first]}
    return [
        Check("drift", "note" if splits.rule == "time" else "warning", tuple(drifted), 0, sentence, effect, argument)
    ]


def _advice(rule: str) -> str:
    if rule == "time":
        return "later rows differ from earlier ones, and what comes next may too."
    return "the validation loss judges rows of another kind; check how the rows were put in order or chosen."


def _means(table: Table, name: str, sides: Sequence[Indices]) -> str:
    if table.column(name).kind != "number":
        return ""
    values = table.values(name)
    means = numbers(*(float(np.nanmean(values[rows])) for rows in sides[::-1] if not np.isnan(values[rows]).all()))
    return f" ({printable(name)} has the mean {means[0]}, not {means[1]})" if len(means) == 2 else ""


def _distance(table: Table, name: str, sides: Sequence[Indices], n_columns: int) -> float:
    """How far training and validation rows are apart, 0 where chance or little."""
    column = table.arrow[name].combine_chunks()
    if pa.types.is_string(column.type):
        codes = np.asarray(column.dictionary_encode(null_encoding="encode").indices)
        distance, comparisons = _largest_difference(codes[sides[0]], codes[sides[1]]), codes.max() + 1
    else:
        missing = np.asarray(column.is_null())
        a, b = (np.asarray(table.values(name)[rows][~missing[rows]]) for rows in sides)
        gaps = abs(missing[sides[0]].mean() - missing[sides[1]].mean())
        distance, comparisons = max(_kolmogorov_smirnov(a, b), gaps), 2
        sides = [a, b] if distance > gaps else sides
    n, m = (max(1, len(side)) for side in sides)
    chance = sqrt(log(2 * comparisons * n_columns / ERROR_RATE) * (1 / n + 1 / m) / 2)
    return float(distance) if distance > max(chance, DISTANCE) else 0.0


def _kolmogorov_smirnov(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> float:
    if not len(a) or not len(b):
        return 0.0
    a, b = np.sort(a), np.sort(b)
    values = np.concatenate([a, b])
    below = (np.searchsorted(side, values, side="right") / len(side) for side in (a, b))
    return float(np.abs(next(below) - next(below)).max())


def _largest_difference(a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> float:
    most = int(max(a.max(initial=0), b.max(initial=0))) + 1
    shares: list[Numbers] = [np.bincount(side, minlength=most) / max(1, len(side)) for side in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def check_rare_classes(table: Table, splits: Splits, *, target: str, task: Task, weighted: bool) -> list[Check]:
    """Classes with too few rows to be learned or judged, next to others with many; and strong imbalance."""
    if task == "regression":
        return []
    n = len(splits.train)
    cells = table.take(np.concatenate([splits.train, splits.validation])).values(target)
    classes, codes = np.unique(cells, return_inverse=True)
    train, validation = (np.bincount(side, minlength=len(classes)) for side in (codes[:n], codes[n:]))
    small = train < 0.5 * train.sum() / len(classes)
    too_few = np.flatnonzero(small & ((train < FEW_TO_LEARN) | (validation < FEW_TO_JUDGE)))
    if len(too_few):
        return [_few(target, [classes[code] for code in too_few], train[too_few], validation[too_few])]
    rarest = int(train.argmin())
    share = float(train[rarest] / train.sum())
    if weighted or share >= min(RARE, 0.5 / len(classes)):
        return []
    sentence = (
        f"only {share:.1%} of the training rows are of class {printable(_label(classes[rarest]))}, so a network that "
        "never names it looks good by accuracy; judge by balanced accuracy, or weight the classes."
    )
    effect = {"share": share}
    return [Check("rare_class", "note", (target,), int(train[rarest]), sentence, effect, "--class-weight balanced")]


def _few(target: str, labels: Sequence[object], train: Indices, validation: Indices) -> Check:
    names = join((printable(_label(label)) for label in labels), longest=80)
    sentence = (
        f"{_verb(labels, 'class', 'classes')} {names} of {printable(target)} {_verb(labels, 'has', 'have')} "
        f"{count(int(train.sum()), 'training row')} and {count(int(validation.sum()), 'validation row')}"
        f"{_verb(labels, '', ' together')}: too few to learn from, or to tell how well it was learned."
    )
    return Check("rare_class", "warning", (target,), int(train.sum() + validation.sum()), sentence)


def _verb(things: Sequence[object], one: str, several: str) -> str:
    return one if len(things) == 1 else several


def _label(label: object) -> object:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def check_ids(table: Table, columns: Sequence[str]) -> list[Check]:
    """Whole numbers that count the rows, one each, in whatever order."""
    ids = [name for name in columns if table.column(name).kind == "number" and _counts_rows(table.values(name))]
    if not ids:
        return []
    sentence = (
        f"{join(map(printable, ids))} {_verb(ids, 'counts', 'count')} the rows, one each, so what is learned "
        "there holds for no other row; drop it."
    )
    return [Check("id", "warning", tuple(ids), 0, sentence, argument=option("drop", *ids))]


def _counts_rows(values: Numbers) -> bool:
    n = len(values)
    if n < 20 or not n - 1 <= np.ptp(values) <= 1.1 * n:
        return False
    return bool((values == np.floor(values)).all()) and len(np.unique(values)) == n
