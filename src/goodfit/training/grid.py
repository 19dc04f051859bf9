"""The grid of a sweep: axes of values, every combination of them, and each combination as knobs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from goodfit.errors import RecipeError
from goodfit.learning.layers import Dense, Dropout, Layer
from goodfit.learning.optimizers import Optimizer, numbers
from goodfit.learning.regularizers import L1L2
from goodfit.training.recipe import Knobs, strengths

L2 = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0)
LEARNING_RATE = (0.00001, 0.0001, 0.001, 0.01, 0.1)
"""The guide's values: the grid that ``auto`` stands for."""
AUTO = {"l2": L2, "learning_rate": LEARNING_RATE}

Axes = Mapping[str, Sequence[float]]
Point = dict[str, float]
"""One value for each axis."""


def check_axes(axes: Mapping[str, Any], layers: Sequence[Layer], optimizer: Optimizer) -> dict[str, tuple[float, ...]]:
    """The axes with their values in ascending order, each once; ``auto`` and single numbers spelled out.

    Raises:
        RecipeError: an axis is unknown or empty, or a value is outside the range of what it stands for.
    """
    known = ("l1", "l2", "dropout", *sorted(_optimizer_axes(optimizer)))
    found = {}
    for name, given in axes.items():
        if name not in known:
            raise RecipeError(f"{name!r} cannot be swept here; choose from {', '.join(known)}.")
        values = AUTO[name] if isinstance(given, str) and given == "auto" and name in AUTO else given
        found[name] = _numbers_of(name, values)
        for value in found[name]:
            layers_with(layers, {name: value})
            optimizer_with(optimizer, {name: value})
    return found


def _numbers_of(name: str, given: object) -> tuple[float, ...]:
    """What was given for an axis as numbers in ascending order, each once."""
    try:
        values = np.atleast_1d(np.asarray(given))
        if values.dtype.kind not in "iuf" and values.size:
            raise TypeError("no numbers")
        numbers_given = np.unique(values.astype(float)).tolist()
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{name} must be a number or a list of numbers, not {given!r}.") from error
    if not numbers_given:
        raise RecipeError(f"{name} has no values; give at least one, or leave it out.")
    return tuple(numbers_given)


def make_grid(axes: Axes) -> list[Point]:
    """Every combination, the last axis running fastest."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def layers_with(layers: Sequence[Layer], point: Point) -> tuple[Layer, ...]:
    """The layers with ``l1`` and ``l2`` on every weight array that carries the term, and ``dropout`` in every Dropout.

    Where no layer carries the term, every Dense kernel takes it.
    """
    for term in ("l1", "l2"):
        if term in point:
            layers = _with_term(layers, term, point[term])
    if "dropout" in point:
        if not any(isinstance(layer, Dropout) for layer in layers):
            raise RecipeError("dropout cannot be swept: the network has no Dropout layer.")
        layers = [Dropout(point["dropout"]) if isinstance(layer, Dropout) else layer for layer in layers]
    return tuple(layers)


def _with_term(layers: Sequence[Layer], term: str, value: float) -> list[Layer]:
    anywhere = any(strengths(layers, term))
    return [
        _dense_with(layer, term, value, always=not anywhere) if isinstance(layer, Dense) else layer for layer in layers
    ]


def _dense_with(layer: Dense, term: str, value: float, *, always: bool) -> Dense:
    changes: dict[str, Any] = {}
    for name in ("kernel_regularizer", "bias_regularizer"):
        regularizer = getattr(layer, name)
        if regularizer is not None and getattr(regularizer, term) is not None:
            changes[name] = replace(regularizer, **{term: value})
    if always:
        changes["kernel_regularizer"] = replace(layer.kernel_regularizer or L1L2(), **{term: value})
    return replace(layer, **changes)


def optimizer_with(optimizer: Optimizer, point: Point) -> Optimizer:
    """The optimizer with those of its numbers that the point names."""
    changes: dict[str, Any] = {name: value for name, value in point.items() if name in _optimizer_axes(optimizer)}
    return replace(optimizer, **changes)


def _optimizer_axes(optimizer: Optimizer) -> set[str]:
    """Every number of the optimizer, and ``weight_decay``, which becomes one when it is swept."""
    return {*numbers(optimizer), "weight_decay"}


def knobs_with(knobs: Knobs, point: Point) -> Knobs:
    """Knobs with the values of the point, in their own precision."""

    def like(old: Any, value: float) -> np.ndarray:  # noqa: ANN401
        return np.asarray(value, np.asarray(old).dtype)

    for name, value in point.items():
        if name in ("l1", "l2"):
            layers: Any = tuple({key: like(old, value) for key, old in layer.items()} for layer in getattr(knobs, name))
            knobs = knobs._replace(**{name: layers})
        elif name == "dropout":
            knobs = knobs._replace(dropout=tuple(like(old, value) for old in knobs.dropout))
        else:
            knobs = knobs._replace(optimizer={**knobs.optimizer, name: like(knobs.optimizer[name], value)})
    return knobs
