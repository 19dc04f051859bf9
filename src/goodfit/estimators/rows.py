"""From X, y, weights and groups as scikit-learn passes them to the columns that goodfit learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from goodfit.arrays import Array, Indices
from goodfit.data.splits.rules import Splitter
from goodfit.data.table import Kind, Source, Table, open_source, row_hashes
from goodfit.errors import DataError, SplitError
from goodfit.estimators.sparse_rows import KEYS, canonical, row_keys

MIN_EFFECTIVE_SHARE = 0.25
"""Equal rows are merged if their effective number is a larger share of all rows."""


class LearningRows(NamedTuple):
    """What a fit learns from: columns with the target, weights of the rows, and the rows that validate if given.

    target, group: names of columns; no group if "". outputs: of the columns of several targets, of which ``target`` is
    the mean; () for one target.
    """

    source: Source
    target: str
    group: str
    weights: Array
    split: Splitter | None
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class GivenValidation:
    """A splitter: the first rows train, the others validate."""

    n_train: int

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Indices, Indices]]:  # noqa: ANN401
        """Return the row numbers of both."""
        yield np.arange(self.n_train), np.arange(self.n_train, len(X))


def checked_features(estimator: BaseEstimator, X: Any, *, reset: bool, smallest: int = 2) -> Any:  # noqa: ANN401
    """Return a data frame as it is, a sparse matrix as CSR, and anything else as an array of numbers.

    Raises scikit-learn's errors for what is none of these.
    """
    least = smallest if reset else 1
    if issparse(X):
        given = validate_data(
            estimator, X, reset=reset, accept_sparse=True, ensure_all_finite=False, ensure_min_samples=least
        )
        return canonical(given)
    if hasattr(X, "__arrow_c_stream__") and hasattr(X, "columns"):
        return validate_data(estimator, X, reset=reset, skip_check_array=True)
    return validate_data(estimator, X, reset=reset, ensure_all_finite="allow-nan", ensure_min_samples=least)


def columns_of(X: Any, names: Sequence[str] | None = None) -> Source:  # noqa: ANN401
    """Return the columns of a data frame or of a numeric array, or those that stand in for a sparse matrix.

    Args:
        names: names that the columns had in training; by default those of the frame, or x0, x1, … for an array. As in
            scikit-learn, columns are matched by position.
    """
    if issparse(X):
        return open_source(row_keys(X), kinds=dict.fromkeys(KEYS, "number"))
    if isinstance(X, np.ndarray):
        given = [f"x{i}" for i in range(X.shape[1])] if names is None else names
        kinds: dict[str, Kind] = dict.fromkeys(given, "number")
        return open_source({name: X[:, i] for i, name in enumerate(given)}, kinds=kinds)
    frame = X.reset_index(drop=True) if hasattr(X, "reset_index") else X  # Arrow would make a column of the index
    source = open_source(frame)
    return source if names is None else replace(source, columns=source.columns.rename_columns(list(names)))


def learning_rows(
    X: Any,  # noqa: ANN401
    y: Array,
    weights: Array | None,
    *,
    name: str,
    groups: Array | None = None,
    validation: tuple[Any, Array] | None = None,
) -> LearningRows:
    """Return the rows to learn from, in an order that depends on their content alone.

    Rows of weight 0 are left out. Equal rows are merged into one with the sum of their weights, so that none of them
    trains while its copy validates, and a row of weight 2 is the same as the row twice. In a table of few different
    rows, where that would leave too small an effective sample, they stay as they are.

    Args:
        y: class numbers or values (rows,), or several values (rows, outputs). name: of the target, if no column of X
            has it.
        groups: rows of a group stay together in training or validation.
        validation: X and y of the rows that validate.

    Raises:
        SplitError: groups and own validation rows are both given, or groups do not fit.
    """
    features = columns_of(X)
    if issparse(X) and len(np.unique(row_hashes(features.read()))) == 1:
        raise DataError("the rows of X are all alike: give rows that differ.")
    target = _free_name(name, features.names)
    outputs = () if y.ndim == 1 else tuple(_free_name(f"{target}_{i}", features.names) for i in range(y.shape[1]))
    group = "" if groups is None else _free_name("group", [*features.names, target, *outputs])
    row_weights = np.ones(len(y)) if weights is None else weights
    scale = _size(y, row_weights)
    learning = _with_targets(features, target, outputs, y, scale)
    if groups is not None:
        if validation is not None:
            raise SplitError("give groups or X_val, not both: the rows of X_val validate.")
        if groups.shape != y.shape[:1]:
            raise SplitError(
                f"groups must have one value for each of the {len(y):,} rows, not the shape {groups.shape}."
            )
        learning = _with_column(learning, group, np.unique(groups, return_inverse=True)[1])
    merged, sums = _merged(learning, row_weights)
    if validation is None:
        return LearningRows(merged, target, group, sums, None, outputs)
    given = _with_targets(columns_of(validation[0], features.names), target, outputs, validation[1], scale)
    own, own_sums = _merged(given, np.ones(len(validation[1])))
    all_weights, split = np.append(sums, own_sums), GivenValidation(len(sums))
    return LearningRows(_stacked(merged, own), target, group, all_weights, split, outputs)


def _with_targets(source: Source, target: str, outputs: Sequence[str], y: Array, scale: Array) -> Source:
    """Return the columns with the target, or with several targets and their mean, each divided by its scale."""
    for position, output in enumerate(outputs):
        source = _with_column(source, output, y[:, position])
    return _with_column(source, target, y if y.ndim == 1 else (y / scale).mean(axis=1))


def _size(y: Array, weights: Array) -> Array:
    """Return a size of each target (outputs,): its standard deviation, rounded to a power of two, times 1 to 2.

    Rounded, so that it is the same to the last bit for a row of weight 2 and for the row twice. Times a number of its
    own, so that the mean of the targets is not constant where they add up to the same in every row, as labels do of
    which each row has one.
    """
    centred = y - np.average(y, axis=0, weights=weights)
    size = np.ldexp(1.0, np.frexp(np.sqrt(np.average(np.square(centred), axis=0, weights=weights)))[1])
    return np.asarray(size * np.random.default_rng(0).uniform(1, 2, y.shape[1:]))


def _merged(source: Source, weights: Array) -> tuple[Source, Array]:
    """Return the rows of positive weight in the order of their hashes, equal ones merged, and their weights."""
    hashes = row_hashes(_numbered(source.read()))
    used = np.flatnonzero(weights)
    _, first, which, copies = np.unique(hashes[used], return_index=True, return_inverse=True, return_counts=True)
    effective = len(used) ** 2 / (copies @ copies)  # Kish (1965)
    if effective <= MIN_EFFECTIVE_SHARE * len(used):
        rows = used[np.argsort(hashes[used], kind="stable")]
        return _taken(source, rows), weights[rows]
    return _taken(source, used[first]), np.bincount(which, weights[used])


def _numbered(table: Table) -> Table:
    """Return the table with its columns named by position, since names do not matter here, and order does."""
    names = [f"{position:08}" for position in range(len(table.names))]
    schema = tuple(replace(column, name=name) for column, name in zip(table.schema, names, strict=True))
    return replace(table, arrow=table.arrow.rename_columns(names), schema=schema)


def _taken(source: Source, rows: Indices) -> Source:
    return replace(source, columns=source.columns.take(pa.array(rows)))


def _with_column(source: Source, name: str, values: Array) -> Source:
    columns = source.columns.append_column(name, pa.array(values))
    return replace(source, columns=columns, kinds={**source.kinds, name: "number"})


def _stacked(first: Source, second: Source) -> Source:
    try:
        columns = pa.concat_tables([first.columns, second.columns], promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise DataError(f"the columns of X_val are of other types than those of X ({error}).") from error
    return replace(first, columns=columns)


def _free_name(wanted: str, names: Sequence[str]) -> str:
    """Return the name, with as many underscores behind it as make it a new one."""
    while wanted in names:
        wanted += "_"
    return wanted
