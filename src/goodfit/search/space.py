"""The search space of a sweep, its grid of configs, and layers and optimizer with the values of a config."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.layers import Dropout, Layer
from goodfit.nn.optimizers import OPTIMIZERS, Optimizer
from goodfit.nn.optimizers.base import numbers
from goodfit.search.choices import validate_values
from goodfit.search.selection import Selection

MAX_LEARNING_RATE = 1.0
"""Largest learning rate of a second grid."""
LAYER_TERMS = ("l1", "l2", "dropout")
CLASS_WEIGHT = "class_weight_"
"""Prefix of the name of a class weight; the number of the class follows."""

SearchSpace = Mapping[str, Sequence[float]]
"""The values of each hyperparameter, by name."""
Config = Mapping[str, float]
"""One value of each hyperparameter, by name."""


def validate_space(
    space: Mapping[str, Any], layers: Sequence[Layer], optimizer: Optimizer
) -> dict[str, tuple[float, ...]]:
    """Return the space with sorted, distinct values, with numbers for ``auto`` and a list for a single number.

    Raises:
        ConfigError: a hyperparameter is unknown or has no values, or a value is out of range; the message names it.
    """
    known = (*LAYER_TERMS, *sorted(_optimizer_space(optimizer)))
    found = {}
    for name, given in space.items():
        if name.startswith(CLASS_WEIGHT):
            found[name] = validate_values(name, given)
            if not all(0 <= value < np.inf for value in found[name]):
                raise ConfigError(f"{name} must be finite numbers, zero or larger, not {given!r}.")
            continue
        if name not in known:
            raise ConfigError(f"{name!r} cannot be searched here; choose from {', '.join(known)}.")
        found[name] = validate_values(name, given)
        for value in found[name]:
            layers_with(layers, {name: value})
            optimizer_with(optimizer, {name: value})
    return found


def class_weight_space(class_weight: Mapping[int, Any]) -> tuple[dict[str, Any], dict[int, Any]]:
    """Return the search space of the classes with several weights, and the weights of the others.

    >>> class_weight_space({0: 1, 1: [1, 5]})
    ({'class_weight_1': [1, 5]}, {0: 1})
    """
    swept = {label: values for label, values in class_weight.items() if isinstance(values, list | tuple | np.ndarray)}
    fixed = {label: value for label, value in class_weight.items() if label not in swept}
    return {f"{CLASS_WEIGHT}{label}": values for label, values in swept.items()}, fixed


def make_grid(space: SearchSpace) -> list[Config]:
    """Return every config of the space; the last hyperparameter varies fastest."""
    return [dict(zip(space, values, strict=True)) for values in product(*space.values())]


def layers_with(layers: Sequence[Layer], config: Config) -> tuple[Layer, ...]:
    """Return the layers with the config's ``l1``, ``l2`` and ``dropout``.

    ``l1`` and ``l2`` apply to every weight array that carries the term, or to every Dense kernel if none does;
    ``dropout`` to every Dropout.
    """
    for term in ("l1", "l2"):
        if term in config:
            layers = _with_term(layers, term, config[term])
    if "dropout" in config:
        if not any(isinstance(layer, Dropout) for layer in layers):
            raise ConfigError("dropout cannot be searched: the network has no Dropout layer.")
        layers = [Dropout(config["dropout"]) if isinstance(layer, Dropout) else layer for layer in layers]
    return tuple(layers)


def parts_of(config: Config) -> tuple[Config, Config, Config]:
    """Return what of a config the layers take, the optimizer, and the loss.

    >>> parts_of({"l2": 0.01, "learning_rate": 0.1, "class_weight_1": 5.0})
    ({'l2': 0.01}, {'learning_rate': 0.1}, {'class_weight_1': 5.0})
    """
    of_layers = {name: value for name, value in config.items() if name in LAYER_TERMS}
    of_classes = {name: value for name, value in config.items() if name.startswith(CLASS_WEIGHT)}
    others = {name: value for name, value in config.items() if name not in of_layers | of_classes}
    return of_layers, others, of_classes


def _with_term(layers: Sequence[Layer], term: str, value: float) -> list[Layer]:
    carried = (regularizer for layer in layers for regularizer in layer.regularizers().values())
    anywhere = any(getattr(regularizer, term) is not None for regularizer in carried)
    return [layer.with_strength(term, value, everywhere=not anywhere) for layer in layers]


def optimizer_with(optimizer: Optimizer, config: Config) -> Optimizer:
    """Return the optimizer with those of its numbers that the config names."""
    changes: dict[str, Any] = {name: value for name, value in config.items() if name in _optimizer_space(optimizer)}
    return replace(optimizer, **changes)


def _optimizer_space(optimizer: Optimizer) -> set[str]:
    """Return the names of the optimizer's numbers, and ``weight_decay`` even if it is None."""
    return {*numbers(optimizer), "weight_decay"}


def class_weights(config: Config) -> dict[int, float]:
    """Return the weights of classes that the config names.

    >>> class_weights({"l2": 0.01, "class_weight_1": 5.0})
    {1: 5.0}
    """
    named = {name: value for name, value in config.items() if name.startswith(CLASS_WEIGHT)}
    return {int(name.removeprefix(CLASS_WEIGHT)): value for name, value in named.items()}


def refined(space: SearchSpace, selection: Selection) -> dict[str, tuple[float, ...]]:
    """Return the space of a second grid around the best config of the first, with as many values: nothing compiles.

    If the best value is at an end, the grid is extended beyond it by two steps (one, of two values above 0) in the
    ratio of the last two values; learning rates go up to 1 at most, in smaller steps. Otherwise the steps around the
    best value are halved on a logarithmic scale, or on a logit scale for values that must be below 1, such as dropout
    and momentum. A value of 0 stays; if it is the best, the others are extended towards it. A hyperparameter with fewer
    than two values above 0 stays as it is.

    >>> l2 = (0.0, 0.001, 0.01, 0.1)
    >>> _refined_values("l2", l2, best=0.1, edge="high")
    (0.0, 0.1, 1.0, 10.0)
    >>> _refined_values("l2", l2, best=0.01, edge=None)
    (0.0, 0.00316228, 0.01, 0.0316228)
    """
    best = selection.best.config
    return {
        name: _refined_values(name, tuple(values), best=best[name], edge=selection.edges.get(name))
        for name, values in space.items()
    }


def _refined_values(name: str, values: tuple[float, ...], *, best: float, edge: str | None) -> tuple[float, ...]:
    positive = [value for value in values if value > 0]
    if len(positive) < 2:
        return values
    below_one = name in ("dropout", *(name for optimizer in OPTIMIZERS.values() for name in optimizer.below_one))
    places = np.log([v / (1 - v) if below_one else v for v in positive])
    limit = np.log(MAX_LEARNING_RATE) if name == "learning_rate" else np.inf
    if best == 0 or edge == "low" or (edge == "high" and places[-1] < limit):
        new = _extended(places, up=edge == "high", limit=limit)
    else:
        new = _halved(places, positive.index(best))
    found = np.exp(new)
    if below_one:
        found = found / (1 + found)
    digits = 12 if below_one else 6  # values near 1 must stay below it
    exact = {float(f"{value:.{digits}g}"): value for value in positive}
    rounded = [float(f"{value:.{digits}g}") for value in found.tolist()]
    return (*(v for v in values if v == 0), *(exact.get(v, v) for v in rounded))


def _extended(places: np.ndarray, *, up: bool, limit: float) -> np.ndarray:
    """Return as many places, moved two steps (one, of two places) beyond one end, including that end.

    Upwards, the steps are short enough to stay within the limit.
    """
    ordered = places if up else places[::-1]
    steps = min(2, len(places) - 1)
    step = min(ordered[-1] - ordered[-2], (limit - ordered[-1]) / steps)
    beyond = ordered[-1] + step * np.arange(1, steps + 1)
    return np.sort(np.concatenate([ordered[steps:], beyond]))


def _halved(places: np.ndarray, best: int) -> np.ndarray:
    """Return as many places around the best, half as far apart as it is from its neighbours."""
    n = len(places)
    below = places[best] - places[best - 1] if best > 0 else places[1] - places[0]
    above = places[best + 1] - places[best] if best < n - 1 else below
    first = -(n // 2) if best >= n / 2 else -((n - 1) // 2)
    steps = np.arange(first, first + n) / 2
    return np.asarray(places[best] + np.where(steps < 0, below, above) * steps)
