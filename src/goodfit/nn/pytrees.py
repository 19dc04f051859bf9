"""Hyperparameters as JAX pytrees: numbers are leaves, choices are static.

A layer, loss, optimizer, schedule or early stopping is a frozen dataclass. Its numbers (a strength, a rate, a patience)
are leaves, traced by a compiled program, so that a new value compiles nothing. Its choices (an activation, a switch)
belong to the structure of the tree, and a new choice compiles a new program. So does a number in place of None.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import jax

T = TypeVar("T")


def hyperparameters(*, static: tuple[str, ...] = ()) -> Callable[[type[T]], type[T]]:
    """Register a frozen dataclass as a pytree.

    Args:
        static: names of the fields that are choices. Every other field is a number, None, or a pytree itself.

    >>> from goodfit.nn.layers import Dropout
    >>> jax.tree.map(lambda rate: 2 * rate, Dropout(0.1))
    Dropout(rate=0.2)
    """

    def register(cls: type[T]) -> type[T]:
        traced = tuple(field.name for field in fields(cls) if field.name not in static)  # type: ignore[arg-type]

        def flatten(node: T) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            return tuple(getattr(node, name) for name in traced), tuple(getattr(node, name) for name in static)

        def unflatten(choices: tuple[Any, ...], values: tuple[Any, ...]) -> T:
            node = object.__new__(cls)  # without __post_init__: a traced value cannot be validated
            for name, value in zip((*static, *traced), (*choices, *values), strict=True):
                object.__setattr__(node, name, value)
            return node

        jax.tree_util.register_pytree_node(cls, flatten, unflatten)
        return cls

    return register
