"""Arrays from users: validate inputs, targets and weights, and convert them for training."""

import warnings
from collections.abc import Mapping

import numpy as np

from goodfit.arrays import Array
from goodfit.errors import DataError
from goodfit.formatting import join
from goodfit.validation import is_weight

TABLES = "for tables with text, categories or dates use goodfit.train(table, target=...)"
CLASSES = "for class labels give their numbers, np.unique(y, return_inverse=True)[1]"
MAX_EXACT_FLOAT32 = 2**24
"""float32 rounds whole numbers above this one."""


def validate_inputs(x: object, dtype: str, *, name: str = "x") -> Array:
    """Return inputs as a matrix (rows, features) of ``dtype``; one-byte integers keep their type, to save memory.

    Raises:
        DataError: not two-dimensional, empty, not numeric, or with values that are missing, infinite or too large.
    """
    matrix = _as_array(x, name, TABLES)
    if matrix.ndim != 2:
        n = matrix.size
        hint = f": reshape it to (1, {n}) for one row, to ({n}, 1) for one column" if matrix.ndim == 1 else ""
        raise DataError(f"{name} must have rows and columns, but its shape is {matrix.shape}{hint}.")
    if matrix.size == 0:
        raise DataError(f"{name} is empty: its shape is {matrix.shape}.")
    if matrix.dtype in (np.uint8, np.int8):
        return matrix
    if matrix.dtype.kind in "iu" and dtype == "float32":
        _warn_of_rounding(matrix, name)
    with np.errstate(over="ignore"):
        numbers = matrix.astype(dtype, copy=False)
    _refuse_non_finite(numbers, matrix, name)
    return numbers


def _warn_of_rounding(matrix: Array, name: str) -> None:
    # As floats: the absolute value of the smallest int64 is no int64.
    high, low = matrix.max(axis=0).astype(float), matrix.min(axis=0).astype(float)
    inexact = np.maximum(high, -low) > MAX_EXACT_FLOAT32
    if inexact.any():
        warnings.warn(
            f"{name} has whole numbers above 2**24 in column {inexact.argmax()}, which float32 rounds: scale it.",
            UserWarning,
            stacklevel=5,
        )


def _as_array(values: object, name: str, advice: str) -> Array:
    if np.ma.is_masked(values):
        raise DataError(f"{name} is a masked array: fill in the masked values, or remove their rows.")
    if type(values).__module__.startswith("scipy.sparse"):
        raise DataError(f"{name} is a sparse matrix: give {name}.toarray(), or select columns first.")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} cannot be read as an array because its rows differ in length.") from error
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{name} has a value that is not a number ({error}): {advice}.") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers, not {array.dtype}: {advice}.")
    return array


def _refuse_non_finite(numbers: Array, given: Array, name: str) -> None:
    # The sum of squares is finite only if every value is, and needs no second matrix.
    flat = numbers.ravel(order="K")
    with np.errstate(all="ignore"):
        if np.isfinite(np.dot(flat, flat)) or np.isfinite(numbers).all():
            return
    row, column = np.argwhere(~np.isfinite(numbers))[0]
    value = given[row, column]
    if np.isfinite(value):
        raise DataError(
            f"{name} has {value:g} in row {row:,}, column {column:,}, too large for {numbers.dtype}: scale it."
        )
    raise DataError(
        f"{name} has {value} in row {row:,}, column {column:,}: fill in such values, "
        "or use goodfit.train(table, target=...), which fills in missing ones."
    )


def validate_targets(y: object, n_rows: int, dtype: str, *, n_outputs: int, classes: bool, name: str = "y") -> Array:
    """Return targets (rows, n_outputs) as float64; with ``classes`` class numbers (rows,) as int64.

    Raises:
        DataError: another number of rows or outputs; values that are missing, infinite or too large for ``dtype``;
            class numbers out of range.
    """
    targets = _as_array(y, name, CLASSES)
    if targets.ndim not in (1, 2) or len(targets) != n_rows:
        raise DataError(
            f"{name} must have one target for each of the {n_rows:,} rows, but its shape is {targets.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(targets.reshape(n_rows, -1)).all(axis=1))
    if len(bad):
        raise DataError(
            f"{name} is missing or infinite in row {join(bad, most=5)}: remove these rows or fill in their targets."
        )
    if classes:
        return _class_numbers(targets, n_outputs, name)
    if (largest := np.abs(targets.astype(np.float64)).max()) > np.finfo(dtype).max:
        raise DataError(f"{name} has {largest:g}, too large for {dtype}: scale it.")
    if targets.reshape(n_rows, -1).shape[1] != n_outputs:
        raise DataError(
            f"{name} has {targets.reshape(n_rows, -1).shape[1]} columns, but the last layer has {n_outputs} units: "
            "make them equal, or for class numbers use loss='sparse_categorical_crossentropy'."
        )
    return targets.reshape(n_rows, n_outputs).astype(np.float64)


def _class_numbers(targets: Array, n_outputs: int, name: str) -> Array:
    flat = targets.reshape(len(targets), -1)
    if flat.shape[1] != 1:
        raise DataError(
            f"{name} must have one class number for each row: for one-hot rows use loss='categorical_crossentropy'."
        )
    numbers = flat[:, 0]
    bad = np.flatnonzero((numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= n_outputs))
    if len(bad):
        raise DataError(
            f"{name} must have class numbers 0 to {n_outputs - 1}, one for each unit of the last layer, "
            f"not {numbers[bad[0]]:g} (row {bad[0]})."
        )
    return numbers.astype(np.int64)


def validate_probabilities(targets: Array, *, name: str = "y") -> None:
    """Raise DataError unless all targets of a cross-entropy are between 0 and 1."""
    bad = np.argwhere((targets < 0) | (targets > 1))
    if len(bad):
        raise DataError(
            f"{name} must be between 0 and 1 for a cross-entropy, not {targets[tuple(bad[0])]:g} (row {bad[0][0]})."
        )


def row_weights(sample_weight: object, n_rows: int, *, name: str = "sample_weight") -> Array:
    """Return the weight of each row (rows,) as float64, 1 by default.

    Raises:
        DataError: another number of rows; weights negative, missing, infinite or all zero.
    """
    if sample_weight is None:
        return np.ones(n_rows)
    weights = _as_array(sample_weight, name, "give one weight for each row").astype(np.float64)
    if weights.shape != (n_rows,):
        raise DataError(
            f"{name} must have one weight for each of the {n_rows:,} rows, but its shape is {weights.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise DataError(f"{name} must be finite and not negative, but row {join(bad, most=5)} has {weights[bad[0]]:g}.")
    if not weights.any():
        raise DataError(f"{name} is zero in all rows: give at least one row a weight.")
    return weights


def class_factors(
    class_weight: Mapping[int, float] | str,
    labels: Array | None,
    train: Array,
    *,
    n_classes: int,
    row_weights: Array | None = None,
) -> Array:
    """Return the weight of each row's class (rows,), from the training rows only.

    Args:
        class_weight: class number to weight, 1 for classes not named; or ``balanced``: n / (k·n_c) with n training rows
            of k classes, n_c of them of class c; 1 for a class without training rows. Rows count by their weight.
        labels: class number of each row, or None if the targets are not classes.
        train: row numbers of the training rows.
        row_weights: weight of each row (rows,); None if all are equal.

    Raises:
        DataError: the targets are not classes, a class does not exist, or a weight is negative, not finite, or zero for
            every class of the training rows.

    >>> class_factors("balanced", np.array([0, 0, 0, 1, 1, 1]), np.arange(4), n_classes=2).round(2)
    array([0.67, 0.67, 0.67, 2.  , 2.  , 2.  ])
    """
    if labels is None:
        raise DataError("class_weight needs targets that are classes: for others give sample_weight.")
    if isinstance(class_weight, str) and class_weight == "balanced":
        own = np.ones(len(train)) if row_weights is None else row_weights[train]
        counts = np.bincount(labels[train], own, minlength=n_classes)
        shared = counts.sum() / max(1, np.count_nonzero(counts))
        factors = np.divide(shared, counts, out=np.ones(n_classes), where=counts > 0)
        return np.asarray(factors[labels])
    if not isinstance(class_weight, Mapping):
        raise DataError(f"class_weight must map class numbers to weights, or be 'balanced', not {class_weight!r}.")
    factors = np.ones(n_classes)
    for label, weight in class_weight.items():
        if label not in range(n_classes):
            raise DataError(f"class_weight names the class {label!r}, but the classes are 0 to {n_classes - 1}.")
        if not is_weight(weight):
            raise DataError(f"class_weight of class {label!r} must be a finite number, zero or larger, not {weight!r}.")
        factors[int(label)] = weight
    if not factors[labels[train]].any():
        raise DataError("class_weight is zero for every class of the training rows: give one a weight.")
    return factors[labels]
