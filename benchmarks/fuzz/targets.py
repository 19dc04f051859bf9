"""What is read: the files of a run folder, of a journal, and tables; each as a function of the content of one file."""

import hashlib
import json
import re
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

import goodfit
from goodfit.errors import GoodFitError
from goodfit.experiment.resuming import resumed_settings, resumed_source
from goodfit.experiment.run_folder import ArraysPlan, load
from goodfit.experiment.run_folder.claim import PARTS
from goodfit.experiment.run_folder.journal import FoldJournal, Journal
from goodfit.experiment.run_folder.layout import with_checksum
from goodfit.experiment.run_folder.save import run_files
from goodfit.files import mark_of
from goodfit.training.checkpoint import Checkpoint

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
ARRAYS_FILE = "journal/arrays.json"
JOURNAL_FILES = ("journal/plan.json", "journal/running", "journal/finished", ARRAYS_FILE)
TABLES = ("table.csv", "table.csv.gz", "table.jsonl", "table.parquet", "table.arrow", "table.arrows")
REPORTS, RESUMES = 100, 100
"""How many changes of a file that are believed are also reported, and resumed: both take a hundred times as long."""
TRAINING_SECONDS = 60
"""Of the processor, for what is resumed: it trains with the settings that it names, and compiles their programs."""
CHECKSUM = re.compile(rb',\n "checksum": "[0-9a-f]{64}"\n}\n\Z')
SEARCH = {"hidden": (4,), "epochs": 6, "l2": (0.0, 0.01), "learning_rate": (0.01, 0.1), "folds": 2}

Read = Callable[[bytes], str]
"""From the content of a file to what became of it: see ``benchmarks.fuzz``."""


class Target(NamedTuple):
    """A file as it was written, and a function that reads another content in its place."""

    content: bytes
    read: Read


def target(name: str, folder: Path, *, mended: bool = True) -> Target:
    """Make the file with this name, and what is around it, in a folder."""
    if name in TABLES:
        return table_target(name, folder)
    if name == ARRAYS_FILE:
        return arrays_target(folder, mended)
    return journal_target(name, folder, mended) if name in JOURNAL_FILES else run_target(name, folder, mended)


# --- a run folder ----------------------------------------------------------------------------------------------------


def make_table_of_people(folder: Path) -> Path:
    """A table with every kind of column."""
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
    return folder / "people.csv"


def make_run(folder: Path, *, exam: bool) -> None:
    """A search with an ensemble, and its exam."""
    run = goodfit.train(make_table_of_people(folder), out=folder / "run", **SEARCH)
    if exam:
        run.test()


def mended_json(content: bytes) -> bytes:
    """Return a file that ends with its own checksum, with the right one, whatever else it holds."""
    content = CHECKSUM.sub(b"", content).removesuffix(b"\n}\n")
    return with_checksum(content + b"\n}\n")


def run_target(name: str, folder: Path, mended: bool) -> Target:
    """A file of a run: loaded, predicted with, diagnosed, and reported, as far as goodfit lets it."""
    if not (folder / "run").exists():
        make_run(folder, exam=name == "ledger.jsonl")
    kept, copy = folder / "run", folder / "copy"
    expected, reports = run_files(goodfit.load(kept).record), iter(range(REPORTS))
    openings, table = goodfit.load(kept).ledger.openings(), goodfit.read_table(folder / "people.csv")
    shutil.copytree(kept, copy, dirs_exist_ok=True)  # nothing but the file that is changed is ever written to
    load_run = _with_parsed_summary(copy, name) if mended and name in PARTS else goodfit.load

    def read(content: bytes) -> str:
        (copy / name).write_bytes(mended_json(content) if mended and name == "run.json" else content)
        run = load_run(copy)
        found = run.ledger.openings()
        if name == "ledger.jsonl":
            return "same" if found == openings else "consistent"
        run.predict(table)
        goodfit.diagnose(run)
        if next(reports, None) is not None:
            goodfit.report(run, folder / "report.html")
        return "same" if run_files(run.record) == expected else "consistent"

    return Target((kept / name).read_bytes(), read)


def _with_parsed_summary(folder: Path, name: str) -> Callable[[Path], goodfit.Run]:
    """Return ``goodfit.load`` with a run.json that is parsed once, and has size and checksum of the changed file."""
    known = load.parsed_summary((folder / "run.json").read_bytes(), folder)
    settings = load.settings_from(known.settings)

    def load_run(folder: Path) -> goodfit.Run:
        summary = replace(known, files={**known.files, name: mark_of((folder / name).read_bytes())})
        reused = {"parsed_summary": lambda *_: summary, "settings_from": lambda _: settings}
        with mock.patch.multiple(load, **reused):
            return goodfit.load(folder)

    return load_run


# --- a journal -------------------------------------------------------------------------------------------------------


@contextmanager
def _asked() -> Iterator[list[tuple[FoldJournal, Any, dict[str, int]]]]:
    """What trainings ask of their journals within the block: the fold, and the arguments of ``restore``."""
    asked: list[tuple[FoldJournal, Any, dict[str, int]]] = []
    restore = FoldJournal.restore

    def recorded(self: FoldJournal, like: Any, **sizes: int) -> Any:  # noqa: ANN401
        asked.append((self, like, sizes))
        return restore(self, like, **sizes)

    FoldJournal.restore = recorded  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        FoldJournal.restore = restore  # type: ignore[method-assign]


def journal_target(name: str, folder: Path, mended: bool) -> Target:
    """A file of the journal of a search that was stopped on its second fold: its plan and its states are read."""
    kept, copy = folder / "stopped", folder / "copy"
    table = make_table_of_people(folder)

    def stop_in_second_fold(progress: goodfit.search.parallel.Progress) -> None:
        if progress.fold == 1:
            signal.raise_signal(signal.SIGINT)

    with _asked() as asked:
        goodfit.train(table, out=kept, on_progress=stop_in_second_fold, **SEARCH)
    kind = Path(name).name
    path = next(path for path in (kept / "journal").iterdir() if path.name.startswith(kind))
    found_in = _planned if kind == "plan.json" else partial(_restored, asked)
    expected, resumes = found_in(kept), iter(range(RESUMES))
    at = shutil.copytree(kept, copy) / "journal" / path.name

    def read(content: bytes) -> str:
        nonlocal at
        at.unlink()  # the only file that differs from what was written
        at = _write_journal_file(at, content, mended)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = found_in(copy)
        if any("is damaged" in str(warning.message) for warning in told):
            return "refused"
        if next(resumes, None) is not None:
            resume()
        return "same" if found == expected else "consistent"

    def resume() -> None:
        nonlocal at
        if signal.getitimer(signal.ITIMER_PROF)[0]:
            signal.setitimer(signal.ITIMER_PROF, TRAINING_SECONDS)
        try:
            goodfit.train(resume=copy)
        finally:
            shutil.rmtree(copy)
            at = shutil.copytree(kept, copy) / "journal" / path.name

    goodfit.train(resume=shutil.copytree(kept, folder / "warm"))  # compiles what the others use
    return Target(path.read_bytes(), read)


def _planned(folder: Path) -> list[Any]:
    """With what a training would go on: its plan and its settings."""
    plan = Journal(folder).plan()
    resumed_source(plan)
    return [plan, resumed_settings(folder, plan, {})]


def _restored(asked: list[tuple[FoldJournal, Any, dict[str, int]]], folder: Path) -> list[Any]:
    """From what a training would go on: the bytes of every array."""
    found = [FoldJournal(Journal(folder), fold.name, fold.trials).restore(like, **sizes) for fold, like, sizes in asked]
    return [{number: _bytes_of(checkpoint) for number, checkpoint in each.items()} for each in found]


def _bytes_of(checkpoint: Checkpoint) -> list[bytes]:
    import jax

    return [np.asarray(leaf).tobytes() for leaf in [*jax.tree.leaves(checkpoint.state), checkpoint.records]]


def _write_journal_file(path: Path, content: bytes, mended: bool) -> Path:
    if path.name == "plan.json" and mended:
        content = mended_json(content)
    elif mended:
        stem = path.name.rpartition("-")[0]
        path = path.with_name(f"{stem}-{hashlib.sha256(content).hexdigest()}.safetensors")
    path.write_bytes(content)
    return path


def arrays_target(folder: Path, mended: bool) -> Target:
    """The plan of a training on arrays that is finished: the same call returns its result, or refuses."""
    kept = folder / "arrays"
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    def fitted() -> list[bytes]:
        model = goodfit.Sequential([goodfit.Dense(2), goodfit.Dense(1, activation="sigmoid")])
        model.compile(loss="binary_crossentropy")
        history = model.fit(x, x[:, 0] > 0, epochs=3, resume=kept).history
        return [*(weights.tobytes() for weights in model.get_weights()), str(dict(history)).encode()]

    expected, path = fitted(), kept / ARRAYS_FILE
    content, plan = path.read_bytes(), Journal(kept).read(ArraysPlan)

    def read(content: bytes) -> str:
        path.write_bytes(mended_json(content) if mended else content)
        found = Journal(kept).read(ArraysPlan)
        assert fitted() == expected, "another result"
        return "same" if found == plan else "consistent"

    return Target(content, read)


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


def table_target(name: str, folder: Path) -> Target:
    """A table, read with all its values."""
    path = folder / name
    make_table(path)

    def read(content: bytes) -> str:
        path.write_bytes(content)
        goodfit.read_table(path).fingerprint()
        return "read"

    return Target(path.read_bytes(), read)


def is_one_sentence(error: GoodFitError) -> bool:
    """Whether this is what a user should be shown."""
    return len(str(error)) < 5000 and "\n" not in str(error)
