"""Tables and rows: reading, parts, encoding, the sealed test set. NumPy and Arrow, no JAX."""

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    # Only the built-in sets need scikit-learn, which takes longer to import than most tables to read.
    if name == "builtin":
        return importlib.import_module("goodfit.data.builtin")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
