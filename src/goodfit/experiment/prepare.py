"""From a table to what the training cycle takes: splits, target, encoder, arrays; once, or once for each fold."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from goodfit.arrays import Array, Indices
from goodfit.checks.ids import row_counters, without_row_counters
from goodfit.checks.registry import Check, check_table
from goodfit.data.arrays import class_factors
from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.features.base import read_numbers
from goodfit.data.row_keys import duplicate_groups
from goodfit.data.splits.folds import make_folds
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Source, Table
from goodfit.data.target import Target, fit_target
from goodfit.errors import DataError, SplitError
from goodfit.experiment.fine_tuning import Start
from goodfit.experiment.network import make_layers
from goodfit.experiment.settings import Settings
from goodfit.formatting import count
from goodfit.holdout.block_partition import BlockPartition
from goodfit.holdout.partition import Partition, SplitOptions, partition
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.nn.layers import Layer
from goodfit.search.sweep import Fold
from goodfit.stats import Estimate
from goodfit.training.evaluation import Dataset, make_labels


@dataclass(frozen=True)
class TaskDefaults:
    """What a kind of target asks of the network, and how it is judged.

    watched: metrics of every epoch; judged: metrics of the validation rows at the end, and of the exam.
    """

    loss: str
    output: str
    watched: tuple[str, ...]
    judged: tuple[str, ...]


_OF_LABELS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity")
_OF_CLASSES = (*_OF_LABELS, "auc", "average_precision", "log_loss")
_OF_VALUES = ("rmse", "mae", "median_absolute_error", "mape", "r2")
TASKS = {
    "binary": TaskDefaults("binary_crossentropy", "sigmoid", ("accuracy",), _OF_CLASSES),
    "multiclass": TaskDefaults("sparse_categorical_crossentropy", "softmax", ("accuracy",), _OF_CLASSES),
    "regression": TaskDefaults("mean_squared_error", "linear", ("rmse", "r2"), _OF_VALUES),
}
IN_OWN_UNIT = ("rmse", "val_rmse", "mae", "val_mae", "median_absolute_error")


def metrics_of(target: Target) -> tuple[str, ...]:
    """Return the metrics by which a model of this target is judged; MAPE only where targets are of one sign."""
    judged = TASKS[target.task].judged
    return judged if target.is_of_one_sign else tuple(name for name in judged if name != "mape")


@dataclass(frozen=True)
class Prepared:
    """What is known before the first epoch. Encoder and the target's scale are learned from training rows only.

    table: the known rows. splits: row numbers in the source. sealed: the test rows. weights: of the known rows, None if
    all are equal. checks: findings of the data checks, the most serious first; () before ``with_checks``. start: the
    earlier network from which the training starts, None from scratch.
    """

    settings: Settings
    table: Table
    splits: Splits
    sealed: SealedRows
    target: Target
    encoder: Encoder
    weights: Array | None = None
    checks: tuple[Check, ...] = ()
    start: Start | None = None
    blocks: BlockPartition | None = None

    @property
    def places(self) -> Splits:
        """Training and validation rows by their places in ``table``."""
        return self.splits.among_known

    @property
    def n_folds(self) -> int:
        """Number of folds; ``auto`` is no more than one for each group of the training rows, and one more.

        A table in blocks has one.
        """
        asked = 1 if self.blocks else self.settings.n_folds(len(self.splits.known))
        if self.settings.folds != "auto" or asked == 1:
            return asked
        groups = _groups(self.table.take(self.places.train), self.settings, self.target.name)
        return asked if groups is None else min(asked, 1 + len(set(groups.tolist())))


def prepare(source: Source, target: str, settings: Settings, *, start: Start | None = None) -> Prepared:
    """Split a table, learn target and encoder from its training rows, and check its known rows."""
    return with_checks(prepare_unchecked(source, target, settings, start=start))


def prepare_unchecked(
    source: Source, target: str, settings: Settings, *, weights: Array | None = None, start: Start | None = None
) -> Prepared:
    """Split a table, and learn target and encoder from its training rows.

    Args:
        weights: of the rows of the source (rows,).
        start: an earlier network, whose columns are encoded as they were there.
    """
    found = partition(source, target, split_options(settings))
    learned = prepare_partition(found, target, settings, start=start)
    return replace(learned, weights=None if weights is None else weights[found.splits.known])


def prepare_partition(found: Partition, target: str, settings: Settings, *, start: Start | None = None) -> Prepared:
    """Learn target and encoder from the training rows of a table that is split."""
    usable = _usable(found.known, settings)
    refuse_infinity(usable, target)
    known = without_row_counters(found.known, _row_counters(usable, settings, target))
    learned = _learned(settings, known, found.splits, found.sealed, target, start)
    _validate_threshold(settings, learned.target)
    return learned


def _validate_threshold(settings: Settings, target: Target) -> None:
    """A threshold other than the default needs two classes."""
    if target.task != "binary" and settings.decision_rule != DEFAULT_THRESHOLD:
        asked = "costs" if settings.costs else "threshold"
        kind = f"{len(target.classes)} classes" if target.classes else "a numeric target (regression)"
        raise DataError(f"{asked} needs two classes, but {target.name!r} has {kind}: leave out {asked}.")


def with_checks(prepared: Prepared) -> Prepared:
    """Return the same with what the data checks find among the known rows."""
    settings = prepared.settings
    checks = check_table(
        _usable(prepared.table, settings),
        prepared.places,
        target=prepared.target.name,
        task=prepared.target.task,
        group=settings.group,
        time=settings.time,
        weighted=settings.class_weight is not None,
        seed=settings.seed,
        held_out=prepared.sealed.keys if len(prepared.splits.test) else None,
    )
    return replace(prepared, checks=checks)


def prepare_folds(prepared: Prepared) -> list[Prepared]:
    """Return the same table once for each fold: known rows split anew, encoder and target learned anew.

    Where the folds are as large as the validation rows, the first fold is the split that ``prepared`` has. Groups stay
    together; the test rows are those of ``prepared``.

    Raises:
        SplitError: rows in order of time, or more folds than rows or groups.
    """
    settings, splits, n_folds = prepared.settings, prepared.splits, prepared.n_folds
    if n_folds == 1:
        return [prepared]
    if settings.split == "time":
        raise SplitError("folds mix the order of time: leave out folds, or time.")
    if n_folds == settings.n_folds(len(splits.known)) != round(1 / settings.validation_split):
        cut = _folds_of(prepared, splits.known, n_folds)
        return [_on_fold(prepared, train, validation) for train, validation in cut]
    if n_folds == 2:
        return [prepared, _on_fold(prepared, splits.validation, splits.train)]
    cut = _folds_of(prepared, splits.train, n_folds - 1)
    others = (_on_fold(prepared, np.append(train, splits.validation), validation) for train, validation in cut)
    return [prepared, *others]


def from_scratch(prepared: Prepared) -> Prepared:
    """Return the same without an earlier network: every column is encoded as its own training rows make it."""
    learned = _learned(prepared.settings, prepared.table, prepared.splits, prepared.sealed, prepared.target.name, None)
    return replace(learned, weights=prepared.weights, checks=prepared.checks)


def _folds_of(prepared: Prepared, rows: Indices, n_folds: int) -> list[tuple[Indices, Indices]]:
    """Return training and validation rows of each fold of these rows, by their numbers in the source."""
    settings, target = prepared.settings, prepared.target
    table = prepared.table.take(np.searchsorted(prepared.table.row_numbers, np.sort(rows)))
    folds = make_folds(
        table.n_rows,
        n_folds,
        seed=settings.seed,
        stratify=None if target.task == "regression" else np.asarray(target.encode(table)),
        groups=_groups(table, settings, target.name),
    )
    _warn_of_rare_classes(table, target, n_folds)
    return [(table.row_numbers[train], table.row_numbers[validation]) for train, validation in folds]


def _warn_of_rare_classes(table: Table, target: Target, n_folds: int) -> None:
    """Say once which class has fewer rows than there are folds."""
    if target.task == "regression":
        return
    counts = np.bincount(np.asarray(target.encode(table)), minlength=len(target.classes))
    rarest = int(counts.argmin())
    if counts[rarest] < n_folds:
        rows = count(int(counts[rarest]), "row")
        warnings.warn(
            f"class {target.classes[rarest]!r} has {rows} for {n_folds} folds: some folds cannot evaluate it, so "
            "choose fewer folds, or give more rows of it.",
            UserWarning,
            stacklevel=2,
        )


def _on_fold(prepared: Prepared, train: Indices, validation: Indices) -> Prepared:
    """Return the same table with these training and validation rows."""
    splits = replace(prepared.splits, train=np.sort(train), validation=np.sort(validation))
    target, start = prepared.target.name, prepared.start
    learned = _learned(prepared.settings, prepared.table, splits, prepared.sealed, target, start)
    return replace(learned, weights=prepared.weights, checks=prepared.checks)


def arrays_of(prepared: Prepared) -> Fold:
    """Training rows, then validation rows, encoded, with their weights times those of their classes."""
    places, target = prepared.places, prepared.target
    order = np.concatenate([places.train, places.validation])
    needed = prepared.table.select([*prepared.encoder.columns, target.name])
    rows, own = needed.take(order), None if prepared.weights is None else prepared.weights[order]
    train, validation = np.split(np.arange(rows.n_rows), [len(places.train)])
    y = np.asarray(target.encode(rows))
    factors = _class_factors(prepared.settings, target, y, train, own)
    weight = factors if own is None else own if factors is None else own * factors
    return Fold(Dataset(prepared.encoder.transform(rows), make_labels(y, weight, "float32")), train, validation)


def split_options(settings: Settings) -> SplitOptions:
    """How the rows are split."""
    return SplitOptions(**{f.name: getattr(settings, f.name) for f in fields(SplitOptions)})


def layers_for(settings: Settings, target: Target) -> tuple[Layer, ...]:
    """The network that this target needs."""
    n_outputs = len(target.classes) if target.task == "multiclass" else 1
    return make_layers(settings, n_outputs, TASKS[target.task].output)


def _learned(
    settings: Settings, table: Table, splits: Splits, sealed: SealedRows, target: str, start: Start | None
) -> Prepared:
    """Encoder and target as the training rows of these splits make them."""
    train = splits.among_known.train
    fitted = fit_target(table, target, train, task=settings.task)
    usable = _usable(table, settings)
    encoder = fit_encoder(usable, train, target=fitted, bins=settings.max_bins(len(train)))
    if start is not None:
        start.validate_target(fitted)
        encoder = start.encoder_for(usable, encoder)
    return Prepared(settings, table, splits, sealed, fitted, encoder, start=start)


def _groups(table: Table, settings: Settings, target: str) -> Array | None:
    """Which rows stay together; None where any may part."""
    if settings.split == "duplicates":
        return duplicate_groups(_usable(table, settings), target)
    return table.values(settings.group) if settings.group else None


def _features(table: Table, target: str) -> list[str]:
    return [column.name for column in table.schema if column.used and column.name != target]


def _row_counters(table: Table, settings: Settings, target: str) -> list[str]:
    """Row counters that nothing is learned from: all whose kind the user did not give, unless no column is left."""
    features = _features(table, target)
    counters = [name for name in row_counters(table, features) if name not in settings.kinds]
    return counters if len(counters) < len(features) else []


def _usable(table: Table, settings: Settings) -> Table:
    """The table without the column that groups its rows: no group is in two splits, so nothing of it can be learned."""
    aside = [settings.group] if settings.group else []
    return table.override(drop=[*settings.drop, *aside])


def refuse_infinity(table: Table, target: str) -> None:
    """Raise DataError for an infinite feature of a known row, with the row's number in the source."""
    for column in table.schema:
        if column.used and column.kind == "number" and column.name != target:
            read_numbers(column.name, table.arrow.column(column.name), rows=table.row_numbers)


def class_factors_of(settings: Settings, target: Target, y: Array, train: Array) -> Array | None:
    """Return the weight of each class by number, by its training rows; None where all are equal."""
    factors = _class_factors(settings, target, y, train, None)
    if factors is None:
        return None
    return np.array([next(iter(factors[y == code]), 1.0) for code in range(len(target.classes))])


def _class_factors(
    settings: Settings, target: Target, y: Array, train: Array, row_weights: Array | None
) -> Array | None:
    """Weight of each row's class; DataError when the target has no such class."""
    if settings.class_weight is None:
        return None
    labels = None if target.task == "regression" else y
    by_code, n_classes = _by_code(settings.class_weight, target), len(target.classes)
    return class_factors(by_code, labels, train, n_classes=n_classes, row_weights=row_weights)


def _by_code(weights: Mapping[str, float] | str, target: Target) -> Mapping[int, float] | str:
    if isinstance(weights, str) or target.task == "regression":
        return weights if isinstance(weights, str) else {}
    codes = {str(label): code for code, label in enumerate(target.classes)}
    for label in weights:
        if str(label) not in codes:
            raise DataError(f"class_weight names {label!r}, but the classes of {target.name!r} are {', '.join(codes)}.")
    return {codes[str(label)]: weight for label, weight in weights.items()}


def scores_in_unit(scores: Mapping[str, Estimate], target: Target) -> dict[str, Estimate]:
    """Return metrics of values that are multiples of the target's scale in the unit of the target."""
    return {name: Estimate(*(end * unit_of(name, target) for end in scores[name])) for name in scores}


def unit_of(name: str, target: Target) -> float:
    return target.scale if name in IN_OWN_UNIT else 1.0


def in_unit_of_target(columns: Mapping[str, Any], target: Target) -> dict[str, Any]:
    return {name: value * target.scale if name in IN_OWN_UNIT else value for name, value in columns.items()}
