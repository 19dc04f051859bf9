"""Arrays that users hand in: inputs, targets and row weights, checked and brought into the form a training takes."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.errors import DataError

Array = npt.NDArray[Any]
EXACT = 2**24
"""Whole numbers above this are rounded by float32."""


def check_inputs(x: object, dtype: str, *, name: str = "x") -> Array:
    """Inputs as a matrix (rows, features) of ``dtype``; one-byte integers stay as they are, in a quarter of the room.

    Raises:
        DataError: not two-dimensional, empty, not numeric, or with cells that are missing, infinite or too large.
    """
    matrix = _as_array(x, name)
    if matrix.ndim != 2:
        hint = f"; reshape it to ({matrix.size}, 1)" if matrix.ndim == 1 else ""
        raise DataError(f"{name} must have rows and columns, but its shape is {matrix.shape}{hint}.")
    if matrix.size == 0:
        raise DataError(f"{name} is empty: its shape is {matrix.shape}.")
    if matrix.dtype in (np.uint8, np.int8):
        return matrix
    if matrix.dtype.kind in "iu" and dtype == "float32" and (inexact := np.abs(matrix).max(axis=0) > EXACT).any():
        warnings.warn(
            f"{name} holds whole numbers above 2**24 in column {inexact.argmax()}, which float32 rounds; scale it.",
            UserWarning,
            stacklevel=4,
        )
    with np.errstate(over="ignore"):
        numbers = matrix.astype(dtype, copy=False)
    _refuse_non_finite(numbers, matrix, name)
    return numbers


def _as_array(values: object, name: str) -> Array:
    if type(values).__module__.startswith("scipy.sparse"):
        raise DataError(f"{name} is a sparse matrix; give {name}.toarray(), or select columns first.")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} cannot be read as an array: its rows differ in length.") from error
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{name} holds something that is not a number ({error}); "
                "for tables with text, categories or dates use goodfit.train(table, target=...)."
            ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} must hold numbers, not {array.dtype}; "
            "for tables with text, categories or dates use goodfit.train(table, target=...)."
        )
    return array


def _refuse_non_finite(numbers: Array, given: Array, name: str) -> None:
    # The sum of squares is finite only if every entry is, and takes no second matrix to find out.
    flat = numbers.reshape(-1)
    with np.errstate(all="ignore"):
        if np.isfinite(np.dot(flat, flat)) or np.isfinite(numbers).all():
            return
    row, column = np.argwhere(~np.isfinite(numbers))[0]
    value = given[row, column]
    if np.isfinite(value):
        raise DataError(
            f"{name} holds {value:g} in row {row}, column {column}, too large for {numbers.dtype}; scale it."
        )
    raise DataError(
        f"{name} holds {value} in row {row}, column {column}; fill in such cells, "
        "or use goodfit.train(table, target=...), which does it for missing ones."
    )


def check_targets(y: object, n_rows: int, *, n_outputs: int, classes: bool, name: str = "y") -> Array:
    """Targets (rows, n_outputs) in float64; for class numbers (``classes``) int64 (rows,).

    Raises:
        DataError: another number of rows or outputs, missing or infinite values, or class numbers out of range.
    """
    targets = _as_array(y, name)
    if len(targets) != n_rows:
        raise DataError(f"{name} has {len(targets)} rows, but the inputs have {n_rows}.")
    bad = np.flatnonzero(~np.isfinite(targets.reshape(n_rows, -1)).all(axis=1))
    if len(bad):
        raise DataError(
            f"{name} is missing or infinite in row {_listed(bad)}; remove these rows or fill in their targets."
        )
    if classes:
        return _check_classes(targets, n_outputs, name)
    if targets.reshape(n_rows, -1).shape[1] != n_outputs:
        raise DataError(
            f"{name} has {targets.reshape(n_rows, -1).shape[1]} columns, but the last layer has {n_outputs} units; "
            "they must agree (for class numbers use loss='sparse_categorical_crossentropy')."
        )
    return targets.reshape(n_rows, n_outputs).astype(np.float64)


def _check_classes(targets: Array, n_outputs: int, name: str) -> Array:
    flat = targets.reshape(len(targets), -1)
    if flat.shape[1] != 1:
        raise DataError(
            f"{name} must hold one class number for each row; for one-hot rows use categorical_crossentropy."
        )
    numbers = flat[:, 0]
    bad = np.flatnonzero((numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= n_outputs))
    if len(bad):
        raise DataError(
            f"{name} must hold class numbers 0 to {n_outputs - 1}, one for each unit of the last layer, "
            f"not {numbers[bad[0]]:g} (row {bad[0]})."
        )
    return numbers.astype(np.int64)


def check_probabilities(targets: Array, *, name: str = "y") -> None:
    """DataError unless all targets of a cross-entropy lie between 0 and 1."""
    bad = np.argwhere((targets < 0) | (targets > 1))
    if len(bad):
        raise DataError(
            f"{name} must lie between 0 and 1 for a cross-entropy, not {targets[tuple(bad[0])]:g} (row {bad[0][0]})."
        )


def row_weights(
    sample_weight: object, class_weight: Mapping[int, float] | str | None, labels: Array | None, n_rows: int
) -> Array:
    """Weight of each row (rows,): its sample weight times the weight of its class; 1 where neither is given.

    Args:
        class_weight: class number to weight, 1 for those not named, or ``balanced``: rows / (classes · class's rows).
        labels: class numbers (rows,), or None when the targets are no classes.

    Raises:
        DataError: another number of rows; weights negative, missing, infinite or all zero; no classes to be weighted.
    """
    weights = np.ones(n_rows) if sample_weight is None else _as_array(sample_weight, "sample_weight").astype(np.float64)
    if weights.shape != (n_rows,):
        raise DataError(
            f"sample_weight must have one weight for each of the {n_rows} rows, but its shape is {weights.shape}."
        )
    if class_weight is not None:
        weights = weights * _class_weights(class_weight, labels)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise DataError(f"weights must be finite and not negative, but row {_listed(bad)} has {weights[bad[0]]:g}.")
    if not weights.any():
        raise DataError("all row weights are zero; nothing would be learned.")
    return weights


def _class_weights(class_weight: Mapping[int, float] | str, labels: Array | None) -> Array:
    if labels is None:
        raise DataError("class_weight needs targets that are classes; for others give sample_weight.")
    if class_weight == "balanced":
        counts = np.bincount(labels)
        return (len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[labels]
    if not isinstance(class_weight, Mapping):
        raise DataError(f"class_weight must map class numbers to weights, or be 'balanced', not {class_weight!r}.")
    unknown = sorted(set(class_weight) - set(np.unique(labels).tolist()))
    if unknown:
        raise DataError(f"class_weight names the class {unknown[0]!r}, which y does not have.")
    return np.array([float(class_weight.get(int(label), 1.0)) for label in range(int(labels.max()) + 1)])[labels]


def _listed(rows: Array) -> str:
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return ", ".join(map(str, rows[:5].tolist())) + more
