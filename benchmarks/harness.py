"""What the benchmarks share: fresh processes that take turns, medians, the machine, tables in Markdown, real data."""

import argparse
import gzip
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).parents[1]
MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024
PACKAGES = ("goodfit", "jax", "keras", "torch", "scikit-learn", "numpy")
Numbers = dict[str, float]
T = TypeVar("T")


def headline(module: str) -> str:
    """What was typed, where and when."""
    versions = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    where = f"{n_cores()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"`python -m {module}` · {date.today()} · {where} · {versions}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed(*packages: str) -> bool:
    """Whether all of these packages are there."""
    return all(_version(name) for name in packages)


def fresh(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Numbers:
    """What `python -m module arguments` prints as JSON in its last line, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", **(environment or {})},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def take_turns(contestants: Mapping[str, Callable[[], Numbers]], *, rounds: int) -> dict[str, Numbers]:
    """Medians of what each contestant measures; they take turns, so that a busy moment hits all of them alike."""
    found: dict[str, list[Numbers]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name, run in contestants.items():
            say(f"round {turn + 1} of {rounds}: {name}")
            found[name].append(run())
    return {
        name: {key: statistics.median(numbers[key] for numbers in runs) for key in runs[0]}
        for name, runs in found.items()
    }


def say(line: str) -> None:
    """A line of progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def timed(run: Callable[[], T]) -> tuple[T, float]:
    """What a call gives back, and its seconds by the clock on the wall."""
    began = time.perf_counter()
    result = run()
    return result, time.perf_counter() - began


def seconds(run: Callable[[], object]) -> float:
    return timed(run)[1]


def cpu_seconds(run: Callable[[], object]) -> float:
    """Seconds of all cores together, which other processes on the machine do not change."""
    began = time.process_time()
    run()
    return time.process_time() - began


def peak() -> int:
    """Most memory that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEMORY_UNIT


def start(
    measure: Callable[..., Mapping[str, Any]] | None,
    main: Callable[..., None],
    *,
    names: Iterable[str] = (),
    values: Mapping[str, Mapping[str, Any]] | None = None,
    **flags: str,
) -> None:
    """What a script does when it is run: with words, one measurement in this process; else the whole benchmark.

    Args:
        measure: told the words, gives numbers that are printed as JSON; see ``fresh``.
        main: told ``quick=True``, ``rounds=N``, ``only`` some of ``names`` and any other of the ``flags`` where asked.
        values: options that take a value, as argparse describes them.
    """
    words = sys.argv[1:]
    if measure is not None and words and not words[0].startswith("-"):
        print(json.dumps(measure(*words)))
        return
    parser = argparse.ArgumentParser(description=main.__doc__, argument_default=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="measure so often, and show medians")
    for name, text in {"quick": "a tiny run that only shows that it works", **flags}.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    for name, description in (values or {}).items():
        parser.add_argument(f"--{name}", **description)
    if names:
        parser.add_argument("--only", nargs="*", choices=names, help="some of it")
    main(**vars(parser.parse_args()))


def show(module: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *notes: str) -> None:
    """Print one result, ready to be pasted into docs/benchmarks.md."""
    lines = ["| " + " | ".join(row) + " |" for row in (columns, ["---"] + ["---:"] * (len(columns) - 1), *rows)]
    print("\n".join([f"### {title}", "", headline(module), "", *lines, "", *notes, ""]), flush=True)


def shared(*parts: str) -> Path | None:
    """A file below $GOODFIT_SHARED/data or ../shared/data beside the checkout; None, and a word, if there is none."""
    path = Path(os.environ.get("GOODFIT_SHARED") or ROOT.parent / "shared", "data", *parts)
    if path.exists():
        return path
    print(f"skipped: {path} is not there; set GOODFIT_SHARED to the folder that holds data/{parts[0]}.\n", flush=True)
    return None


def fashion_mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (rows, 784) from 0 to 1, float32, and class numbers (rows,); part is "train" or "t10k". IDX format."""
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(len(labels), -1)
    return np.divide(pixels, 255, dtype=np.float32), labels.astype(np.int64)
