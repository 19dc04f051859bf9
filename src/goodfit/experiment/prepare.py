"""From a table to what the training cycle takes: splits, target, encoder, arrays; once, or once for each fold."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.checks.ids import row_counters, without_row_counters
from goodfit.checks.registry import Check, check_table
from goodfit.data.arrays import class_factors
from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.features.base import read_numbers
from goodfit.data.row_keys import duplicate_groups, row_keys
from goodfit.data.splits.folds import make_folds
from goodfit.data.splits.splits import Splits, make_splits, missing_classes
from goodfit.data.table import Table
from goodfit.data.target import Target, fit_target
from goodfit.errors import DataError, SplitError
from goodfit.experiment.settings import Settings
from goodfit.formatting import join
from goodfit.nn.layers import Layer
from goodfit.search.sweep import Fold
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


_OF_CLASSES = ("accuracy", "balanced_accuracy", "auc", "log_loss")
TASKS = {
    "binary": TaskDefaults("binary_crossentropy", "sigmoid", ("accuracy",), _OF_CLASSES),
    "multiclass": TaskDefaults("sparse_categorical_crossentropy", "softmax", ("accuracy",), _OF_CLASSES),
    "regression": TaskDefaults("mean_squared_error", "linear", ("rmse", "r2"), ("rmse", "mae", "r2")),
}
IN_OWN_UNIT = ("rmse", "val_rmse", "mae", "val_mae")


@dataclass(frozen=True)
class Prepared:
    """What is known before the first epoch. Encoder and the target's scale are learned from training rows only.

    checks: what is suspicious about the table and its splits, most serious first.
    """

    settings: Settings
    table: Table
    splits: Splits
    target: Target
    encoder: Encoder
    checks: tuple[Check, ...] = ()


def prepare(table: Table, target: str, settings: Settings) -> Prepared:
    """Splits, target and encoder; of rows that do not train nothing is looked at but which class they are."""
    whole = fit_target(table, target, np.arange(table.n_rows), task=settings.task)
    codes = None if whole.task == "regression" else whole.encode(table)
    splits = make_splits(
        table.n_rows,
        test_size=settings.test_size,
        validation_split=settings.validation_split,
        seed=settings.seed,
        split="group" if settings.split == "duplicates" else settings.split,
        stratify=codes,
        groups=_groups(table, settings, target),
        time=table.values(settings.time) if settings.time else None,
    )
    splits = replace(splits, rule="duplicates") if settings.split == "duplicates" else splits
    if codes is not None:
        _warn_of_missing_classes(splits, whole, codes)
    _refuse_infinity(_usable(table, settings), target)
    rows = np.sort(np.concatenate([splits.train, splits.validation]))
    known = _usable(table.take(rows), settings)
    counters = _row_counters(known, settings, target)
    checks = check_table(
        without_row_counters(known, counters),
        replace(
            splits,
            train=np.searchsorted(rows, splits.train),
            validation=np.searchsorted(rows, splits.validation),
            test=splits.test[:0],
        ),
        target=target,
        task=whole.task,
        group=settings.group,
        time=settings.time,
        class_weight=settings.class_weight,
        seed=settings.seed,
        held_out=(lambda rule: row_keys(table.take(splits.test), rule)) if len(splits.test) else None,
    )
    return replace(_learned(settings, without_row_counters(table, counters), splits, target), checks=checks)


def prepare_folds(prepared: Prepared) -> list[Prepared]:
    """The same table once for each fold: training and validation rows dealt out anew, encoder and target learned anew.

    Groups stay together; the test rows are those of ``prepared``. SplitError for rows in order of time.
    """
    settings, table = prepared.settings, prepared.table
    if settings.folds == 1:
        return [prepared]
    if settings.split == "time":
        raise SplitError("folds mix the order of time: leave out folds, or time.")
    rows = np.sort(np.concatenate([prepared.splits.train, prepared.splits.validation]))
    target = prepared.target
    folds = make_folds(
        len(rows),
        settings.folds,
        seed=settings.seed,
        stratify=None if target.task == "regression" else np.asarray(target.encode(table))[rows],
        groups=None if (groups := _groups(table, settings, target.name)) is None else groups[rows],
    )
    cut = [replace(prepared.splits, train=rows[train], validation=rows[validation]) for train, validation in folds]
    return [replace(_learned(settings, table, splits, target.name), checks=prepared.checks) for splits in cut]


def arrays_of(prepared: Prepared) -> Fold:
    """Training rows, then validation rows, encoded; the test rows are not even encoded."""
    splits, target = prepared.splits, prepared.target
    rows = prepared.table.take(np.concatenate([splits.train, splits.validation]))
    train, validation = np.split(np.arange(rows.n_rows), [len(splits.train)])
    y = np.asarray(target.encode(rows))
    weight = _class_factors(prepared.settings, target, y, train)
    return Fold(Dataset(prepared.encoder.transform(rows), make_labels(y, weight, "float32")), train, validation)


def layers_for(settings: Settings, target: Target) -> tuple[Layer, ...]:
    """The network that this target needs."""
    n_outputs = len(target.classes) if target.task == "multiclass" else 1
    return settings.layers(n_outputs, TASKS[target.task].output)


def _learned(settings: Settings, table: Table, splits: Splits, target: str) -> Prepared:
    """Encoder and target as the training rows of these splits make them."""
    encoder = fit_encoder(_usable(table, settings), splits.train, target=target)
    return Prepared(settings, table, splits, fit_target(table, target, splits.train, task=settings.task), encoder)


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
    """The table without the columns that say who is in which part."""
    aside = [name for name in (settings.group, settings.time) if name]
    return table.override(drop=[*settings.drop, *aside])


def _refuse_infinity(table: Table, target: str) -> None:
    """In no row at all, so that the exam does not fail after the training over a row that was sealed."""
    for column in table.schema:
        if column.used and column.kind == "number" and column.name != target:
            read_numbers(column.name, table.arrow.column(column.name))


def _warn_of_missing_classes(splits: Splits, target: Target, codes: Array) -> None:
    for part, absent in missing_classes(splits, codes).items():
        names = join((repr(target.classes[code]) for code in absent), most=5)
        effect = "it cannot be learned" if part == "train" else "nothing can be said of it there"
        warnings.warn(
            f"the {part} rows have none of class {names}, so {effect}: give more rows, or another split.",
            UserWarning,
            stacklevel=4,
        )


def _class_factors(settings: Settings, target: Target, y: Array, train: Array) -> Array | None:
    """Weight of each row's class; DataError when the target has no such class."""
    if settings.class_weight is None:
        return None
    labels = None if target.task == "regression" else y
    return class_factors(_by_code(settings.class_weight, target), labels, train, n_classes=len(target.classes))


def _by_code(weights: Mapping[str, float] | str, target: Target) -> Mapping[int, float] | str:
    if isinstance(weights, str) or target.task == "regression":
        return weights if isinstance(weights, str) else {}
    codes = {str(label): code for code, label in enumerate(target.classes)}
    for label in weights:
        if str(label) not in codes:
            raise DataError(f"class_weight names {label!r}, but the classes of {target.name!r} are {', '.join(codes)}.")
    return {codes[str(label)]: weight for label, weight in weights.items()}


def in_unit_of_target(columns: Mapping[str, Any], target: Target) -> dict[str, Any]:
    return {name: value * unit_of(name, target) for name, value in columns.items()}


def unit_of(name: str, target: Target) -> float:
    return target.scale if name in IN_OWN_UNIT else 1.0
