"""The grid of a sweep: space of values, every combination of them, and each combination as knobs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.layers import Dense, Dropout, Layer
from goodfit.nn.optimizers import OPTIMIZERS, Optimizer, numbers
from goodfit.nn.regularizers import L1L2
from goodfit.search.selection import Selection

L2 = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0)
LEARNING_RATE = (0.00001, 0.0001, 0.001, 0.01, 0.1)
"""The guide's values: the grid that ``auto`` stands for."""
AUTO = {"l2": L2, "learning_rate": LEARNING_RATE}
LARGEST_RATE = 1.0
"""A second grid does not look for learning rates beyond it."""
CLASS_WEIGHT = "class_weight_"
"""Begins the name of the axis of one class, followed by its number."""

SearchSpace = Mapping[str, Sequence[float]]
Config = Mapping[str, float]
"""One value for each axis."""


def validate_space(
    space: Mapping[str, Any], layers: Sequence[Layer], optimizer: Optimizer
) -> dict[str, tuple[float, ...]]:
    """The space with their values in ascending order, each once; ``auto`` and single numbers spelled out.

    Raises:
        ConfigError: an axis is unknown or empty, or a value is outside the range of what it stands for.
    """
    known = ("l1", "l2", "dropout", *sorted(_optimizer_space(optimizer)))
    found = {}
    for name, given in space.items():
        if name.startswith(CLASS_WEIGHT):
            found[name] = _weights_of(name, given)
            continue
        if name not in known:
            raise ConfigError(f"{name!r} cannot be swept here; select from {', '.join(known)}.")
        values = AUTO[name] if isinstance(given, str) and given == "auto" and name in AUTO else given
        found[name] = _numbers_of(name, values)
        for value in found[name]:
            layers_with(layers, {name: value})
            optimizer_with(optimizer, {name: value})
    return found


def class_weight_space(class_weight: Mapping[int, Any]) -> tuple[dict[str, Any], dict[int, Any]]:
    """SearchSpace of the classes that have several weights, and the others as they were.

    >>> class_weight_space({0: 1, 1: [1, 5]})
    ({'class_weight_1': [1, 5]}, {0: 1})
    """
    swept = {label: values for label, values in class_weight.items() if isinstance(values, list | tuple | np.ndarray)}
    fixed = {label: value for label, value in class_weight.items() if label not in swept}
    return {f"{CLASS_WEIGHT}{label}": values for label, values in swept.items()}, fixed


def _weights_of(name: str, given: object) -> tuple[float, ...]:
    values = _numbers_of(name, given)
    if not all(0 <= value < np.inf for value in values):
        raise ConfigError(f"{name} must be finite numbers, zero or larger, not {given!r}.")
    return values


def _numbers_of(name: str, given: object) -> tuple[float, ...]:
    """What was given for an axis as numbers in ascending order, each once."""
    try:
        values = np.atleast_1d(np.asarray(given))
        if values.dtype.kind not in "iuf" and values.size:
            raise TypeError("no numbers")
        numbers_given = np.unique(values.astype(float)).tolist()
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be a number or a list of numbers, not {given!r}.") from error
    if not numbers_given:
        raise ConfigError(f"{name} has no values; give at least one, or leave it out.")
    return tuple(numbers_given)


def make_grid(space: SearchSpace) -> list[Config]:
    """Every combination, the last axis running fastest."""
    return [dict(zip(space, values, strict=True)) for values in product(*space.values())]


def layers_with(layers: Sequence[Layer], config: Config) -> tuple[Layer, ...]:
    """The layers with ``l1`` and ``l2`` on every weight array that carries the term, and ``dropout`` in every Dropout.

    Where no layer carries the term, every Dense kernel takes it.
    """
    for term in ("l1", "l2"):
        if term in config:
            layers = _with_term(layers, term, config[term])
    if "dropout" in config:
        if not any(isinstance(layer, Dropout) for layer in layers):
            raise ConfigError("dropout cannot be swept: the network has no Dropout layer.")
        layers = [Dropout(config["dropout"]) if isinstance(layer, Dropout) else layer for layer in layers]
    return tuple(layers)


def _with_term(layers: Sequence[Layer], term: str, value: float) -> list[Layer]:
    carried = (regularizer for layer in layers for regularizer in layer.regularizers().values())
    anywhere = any(getattr(regularizer, term) is not None for regularizer in carried)
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


def optimizer_with(optimizer: Optimizer, config: Config) -> Optimizer:
    """The optimizer with those of its numbers that the config names."""
    changes: dict[str, Any] = {name: value for name, value in config.items() if name in _optimizer_space(optimizer)}
    return replace(optimizer, **changes)


def _optimizer_space(optimizer: Optimizer) -> set[str]:
    """Every number of the optimizer, and ``weight_decay``, which becomes one when it is swept."""
    return {*numbers(optimizer), "weight_decay"}


def class_weights(config: Config) -> dict[int, float]:
    """Return the weights of classes that the config names.

    >>> class_weights({"l2": 0.01, "class_weight_1": 5.0})
    {1: 5.0}
    """
    named = {name: value for name, value in config.items() if name.startswith(CLASS_WEIGHT)}
    return {int(name.removeprefix(CLASS_WEIGHT)): value for name, value in named.items()}


def refined(space: SearchSpace, selection: Selection) -> dict[str, tuple[float, ...]]:
    """The space of a second grid around the best config of a first: as many values of each axis, so nothing compiles.

    Where the best lies at an end, the axis goes on beyond it by two steps (one, of two values above 0), in the ratio of
    its last two values; learning rates go no further than 1, in smaller steps. Elsewhere the steps are halved, in the
    logarithm, around the best; of shares such as dropout and momentum in the logarithm of v/(1 − v), which stays below
    1. A value of 0 stays, and with it as the best the others go on towards it. An axis with a single value above 0
    stays as it is.

    >>> l2 = (0.0, 0.001, 0.01, 0.1)
    >>> _refined_axis("l2", l2, best=0.1, edge="high")
    (0.0, 0.1, 1.0, 10.0)
    >>> _refined_axis("l2", l2, best=0.01, edge=None)
    (0.0, 0.00316228, 0.01, 0.0316228)
    """
    best = selection.best.config
    return {
        name: _refined_axis(name, tuple(values), best=best[name], edge=selection.edges.get(name))
        for name, values in space.items()
    }


def _refined_axis(name: str, values: tuple[float, ...], *, best: float, edge: str | None) -> tuple[float, ...]:
    positive = [value for value in values if value > 0]
    if len(positive) < 2:
        return values
    share = name in ("dropout", *(name for optimizer in OPTIMIZERS.values() for name in optimizer.below_one))
    places = np.log([v / (1 - v) if share else v for v in positive])
    limit = np.log(LARGEST_RATE) if name == "learning_rate" else np.inf
    if best == 0 or edge == "low" or (edge == "high" and places[-1] < limit):
        new = _extended(places, up=edge == "high", limit=limit)
    else:
        new = _halved(places, positive.index(best))
    found = np.exp(new)
    if share:
        found = found / (1 + found)
    digits = 12 if share else 6  # shares close to 1 must stay below it
    exact = {float(f"{value:.{digits}g}"): value for value in positive}
    rounded = [float(f"{value:.{digits}g}") for value in found.tolist()]
    return (*(v for v in values if v == 0), *(exact.get(v, v) for v in rounded))


def _extended(places: np.ndarray, *, up: bool, limit: float) -> np.ndarray:
    """As many places, moved by two steps (one, of two places) beyond one end, with that end among them.

    Upwards the steps are so short that they do not lead beyond the limit.
    """
    ordered = places if up else places[::-1]
    steps = min(2, len(places) - 1)
    step = min(ordered[-1] - ordered[-2], (limit - ordered[-1]) / steps)
    beyond = ordered[-1] + step * np.arange(1, steps + 1)
    return np.sort(np.concatenate([ordered[steps:], beyond]))


def _halved(places: np.ndarray, best: int) -> np.ndarray:
    """As many places around the best, half as far apart as it is from its neighbours."""
    n = len(places)
    below = places[best] - places[best - 1] if best > 0 else places[1] - places[0]
    above = places[best + 1] - places[best] if best < n - 1 else below
    first = -(n // 2) if best >= n / 2 else -((n - 1) // 2)
    steps = np.arange(first, first + n) / 2
    return np.asarray(places[best] + np.where(steps < 0, below, above) * steps)
