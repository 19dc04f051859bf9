"""Metrics of predicted labels: functions of targets y, predictions f and row weights s (rows,).

The label of a row is its most probable class, the first of equals; of a single output class 1 where p > 0.5. Precision,
recall, F1 and specificity are those of class 1 where there are two classes. Of more classes they are the mean over the
classes that occur among the true or the predicted labels (macro), each against the rest. A ratio without rows is 0.
"""

import jax
import jax.numpy as jnp

from goodfit.nn.losses import weighted_mean


def class_numbers(y: jax.Array) -> jax.Array:
    """Return class numbers (rows,) from class numbers, a column of them, or one-hot targets."""
    if y.ndim == 2:
        y = y[:, 0] if y.shape[-1] == 1 else jnp.argmax(y, axis=-1)
    return y.astype(jnp.int32)


def predicted_classes(prediction: jax.Array) -> jax.Array:
    """Return the predicted label of each row, as a class number (rows,)."""
    if prediction.shape[-1] == 1:
        return (prediction[:, 0] > 0.5).astype(jnp.int32)
    # The first of the largest, as argmax, by two plain reductions: XLA does not vectorise argmax.
    numbers = jnp.arange(prediction.shape[-1], dtype=jnp.int32)[None, :]
    largest = prediction == jnp.max(prediction, axis=-1, keepdims=True)
    return jnp.min(jnp.where(largest, numbers, prediction.shape[-1]), axis=-1)


def accuracy(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Accuracy: share of rows whose predicted label is the true one."""
    right = class_numbers(y) == predicted_classes(prediction)
    return weighted_mean(right.astype(weights.dtype), weights)


def balanced_accuracy(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Balanced accuracy: mean recall over the classes that occur."""
    hits, truth, _ = _counts(y, prediction, weights)
    return weighted_mean(_ratio(hits, truth), (truth > 0).astype(weights.dtype))


def precision(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Precision: share of the rows predicted as a class that are of it, TP / (TP + FP)."""
    hits, truth, predicted = _counts(y, prediction, weights)
    return _of_classes(_ratio(hits, predicted), truth, predicted)


def recall(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Recall, or sensitivity: share of the rows of a class that are predicted as it, TP / (TP + FN)."""
    hits, truth, predicted = _counts(y, prediction, weights)
    return _of_classes(_ratio(hits, truth), truth, predicted)


def f1(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """F1: harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN)."""
    hits, truth, predicted = _counts(y, prediction, weights)
    return _of_classes(_ratio(2 * hits, truth + predicted), truth, predicted)


def specificity(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """Specificity: share of the rows of other classes that are not predicted as the class, TN / (TN + FP)."""
    hits, truth, predicted = _counts(y, prediction, weights)
    others = jnp.sum(weights) - truth
    return _of_classes(_ratio(others - (predicted - hits), others), truth, predicted)


def _counts(y: jax.Array, prediction: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Weight of the rows of each class that are predicted as it, that are of it, and that are predicted as it."""
    n_classes = max(2, prediction.shape[-1])
    true, predicted = (
        jax.nn.one_hot(labels, n_classes, dtype=weights.dtype)
        for labels in (class_numbers(y), predicted_classes(prediction))
    )
    return weights @ (true * predicted), weights @ true, weights @ predicted


def _of_classes(values: jax.Array, truth: jax.Array, predicted: jax.Array) -> jax.Array:
    """The value of class 1 of two, or the mean over the classes that occur."""
    if len(values) == 2:
        return values[1]
    return weighted_mean(values, (truth + predicted > 0).astype(values.dtype))


def _ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    return jnp.where(whole == 0, 0, part / jnp.where(whole == 0, 1, whole))
