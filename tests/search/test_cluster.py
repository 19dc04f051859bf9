"""A Dask cluster of processes with addresses of their own: killed, stopped, restarted, it trains to the same bits."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import dask
import distributed
import pytest

import goodfit
from goodfit import RunError
from goodfit.search import executors
from goodfit.search.dask_cluster import Cluster
from tests.experiment.conftest import content

ROOT = Path(__file__).parents[2]
GRID = {"l2": (0.0, 0.001, 0.01), "learning_rate": (0.001, 0.003, 0.01), "hidden": (16,), "epochs": 400,
        "patience": 400, "folds": 1}  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is of Linux")]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The run of one process."""
    folder = tmp_path_factory.mktemp("one") / "run"
    goodfit.train("iris", out=folder, **GRID)
    return content(folder)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What every process of a cluster needs: one certificate for all, as docs/scale.md makes it."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=goodfit"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    found = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": certificate}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        found[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = certificate
        found[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = key
    ttl = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
    return {**os.environ, **found, **ttl, "PYTHONPATH": os.pathsep.join(sys.path)}


class Processes:
    """A scheduler on 127.0.0.2 and workers on the addresses after it."""

    def __init__(self, environment):
        self.environment, self.workers = environment, []
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            self.port = free.getsockname()[1]
        self.address = f"tls://127.0.0.2:{self.port}"
        self.begin()

    def begin(self):
        where = ["--protocol", "tls", "--host", "127.0.0.2", "--port", str(self.port)]
        self.scheduler = self.start("scheduler", *where)
        for _ in range(3):
            self.add_worker()

    def add_worker(self):
        host = f"127.0.0.{3 + len(self.workers)}"
        one = ("--host", host, "--nthreads", "1", "--nworkers", "1", "--no-nanny", "--memory-limit", "0")
        self.workers.append(self.start("worker", self.address, *one))

    def start(self, *words):
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, env=self.environment, **quiet)

    def end(self):
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


@pytest.fixture
def cluster(environment, monkeypatch):
    for name, value in environment.items():
        if name.startswith("DASK_"):
            monkeypatch.setenv(name, value)
    dask.config.refresh()
    found = Processes(environment)
    yield found
    found.end()


@pytest.fixture
def packs(monkeypatch):
    """What has come back, by the size of each pack."""
    taken = []
    keep = executors._Stage.keep

    def note(self, places, pack, result):
        taken.append(list(places))
        keep(self, places, pack, result)

    monkeypatch.setattr(executors._Stage, "keep", note)
    return taken


def disturbed(act, cluster, folder, packs):
    """Train, and act once a pack has come back and others are being trained."""

    def wait_and_act():
        while not packs:
            time.sleep(0.02)
        time.sleep(0.3)
        act(cluster)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    goodfit.train("iris", out=folder, cluster=cluster.address, **GRID)
    thread.join()
    trained = [index for places in packs for index in places]
    assert sorted(trained) == list(range(9))  # nothing is lost, nothing is counted twice
    return content(folder)


def kill_a_worker(cluster):
    cluster.workers[0].kill()


def stop_a_worker(cluster):
    cluster.workers[0].send_signal(signal.SIGSTOP)


def restart_the_scheduler(cluster):
    cluster.end()
    cluster.workers.clear()
    cluster.begin()


@pytest.mark.parametrize("act", [kill_a_worker, stop_a_worker, restart_the_scheduler])
def test_a_cluster_that_is_disturbed_ends_with_the_bits_of_one_process(act, cluster, reference, packs, tmp_path):
    assert disturbed(act, cluster, tmp_path / "run", packs) == reference


def test_a_scheduler_that_stays_away_is_said_and_the_training_can_be_resumed(
    cluster, reference, packs, tmp_path, monkeypatch
):
    monkeypatch.setitem(Cluster.__init__.__kwdefaults__, "timeout", 3.0)
    with pytest.raises(RunError, match=r"No Dask scheduler answers at tls:.* finished is kept: resume with resume="):
        disturbed(lambda cluster: cluster.end(), cluster, tmp_path / "run", packs)
    goodfit.train(resume=tmp_path / "run")
    assert content(tmp_path / "run") == reference


def test_a_connection_without_a_certificate_is_refused(cluster):
    with pytest.raises(OSError):
        distributed.Client(cluster.address.replace("tls", "tcp"), timeout=5)


def test_workers_of_this_machine_listen_to_this_process_alone():
    """On a local address, and with certificates that nobody else has."""
    opened = Cluster("local:1")
    try:
        address = opened().client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        with pytest.raises(OSError):
            distributed.Client(address.replace("tls", "tcp"), timeout=5)
    finally:
        opened.close()
