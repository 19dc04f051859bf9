"""The folder of a run while it is trained: claimed by one process, so that no other writes into it."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import msgspec

from goodfit.errors import RunError
from goodfit.experiment.run_folder.layout import ENSEMBLE_FILES, FILES, SWEEP_FILES
from goodfit.experiment.run_path import JOURNAL, is_interrupted
from goodfit.files import is_running, locked, read_file, remove_leftovers, write_file
from goodfit.formatting import printable

OWNER = ".owner"
PARTS = {*FILES, *SWEEP_FILES, *ENSEMBLE_FILES}


class Owner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who trains into a folder."""

    process: int
    host: str

    @property
    def is_alive(self) -> bool:
        """Whether it may still be training; of another machine nobody can tell."""
        return self.host != platform.node() or is_running(self.process)


@contextlib.contextmanager
def claimed(folder: Path, *, resume: bool = False) -> Iterator[None]:
    """Claim the folder of a run while the block runs, so that a mistake shows before the training and not after it.

    A new run's folder is made. What a process left behind that ended before its journal began is replaced.

    Raises:
        RunError: something is there already, another process trains into it, or it cannot be written to.
    """
    try:
        if not resume:
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            _validate_owner(folder)
            if resume:
                remove_leftovers(folder)
            else:
                _validate_free(folder)
            owner = msgspec.json.encode(Owner(os.getpid(), platform.node()))
            write_file(folder / OWNER, owner)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        advice = "make it writable" if resume else "choose another folder for the run"
        raise RunError(f"{folder} cannot be written to ({why}): {advice}.") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / OWNER).unlink()


def _validate_owner(folder: Path) -> None:
    owner = _owner(folder)
    if owner is not None and owner.is_alive:
        process = f"process {owner.process} on {printable(owner.host)}"
        raise RunError(f"{folder} is in use by {process}: choose another folder, or remove {OWNER} from it.")


def _validate_free(folder: Path) -> None:
    """Nothing is in the folder; what a dead owner left is removed."""
    if is_interrupted(folder):
        raise RunError(
            f"{folder} holds a training that was interrupted: resume it with resume={str(folder)!r}, "
            "or choose another folder for the run."
        )
    names = set(os.listdir(folder))
    left = {name for name in names if name in PARTS or name.endswith(".tmp")} if OWNER in names else set()
    if names - left - {OWNER, JOURNAL}:
        raise RunError(f"{folder} is not empty: choose another folder for the run, or remove it.")
    for name in left:
        (folder / name).unlink()


def _owner(folder: Path) -> Owner | None:
    try:
        return msgspec.json.decode(read_file(folder / OWNER, limit=1000), type=Owner)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
