"""Rows that appear in two splits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import Check, CheckSeverity
from goodfit.checks.inputs import CheckInputs
from goodfit.checks.probe_data import ProbeData, draw_rows
from goodfit.checks.thresholds import CheckThresholds
from goodfit.data.row_keys import DUPLICATE_STEP, KeyRule, key_rule, row_keys
from goodfit.data.table import Table
from goodfit.formatting import METRIC_LABELS, count

NEIGHBOUR_ROWS = 3000
"""Training rows among which the nearest is looked for."""
EVALUATED_ROWS = 500
"""Validation rows with a duplicate, and as many without, whose target is predicted."""
HEAD_ROWS = 3000
"""Rows in which different values are counted."""


class Duplicates(NamedTuple):
    """For each held-out row the training row that it equals, −1 for none; and whether it is equal up to rounding only.

    Held-out rows are the validation rows, then the test rows.
    """

    rows: Indices
    rounded: npt.NDArray[np.bool_]
    n_validation: int

    @property
    def of_validation(self) -> Indices:
        return self.rows[: self.n_validation]

    @property
    def n(self) -> int:
        return int((self.rows >= 0).sum())

    @property
    def found(self) -> str:
        """How many there are, as the beginning of a sentence."""
        near = int(self.rounded.sum())
        aside = f" ({near:,} of them up to rounding)" if near else ""
        verb = "appears" if self.n == 1 else "appear"
        what = "validation row" if len(self.rows) == self.n_validation else "validation and test row"
        return f"{self.n:,} of {count(len(self.rows), what)} also {verb} in training{aside}"


def check_duplicates(data: CheckInputs) -> list[Check]:
    """Find held-out rows whose columns all equal those of a training row, and what that does to the score.

    They are reported if duplicates predict the target of validation rows better than the nearest training row
    predicts that of other validation rows, or if there are too few rows to tell.
    """
    if not data.columns:
        return []
    duplicates = find_duplicates(data)
    of_validation = duplicates.of_validation
    if (of_validation >= 0).mean() > data.thresholds.saturated_share:
        return [_nearly_all(duplicates, data.splits.rule)]
    if (of_validation >= 0).sum() < data.thresholds.min_side_rows:
        return []
    chosen = _evaluated_rows(of_validation, data)
    if not len(chosen):
        return [_too_few(duplicates, data.splits.rule)]
    has_duplicate = of_validation[chosen] >= 0
    predicted, truth = _predictions(data, chosen, of_validation[chosen])
    errors = (predicted - truth) ** 2 if data.task == "regression" else (predicted != truth).astype(np.float64)
    own, others = errors[has_duplicate], errors[~has_duplicate]
    if not _clearly_better(own, others, data.thresholds.standard_errors):
        could_be = _clearly_better(np.zeros_like(own), others, data.thresholds.standard_errors)
        return [] if could_be else [_too_few(duplicates, data.splits.rule)]
    share = float((of_validation >= 0).mean())
    return [_some(duplicates, _scores(truth, errors, has_duplicate, share, data), data)]


def find_duplicates(data: CheckInputs) -> Duplicates:
    """Find held-out rows that equal a training row, exactly or up to rounding.

    Rows that are equal by chance do not count: in a coarse table far more rows agree where the most varied columns are
    left out, and near rows in intervals four times as wide; with true duplicates these numbers hardly differ.
    Validation rows alone decide that.
    """
    table, columns, n = data.table, data.columns, len(data.splits.validation)
    rules = [key_rule(table, names) for names in (columns, _less_varied_columns(table, columns))]
    exact, looser = (_partners(data, rule) for rule in rules)
    is_true = is_no_chance(exact.counts[:n], looser.counts[:n], data.thresholds)
    rows = exact.first if is_true else np.full(len(exact.first), -1)
    rules = [key_rule(table, columns, step=step) for step in (DUPLICATE_STEP, 4 * DUPLICATE_STEP)]
    if not rules[0].widths:
        return Duplicates(rows, np.zeros(len(rows), bool), n)
    near, looser = (_partners(data, rule) for rule in rules)
    more, looser_more = near.counts - exact.counts, looser.counts - exact.counts
    rounded = (rows < 0) & (more > 0) & is_no_chance(more[:n], looser_more[:n], data.thresholds)
    return Duplicates(np.where(rounded, near.first, rows), rounded, n)


def _less_varied_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """All but the one to three columns that have the most different values."""
    head = table.arrow.slice(0, HEAD_ROWS)
    varied = sorted(columns, key=lambda name: pc.count_distinct(head[name]).as_py())
    return varied[: len(varied) - max(1, min(3, len(varied) // 4))]


def is_no_chance(equal: Indices, looser: Indices, thresholds: CheckThresholds) -> bool:
    """Whether nearly as many rows have a partner as by a looser rule; where all have one, as many partners.

    Shares are compared as −log(1 − share), which is the mean number of partners if they come by chance.
    """
    shares = [float((counts > 0).mean()) for counts in (equal, looser)]
    if shares[1] > thresholds.saturated_share:
        return bool(equal.sum() >= thresholds.strict_share * looser.sum())
    return bool(shares[0] and np.log1p(-shares[0]) / np.log1p(-max(shares)) >= thresholds.strict_share)


class Partners(NamedTuple):
    """For each held-out row the first training row with the same key, −1 if there is none, and how many there are."""

    first: Indices
    counts: Indices


def _partners(data: CheckInputs, rule: KeyRule) -> Partners:
    keys, train = row_keys(data.table, rule), data.splits.train
    held = [keys[data.splits.validation], *([data.held_out(rule)] if data.held_out else [])]
    known, first, counts = np.unique(keys[train], return_index=True, return_counts=True)
    wanted = np.concatenate(held)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found = known[places] == wanted
    return Partners(np.where(found, train[first[places]], -1), np.where(found, counts[places], 0))


def _evaluated_rows(duplicates: Indices, data: CheckInputs) -> Indices:
    """Places of validation rows, with and without a duplicate alike; none if there are too few of either."""
    sides = [draw_rows(np.flatnonzero(side), EVALUATED_ROWS, data.seed) for side in (duplicates >= 0, duplicates < 0)]
    return np.concatenate(sides) if min(map(len, sides)) >= data.thresholds.min_side_rows else np.empty(0, np.int64)


def _predictions(data: CheckInputs, chosen: Indices, duplicates: Indices) -> tuple[Numbers, Numbers]:
    """The target of the duplicate or else the nearest training row of each chosen validation row, and the true one."""
    known = draw_rows(data.splits.train, NEIGHBOUR_ROWS, data.seed)
    rows = np.concatenate([known, data.splits.validation[chosen], np.maximum(duplicates, 0)])
    probe = data.probe_of(rows, data.columns)
    y, truth, predicted = np.split(np.asarray(probe.y, np.float64), [len(known), len(known) + len(chosen)])
    alone = np.flatnonzero(duplicates < 0)
    predicted[alone] = y[_nearest_rows(probe, len(known), len(known) + alone)]
    return predicted, truth


def _nearest_rows(probe: ProbeData, n_known: int, places: Indices) -> Indices:
    """The known row nearest to each of these: squared standardised differences, and 1 for another category."""
    distances = np.zeros((len(places), n_known), np.float32)
    narrow = probe.narrowed()
    for values, category in zip(narrow.x.T, narrow.categories, strict=True):
        if category:
            distances += values[places][:, None] != values[None, :n_known]
            continue
        spread = np.nanstd(values) or 1.0
        scaled = np.nan_to_num((values - np.nanmean(values)) / spread).astype(np.float32)
        distances += (scaled[places][:, None] - scaled[None, :n_known]) ** 2
    nearest: Indices = distances.argmin(axis=1)
    return nearest


def _clearly_better(errors: Numbers, others: Numbers, standard_errors: float) -> bool:
    """Whether errors are lower. Both sides get the spread of the others: ten correct rows have none of their own."""
    se = others.std(ddof=1) * np.sqrt(1 / len(errors) + 1 / len(others))
    return bool(others.mean() - errors.mean() > max(standard_errors * se, 1e-12))


def _scores(
    truth: Numbers, errors: Numbers, has_duplicate: npt.NDArray[np.bool_], share: float, data: CheckInputs
) -> dict[str, float]:
    """The score on validation rows with duplicates in their true share, and on those without a duplicate."""
    without = float(errors[~has_duplicate].mean())
    error = share * float(errors[has_duplicate].mean()) + (1 - share) * without
    metric, unit = ("r2", float(truth.var())) if data.task == "regression" else ("accuracy", 1.0)
    return {f"{metric}_with": 1 - error / unit, f"{metric}_without": 1 - without / unit}


def _nearly_all(duplicates: Duplicates, rule: str) -> Check:
    advice, change = _fix(rule)
    sentence = f"{duplicates.found}, so the score measures memorisation; {advice}."
    return Check("duplicates", "serious", (), duplicates.n, sentence, change=change)


def _too_few(duplicates: Duplicates, rule: str) -> Check:
    advice, change = _fix(rule)
    sentence = f"{duplicates.found}: there are too few rows to measure the effect on the score; {advice}."
    return Check("duplicates", "warning", (), duplicates.n, sentence, change=change)


def _fix(rule: str) -> tuple[str, dict[str, str]]:
    """What to do. Rows that another rule has put into a split cannot be kept together as well."""
    if rule in ("random", "stratified"):
        return "keep duplicates in one split", {"split": "duplicates"}
    return "remove duplicates from the table", {}


def _some(duplicates: Duplicates, effect: dict[str, float], data: CheckInputs) -> Check:
    advice, change = _fix(data.splits.rule)
    (name, with_them), (_, without) = effect.items()
    metric, gain = METRIC_LABELS[name.removesuffix("_with")], with_them - without
    if gain < data.thresholds.min_score_gain:
        sentence = f"{duplicates.found}, which raises {metric} by {gain:.4f} only."
        return Check("duplicates", "note", (), duplicates.n, sentence, effect, change)
    severity: CheckSeverity = "serious" if gain >= data.thresholds.serious_score_loss else "warning"
    sentence = (
        f"{duplicates.found}, so the score measures memorisation: the nearest training row predicts the target with "
        f"{metric} {with_them:.3f} with the duplicates, {without:.3f} without; {advice}."
    )
    return Check("duplicates", severity, (), duplicates.n, sentence, effect, change)
