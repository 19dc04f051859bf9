"""Workers of a Dask cluster: some on this machine, or those of a scheduler. The only module that imports Dask.

Whoever can talk to a scheduler can run code on its workers. So connections to other machines are encrypted, with the
certificates of Dask's configuration, and the workers of this machine accept no one but this process.
"""

import contextlib
import ipaddress
import logging
import re
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from goodfit.errors import ConfigError
from goodfit.formatting import printable
from goodfit.packages import optional_package
from goodfit.search.executors import MakeExecutor, Pool, WorkersLost
from goodfit.search.packs import end_pack
from goodfit.training.devices import n_cores, use_at_most


@contextlib.contextmanager
def pool_of(
    executor: Executor | MakeExecutor | None, cluster: str | None, *, insecure: bool = False
) -> Iterator[Pool | None]:
    """Provide what trains trials in other processes; None for this process.

    Raises:
        ConfigError: both are given, or one cannot be used.
    """
    if cluster is None:
        if insecure:
            raise ConfigError("insecure is about cluster: give its address, or leave it out.")
        yield None if executor is None else Pool(executor)
        return
    if executor is not None:
        raise ConfigError("Give executor or cluster, not both.")
    opened = Cluster(cluster, insecure=insecure)
    try:
        yield Pool(opened)
    finally:
        opened.close()


class Cluster:
    """A cluster by its address; called, it connects and returns an executor. Nothing is started before that.

    Args:
        address: ``local:N`` for N processes on this machine; ``tls://host:port`` of a scheduler, or ``tcp://…``.
        insecure: whether ``tcp://`` may leave this machine.
        timeout: seconds to wait for a scheduler.

    Raises:
        ConfigError: it is no address, or not encrypted.
    """

    def __init__(self, address: str, *, insecure: bool = False, timeout: float = 60.0) -> None:
        validate_address(address, insecure=insecure)
        self.address, self.timeout = address, timeout
        self.client: Any = None
        self.local: Any = None

    def __call__(self) -> "DaskExecutor":
        """Return an executor with a new connection.

        Raises:
            WorkersLost: no scheduler answers. ConfigError: Dask is not installed, or has no certificates.
        """
        distributed = optional_package("distributed", extra="cluster")
        _close(self.client)
        if self.address.startswith("local:"):
            self.local = self.local or self._start(distributed)
            self.client = distributed.Client(self.local, set_as_default=False)
        else:
            self.client = self._connect(distributed)
        return DaskExecutor(self.client, distributed)

    def close(self) -> None:
        """End the connection, and the workers of this machine."""
        _close(self.client)
        _close(self.local)

    def _start(self, distributed: Any) -> Any:  # noqa: ANN401
        n_workers = int(self.address.removeprefix("local:"))
        optional_package("cryptography", extra="cluster")
        return distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=max(1, n_cores() // n_workers),
            host="127.0.0.1",
            security=True,  # certificates that exist only in memory
            dashboard_address=None,
            memory_limit=0,  # rows are not written to disk
            silence_logs=logging.CRITICAL,
            preload=[__name__],
        )

    def _connect(self, distributed: Any) -> Any:  # noqa: ANN401
        arguments = distributed.Security().get_connection_args("client")
        if self.address.startswith("tls:") and arguments["ssl_context"] is None:
            raise ConfigError(
                f"cluster={self.address!r} needs certificates: name them in Dask's configuration, distributed.comm.tls."
            )
        until = time.monotonic() + self.timeout
        while True:
            try:
                client = distributed.Client(self.address, timeout=self.timeout, set_as_default=False)
                break
            except (OSError, TimeoutError) as error:  # a scheduler that is being restarted refuses connections
                if time.monotonic() > until:
                    said = printable(error, longest=200)
                    raise WorkersLost(f"No Dask scheduler answers at {self.address} ({said}).") from error
            time.sleep(0.5)
        if not client.nthreads():
            told = f"the cluster at {self.address} has no workers yet; the search goes on when one joins"
            warnings.warn(told, UserWarning, stacklevel=6)
        return client


def _close(opened: Any) -> None:  # noqa: ANN401
    if opened is not None:
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            opened.close(timeout=3)


def validate_address(address: str, *, insecure: bool) -> None:
    """Raise ConfigError unless this is the address of a cluster to which a connection is safe, or insecure is meant."""
    found = re.fullmatch(r"local:([1-9]\d{0,3})|(tls|tcp)://(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})", address)
    if found is None:
        raise ConfigError(f"cluster must be local:N, or tls://host:port of a Dask scheduler, not {address!r}.")
    if found[2] == "tcp" and not insecure and not _is_loopback(found[3]):
        raise ConfigError(
            f"cluster={address!r} is not encrypted: whoever can reach it can read the rows and run code on its "
            "workers. Use tls://, or insecure=True in a network that is closed to others."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class DaskExecutor(Executor):
    """The workers of a client.

    Dask itself hands the tasks of lost workers to others. What it gives up is a broken executor here: a task whose
    workers were lost again and again, or a scheduler that has gone.
    """

    def __init__(self, client: Any, distributed: Any) -> None:  # noqa: ANN401
        self.client, self.distributed = client, distributed

    @property
    def n_workers(self) -> int:
        """Number of processes now."""
        return max(1, len(self._threads()))

    @property
    def cores(self) -> int:
        """Most threads, each with a core, that a process was given."""
        return max(self._threads().values(), default=1)

    def _threads(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self.client.nthreads()
        except (OSError, TimeoutError, RuntimeError) as error:
            raise BrokenExecutor(printable(error, longest=200)) from error
        return found

    def scatter(self, value: object) -> object | None:
        """Send a value to all workers, and return what stands for it in arguments; None if there is no worker yet."""
        try:
            return self.client.scatter([value], broadcast=True, hash=False)[0] if self._threads() else None
        except (OSError, TimeoutError, RuntimeError) as error:
            raise BrokenExecutor(printable(error, longest=200)) from error

    def interrupt(self) -> None:
        """Ask all workers to end their pack where it is."""
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self.client.run(_end_pack, wait=False)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:  # noqa: ANN401
        """Run a function on a worker, with the cores that the worker was given."""
        try:
            task = self.client.submit(_with_its_cores, function, *arguments, **named, pure=False)
        except (OSError, TimeoutError) as error:
            raise BrokenExecutor(printable(error, longest=200)) from error
        return _DaskFuture(task, self.distributed)


class _DaskFuture(Future[Any]):
    """The result of a task of Dask."""

    def __init__(self, task: Any, distributed: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.task, self.lost = task, (distributed.KilledWorker, distributed.CancelledError)
        self.set_running_or_notify_cancel()
        task.add_done_callback(self._end)

    def _end(self, task: Any) -> None:  # noqa: ANN401
        try:
            error = (
                BrokenExecutor("the scheduler was lost") if task.status in ("cancelled", "lost") else task.exception()
            )
            if error is None:
                self.set_result(task.result())
            else:
                killed = isinstance(error, self.lost)
                self.set_exception(BrokenExecutor(printable(error, longest=200)) if killed else error)
        except Exception as error:  # the result was lost on the way
            self.set_exception(BrokenExecutor(printable(error, longest=200)))

    def cancel(self) -> bool:
        """Let the scheduler forget the task; one that runs runs on."""
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self.task.cancel()
        return super().cancel()


async def _end_pack() -> None:  # Dask waits for functions that are not async
    end_pack()


def _with_its_cores(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """Run a function on a worker."""
    worker = optional_package("distributed", extra="cluster").get_worker()
    use_at_most(min(worker.state.nthreads, n_cores()))
    return function(*arguments)


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the process that has started this worker; Dask calls this in a new worker of this machine."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
