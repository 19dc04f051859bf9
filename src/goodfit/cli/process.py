"""Settings of the whole process, which only a program of its own may make."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType


class _NoPandas:
    """Finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not imported for pyarrow", name=name)


def without_pandas() -> None:
    """Let pyarrow believe that pandas is not installed, unless it is loaded already.

    Its first array imports pandas to find out whether the values are a data frame. No command is ever given one, and
    the import takes as long as everything else that a prediction needs.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        importlib.import_module("pyarrow").array([0.0])
    finally:
        sys.meta_path.remove(_NoPandas)
