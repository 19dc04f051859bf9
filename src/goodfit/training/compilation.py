"""Compilation without pauses of the garbage collector, and a cache of compiled programs on disk."""

import contextlib
import gc
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import jax

from goodfit.errors import ConfigError


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Postpone garbage collection: tracing a program makes many objects, none of them garbage yet."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _validate_owner(path: Path) -> None:
    if os.name != "posix":
        return
    found = path.stat()
    others = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid())
    if found.st_uid != os.geteuid() or others:
        raise ConfigError(
            f"compiled programs are not kept in {path}, which is not yours or which others may write to: "
            "set GOODFIT_CACHE to a folder of your own, or take that right from the others."
        )


def use_compilation_cache(folder: str | Path | None = None) -> Path:
    """Let JAX store compiled programs in ``folder`` and reuse them in later processes.

    The command line calls this itself. In Python it is the user's choice, because it is a setting of the whole process.
    JAX executes these files: nobody else may have write access to the folder.

    Args:
        folder: by default ``$GOODFIT_CACHE``, else ``$XDG_CACHE_HOME/goodfit``, else ``~/.cache/goodfit``.

    Returns:
        The folder.

    Raises:
        ConfigError: the folder belongs to somebody else, or others may write to it.
    """
    if folder is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = os.environ.get("GOODFIT_CACHE") or home / "goodfit"
    path = Path(folder).absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _validate_owner(path)
    for name, value in (
        ("jax_compilation_cache_dir", str(path)),
        ("jax_persistent_cache_min_compile_time_secs", 0.0),
        ("jax_persistent_cache_min_entry_size_bytes", -1),
    ):
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    return path
