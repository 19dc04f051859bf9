"""Rows that stand in two splits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check, CheckSeverity
from goodfit.checks.probe_data import ProbeData, draw_rows, make_probe_data
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Table
from goodfit.data.target import Task
from goodfit.formatting import count

Keys = npt.NDArray[np.uint64]

STEP = 2e-3
"""Numbers are equal up to rounding within about this part of a standard deviation."""
NEARLY = 2 / 3
"""Of the partners by a looser rule, the part that copies have by the strict one."""
JUDGED, KNOWN = 500, 3000
"""Validation rows that are told by their nearest training row, and training rows among which it is looked for."""
CERTAIN = 2.5
"""Standard errors by which rows that have a twin must be told better."""
WARNING, SERIOUS = 0.005, 0.05
"""How much the twins add to the score."""
MOST = 0.9
"""Of more twins no rows are left to compare them with."""
SCORE = {"regression": ("r2", "R²"), "binary": ("accuracy", "accuracy"), "multiclass": ("accuracy", "accuracy")}


def check_duplicates(
    table: Table, splits: Splits, columns: Sequence[str], *, target: str, task: Task, seed: int
) -> list[Check]:
    """Held-out rows whose columns all equal those of a training row, and what that does to the score.

    Twins are named only if a validation row's target is told better by its twin than that of other rows by their
    nearest training row.
    """
    if not columns:
        return []
    twins = find_twins(table, splits.train, np.r_[splits.validation, splits.test], columns)
    of_validation = twins.rows[: len(splits.validation)]
    if (twins.rows >= 0).mean() > MOST:
        return [_all_known(twins, splits.rule)]
    judged = _judged(of_validation, seed)
    if not len(judged):
        return []
    rows = draw_rows(splits.train, KNOWN, seed)
    together = np.r_[rows, splits.validation[judged], np.maximum(of_validation[judged], 0)]
    sample = make_probe_data(table, together, columns, target=target, task=task, seed=seed)
    told, truth, has_twin = _told(sample, len(rows), len(judged), of_validation[judged] >= 0)
    errors = (told - truth) ** 2 if task == "regression" else (told != truth).astype(np.float64)
    if not _clearly_better(errors, has_twin):
        return []
    share = float((of_validation >= 0).mean())
    return [_check(twins, _scores(truth, errors, has_twin, share, task), task, splits.rule)]


class Twins(NamedTuple):
    """The training row that each held-out row equals, −1 where there is none; and whether only up to rounding."""

    rows: Indices
    rounded: npt.NDArray[np.bool_]

    @property
    def n(self) -> int:
        return int((self.rows >= 0).sum())

    @property
    def found(self) -> str:
        """How many there are, as one would say it."""
        n, near = self.n, int(self.rounded.sum())
        aside = f" ({near:,} of them up to rounding)" if near else ""
        return (
            f"{n:,} of {count(len(self.rows), 'validation and test row')} also stand{'s' * (n == 1)} in training{aside}"
        )


def find_twins(table: Table, train: Indices, held: Indices, columns: Sequence[str]) -> Twins:
    """Held-out rows that equal a training row, exactly or up to rounding.

    Up to rounding: in the same cells of a grid. Rows that are equal by chance are none: in a coarse table far more rows
    agree where the most varied columns are left out, and near rows in cells four times as wide, which copies do not.
    """
    kept = _less_varied(table, columns)
    exact, looser = (_partners(row_keys(table, names), train, held) for names in (columns, kept))
    twins = exact.first if _no_chance(exact.counts, looser.counts) else np.full(len(held), -1)
    if not _has_fractions(table, columns):
        return Twins(twins, np.zeros(len(held), bool))
    near, looser = (_partners(row_keys(table, columns, step=step), train, held) for step in (STEP, 4 * STEP))
    more, looser_more = near.counts - exact.counts, looser.counts - exact.counts
    rounded = (twins < 0) & (more > 0) & _no_chance(more, looser_more)
    return Twins(np.where(rounded, near.first, twins), rounded)


def copies(table: Table, columns: Sequence[str]) -> Keys:
    """A number of every row that is the same for copies: what ``split="copies"`` goes by.

    Numbers are rounded to `STEP` of their standard deviation, so that copies whose digits were cut are still found but
    for the few that lie on both sides of an edge; where there are only whole numbers, none is rounded.
    """
    return row_keys(table, columns, step=STEP if _has_fractions(table, columns) else 0.0)


def _less_varied(table: Table, columns: Sequence[str]) -> list[str]:
    """Without the one to three columns that have the most different values."""
    head = table.arrow.slice(0, 3000)
    varied = sorted(columns, key=lambda name: pc.count_distinct(head[name]).as_py())
    return varied[: len(varied) - max(1, min(3, len(varied) // 4))]


def _no_chance(equal: Indices, looser: Indices) -> bool:
    """Whether nearly as many rows have a partner as by a looser rule; where all have one, as many partners.

    Shares are compared as −log(1 − share), which is the mean number of partners if they come by chance.
    """
    shares = [float((counts > 0).mean()) for counts in (equal, looser)]
    if shares[1] > MOST:
        return bool(equal.sum() >= NEARLY * looser.sum())
    return bool(shares[0] and np.log1p(-shares[0]) / np.log1p(-max(shares)) >= NEARLY)


def row_keys(table: Table, columns: Sequence[str], *, step: float = 0.0) -> Keys:
    """A number of every row that is the same for rows with equal values: uint64 (n_rows,).

    Σ_j multiplier_j · mixed(value_j) modulo 2⁶⁴ with odd random multipliers; for wide tables ten times as quick as
    `row_hashes`, and of use within one process only. step: numbers are rounded to so many of their standard deviations.
    """
    multipliers = np.random.default_rng(0).integers(2**63, size=len(columns), dtype=np.uint64) * np.uint64(2) + 1
    keys = np.zeros(table.n_rows, np.uint64)
    for name, multiplier in zip(columns, multipliers, strict=True):
        keys += _mixed(_words(table.arrow[name].combine_chunks(), step)) * multiplier
    return keys


def _words(column: pa.Array, step: float) -> Keys:
    """64 bits of each cell: those of the number or moment, or which of the different strings it is."""
    if pa.types.is_string(column.type):
        codes = column.dictionary_encode().indices
        return np.asarray(codes.fill_null(-1)).astype(np.int64).view(np.uint64)
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.int64()).fill_null(np.iinfo(np.int64).min)
        return np.asarray(column).view(np.uint64)
    numbers = np.asarray(column.fill_null(np.nan))
    if step and 0 < (spread := _spread(numbers)) < np.inf:
        numbers = np.round(numbers / (step * spread))
    return (numbers + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0


def _spread(numbers: Numbers) -> float:
    """Standard deviation; infinity, and so no rounding, for numbers whose squares are."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.nan_to_num(np.nanstd(numbers), nan=np.inf)) if not np.isnan(numbers).all() else 0.0


def _mixed(words: Keys) -> Keys:
    """Every bit of a word spread over all others, so that sums of simple numbers do not meet (SplitMix64's mixer)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


class Partners(NamedTuple):
    """Of each held-out row: the first training row with the same key, −1 if there is none, and how many there are."""

    first: Indices
    counts: Indices


def _partners(keys: Keys, train: Indices, held: Indices) -> Partners:
    known, first, counts = np.unique(keys[train], return_index=True, return_counts=True)
    places = np.minimum(np.searchsorted(known, keys[held]), len(known) - 1)
    found = known[places] == keys[held]
    return Partners(np.where(found, train[first[places]], -1), np.where(found, counts[places], 0))


def _has_fractions(table: Table, columns: Sequence[str]) -> bool:
    """Whether there is a number to round; whole numbers are not rounded."""
    numbers = [table.values(name)[:1000] for name in columns if table.column(name).kind == "number"]
    return any(bool((values[values == values] % 1 != 0).any()) for values in numbers)


def _judged(twins: Indices, seed: int) -> Indices:
    """Places of validation rows, with and without a twin alike; none if there are too few of either."""
    sides = [draw_rows(np.flatnonzero(side), JUDGED, seed) for side in (twins >= 0, twins < 0)]
    return np.concatenate(sides) if min(map(len, sides)) >= 5 else np.empty(0, np.int64)


def _told(
    sample: ProbeData, n_known: int, n_judged: int, has_twin: npt.NDArray[np.bool_]
) -> tuple[Numbers, Numbers, npt.NDArray[np.bool_]]:
    """The target that twin or nearest training row tells of the judged rows, and the true one."""
    y = np.asarray(sample.y, np.float64)
    known, truth, twin = np.split(y, [n_known, n_known + n_judged])
    told = twin.copy()
    alone = np.flatnonzero(~has_twin)
    told[alone] = known[_nearest(sample, n_known, n_known + alone)]
    return told, truth, has_twin


def _nearest(sample: ProbeData, n_known: int, places: Indices) -> Indices:
    """The known row nearest to each of these: squared standardised differences, and 1 for another category."""
    distances = np.zeros((len(places), n_known), np.float32)
    narrow = sample.narrowed()
    for values, category in zip(narrow.x.T, narrow.categories, strict=True):
        if category:
            distances += values[places][:, None] != values[None, :n_known]
            continue
        spread = np.nanstd(values) or 1.0
        scaled = np.nan_to_num((values - np.nanmean(values)) / spread).astype(np.float32)
        distances += (scaled[places][:, None] - scaled[None, :n_known]) ** 2
    nearest: Indices = distances.argmin(axis=1)
    return nearest


def _clearly_better(errors: Numbers, has_twin: npt.NDArray[np.bool_]) -> bool:
    """With the spread of rows without a twin on both sides: ten rows that are all told right have none of their own."""
    sides = errors[has_twin], errors[~has_twin]
    se = sides[1].std(ddof=1) * np.sqrt(sum(1 / len(side) for side in sides))
    return bool(sides[1].mean() - sides[0].mean() > max(CERTAIN * se, 1e-12))


def _scores(
    truth: Numbers, errors: Numbers, has_twin: npt.NDArray[np.bool_], share: float, task: Task
) -> dict[str, float]:
    """The score of telling all validation rows so, twins in their true share, and of those without a twin."""
    without = float(errors[~has_twin].mean())
    error = share * float(errors[has_twin].mean()) + (1 - share) * without
    unit = float(truth.var()) if task == "regression" else 1.0
    name = SCORE[task][0]
    return {f"{name}_with": 1 - error / unit, f"{name}_without": 1 - without / unit}


def _all_known(twins: Twins, rule: str) -> Check:
    advice, argument = _repair(rule)
    sentence = (
        f"{twins.found}, so their scores say how well rows are remembered and not how well new ones are told; {advice}."
    )
    return Check("duplicates", "serious", (), twins.n, sentence, argument=argument)


def _repair(rule: str) -> tuple[str, str]:
    """What to do, and the option; rows that already are in one part for another reason cannot be put together anew."""
    if rule in ("random", "stratified"):
        return "keep copies in one part", "--split duplicates"
    return "remove repeated rows from the table", ""


def _check(twins: Twins, effect: dict[str, float], task: Task, rule: str) -> Check:
    advice, argument = _repair(rule)
    with_twins, without = effect.values()
    gain, metric = with_twins - without, SCORE[task][1]
    severity: CheckSeverity = "serious" if gain >= SERIOUS else "warning" if gain >= WARNING else "note"
    sentence = (
        f"{twins.found}, which flatters the score: the nearest training row tells the target with {metric} "
        f"{with_twins:.3f}, but {without:.3f} where there is no such copy; {advice}."
    )
    small = f"{twins.found}, which flatters the score by {gain:.4f} of {metric} only."
    return Check("duplicates", severity, (), twins.n, small if severity == "note" else sentence, effect, argument)
