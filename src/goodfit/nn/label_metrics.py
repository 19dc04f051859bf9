"""Metrics of predicted labels: functions of targets y, predictions f and row weights s (rows,) or (rows, m).

The label of a row is its most probable class, the first of equals; of a single output class 1 where p > 0.5. Precision,
recall, F1 and specificity are those of class 1 where there are two classes. Of more classes they are the mean over the
classes that occur among the true or the predicted labels (macro), each against the rest. A ratio without rows is 0.
"""

from typing import NamedTuple

from goodfit.nn.arrays import AnyArray
from goodfit.nn.losses import weighted_mean


def class_numbers(y: AnyArray) -> AnyArray:
    """Return class numbers (rows,) from class numbers, a column of them, or one-hot targets."""
    xp = y.__array_namespace__()
    if y.ndim == 2:
        y = y[:, 0] if y.shape[-1] == 1 else xp.argmax(y, axis=-1)
    return y.astype(xp.int32)


def predicted_classes(prediction: AnyArray) -> AnyArray:
    """Return the predicted label of each row, as a class number (rows,)."""
    xp = prediction.__array_namespace__()
    if prediction.shape[-1] == 1:
        return (prediction[:, 0] > 0.5).astype(xp.int32)
    # The first of the largest, as argmax, by two plain reductions: XLA does not vectorise argmax.
    numbers = xp.arange(prediction.shape[-1], dtype=xp.int32)[None, :]
    largest = prediction == xp.max(prediction, axis=-1, keepdims=True)
    return xp.min(xp.where(largest, numbers, prediction.shape[-1]), axis=-1)


def one_hot(labels: AnyArray, n_classes: int, dtype: object) -> AnyArray:
    """Return class numbers (rows,) as columns of 0 and 1 (rows, classes); other numbers as a row of 0."""
    xp = labels.__array_namespace__()
    return (labels[:, None] == xp.arange(n_classes, dtype=labels.dtype)[None, :]).astype(dtype)


def accuracy(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Accuracy: share of rows whose predicted label is the true one."""
    right = class_numbers(y) == predicted_classes(prediction)
    return weighted_mean(right.astype(weights.dtype), weights)


def balanced_accuracy(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Balanced accuracy: mean recall over the classes that occur."""
    n = _counts(y, prediction, weights)
    return _mean(_ratio(n.hits, n.true), n.true > 0)


def precision(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Precision: share of the rows predicted as a class that are of it, TP / (TP + FP)."""
    n = _counts(y, prediction, weights)
    return _of_classes(_ratio(n.hits, n.predicted), n)


def recall(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Recall, or sensitivity: share of the rows of a class that are predicted as it, TP / (TP + FN)."""
    n = _counts(y, prediction, weights)
    return _of_classes(_ratio(n.hits, n.true), n)


def f1(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """F1: harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN)."""
    n = _counts(y, prediction, weights)
    return _of_classes(_ratio(2 * n.hits, n.true + n.predicted), n)


def specificity(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> AnyArray:
    """Specificity: share of the rows of other classes that are not predicted as the class, TN / (TN + FP)."""
    n = _counts(y, prediction, weights)
    others = weights.sum(axis=0, keepdims=True) - n.true
    return _of_classes(_ratio(others - (n.predicted - n.hits), others), n)


class _Counts(NamedTuple):
    """Weight of the rows of each class that are predicted as it, that are of it, and that are predicted as it.

    Each (classes,) or (classes, m).
    """

    hits: AnyArray
    true: AnyArray
    predicted: AnyArray


def _counts(y: AnyArray, prediction: AnyArray, weights: AnyArray) -> _Counts:
    n_classes = max(2, prediction.shape[-1])
    true, predicted = (
        one_hot(labels, n_classes, weights.dtype) for labels in (class_numbers(y), predicted_classes(prediction))
    )
    return _Counts((true * predicted).T @ weights, true.T @ weights, predicted.T @ weights)


def _of_classes(values: AnyArray, n: _Counts) -> AnyArray:
    """The value of class 1 of two, or the mean over the classes that occur."""
    if len(values) == 2:
        return values[1]
    return _mean(values, n.true + n.predicted > 0)


def _mean(values: AnyArray, counted: AnyArray) -> AnyArray:
    """The mean of the values that count, or 0 without any."""
    xp = values.__array_namespace__()
    return _ratio(xp.where(counted, values, 0).sum(axis=0), counted.sum(axis=0).astype(values.dtype))


def _ratio(part: AnyArray, whole: AnyArray) -> AnyArray:
    xp = whole.__array_namespace__()
    return xp.where(whole == 0, 0, part / xp.where(whole == 0, 1, whole))
