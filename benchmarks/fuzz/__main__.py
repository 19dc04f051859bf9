"""Changed files: what a run folder, a journal and a table do when someone changed them, with all checksums mended.

    python -m benchmarks.fuzz                       a few minutes
    python -m benchmarks.fuzz --changes 20000       the figures in docs/security.md: about an hour
    python -m benchmarks.fuzz --truncations         every file cut short at every byte
    python -m benchmarks.fuzz table.arrow           one kind of file

Every change is made from the seed and its number alone. Files are read in a process of their own, so that a crash, a
hang of more than five seconds of the processor, or too much memory is counted, and the next change goes on. A training
that is resumed has a minute. Outcomes:

    refused     one sentence of goodfit
    same        what is read is what was written
    consistent  other content that contradicts nothing: anyone may write another model, and nothing can tell
    read        a table, whatever is in it
    uncaught    an error that is no sentence of goodfit
    crash, hang, memory

``benchmarks.fuzz.coverage`` looks for changes that reach code which the others do not.
"""

import argparse
import faulthandler
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fuzz.changes import changed
from benchmarks.fuzz.targets import JOURNAL_FILES, RUN_FILES, TABLES, Read, Target, is_one_sentence, target
from goodfit.errors import GoodFitError
from goodfit.reporting import pages

MODULE = "benchmarks.fuzz"
SECONDS, MEGABYTES = 5, 300
PATIENCE = 600
"""Seconds by the clock, after which a process that no signal reaches is ended: a busy machine is slow, too."""
BAD = ("uncaught", "crash", "hang", "memory")


class TooSlow(BaseException):
    """A change that takes more than five seconds. No Exception, so that nothing takes it for damage."""


def outcome_of(read: Read, content: bytes, name: object) -> str:
    """What becomes of a content: see the head of this file."""
    before = reset_peak()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor, so that a busy machine is no hang
    faulthandler.dump_traceback_later(PATIENCE, exit=True)  # for what no signal reaches
    try:
        found = read(content)
    except GoodFitError as error:
        found = "refused" if is_one_sentence(error) else "uncaught"
    except TooSlow:
        found = "hang"
    except Exception as error:
        print(f"# {name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr, flush=True)
        found = "uncaught"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    return "memory" if peak() - before > MEGABYTES << 20 else found


def reset_peak() -> int:
    """Let the most memory of this process be what it has now, and return it. (Linux)"""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most memory of this process since ``reset_peak``, in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) << 10


def prepare_process() -> None:
    """Make a process that reads thousands of files quick, and let no change take more than its time."""
    warnings.simplefilter("ignore")
    pages.inline_svg = lambda chart, **_: json.dumps(chart.to_dict(validate=False))[:0]  # made, and not drawn

    def stop(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, stop)


def case(of: Target, number: int, *, truncated: bool) -> bytes:
    """The content of this number."""
    return of.content[:number] if truncated else changed(of.content, random.Random(number))


def work(name: str, numbers: range, *, mended: bool, truncated: bool) -> None:
    """Say what becomes of each change, a line each, in a process that may die of it."""
    prepare_process()
    with tempfile.TemporaryDirectory() as folder:
        of = target(name, Path(folder), mended=mended)
        numbers = range(len(of.content))[numbers.start :] if truncated else numbers
        print(f"ready {numbers.stop}", flush=True)
        for number in numbers:
            print(outcome_of(of.read, case(of, number, truncated=truncated), number), flush=True)


def outcomes(name: str, numbers: range, *, mended: bool = True, truncated: bool = False) -> Iterator[str]:
    """The outcome of every change; a process that dies is counted and begun again behind the change it died of."""
    at, stop = numbers.start, numbers.stop
    while at < stop:
        command = [sys.executable, "-m", MODULE, name, "--worker", f"{at}:{stop}"]
        command += ["--mended"] * mended + ["--truncations"] * truncated
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        assert ready[0] == "ready"
        stop = int(ready[1])
        for line in process.stdout:
            yield line.strip()
            at += 1
        process.wait()
        if at < stop:
            print(f"# {at}: ended with status {process.returncode}", file=sys.stderr, flush=True)
            yield "crash" if process.returncode < 0 else "hang"
            at += 1


def main() -> None:
    """Count the outcomes of every kind of file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[*RUN_FILES, *JOURNAL_FILES, *TABLES])
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--truncations", action="store_true", help="every file cut short at every byte instead")
    parser.add_argument("--as-they-were", action="store_true", help="leave the checksums as they were")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--mended", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        numbers = range(*map(int, given.worker.split(":")))
        work(given.names[0], numbers, mended=given.mended, truncated=given.truncations)
        return
    start = 0 if given.truncations else given.seed * 1_000_000
    for name in given.names:
        numbers, mended = range(start, start + given.changes), not given.as_they_were
        counts = Counter(outcomes(name, numbers, mended=mended, truncated=given.truncations))
        print(f"{name:24}" + "  ".join(f"{what} {n:,}" for what, n in sorted(counts.items())), flush=True)


if __name__ == "__main__":
    main()
