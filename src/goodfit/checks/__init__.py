"""Data checks: duplicates, leakage, time order, groups, drift, imbalance, ids."""

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Load ``probe`` when first used: importing scikit-learn takes longer than most checks."""
    if name == "probe":
        return importlib.import_module(f"{__name__}.probe")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
