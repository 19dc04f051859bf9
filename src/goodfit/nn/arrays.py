"""Types of the arrays that the mathematics works on."""

from collections.abc import Mapping, Sequence
from typing import Any

AnyArray = Any
"""A JAX array inside a compiled program, a NumPy array before and after it."""
Params = tuple[dict[str, AnyArray], ...]
"""Weights of a network: the arrays of each layer by name (``kernel``, ``bias``, …)."""
AnyParams = Sequence[Mapping[str, AnyArray]]
"""Anything that can be read as weights."""


def is_kernel(name: str) -> bool:
    """Whether weight decay acts on a weight array of this name: ``kernel``, ``kernel_3``.

    >>> is_kernel("kernel"), is_kernel("bias")
    (True, False)
    """
    return name.startswith("kernel")
