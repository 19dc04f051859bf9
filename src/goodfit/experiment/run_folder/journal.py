"""The journal of a training: what is done so far, written while it runs, so that a killed training goes on bit for bit.

``journal/plan.json`` holds the settings and the fingerprint of the table. A file ``finished-…`` holds trials that have
ended since the file before it; ``running-…`` holds all trials that were running at that time, and the last two are
kept. Every file is written under a random name, synced and renamed, and names the SHA-256 of its content, so that a
damaged one is noticed: what the journal lacks is trained again. The finished run needs no journal.
"""

import contextlib
import hashlib
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import msgspec
import numpy as np
import safetensors

from goodfit.arrays import Array
from goodfit.errors import RunError
from goodfit.experiment.run_folder.arrays import Spec, dump, parse, spec_of
from goodfit.experiment.run_folder.plan import B, Begun, Plan, read_plan, write_plan
from goodfit.experiment.run_path import ARRAYS_PLAN, JOURNAL, PLAN, SUMMARY
from goodfit.files import memory, read_file, remove_leftovers, write_file
from goodfit.formatting import printable
from goodfit.training.checkpoint import Checkpoint, OpenCheckpoints
from goodfit.training.loop import DIVERGED, State

SECONDS_BETWEEN_SAVES = 30.0
"""A killed training loses at most this much and the running chunk."""
MAX_UNSAVED_BYTES = 2**27
"""Finished trials in memory that are saved before the time is over."""
_NAME = re.compile(r"(finished|running)-([a-z]+)-(\d+)-(\d{6,9})-([0-9a-f]{64})\.safetensors")
DAMAGE = (OSError, ValueError, LookupError, TypeError, MemoryError, msgspec.MsgspecError, safetensors.SafetensorError)


class Journal:
    """The journal of one run folder.

    every: seconds between two saves. If the disk refuses, the training goes on without it, and a warning says so.
    """

    def __init__(self, folder: Path, *, every: float = SECONDS_BETWEEN_SAVES) -> None:
        self.folder, self.every, self.is_open = folder / JOURNAL, every, True

    def begin(self, plan: Begun) -> None:
        """Write the plan before the first epoch."""

        def write() -> None:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_plan(self.folder, plan)

        self.attempt(write)

    def plan(self) -> Plan:
        """Return the plan of a training of a table.

        Raises:
            RunError: there is none, it is damaged or of another version, or the journal is a link to somewhere else.
        """
        run = self.folder.parent
        try:
            return self.read(Plan)
        except FileNotFoundError as error:
            if (self.folder / ARRAYS_PLAN).exists():
                raise RunError(f"{run} holds a training on arrays: resume it by Sequential.fit or sweep.") from error
            finished = "its training is finished" if (run / SUMMARY).exists() else "it is not the folder of a training"
            raise RunError(f"{run} cannot be resumed: {finished}.") from error

    def read(self, kind: type[B]) -> B:
        """Return the plan of this kind.

        Raises:
            FileNotFoundError: there is none. RunError: as ``plan``.
        """
        if self.folder.is_symlink():
            raise RunError(f"{self.folder} is a symbolic link, which is not followed.")
        return read_plan(self.folder, kind)

    def of_grid(self, grid: str) -> OpenCheckpoints:
        """Return a function that opens the checkpoints of one fold of a grid with this name."""

        def open_checkpoints(fold: int, trials: Sequence[int]) -> FoldJournal:
            return FoldJournal(self, f"{grid}-{fold}", trials)

        return open_checkpoints

    def remove(self) -> None:
        """Delete the journal of a finished run, the plan first, without which it is none."""
        with contextlib.suppress(OSError):
            (self.folder / PLAN).unlink(missing_ok=True)
            for path in self.folder.iterdir():
                if _NAME.fullmatch(path.name):
                    path.unlink()
            remove_leftovers(self.folder)
            self.folder.rmdir()

    def attempt(self, action: Callable[[], None]) -> None:
        """Write something; after an error of the disk warn, and go on without the journal."""
        if not self.is_open:
            return
        try:
            action()
        except OSError as error:
            self.is_open = False
            told = (
                f"the training cannot be saved while it runs ({error.strerror}: {self.folder}); "
                "it goes on, but could not be resumed"
            )
            warnings.warn(told, UserWarning, stacklevel=6)


class FoldJournal:
    """Checkpoints of the trials of one fold; see ``goodfit.training.checkpoint.Checkpoints``.

    name: grid and fold. trials: their numbers among all of the grid, which the files name.
    """

    def __init__(self, journal: Journal, name: str, trials: Sequence[int]) -> None:
        self.journal, self.name, self.trials = journal, name, list(trials)
        self.saved, self.number = time.monotonic(), 0

    def restore(self, like: State, *, columns: int, epochs: int) -> Mapping[int, Checkpoint]:
        """Return the latest checkpoint of each trial; files that are damaged are left out, with a warning."""
        found: dict[int, Checkpoint] = {}
        places = {number: place for place, number in enumerate(self.trials)}

        def read(path: Path) -> bool:
            try:
                each = _checkpoints(path, like, columns=columns, epochs=epochs)
                found.update((places[number], checkpoint) for number, checkpoint in each.items())
            except DAMAGE as error:
                reason = printable(error, longest=200) or type(error).__name__
                told = f"{path.name} of the journal is damaged ({reason}); what it held is trained again"
                warnings.warn(told, UserWarning, stacklevel=7)
                return False
            return True

        running, finished = self.files("running"), self.files("finished")
        self.number = max((int(_parts(path)[4]) for path in running + finished), default=0)
        for path in reversed(running):
            if read(path):
                break
        for path in finished:
            read(path)
        return found

    def is_due(self, n_bytes: int) -> bool:
        """Whether to save now."""
        return time.monotonic() - self.saved >= self.journal.every or n_bytes > MAX_UNSAVED_BYTES

    def save(self, finished: Mapping[int, Checkpoint], running: Mapping[int, Checkpoint]) -> None:
        """Write both, and delete what they replace."""

        def write() -> None:
            if finished:
                self.write("finished", finished)
            if running:
                self.write("running", running)
            # Trials of older files have finished or are in later ones. Two are kept, in case the latest is damaged.
            for path in self.files("running")[: -2 if running else None]:
                path.unlink()

        self.journal.attempt(write)
        self.saved = time.monotonic()

    def write(self, kind: str, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Write one file."""
        content = dump(_arrays({self.trials[place]: found for place, found in checkpoints.items()}))
        self.number += 1
        mark = hashlib.sha256(content).hexdigest()
        write_file(self.journal.folder / f"{kind}-{self.name}-{self.number:06}-{mark}.safetensors", content)

    def files(self, kind: str) -> list[Path]:
        """Return the files of a kind, the latest last."""
        if not self.journal.is_open:
            return []
        try:
            names = [path for path in self.journal.folder.iterdir() if _NAME.fullmatch(path.name)]
        except (FileNotFoundError, NotADirectoryError):  # it was removed meanwhile
            return []
        mine = [path for path in names if path.name.startswith(f"{kind}-{self.name}-")]
        return sorted(mine, key=lambda path: int(_parts(path)[4]))


def _parts(path: Path) -> re.Match[str]:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return found


def _arrays(checkpoints: Mapping[int, Checkpoint]) -> dict[str, Array]:
    """Return the arrays of a file: trials, their number of epochs, their records one after the other, their states."""
    states = [jax.tree.leaves(checkpoint.state) for checkpoint in checkpoints.values()]
    return {
        "trials": np.array(list(checkpoints), np.int64),
        "epochs": np.array([len(checkpoint.records) for checkpoint in checkpoints.values()], np.int64),
        "records": np.concatenate([checkpoint.records for checkpoint in checkpoints.values()]).astype(np.float64),
        **{f"state.{i}": np.stack(leaves) for i, leaves in enumerate(zip(*states, strict=True))},
    }


def _specs(like: State, columns: int) -> Callable[[Mapping[str, Spec]], dict[str, Spec]]:
    """Return the arrays that a file must have, for as many trials and epochs as it says."""

    def specs(found: Mapping[str, Spec]) -> dict[str, Spec]:
        (n_trials,), n_epochs = found["trials"].shape, found["records"].shape[0]
        leaves = [spec_of(np.asarray(leaf)) for leaf in jax.tree.leaves(like)]
        states = {f"state.{i}": Spec(leaf.dtype, (n_trials, *leaf.shape)) for i, leaf in enumerate(leaves)}
        counts = {name: Spec("I64", (n_trials,)) for name in ("trials", "epochs")}
        return counts | {"records": Spec("F64", (n_epochs, columns))} | states

    return specs


def _checkpoints(path: Path, like: State, *, columns: int, epochs: int) -> dict[int, Checkpoint]:
    """Return the checkpoints of one file; ValueError or another of ``DAMAGE`` if it is not as it was written."""
    content = read_file(path, limit=memory() // 2)
    if hashlib.sha256(content).hexdigest() != _parts(path)[5]:
        raise ValueError("it is not as it was written")
    arrays = parse(path.name, content, _specs(like, columns))
    treedef, ends = jax.tree.structure(like), np.cumsum(arrays["epochs"])
    leaves = [arrays[f"state.{i}"] for i in range(len(jax.tree.leaves(like)))]
    if len(set(arrays["trials"].tolist())) != len(ends) or ends[-1:].tolist() != [len(arrays["records"])]:
        raise ValueError("its trials and epochs do not agree")
    found = {}
    for i, number in enumerate(arrays["trials"].tolist()):
        state = jax.tree.unflatten(treedef, [leaf[i] for leaf in leaves])
        length = int(arrays["epochs"][i])
        in_range = 0 <= int(state.code) <= DIVERGED and 0 <= int(state.stopping.best_epoch) <= length
        if not (1 <= length <= epochs and int(state.epoch) == length and in_range):
            raise ValueError("its epochs are not those of the plan")
        found[number] = Checkpoint(state, arrays["records"][ends[i] - length : ends[i]])
    return found
