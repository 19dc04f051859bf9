"""Tables and rows: reading, parts, encoding, the sealed test set. NumPy and Arrow, no JAX."""

import importlib
from types import ModuleType

_WITH_SCIKIT_LEARN = ("builtin", "quick")
"""Rooms that need scikit-learn, which takes longer to import than most tables to read; loaded when first used."""


def __getattr__(name: str) -> ModuleType:
    if name in _WITH_SCIKIT_LEARN:
        return importlib.import_module(f"goodfit.data.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
