"""Switches for all tests, and the fixtures that more than one file uses.

JAX is strict here: arrays of different rank or type never meet unsaid, so a loss of shape (n, n) or a float64 constant
that widens a whole network fails a test instead of costing a user a day.
"""

import contextlib
import functools
import importlib
import os
from pathlib import Path

# These are read when the packages are imported. Compiling takes half of the time of all tests, so compiled programs are
# kept, as the command line keeps them: for the other workers, for processes that a test starts, and for the next run.
# `pytest --cache-clear` removes them.
os.environ["GOODFIT_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "d" / "jax")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.environ["GOODFIT_CACHE"])
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Each worker has one core: more threads of scikit-learn's trees than cores wait for each other, ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["KERAS_BACKEND"] = "jax"
# Programs of tests are compiled many times and run for a moment: this halves the time of the compiler.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + (
    " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)

import jax
import jax.monitoring
import pytest

import goodfit

ROOT = Path(__file__).parents[1]

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


OPTIMISED = {"nn", "training", "search", "test_docs.py"}
"""Where programs are optimised as those of users are: tests of the mathematics and of the search, and documentation.
Elsewhere trainings are tiny and many."""


def pytest_collection_modifyitems(items):
    """The longest file comes first, so that no worker waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_docs.py")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Choose before the fixtures of the test, which train, too; and for the processes that it starts."""
    place = item.path.relative_to(ROOT).parts
    optimised = place[0] != "tests" or place[1] in OPTIMISED
    jax.config.update("jax_disable_most_optimizations", not optimised)
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(int(not optimised))


@pytest.fixture
def keras():
    """The keras package on JAX, seeded. Its own arithmetic mixes ranks and types: the strictness is off meanwhile."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        package = importlib.import_module("keras")
        package.utils.set_random_seed(0)
        yield package


@pytest.fixture(scope="session")
def shared():
    """Folder of real tables beside the checkout, or $GOODFIT_SHARED; tests that want it are skipped without it."""
    folder = Path(os.environ.get("GOODFIT_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no folder of real tables: set GOODFIT_SHARED")
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_cache_on_disk():
    """Commands that run inside the tests leave JAX's settings, which are the whole process's, as they are."""
    unused = functools.wraps(goodfit.use_compilation_cache)(lambda folder=None: folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(goodfit, "use_compilation_cache", unused)
        patch.setattr("goodfit.cli.process.without_pandas", contextlib.nullcontext)
        yield


@pytest.fixture
def compiled():
    """Names of what XLA compiles while the test runs."""
    found = []

    def listen(event, duration, **_):
        if "backend_compile" in event:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield found
    jax.monitoring.clear_event_listeners()
