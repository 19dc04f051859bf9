"""What the files of a run say must agree: a run that contradicts itself is not shown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from goodfit.arrays import Indices
from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.data.encoder import Encoder
from goodfit.data.target import Target, ordered_classes
from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.goal import Goal
from goodfit.experiment.importance import Importance
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.measure import REFERENCES, Measurements
from goodfit.experiment.prepare import metrics_of
from goodfit.experiment.run_folder.record import Record, SweepRecord
from goodfit.experiment.settings import Settings, apply_change
from goodfit.holdout.block_partition import RULE, SplitSizes
from goodfit.nn.arrays import Params
from goodfit.search.selection import ConfigResult, Contrast
from goodfit.training.fit import Outcome

MODELS = ("baseline", *REFERENCES)


def validate(record: Record) -> None:
    """Raise ValueError, or what a wrong value raises by itself, unless everything agrees."""
    settings, target, measured = record.settings, record.target, record.measurements
    datetime.fromisoformat(record.created)
    for change in (check.change for check in measured.checks):
        apply_change(settings, change)
    _target(target)
    _rows(record)
    _columns(record, record.encoder)
    _training(record)
    _measurements(record, measured)
    _decision(record)
    if record.streamed is not None:
        _streamed(record, record.streamed)
    if record.transfer is not None:
        _transfer(record.transfer, record.encoder)
    _out_of_fold(record)
    if measured.importance is not None:
        _importance(record, measured.importance)
    if record.sweep is not None:
        _sweep(record.sweep, settings)
    if record.ensemble is not None:
        _ensemble(record, record.ensemble)


def _transfer(transfer: Transfer, encoder: Encoder) -> None:
    losses = (transfer.loss, transfer.scratch_loss, transfer.unchanged_loss, transfer.gain, transfer.standard_error)
    require(np.isfinite(losses).all() and transfer.standard_error >= 0, "a loss of the transfer is out of range")
    require(transfer.selected == (transfer.loss <= transfer.scratch_loss), "the transfer contradicts its losses")
    require(math.isclose(transfer.gain, transfer.scratch_loss - transfer.loss, abs_tol=1e-9), "the gain is another")
    require(transfer.n_rows > 0, "no row judged the transfer")
    require(set(transfer.new_columns) <= set(encoder.columns), "a new column of the transfer is not encoded")


def require(sound: object, contradiction: str) -> None:
    """Raise ValueError with this text unless the condition holds."""
    if not sound:
        raise ValueError(contradiction)


def _target(target: Target) -> None:
    numbers = (target.mean, target.scale, *(target.limits or ()))
    require(np.isfinite(numbers).all() and target.scale > 0, "the scale of the target is out of range")
    n_classes = {"binary": target.classes[:2], "regression": ()}.get(target.task, target.classes)
    require(target.classes == n_classes, "the target has other classes than its task")
    if target.task == "regression":
        low, high = target.limits or (-math.inf, math.inf)
        require(low <= target.mean <= high, "the mean of the target is beyond its limits")
        return
    require(
        len(target.classes) > 1 and target.classes == ordered_classes(target.classes), "the classes are not in order"
    )
    require(target.baseline.prediction in target.classes, "the most frequent class is none of the classes")
    require(0 <= (target.baseline.share or 0) <= 1, "the share of the most frequent class is out of range")


def _decision(record: Record) -> None:
    """The threshold is the one that was given, or chosen for the goal of the settings."""
    rule, found, threshold = record.settings.decision_rule, record.decision, record.target.threshold
    require(record.target.task == "binary" or threshold == DEFAULT_THRESHOLD, "the threshold is of another task")
    if not isinstance(rule, Goal):
        require(threshold == rule and found is None, "the threshold is not the one of the settings")
        return
    require(found is not None and found.threshold == threshold, "the threshold is not the one that was chosen")
    assert found is not None
    require(Goal(found.goal, *found.costs) == rule, "the threshold was chosen for another goal")
    numbers = [threshold, *(t for t, _ in found.curve)]
    require(all(0 <= t <= 1 for t in numbers), "a threshold is out of range")
    values = [found.value, found.cross_fitted, found.default_value, *(value for _, value in found.curve)]
    require(np.isfinite(values).all(), "a value of a threshold is not finite")


def _out_of_fold(record: Record) -> None:
    found = record.out_of_fold
    require(found is not None and len(found.rows) == len(found.losses) > 0, "the losses of rows are not complete")
    assert found is not None
    require(all(a < b for a, b in pairwise(found.rows)), "the rows with losses are not in order")
    require(set(found.rows) <= set(record.splits.known.tolist()), "a row with a loss is not a known row")


def _importance(record: Record, found: Importance) -> None:
    named = [each.column for each in found.columns]
    known = {column.name for column in record.schema}
    require(len(set(named)) == len(named) and set(named) <= known, "an importance is of no column")
    for curve in found.dependence:
        require(curve.column in named and len(curve.at) == len(curve.means) > 0, "a dependence curve is not complete")
        width = max(1, len(curve.outputs))
        require(all(len(row) == width for row in curve.means), "a dependence curve has other outputs")
        points = [value for row in (*curve.means, curve.positions) for value in row]
        require(np.isfinite(points).all(), "a dependence curve is not finite")
        require(len(curve.positions) in (0, len(curve.at)), "a dependence curve has other positions")


def _rows(record: Record) -> None:
    rows = record.splits.arrays()
    for name, numbers in rows.items():
        require((np.diff(numbers) > 0).all(), f"the {name} rows are not in order")
        require(numbers.max(initial=-1) < record.n_rows, f"the {name} rows are not within the table")
    require(len(rows["train"]) and len(rows["validation"]), "a split has no rows")
    require((record.seal is not None) == bool(len(rows["test"])), "the seal is of other rows than the test rows")
    require(record.splits.seed == record.settings.seed, "the splits have another seed than the settings")


def _streamed(record: Record, whole: SplitSizes) -> None:
    sizes = {"train": whole.train, "validation": whole.validation, "test": whole.test}
    require(record.splits.rule == RULE, "a table in blocks is split by another rule")
    require(record.settings.memory_bytes is not None, "a table in blocks has no bound of memory")
    require(whole.n_rows == record.n_rows and sum(sizes.values()) <= whole.n_rows, "the table has other rows")
    for name, numbers in record.splits.arrays().items():
        require(len(numbers) <= sizes[name], f"the sample has more {name} rows than the table")
    require(len(record.splits.test) <= whole.n_sampled, "the sample has more test rows than it may have")
    require(0 < whole.epoch_rows <= whole.train, "an epoch has more rows than the table")


def _columns(record: Record, encoder: Encoder) -> None:
    kinds = {column.name: column.kind for column in record.schema}
    require(len(kinds) == len(record.schema), "a column is named twice")
    require(all(0 <= column.missing <= record.n_rows for column in record.schema), "a column has too many empty cells")
    require(encoder.target == record.target.name and encoder.target in kinds, "the target is none of the columns")
    names = [feature.name for feature in encoder.features] + [name for name, _ in encoder.dropped]
    require(len(set(names)) == len(names), "a column is encoded twice")
    require({*names, encoder.target} == set(kinds), "the encoded columns are not those of the table")
    wrong = [feature.name for feature in encoder.features if kinds[feature.name] != feature.kind]
    require(encoder.features and not wrong, "a column is encoded as another kind")


def _training(record: Record) -> None:
    training, history = record.training, record.training.history
    n_epochs, best, stopped = history.n_epochs, training.best_epoch, training.outcome
    require(1 <= n_epochs <= record.settings.epochs, "the history has more epochs than the settings")
    require(0 <= best <= n_epochs, "the best epoch is none of the history")
    require(best or stopped is Outcome.DIVERGED, "the training has no best epoch")
    require(n_epochs == record.settings.epochs or stopped is not Outcome.FINISHED, "the training is not finished")
    losses = history["val_loss"]
    lowest = np.nanmin(np.where(np.isfinite(losses), losses, np.inf))
    require(losses[best - 1] == lowest if best else not np.isfinite(lowest), "the best epoch is not the lowest")
    require(_finite(training.params), "a weight is not finite")
    require(_finite(training.last_params) or stopped is Outcome.DIVERGED, "a weight is not finite")


def _finite(params: Params) -> bool:
    return all(np.isfinite(w).all() for layer in params for w in layer.values())


def _measurements(record: Record, measured: Measurements) -> None:
    _metrics(record.target, measured.intervals, measured.baseline_scores, *measured.reference_scores.values())
    require(set(measured.reference_scores) == set(REFERENCES), "other reference models have metrics")
    require(set(measured.losses) == set(measured.differences) == set(MODELS), "other models were compared")
    _predictions(record.target, measured, len(record.splits.validation))
    require(measured.units == record.settings.hidden, "other hidden layers were measured")
    pairs = zip(measured.dead_units, measured.units, strict=True)
    require(all(0 <= dead <= units for dead, units in pairs), "more units are dead than there are")
    names = tuple(name for name, *_ in measured.features)
    require(names == record.encoder.feature_names, "other features were measured than encoded")
    require(all(0 <= share <= 1 for _, share, _ in measured.features), "the share of a feature is out of range")


def _predictions(target: Target, measured: Measurements | KeptEnsemble, n_rows: int) -> None:
    """Confusion matrix, calibration and residuals are those of this task, and of so many rows."""
    classes = target.classes
    in_bins = tuple(n for *_, n in (*measured.calibration, *measured.residuals))
    require(all(n >= 0 for row in (*measured.confusion, in_bins) for n in row), "a number of rows is below 0")
    require(len(measured.confusion) == len(classes), "the confusion matrix has other classes than the target")
    require(all(len(row) == len(classes) for row in measured.confusion), "the confusion matrix is not square")
    require(not classes or sum(map(sum, measured.confusion)) == n_rows, "the confusion matrix has other rows")
    for bins in (measured.calibration, measured.residuals):
        require(not bins or sum(n for *_, n in bins) == n_rows, "a chart has other rows")
        require(all(math.isfinite(x) for a, b, _ in bins for x in (a, b)), "a chart has numbers that are not finite")
    require(bool(measured.residuals) == (not classes), "residuals are of another task")


def _metrics(target: Target, *scores: Mapping[str, object]) -> None:
    names = set(metrics_of(target))
    require(all(set(found) == names for found in scores), "other metrics were measured than the task has")


def _sweep(swept: SweepRecord, settings: Settings) -> None:
    table, selection, space = swept.table.to_pylist(), swept.selection, settings.space
    require(len(table) <= swept.n_planned, "more trials were trained than planned")
    for row in table:
        require(all(row[name] in values for name, values in space.items()), "a trial is not in the grid")
        require(0 <= row["fold"] < len(table), "a trial has a fold that is none")
        require(0 <= row["rung"] < len(table), "a trial has a rung that is none")
        require(0 < row["train_rows"] < 2**31, "a trial has an impossible number of training rows")
        require(0 <= row["seed"] - settings.seed < settings.seeds, "a trial has another seed")
        require(row["epochs"] <= settings.epochs, "a trial has more epochs than the settings")
    named: tuple[ConfigResult | Contrast, ...] = (selection.chosen, selection.best, *selection.contrasts)
    for each in named:
        _same_config(table, each.config, each.trials, space)
        require(each.n_rows >= 0, "a number of rows is below 0")
    require(selection.trial in selection.chosen.trials, "the selected trial is of another config")
    require(math.isfinite(selection.chosen.mean), "the selected loss is not finite")
    require(set(selection.edges) <= set(space), "the selection names other hyperparameters than the grid")
    quantiles = swept.weights["weight"].to_numpy().reshape(len(table), -1)
    require(
        np.isfinite(quantiles).all() and (np.diff(quantiles) >= 0).all(), "the quantiles of weights are not in order"
    )


def _same_config(
    table: Sequence[Mapping[str, object]], config: Mapping[str, float], trials: Iterable[int], names: Iterable[str]
) -> None:
    """Trials are rows of the table that have this config."""
    trials = list(trials)
    require(set(config) == set(names) and trials, "a config has other hyperparameters than the grid")
    require(all(0 <= trial < len(table) for trial in trials), "a config names a trial that is none")
    same = all(table[trial][name] == value for trial in trials for name, value in config.items())
    require(same, "a config differs from its trials")


def _ensemble(record: Record, kept: KeptEnsemble) -> None:
    assert record.sweep is not None
    table = record.sweep.table.to_pylist()
    _metrics(record.target, kept.scores, kept.selected_scores, kept.baseline_scores)
    for member in kept.members:
        _same_config(table, member.config, member.trials, record.settings.space)
    require(_sums_to_one([member.weight for member in kept.members]), "the weights of the ensemble do not sum to 1")
    require(_sums_to_one(kept.shares), "the shares of the networks do not sum to 1")
    known: Indices = record.splits.known
    require(0 < kept.n_rows <= len(known), "the ensemble was judged by more rows than there are")
    _predictions(record.target, kept, kept.n_rows)
    require(math.isfinite(kept.temperature) and kept.temperature > 0, "the temperature is out of range")
    for fold in kept.folds:
        _columns(record, fold.encoder)
        require(np.isfinite([fold.mean, fold.scale]).all() and fold.scale > 0, "the scale of a fold is out of range")
        require(all(map(_finite, fold.networks)), "a weight is not finite")


def _sums_to_one(weights: Sequence[float]) -> bool:
    return bool(weights) and min(weights) > 0 and math.isclose(sum(weights), 1, abs_tol=1e-6)
