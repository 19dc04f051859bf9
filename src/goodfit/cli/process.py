"""Settings of the whole process, which only a program of its own may make."""

import atexit
import contextlib
import gc
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType


class _NoPandas:
    """Finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("no command of goodfit needs pandas", name=name)


@contextlib.contextmanager
def without_pandas() -> Iterator[None]:
    """Let libraries believe that pandas is not installed, unless it is loaded already.

    scikit-learn imports it when it is imported, and pyarrow for its first array, to find out whether values are a data
    frame. No command is ever given one, and the import takes as long as everything else that a prediction needs.
    """
    sys.meta_path.insert(0, _NoPandas)
    try:
        yield
    finally:
        sys.meta_path.remove(_NoPandas)


def end_quickly() -> None:
    """Spare the interpreter its last search for garbage, when all exit handlers have run.

    It goes through every object of JAX and scikit-learn, half a second for memory that the end of the process frees.
    """
    atexit.register(gc.freeze)
