"""Where tables come from: files, text, data frames, built-in sets."""

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Load ``builtin`` when first used: scikit-learn takes longer to import than most tables to read."""
    if name == "builtin":
        return importlib.import_module(f"{__name__}.builtin")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
