"""A search for contents that reach code which others do not, by atheris: coverage-guided, over the same readers.

    python -m benchmarks.fuzz.coverage --seconds 3600 --corpus FOLDER

needs `pip install atheris`, which is no dependency of goodfit. Each kind of file has an equal part of the time, and a
process of its own, which is begun again when it dies. What is not answered by one sentence is kept in FOLDER/found, and
counted as in ``benchmarks.fuzz``.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError as error:
    raise SystemExit("pip install atheris") from error

with atheris.instrument_imports(include=["goodfit"]):
    from benchmarks.fuzz.__main__ import BAD, PATIENCE, outcome_of, prepare_process
    from benchmarks.fuzz.changes import changed
    from benchmarks.fuzz.targets import JOURNAL_FILES, RUN_FILES, TABLES, target

MODULE = "benchmarks.fuzz.coverage"
MEMORY_MEGABYTES, LONGEST = 3000, 1 << 16


def work(name: str, corpus: Path, seconds: int) -> None:
    """Search for some time in this process, which may die of what it finds."""
    prepare_process()
    with tempfile.TemporaryDirectory() as folder:
        of = target(name, Path(folder))
        (corpus / "as written").write_bytes(of.content)
        found = corpus.parent / "found"

        def one(content: bytes) -> None:
            if (outcome := outcome_of(of.read, content, name)) in BAD:
                found.mkdir(exist_ok=True)
                mark = hashlib.sha256(content).hexdigest()[:12]
                (found / f"{outcome}-{corpus.name}-{mark}").write_bytes(content)

        def mutate(content: bytes, longest: int, seed: int) -> bytes:
            """As libFuzzer does, and every other time as ``benchmarks.fuzz`` does, which knows JSON."""
            new = changed(content, random.Random(seed)) if seed % 2 else atheris.Mutate(content, len(content))
            return new[:longest]

        options = [f"-max_total_time={seconds}", f"-timeout={PATIENCE}", f"-rss_limit_mb={MEMORY_MEGABYTES}"]
        options += [f"-max_len={LONGEST}", f"-artifact_prefix={corpus.parent}/died-{corpus.name}-"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutate)
        atheris.Fuzz()


def search(name: str, corpus: Path, seconds: int) -> int:
    """Search for this time, and return how many times the process died."""
    corpus.mkdir(parents=True, exist_ok=True)
    until, deaths = time.monotonic() + seconds, 0
    while (left := int(until - time.monotonic())) > 0:
        command = [sys.executable, "-m", MODULE, name, "--worker", str(left), "--corpus", str(corpus)]
        deaths += subprocess.run(command, check=False).returncode != 0
    return deaths


def main() -> None:
    """Search each kind of file in turn, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[*RUN_FILES, *JOURNAL_FILES, *TABLES])
    parser.add_argument("--seconds", type=int, default=3600, help="in total")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of what was found before, and is found now")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.names[0], given.corpus, given.worker)
        return
    for name in given.names:
        corpus = given.corpus / name.replace("/", "-")
        deaths = search(name, corpus, given.seconds // len(given.names))
        bad = len(list(given.corpus.glob(f"found/*-{corpus.name}-*")))
        print(f"{name:24}contents kept {len(list(corpus.iterdir())):,}  bad {bad}  deaths {deaths}", flush=True)


if __name__ == "__main__":
    main()
