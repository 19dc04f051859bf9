"""Trials in other processes: the same bits, whatever the packs, the executor, and the workers that are lost."""

import dataclasses
import multiprocessing
import pickle
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from types import SimpleNamespace

import distributed
import jax
import numpy as np
import pytest

import goodfit
from goodfit import ConfigError, RunError
from goodfit.search import executors, packs
from goodfit.search.dask_cluster import DaskExecutor, validate_address
from goodfit.search.executors import Pool, WorkersLost, _Stage
from goodfit.search.parallel import Fold, ParallelTrials
from goodfit.training.fit import Outcome
from goodfit.training.interrupt import Interruption
from tests.search.test_out_of_memory import Kept
from tests.search.trials import CONFIGS, EPOCHS, ROWS, SPLITS, numbers, recipe, together, trials


class Here(Executor):
    """Runs what it is given at once, in this process, from its pickle.

    lost: the numbers of the submissions whose worker is lost. Once broken, it stays so.
    """

    def __init__(self, n_workers=2, lost=(), cores=1):
        self.n_workers, self.cores, self.lost = n_workers, cores, lost
        self.sent, self.returned, self.broken = [], [], False

    def submit(self, function, /, *arguments):
        future = Future()
        self.sent.append(arguments)
        self.broken = self.broken or len(self.sent) in self.lost
        try:
            if self.broken:
                raise BrokenExecutor("a process ended abruptly")
            function, arguments = pickle.loads(pickle.dumps((function, arguments)))
            found = function(*arguments)
            self.returned.append(found)
            future.set_result(pickle.loads(pickle.dumps(found)))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def reference():
    """Every number of each trial, trained in this process."""
    return [numbers(training) for training in together()]


@pytest.fixture(autouse=True)
def new_process():
    """Forget the rows that this process has received."""
    packs._received.clear()


def run(pool, of=None, **choices):
    return pool(trials() if of is None else of, Fold(ROWS, **SPLITS), epochs=EPOCHS, **choices)


def assert_same_bits(found, reference):
    for training, expected in zip(found, reference, strict=True):
        np.testing.assert_array_equal(numbers(training), expected)


# --- equality --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_workers", "cores"), [(1, 1), (2, 1), (3, 2)])
def test_packs_train_to_the_same_bits(n_workers, cores, reference):
    executor = Here(n_workers, cores=cores)
    assert_same_bits(run(Pool(executor)), reference)
    assert len(executor.returned) >= 3


def test_numpy_crosses_the_wire_and_arrays_of_jax_never(reference):
    executor = Here()
    with jax.enable_x64(True):
        assert_same_bits(run(Pool(executor), [on_device(one) for one in trials()]), reference)
    leaves = jax.tree.leaves([(vars(pack), block) for pack, block in executor.sent]) + jax.tree.leaves(
        [found.checkpoints for found in executor.returned]
    )
    assert not any(isinstance(leaf, jax.Array) for leaf in leaves)
    assert len(leaves) > 100


def on_device(trial):
    params = tuple({name: jax.numpy.asarray(w) for name, w in layer.items()} for layer in trial.params)
    return trial._replace(recipe=jax.tree.map(jax.numpy.asarray, trial.recipe), params=params)


def test_a_process_receives_the_rows_of_a_fold_once():
    executor = Here(n_workers=1)
    run(Pool(executor))
    run(Pool(executor))
    assert sum(block is not None for _, block in executor.sent) == 1


def test_an_executor_that_distributes_the_rows_itself_is_given_them_once():
    executor, scattered = Here(), []
    executor.scatter = lambda block: scattered.append(block) or block
    run(Pool(executor))
    assert len(scattered) == 1 and all(block is scattered[0] for _, block in executor.sent)


# --- workers that are lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 3, 4])
def test_what_a_lost_worker_had_is_handed_out_again_and_counted_once(lost, reference):
    made, kept = [Here(lost=[lost]), Here()], Kept()
    again, seen = iter(made), []
    found = run(Pool(lambda: next(again)), checkpoints=kept, on_progress=seen.append)
    assert_same_bits(found, reference)
    assert next(again, None) is None
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == len(CONFIGS) and sorted(kept.finished) == list(range(len(CONFIGS)))


def test_workers_that_are_lost_again_and_again_end_the_search_and_the_journal_has_what_had_finished(reference):
    executor, kept = Here(n_workers=1, lost=[4]), Kept()
    with pytest.raises(WorkersLost, match=r"^The workers were lost 4 times in a row \(a process ended abruptly\)\.$"):
        run(Pool(executor), checkpoints=kept)
    assert len(executor.sent) == 4 + 3 and 0 < len(kept.finished) < len(CONFIGS)
    before = len(kept.finished)
    executor = Here()
    assert_same_bits(run(Pool(executor), checkpoints=kept), reference)
    assert sum(len(pack.trials) for pack, block in executor.sent if block is None) >= len(CONFIGS) - before


def test_what_the_journal_has_is_not_handed_out(reference):
    kept = Kept()
    together(checkpoints=kept)
    executor = Here()
    assert_same_bits(run(Pool(executor), checkpoints=kept), reference)
    assert not executor.sent


# --- the end of the time, and Ctrl-C ---------------------------------------------------------------------------------


def test_trials_end_with_the_time_and_go_on_from_there(reference, monkeypatch):
    interrupted, kept = Interruption(), Kept()
    interrupted.deadline, interrupted.code = 0.0, Outcome.OUT_OF_TIME  # long ago: every pack ends after its first chunk
    executor = Here(n_workers=len(CONFIGS))
    found = run(Pool(executor), checkpoints=kept, interrupted=interrupted, on_progress=lambda _: interrupted.set())
    assert {training.outcome for training in found} >= {Outcome.OUT_OF_TIME} and kept.running
    assert_same_bits(run(Pool(Here()), checkpoints=kept), reference)


def test_ctrl_c_ends_the_search_with_what_has_come_back(reference):
    interrupted, executor = Interruption(), Here(n_workers=1)
    found = run(Pool(executor), interrupted=interrupted, on_progress=lambda _: interrupted.set())
    assert [training is None for training in found] == [False] + [True] * (len(CONFIGS) - 1)
    np.testing.assert_array_equal(numbers(found[0]), reference[0])


def test_a_pack_that_is_asked_to_end_goes_on_from_there(reference, monkeypatch):
    advance, executor = ParallelTrials.advance_chunk, Here()

    def advance_and_ask(self):
        advance(self)
        packs.end_pack()

    monkeypatch.setattr(ParallelTrials, "advance_chunk", advance_and_ask)
    assert_same_bits(run(Pool(executor), [trials()[0], *trials()[2:3]]), [reference[0], reference[2]])
    assert len(executor.returned) > 2 and any(pack.resumed for pack, _ in executor.sent)


class Asked(Here):
    """Runs its second pack only when it is asked to end."""

    late = None

    def submit(self, function, /, *arguments):
        if len(self.returned) != 1 or self.late:
            return super().submit(function, *arguments)
        self.late, self.task = Future(), (function, *arguments)
        return self.late

    def interrupt(self):
        self.late.set_result(super().submit(*self.task).result())


def test_workers_are_asked_to_end_their_packs_and_what_they_bring_is_kept(reference):
    interrupted = Interruption()
    executor = Asked(n_workers=2)
    executor.scatter = lambda block: block
    found = run(Pool(executor), interrupted=interrupted, on_progress=lambda at: at.done and interrupted.set())
    assert [training is not None for training in found] == [True, True] + [False] * (len(CONFIGS) - 2)
    np.testing.assert_array_equal(numbers(found[1]), reference[1])


# --- the size of a pack ----------------------------------------------------------------------------------------------


def sizes(n_trials, n_workers, *, compiling, training, cores=1):
    """The sizes of all packs of a stage whose trials take ``training`` seconds each."""
    waiting = list(range(n_trials))
    stage = SimpleNamespace(kept=SimpleNamespace(waiting=waiting), executor=Here(n_workers, cores=cores))
    stage.compiling, stage.training, stage.n_trained = 0.0, 0.0, 0
    found = []
    while waiting:
        found.append(_Stage.size(stage, n_workers))
        del waiting[: found[-1]]
        stage.compiling, stage.training, stage.n_trained = compiling, training * 10, 10
    return found


def test_packs_take_as_long_as_ten_compilations_and_less_towards_the_end():
    found = sizes(1_000, 4, compiling=2.0, training=0.5)
    assert sum(found) == 1_000 and found[0] == 1 and found[1] == 40
    assert found[1:] == sorted(found[1:], reverse=True) and found[-4:] == [1] * 4


def test_a_pack_keeps_all_cores_of_a_worker_busy():
    found = sizes(100, 2, compiling=1.0, training=1.0, cores=4)
    assert all(size % 4 == 0 for size in found) and found[0] == 4


# --- what cannot be --------------------------------------------------------------------------------------------------


def test_processes_that_fork_are_refused():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
        pytest.raises(ConfigError, match=r"with the threads of JAX a fork can hang: give ProcessPoolExecutor\(mp_cont"),
    ):
        Pool(pool)


def test_a_function_must_return_an_executor_that_can_be_used(reference):
    with ThreadPoolExecutor(1) as pool, pytest.raises(ConfigError, match="processes of its own, not threads"):
        run(Pool(lambda: pool))
    with pytest.raises(ConfigError, match="or a function that returns one, not 4"):
        run(Pool(lambda: 4))


def test_what_is_no_executor_is_refused():
    with pytest.raises(ConfigError, match=r"executor must be one of concurrent\.futures, or a function .* not 4"):
        Pool(4)


def test_threads_are_refused():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ConfigError, match="processes of its own, not threads"):
        Pool(pool)


def test_layers_that_cannot_be_sent_are_refused():
    class Local:
        pass

    made = dataclasses.replace(recipe({}), loss=Local())
    with pytest.raises(ConfigError, match=r"cannot send these layers to another process .*Local.* in a module"):
        run(Pool(Here()), [trials()[0]._replace(recipe=made)])


def test_a_worker_with_other_versions_is_refused(monkeypatch):
    monkeypatch.setattr(executors, "versions", lambda: packs.versions() | {"jax": "0.1"})
    with pytest.raises(ConfigError, match=rf"A worker has jax {jax.__version__} instead of 0.1: install the same"):
        run(Pool(Here()))


def test_a_worker_that_lacks_a_package_is_named(monkeypatch):
    def lacks(*_):
        raise ModuleNotFoundError("No module named 'goodfit'")

    monkeypatch.setattr(packs, "_rows_of", lacks)
    with pytest.raises(ConfigError, match=r"A worker cannot train .No module named 'goodfit'.: install the same pack"):
        run(Pool(Here()))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"executor": Here(), "cluster": "local:1"}, "Give executor or cluster, not both."),
        ({"insecure": True}, "insecure is about cluster"),
        ({"cluster": "tcp://10.0.0.1:8786"}, "is not encrypted"),
        ({"cluster": "local:1", "l2": 0.01, "learning_rate": 0.01}, "A single training has no trials to distribute"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anything_starts(given, said):
    with pytest.raises(ConfigError, match=said):
        goodfit.train("iris", **given)


@pytest.mark.parametrize(
    "address", ["local:1", "local:64", "tls://10.1.2.3:8786", "tls://h-1.example:1", "tcp://127.0.0.1:8786",
                "tcp://127.9.9.9:1", "tcp://localhost:1", "tcp://[::1]:8786"],
)  # fmt: skip
def test_addresses_that_are_safe(address):
    validate_address(address, insecure=False)


@pytest.mark.parametrize(
    "address", ["tcp://10.1.2.3:8786", "tcp://0.0.0.0:1", "tcp://localhost.example.org:1", "tcp://[::]:1"]
)
def test_plain_connections_to_other_machines_are_refused_unless_meant(address):
    with pytest.raises(ConfigError, match=r"is not encrypted: .* Use tls://, or insecure=True"):
        validate_address(address, insecure=False)
    validate_address(address, insecure=True)


@pytest.mark.parametrize(
    "address", ["", "local", "local:0", "local:-1", "local:2x", "10.1.2.3:8786", "ws://h:1", "inproc://h:1", "ucx://h:1",
                "tls://h", "tls://h:1/path", "tls://u@h:1", "tcp://127.0.0.1:1 ", "TCP://h:1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="cluster must be local:N, or tls://host:port of a Dask scheduler"):
        validate_address(address, insecure=True)


def test_a_search_of_which_nothing_came_back_says_so(monkeypatch):
    monkeypatch.setattr(Pool, "__call__", lambda self, trials, fold, **_: [None] * len(trials))
    with pytest.raises(RunError, match="ended before any of its trials had begun"):
        goodfit.train("iris", executor=Here())


# --- Dask ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    """A Dask cluster in this process, with one worker of two threads."""
    with (
        distributed.LocalCluster(1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


def test_a_dask_cluster_trains_to_the_same_bits(client, reference):
    executor = DaskExecutor(client, distributed)
    assert (executor.n_workers, executor.cores) == (1, 2)
    assert_same_bits(run(Pool(lambda: executor)), reference)


def test_the_executor_of_dask_itself_does_too(client, reference):
    with client.get_executor() as executor:
        assert_same_bits(run(Pool(executor)), reference)
