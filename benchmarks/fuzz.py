"""Changed files: what a run folder and a table do when someone changed them, with all checksums mended.

    python -m benchmarks.fuzz                       a minute
    python -m benchmarks.fuzz --changes 1000        the figures of a run folder in docs/security.md; of tables 20000
    python -m benchmarks.fuzz table.arrow           one kind of file

Every change is made from the seed and its number alone. Files are read in a process of their own, so that a crash, a
hang of more than five seconds of the processor, or too much memory is counted, and the next change goes on. Outcomes:

    refused     one sentence of goodfit
    same        what is read is what was written
    consistent  other content that contradicts nothing: anyone may write another model, and nothing can tell
    read        a table, whatever is in it
    uncaught    an error that is no sentence of goodfit
    crash, hang, memory
"""

import argparse
import faulthandler
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

import goodfit
from goodfit.errors import GoodFitError
from goodfit.experiment.run_folder.layout import with_checksum
from goodfit.experiment.run_folder.save import run_files
from goodfit.files import mark_of
from goodfit.reporting import pages

MODULE = "benchmarks.fuzz"
SECONDS, MEGABYTES = 5, 300
RUN_FILES = (
    "run.json",
    "encoder.json",
    "measurements.json",
    "ensemble.json",
    "splits.safetensors",
    "weights.safetensors",
    "curves.safetensors",
    "trials.safetensors",
    "ensemble.safetensors",
    "ledger.jsonl",
)
TABLES = ("table.csv", "table.csv.gz", "table.jsonl", "table.parquet", "table.arrow", "table.arrows")
WORDS = ["-1", "0", "1e308", "-1e-308", "nan", "inf", "9223372036854775807", "4294967296", "null", "true", "[]", "{}"]
BAD = ("uncaught", "crash", "hang", "memory")


class TooSlow(BaseException):
    """A change that takes more than five seconds. No Exception, so that nothing takes it for damage."""


def changed(content: bytes, rng: random.Random) -> bytes:
    """The content with one to three random changes."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        rng.choice([_flip, _set, _cut, _insert, _repeat, _truncate, _number, _word])(data, rng)
    return bytes(data)


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b'"{}[],:-0\n'])


def _cut(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    del data[place : place + rng.choice([1, 4, 8, 100])]


def _insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = rng.choice([b"\0" * 8, b"[" * 200, b"{", b'"', rng.randbytes(9)])


def _repeat(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = data[place : place + rng.choice([1, 8, 64, 1000])]


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _number(data: bytearray, rng: random.Random) -> None:
    """A number of four or eight bytes that lengths and offsets break at."""
    size = rng.choice([4, 8])
    value = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1]) % 2 ** (8 * size)
    place = rng.randrange(max(1, len(data) - size)) // size * size
    data[place : place + size] = value.to_bytes(size, "little")


def _word(data: bytearray, rng: random.Random) -> None:
    """Another value in place of one of JSON."""
    places = [i for i, byte in enumerate(data) if byte in b":[,"]
    if places:
        place = rng.choice(places) + 1
        end = next((i for i in range(place, len(data)) if data[i] in b",]}\n"), place)
        data[place:end] = rng.choice(WORDS).encode()


# --- a run folder ----------------------------------------------------------------------------------------------------


def make_run(folder: Path, *, exam: bool) -> None:
    """A search with an ensemble on a table with every kind of column, and its exam."""
    rng = np.random.default_rng(0)
    n = 120
    table = {
        "size": rng.normal(size=n).round(3),
        "place": rng.choice(["Bonn", "Rome", "Oslo"], n),
        "when": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
        "words": rng.choice(["win a prize now", "see you at lunch then", "call me when free"], n),
        "target": np.where(rng.normal(size=n) > 0, "yes", "no"),
    }
    pa.csv.write_csv(pa.table(table), folder / "people.csv")
    choices = {"hidden": (4,), "epochs": 6, "l2": (0.0, 0.01), "learning_rate": (0.01, 0.1), "folds": 2}
    run = goodfit.train(folder / "people.csv", out=folder / "run", **choices)
    if exam:
        run.test()


def mend(folder: Path) -> None:
    """Make sizes and checksums right again, as an attacker would, where run.json still allows it."""
    path = folder / "run.json"
    try:
        summary = json.loads(path.read_bytes())
        summary.pop("checksum", None)
        summary["files"] = {name: list(mark_of((folder / name).read_bytes())) for name in summary["files"]}
        path.write_bytes(with_checksum(json.dumps(summary, indent=1).encode() + b"\n"))
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError):
        return


def read_run(folder: Path, expected: dict[str, bytes]) -> str:
    """Load, predict, diagnose and report a run, as far as goodfit lets it."""
    run = goodfit.load(folder)
    run.ledger.openings()
    run.predict(folder.parent / "people.csv")
    goodfit.diagnose(run)
    goodfit.report(run, folder.parent / "report.html")
    files = run_files(run.record)
    return "same" if files == expected else "consistent"


def run_cases(name: str, folder: Path, mended: bool) -> Callable[[int], str]:
    """A function that makes a change by its number and says what became of it."""
    if not (folder / "run").exists():
        make_run(folder, exam=name == "ledger.jsonl")
    kept, copy = folder / "run", folder / "copy"
    content = (kept / name).read_bytes()
    expected = run_files(goodfit.load(kept).record)

    def case(number: int) -> str:
        shutil.copytree(kept, copy, dirs_exist_ok=True)
        (copy / name).write_bytes(changed(content, random.Random(number)))
        if mended:
            mend(copy)
        return read_run(copy, expected)

    return case


# --- tables ----------------------------------------------------------------------------------------------------------


def make_table(path: Path) -> None:
    """A small table of this format with every kind of column."""
    n = 30
    columns = {
        "number": pa.array([None if i % 7 == 0 else i / 3 for i in range(n)]),
        "word": pa.array([None if i % 5 == 0 else "ab"[i % 2] * (i % 9) for i in range(n)]),
        "flag": pa.array([i % 3 == 0 for i in range(n)]),
        "date": pa.array([None if i == 4 else 86_400_000_000 * i for i in range(n)], pa.timestamp("us")),
        "class": pa.array(["x", "y", "z"] * 10).dictionary_encode(),
    }
    table = pa.table(columns)
    if path.suffix == ".jsonl":
        rows = [{name: str(of) if name == "date" else of for name, of in row.items()} for row in table.to_pylist()]
        path.write_text("\n".join(json.dumps(row) for row in rows))
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif path.suffix in (".arrow", ".arrows"):
        kind = pyarrow.ipc.new_file if path.suffix == ".arrow" else pyarrow.ipc.new_stream
        with kind(path, table.schema) as writer:
            writer.write_table(table)
    else:
        plain = pa.table({name: of.cast(pa.string()) for name, of in columns.items()})
        with pa.output_stream(path, compression="gzip" if path.suffix == ".gz" else None) as file:
            pa.csv.write_csv(plain, file)


def table_cases(name: str, folder: Path) -> Callable[[int], str]:
    path = folder / name
    make_table(path)
    content = path.read_bytes()

    def case(number: int) -> str:
        path.write_bytes(changed(content, random.Random(number)))
        table = goodfit.read_table(path)
        table.fingerprint()
        return "read"

    return case


# --- counting --------------------------------------------------------------------------------------------------------


def outcome_of(case: Callable[[int], str], number: int) -> str:
    """What becomes of a change: see the head of this file."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor, so that a busy machine is no hang
    faulthandler.dump_traceback_later(4 * SECONDS, exit=True)  # for what no signal reaches
    try:
        found = case(number)
    except GoodFitError as error:
        text = str(error)
        found = "refused" if len(text) < 5000 and "\n" not in text else "uncaught"
    except TooSlow:
        found = "hang"
    except Exception as error:
        print(f"# {number}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        found = "uncaught"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return "memory" if grown > 1024 * MEGABYTES else found


def work(name: str, mended: bool, numbers: range) -> None:
    """Say what becomes of each change, a line each, in a process that may die of it."""
    warnings.simplefilter("ignore")
    pages.inline_svg = lambda chart, **_: json.dumps(chart.to_dict(validate=False))[:0]  # made, and not drawn

    def stop(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, stop)
    with tempfile.TemporaryDirectory() as folder:
        case = table_cases(name, Path(folder)) if name in TABLES else run_cases(name, Path(folder), mended)
        print("ready", flush=True)
        for number in numbers:
            print(outcome_of(case, number), flush=True)


def outcomes(name: str, numbers: range, *, mended: bool = True) -> Iterator[str]:
    """The outcome of every change; a process that dies is counted and begun again behind the change it died of."""
    at = numbers.start
    while at < numbers.stop:
        command = [sys.executable, "-m", "benchmarks.fuzz", name, "--worker", f"{at}:{numbers.stop}"]
        process = subprocess.Popen(command + ["--mended"] * mended, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for line in process.stdout:
            yield line.strip()
            at += 1
        process.wait()
        if at < numbers.stop:
            yield "crash" if process.returncode < 0 else "hang"
            at += 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[*RUN_FILES, *TABLES])
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--as-they-were", action="store_true", help="leave the checksums as they were")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--mended", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.names[0], given.mended, range(*map(int, given.worker.split(":"))))
        return
    start = given.seed * 1_000_000
    for name in given.names:
        counts = Counter(outcomes(name, range(start, start + given.changes), mended=not given.as_they_were))
        print(f"{name:24}" + "  ".join(f"{what} {n:,}" for what, n in sorted(counts.items())), flush=True)


if __name__ == "__main__":
    main()
