"""Initial weights, drawn with NumPy on the host: nothing to compile, and the same on every device."""

import math
from collections.abc import Callable

import numpy as np

from goodfit.errors import ConfigError

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _uniform(scale: Callable[[int, int], float]) -> Initializer:
    """Uniform distribution on ±√(3·variance), with the variance as a function of fan-in and fan-out."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        limit = math.sqrt(3 * scale(shape[0], shape[-1]))
        return rng.uniform(-limit, limit, shape)

    return draw


def _normal(scale: Callable[[int, int], float]) -> Initializer:
    """Normal distribution truncated at two standard deviations, with the variance after truncation given."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        values = rng.standard_normal(shape)
        while (outside := np.abs(values) > 2).any():
            values[outside] = rng.standard_normal(int(outside.sum()))
        # Divided by the standard deviation of a standard normal distribution truncated to ±2.
        return values * math.sqrt(scale(shape[0], shape[-1])) / 0.87962566103423978

    return draw


def _constant(value: float) -> Initializer:
    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, value)

    return draw


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "zeros": _constant(0.0),
    "ones": _constant(1.0),
}
"""Variances as in Keras 3: Glorot 2/(fan_in + fan_out), He 2/fan_in, LeCun 1/fan_in.

Sources: Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998.
"""


def validate_initializer(argument: str, name: str) -> None:
    """Raise ConfigError, naming ``argument``, unless ``name`` is one of ``INITIALIZERS``."""
    if name not in INITIALIZERS:
        raise ConfigError(f"{argument} {name!r} is not known; choose one of {', '.join(INITIALIZERS)}.")
