"""A pack: some trials of one fold, trained in a process that may be far away, one pack at a time.

Out go recipes, initial weights, states and the rows of the fold as NumPy arrays; back come the states and records of
the trials, as the journal holds them. Both are data: the only code that they name is that of goodfit, or of a layer,
loss or optimizer of the user's own. The rows are sent to a process once and recognised by their SHA-256.
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import NamedTuple

import jax
import numpy as np

from goodfit import __version__
from goodfit.errors import ConfigError, GoodFitError
from goodfit.formatting import join
from goodfit.search.parallel import Fold, ParallelTrials, Trial
from goodfit.training.checkpoint import Checkpoint
from goodfit.training.compilation import use_compilation_cache
from goodfit.training.devices import use_at_most
from goodfit.training.evaluation import EvaluationRows
from goodfit.training.interrupt import Interruption, interruptible
from goodfit.training.loop import State


class RowsMissing(Exception):
    """A process has not received the rows of a pack."""


class Block(NamedTuple):
    """The rows of a fold, and those of them that are evaluated after each epoch."""

    fold: Fold
    evaluated: EvaluationRows

    def mark(self) -> str:
        """Return the SHA-256 of all arrays."""
        digest = hashlib.sha256()
        for leaf in jax.tree.leaves(self):
            digest.update(repr((leaf.dtype.str, leaf.shape)).encode())
            digest.update(np.ascontiguousarray(leaf).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Pack:
    """Trials for another process.

    Attributes:
        rows: the mark of their ``Block``.
        resumed: the states from which some of them go on, by their places in the pack.
        epochs, shuffle, n_trials: as in ``ParallelTrials``.
        seconds: after which they end where they are; None for no end.
        cores: most cores of the process that they may use.
        cache: folder of compiled programs, unless that process has one; None for none.
        versions: of what decides the bits of a result.
    """

    rows: str
    trials: Sequence[Trial]
    resumed: Mapping[int, Checkpoint]
    epochs: int
    shuffle: bool
    n_trials: int
    seconds: float | None
    cores: int | None
    cache: str | None
    versions: Mapping[str, str]


class PackResult(NamedTuple):
    """The states of the trials of a pack by their places, the seconds it took, and those of them for compilation."""

    checkpoints: Mapping[int, Checkpoint]
    seconds: float
    compiling: float


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of a result."""
    return {"goodfit": __version__, **{name: version(name) for name in ("jax", "jaxlib", "numpy")}}


_one_at_a_time, _received, _running = threading.Lock(), dict[str, Block](), list[Interruption]()


def train_pack(pack: Pack, block: Block | None = None) -> PackResult:
    """Train the trials of a pack with all cores of this process.

    Args:
        block: its rows, if they have not been sent before.

    Raises:
        RowsMissing: these rows are not here.
        ConfigError: this process has other versions, with which the numbers would not be the same.
    """
    _validate_versions(pack.versions)
    with _one_at_a_time:
        began = time.perf_counter()
        fold, evaluated = _rows_of(pack.rows, block)
        _use_process(pack)
        kept = _States(pack.resumed)
        deadline = None if pack.seconds is None else time.monotonic() + pack.seconds
        with (
            jax.enable_x64(pack.trials[0].recipe.dtype == "float64"),
            _compilations() as compiling,
            interruptible(deadline=deadline) as interrupted,
        ):
            running = ParallelTrials(
                pack.trials,
                fold,
                evaluated,
                epochs=pack.epochs,
                shuffle=pack.shuffle,
                n_trials=pack.n_trials,
                checkpoints=kept,
            )
            _running[:] = [interrupted]
            running.run(interrupted=interrupted)
        return PackResult(kept.found, time.perf_counter() - began, sum(compiling))


def end_pack() -> None:
    """Have the pack that this process is training end after its running epochs."""
    for interrupted in _running:
        interrupted.set()


def _validate_versions(asked: Mapping[str, str]) -> None:
    here = versions()
    if changed := [f"{name} {here[name]} instead of {asked[name]}" for name in asked if here.get(name) != asked[name]]:
        raise ConfigError(f"A worker has {join(changed)}: install the same versions everywhere.")


def _rows_of(mark: str, block: Block | None) -> Block:
    """Return rows that were sent now or before; those of the last two folds are kept."""
    if block is not None:
        _received[mark] = block
        for old in list(_received)[:-2]:
            del _received[old]
    if mark not in _received:
        raise RowsMissing
    return _received[mark]


def _use_process(pack: Pack) -> None:
    """Set up JAX in a process that has only just started."""
    if pack.cores is not None:
        use_at_most(pack.cores)
    if pack.cache is not None and not jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        with contextlib.suppress(GoodFitError, OSError):
            use_compilation_cache(pack.cache)


@contextlib.contextmanager
def _compilations() -> Iterator[list[float]]:
    """Provide the seconds of every compilation in this process while the block runs."""
    seconds = list[float]()

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if "/compile/" in event:
            seconds.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


class _States:
    """Checkpoints in memory: what a pack starts from, and what comes back; see ``Checkpoints``."""

    def __init__(self, found: Mapping[int, Checkpoint]) -> None:
        self.found = dict(found)

    def restore(self, like: State, *, columns: int, epochs: int) -> Mapping[int, Checkpoint]:
        return self.found

    def is_due(self, n_bytes: int) -> bool:
        return False

    def save(self, finished: Mapping[int, Checkpoint], running: Mapping[int, Checkpoint]) -> None:
        self.found |= {**finished, **running}
