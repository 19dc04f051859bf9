"""Trials of a search in other processes, through any executor of ``concurrent.futures``.

Trials are handed out in packs. The results come to this process, which alone writes the journal. A pack whose worker is
lost is handed out again: a trial's numbers depend neither on the pack nor on the worker, so that nothing is lost or
counted twice.
"""

import math
import pickle
import time
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from itertools import islice

import jax
import numpy as np

from goodfit.errors import ConfigError, RunError
from goodfit.formatting import printable
from goodfit.search.packs import Block, Pack, PackResult, RowsMissing, train_pack, versions
from goodfit.search.parallel import AS_IT_IS, Capacity, Fold, OnProgress, Trial, rows_evaluated
from goodfit.search.trials import KeptTrials
from goodfit.training.checkpoint import Checkpoints
from goodfit.training.devices import n_cores
from goodfit.training.fit import Training
from goodfit.training.interrupt import Interruption

MakeExecutor = Callable[[], Executor]


class WorkersLost(RunError):
    """Workers were lost again and again. What had finished before is in the journal."""


class Pool:
    """Trains the trials of a stage in other processes: called as ``run_trials``, with the same results, bit for bit.

    Args:
        executor: an executor, or a function that returns one and is called again when it has broken.
        most_losses: how many times in a row workers may be lost before any pack ends.

    Raises:
        ConfigError: the processes of the executor cannot run JAX, or it has none.
    """

    def __init__(self, executor: Executor | MakeExecutor, *, most_losses: int = 3) -> None:
        self.make: MakeExecutor = executor if callable(executor) else lambda: executor
        self.most_losses, self.executor = most_losses, None if callable(executor) else validate_executor(executor)

    def __call__(
        self,
        trials: Sequence[Trial],
        fold: Fold,
        *,
        epochs: int,
        capacity: Capacity = AS_IT_IS,
        shuffle: bool = True,
        on_progress: OnProgress | None = None,
        interrupted: Interruption | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> list[Training | None]:
        """Train all trials on the same rows.

        Raises:
            WorkersLost: workers were lost again and again. ConfigError: a worker cannot train, and why.
        """
        _validate_pickles(trials[0])
        block = Block(*jax.tree.map(np.asarray, (fold, rows_evaluated(trials, fold, capacity))))
        with jax.enable_x64(trials[0].recipe.dtype == "float64"):
            kept = KeptTrials(trials, block.fold, block.evaluated, epochs=epochs, checkpoints=checkpoints)
            n_trials = max(len(trials), capacity.trials)
            tell = kept.telling(on_progress)
            if not kept.waiting:
                return kept.found
            stage = _Stage(self, kept, block, shuffle=shuffle, n_trials=n_trials)
            return stage.run(tell, interrupted or Interruption())


def validate_executor(executor: object) -> Executor:
    """Return the executor; ConfigError unless it is one whose processes can run JAX."""
    if not isinstance(executor, Executor):
        raise ConfigError(
            f"executor must be one of concurrent.futures, or a function that returns one, not {executor!r}."
        )
    if isinstance(executor, ThreadPoolExecutor):
        raise ConfigError(
            "executor must have processes of its own, not threads: the trials share the cores of this process already."
        )
    context = getattr(executor, "_mp_context", None)
    if isinstance(executor, ProcessPoolExecutor) and context is not None and context.get_start_method() == "fork":
        raise ConfigError(
            "executor forks this process, and with the threads of JAX a fork can hang: "
            "give ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))."
        )
    return executor


def _validate_pickles(trial: Trial) -> None:
    try:
        pickle.dumps(trial)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"executor cannot send these layers to another process ({printable(error, longest=200)}): "
            "define their classes and functions in a module, or leave out executor."
        ) from error


def _with_numpy(trial: Trial) -> Trial:
    """Return the trial without arrays of JAX, which belong to a device of this process."""
    params = tuple({name: np.asarray(w) for name, w in layer.items()} for layer in trial.params)
    return trial._replace(recipe=jax.tree.map(np.asarray, trial.recipe), params=params)


class _Stage:
    """The trials of a stage, and the packs of them that workers have.

    packs: what is being trained, with the places of its trials among all. losses: in a row.
    """

    def __init__(self, pool: Pool, kept: KeptTrials, block: Block, *, shuffle: bool, n_trials: int) -> None:
        self.pool, self.kept, self.block, self.mark = pool, kept, block, block.mark()
        self.shuffle, self.n_trials = shuffle, n_trials
        self.packs = dict[Future[PackResult], tuple[Sequence[int], Pack]]()
        self.losses, self.compiling, self.training, self.n_trained = 0, 0.0, 0.0, 0
        try:
            self.connect()
        except BrokenExecutor as error:
            self.lose(error)

    def connect(self, *, anew: bool = False) -> None:
        """Take the executor of the stage before, or a new one, and give it the rows if it distributes them itself."""
        if self.pool.executor is None or anew:
            self.pool.executor = validate_executor(self.pool.make())
        self.executor = self.pool.executor
        scatter = getattr(self.executor, "scatter", None)
        self.rows: Block | None = scatter and scatter(self.block)  # or what stands for it

    def run(self, tell: Callable[[], None], interrupted: Interruption) -> list[Training | None]:
        """Hand out packs and collect results until all trials have ended, or the search is interrupted."""
        try:
            while self.kept.waiting or self.packs:
                self.hand_out(interrupted.deadline)
                if self.collect():
                    tell()
                    self.kept.save_if_due()
                if interrupted.is_set():
                    break
            self.kept.save()
            if self.packs and (interrupt := getattr(self.executor, "interrupt", None)):
                interrupt()
            self.wait_for_states()
        finally:
            self.withdraw()
            self.kept.save()
        return self.kept.trainings(interrupted.code)

    def wait_for_states(self, seconds: float = 5.0) -> None:
        """After an interruption, collect what workers bring that end, too; wait longer only if there is nothing yet."""
        until = time.monotonic() + seconds
        while self.packs and (time.monotonic() < until or not (self.kept.resumed or any(self.kept.found))):
            self.collect()

    def hand_out(self, deadline: float | None) -> None:
        """Give every worker a pack."""
        waiting = self.kept.waiting
        try:
            n_workers = workers_of(self.executor)
            while waiting and len(self.packs) < n_workers:
                places = list(islice(waiting, self.size(n_workers)))
                self.submit(places, self.pack(places, deadline), self.rows)
                for _ in places:
                    waiting.popleft()
        except BrokenExecutor as error:
            self.lose(error)

    def size(self, n_workers: int) -> int:
        """Return the number of trials of the next pack: it takes as long as ten compilations, and less towards the end.

        The first ones are small, since nothing is measured yet. A process compiles for its first pack alone.
        """
        left, cores = len(self.kept.waiting), cores_of(self.executor)
        worth = 10 * self.compiling * self.n_trained / self.training if self.training else 1
        return min(left, cores * max(1, math.ceil(min(worth, left / (2 * n_workers)) / cores)))

    def pack(self, places: Sequence[int], deadline: float | None) -> Pack:
        """Return some trials as a pack, as NumPy arrays."""
        resumed = {place: self.kept.resumed[index] for place, index in enumerate(places) if index in self.kept.resumed}
        return Pack(
            rows=self.mark,
            trials=[_with_numpy(self.kept.trials[index]) for index in places],
            resumed=resumed,
            epochs=self.kept.epochs,
            shuffle=self.shuffle,
            n_trials=self.n_trials,
            seconds=None if deadline is None else deadline - time.monotonic(),
            cores=cores_of(self.executor),
            cache=jax.config.jax_compilation_cache_dir,  # type: ignore[attr-defined]
            versions=versions(),
        )

    def submit(self, places: Sequence[int], pack: Pack, rows: Block | None) -> None:
        """Send a pack."""
        try:
            self.packs[self.executor.submit(train_pack, pack, rows)] = places, pack
        except RuntimeError as error:  # it has broken, or was shut down
            raise BrokenExecutor(printable(error, longest=200)) from error

    def collect(self) -> bool:
        """Take the results that come within a moment, and return whether there are any."""
        ended, _ = wait(self.packs, timeout=0.2, return_when=FIRST_COMPLETED)
        try:
            for future in ended:
                self.take(future)
        except (BrokenExecutor, CancelledError) as error:
            self.lose(error)
        return bool(ended)

    def take(self, future: Future[PackResult]) -> None:
        """Take the result of a pack, or send it again with its rows."""
        places, pack = self.packs[future]
        try:
            result = future.result()
        except RowsMissing:
            self.submit(places, pack, self.block)
        except ImportError as error:
            said = printable(error, longest=200)
            raise ConfigError(f"A worker cannot train ({said}): install the same packages everywhere.") from error
        else:
            self.keep(places, pack, result)
        del self.packs[future]

    def keep(self, places: Sequence[int], pack: Pack, result: PackResult) -> None:
        """Keep what a worker has done; trials that it has not finished wait again."""
        for place, checkpoint in result.checkpoints.items():
            if checkpoint.is_finished(pack.epochs):
                self.kept.resumed.pop(places[place], None)
                self.kept.end(places[place], checkpoint)
            else:
                self.kept.resumed[places[place]] = checkpoint
        left = [index for index in places if self.kept.found[index] is None]
        self.kept.waiting.extendleft(reversed(left))
        self.losses, self.n_trained = 0, self.n_trained + len(places) - len(left)
        self.compiling = max(self.compiling, result.compiling)
        self.training += max(0.0, result.seconds - result.compiling)

    def withdraw(self) -> None:
        """Let the trials of all packs wait again."""
        for future, (places, _) in self.packs.items():
            future.cancel()
            self.kept.waiting.extendleft(reversed(places))
        self.packs.clear()

    def lose(self, error: BaseException) -> None:
        """Hand out again what workers had that are lost, with a new executor if there is one."""
        self.withdraw()
        while True:
            self.losses += 1
            if self.losses > self.pool.most_losses:
                said = printable(error, longest=200) or type(error).__name__
                raise WorkersLost(f"The workers were lost {self.losses} times in a row ({said}).") from error
            try:
                return self.connect(anew=True)
            except BrokenExecutor as again:
                error = again


def workers_of(executor: Executor) -> int:
    """Return the number of processes of an executor, as far as it says."""
    said = getattr(executor, "n_workers", None) or getattr(executor, "_max_workers", None)
    return max(1, said or n_cores())


def cores_of(executor: Executor) -> int:
    """Return the number of cores of each process: what it says, or its share of this machine."""
    said: int | None = getattr(executor, "cores", None)
    return said or max(1, n_cores() // workers_of(executor))
