"""Types of the arrays that the mathematics works on."""

from collections.abc import Mapping, Sequence
from typing import Any

AnyArray = Any
"""A JAX array inside a compiled program, a NumPy array before and after it."""
Params = tuple[dict[str, AnyArray], ...]
"""Weights of a network: the arrays of each layer by name (``kernel``, ``bias``, …)."""
AnyParams = Sequence[Mapping[str, AnyArray]]
"""Anything that can be read as weights."""
