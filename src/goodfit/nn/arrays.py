"""Names for what the mathematics works on."""

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any
"""A JAX array within a compiled program, a NumPy array before and after it."""
Params = tuple[dict[str, Array], ...]
"""Weights of a network: for each layer name (``kernel``, ``bias``, …) to array."""
AnyParams = Sequence[Mapping[str, Array]]
"""Any sequence of mappings that can be read as weights."""
