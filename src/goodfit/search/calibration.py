"""Temperature scaling: probabilities made more or less extreme, so that they are as frequent as they say.

    softmax: p ∝ p^(1/T) over the classes        sigmoid: logit p ← (logit p)/T

T is between ¼ and 4; T > 1 makes probabilities less extreme. It is fitted on out-of-fold predictions by loss, where
enough rows carry it, and kept only if the cross-fitted loss falls. The order of the probabilities of a row does not
change.

Source: Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks".
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy  # its submodules are loaded when first used

from goodfit.arrays import Array
from goodfit.nn.losses import SMALLEST_PROBABILITY

MIN_ROWS_TWO_CLASSES, MIN_ROWS_CLASSES = 3_000, 500
"""Fewer rows cannot tell a temperature from 1: a row of many classes says more about it than one of two."""


def linked(outputs: Array, link: str) -> Array:
    """Return probabilities or values (rows, outputs), float64, of outputs as the loss takes them.

    In NumPy, since compiling a function for every size takes longer than calling it.

    >>> linked(np.array([[0.0, 0.0]]), "softmax").tolist(), linked(np.array([[2.0]]), "linear").tolist()
    ([[0.5, 0.5]], [[2.0]])
    """
    values = np.asarray(outputs, float)
    if link == "linear":
        return values
    return np.asarray(scipy.special.expit(values) if link == "sigmoid" else scipy.special.softmax(values, axis=1))


def with_temperature(probabilities: Array, temperature: float, link: str) -> Array:
    """Return probabilities (rows, outputs) after scaling; unchanged for 1, and for the link ``linear``.

    >>> with_temperature(np.array([[0.8], [0.5]]), 2.0, "sigmoid").round(3).tolist()
    [[0.667], [0.5]]
    >>> with_temperature(np.array([[0.8, 0.1, 0.1]]), 0.5, "softmax").round(3).tolist()
    [[0.97, 0.015, 0.015]]
    """
    if temperature == 1 or link == "linear":
        return probabilities
    p = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    if link == "sigmoid":
        return np.asarray(scipy.special.expit(scipy.special.logit(p) / temperature))
    return np.asarray(scipy.special.softmax(np.log(p) / temperature, axis=1))


def fit_temperature(probabilities: Array, parts: Array, link: str, loss: Callable[[Array, Array], float]) -> float:
    """Return the temperature, 1 where there are too few rows or the cross-fitted loss does not fall.

    Args:
        probabilities: of rows whose networks were not trained on them (rows, outputs).
        parts: groups of rows for cross-fitting (rows,).
        loss: from probabilities, and the rows that they are of, to their mean loss.
    """
    enough = MIN_ROWS_TWO_CLASSES if link == "sigmoid" else MIN_ROWS_CLASSES
    if link == "linear" or len(probabilities) < enough:
        return 1.0
    cross_fitted = cross_fit_temperature(probabilities, parts, link, loss)
    every = np.ones(len(probabilities), bool)
    if loss(cross_fitted, every) >= loss(probabilities, every):
        return 1.0
    return _fitted(probabilities, link, partial(_swapped, loss, every))


def cross_fit_temperature(
    probabilities: Array, parts: Array, link: str, loss: Callable[[Array, Array], float]
) -> Array:
    """Return probabilities with the temperature that the rows of the other parts choose."""
    result = np.array(probabilities, float)
    for part in np.unique(parts):
        inside = parts == part
        temperature = _fitted(probabilities[~inside], link, partial(_swapped, loss, ~inside))
        result[inside] = with_temperature(probabilities[inside], temperature, link)
    return result


def _swapped(loss: Callable[[Array, Array], float], inside: Array, probabilities: Array) -> float:
    return loss(probabilities, inside)


def _fitted(probabilities: Array, link: str, loss: Callable[[Array], float]) -> float:
    limit = np.log(4)
    found = scipy.optimize.minimize_scalar(
        lambda log_t: loss(with_temperature(probabilities, float(np.exp(log_t)), link)),
        bounds=(-limit, limit),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))
