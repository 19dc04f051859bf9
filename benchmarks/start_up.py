"""How long until something happens: imports, the first training of a process, and whole commands."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.contestants import BATCH, EPOCHS, goodfit, keras, save_digits
from benchmarks.harness import Numbers, fresh, installed, seconds, show, start, take_turns

MODULE = "benchmarks.start_up"
IMPORTS = {
    "import jax": "import jax",
    "import goodfit": "import goodfit",
    "import goodfit; goodfit.Sequential": "import goodfit; goodfit.Sequential",
    "import goodfit; goodfit.train": "import goodfit; goodfit.train",
}

FLOOR = "import jax, pyarrow.parquet"
COMMANDS: dict[str, tuple[Sequence[str], float, str]] = {
    "goodfit --version": (["--version"], 0.4, ""),
    "goodfit --help": (["--help"], 0.4, ""),
    "goodfit train --help": (["train", "--help"], 0.4, ""),
    "goodfit train, wrong path": (["train", "nowhere.csv"], 0.8, ""),
    "goodfit test, wrong path": (["test", "nowhere"], 0.8, ""),
    "goodfit train, wrong argument": (["train", "iris", "--learning-rate", "-1"], 0.8, ""),
    "goodfit train breast_cancer, first": (["train", "breast_cancer", "--out", "run"], 11, "cache"),
    "goodfit train breast_cancer, again": (["train", "breast_cancer", "--out", "run"], 7, "run"),
    "goodfit predict": (["predict", "run", "breast_cancer", "--out", "new.csv"], 2.5, "new.csv"),
    "goodfit test": (["test", "run", "--reason", "measured"], 2.5, ""),
    "goodfit report": (["report", "run"], 4, ""),
    "goodfit report, another file": (["report", "run", "--out", "new.html"], 4, "new.html"),
    "goodfit tour, first": (["tour"], 11, "cache"),
    "goodfit tour, again": (["tour"], 10, "tour.html"),
}
"""Arguments, the most they may take in units of the floor, and what is removed before, in this order. Errors may take
0.4 s, help 0.2 s and the tour 5 s, where the floor is 0.5 s."""


def measure_command(folder: str, name: str) -> Numbers:
    """Seconds of a command by the clock and of the processor."""
    words, _, removed = COMMANDS.get(name, ((), 0, ""))
    for path in (Path(folder, of) for of in (removed, "run" if removed == "cache" else "") if of):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    Path(folder, "tour.html").unlink(missing_ok=True)
    code = "from goodfit.cli.main import main; main()" if words else FLOOR
    environment = {
        **os.environ,
        "GOODFIT_CACHE": os.fspath(Path(folder, "cache")),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    before = os.times()
    took = seconds(
        lambda: subprocess.run([sys.executable, "-c", code, *words], cwd=folder, env=environment, capture_output=True)
    )
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall": took, "cpu": used}


def show_commands(rounds: int, names: Sequence[str] = tuple(COMMANDS)) -> None:
    """The table of whole commands beside the floor."""
    with tempfile.TemporaryDirectory() as folder:
        found = take_turns({name: partial(measure_command, folder, name) for name in ("floor", *names)}, rounds=rounds)
    floor = found.pop("floor")
    rows = [
        [
            f"`{name}`",
            f"{n['wall']:.2f}",
            f"{n['cpu']:.2f}",
            f"{n['wall'] / floor['wall']:.1f}",
            f"{COMMANDS[name][1]:g}",
        ]
        for name, n in found.items()
    ]
    show(
        MODULE,
        "Whole commands",
        ["", "s", "CPU s", "× floor", "wanted"],
        rows,
        f'The floor is `python -c "{FLOOR}"`: {floor["wall"]:.2f} s, {floor["cpu"]:.2f} s of CPU. Medians of {rounds}.',
    )


def measure_import(statement: str) -> Numbers:
    return {"import": seconds(lambda: exec(statement, {}))}


def measure_training(library: str, path: str, cache: str) -> Numbers:
    """The first training of a process, from the import on, and what of it a second training does not pay."""
    data = dict(np.load(path))
    began = time.perf_counter()
    if cache:
        from goodfit import use_compilation_cache

        use_compilation_cache(cache)
    train, again = {"goodfit": goodfit, "keras": keras}[library](data, EPOCHS)
    first = seconds(train)
    task = time.perf_counter() - began
    return {"task": task, "compilation": first - min(seconds(again) for _ in range(3))}


def measure(what: str, *words: str) -> Numbers:
    return {"import": measure_import, "training": measure_training}[what](*words)


def main(rounds: int = 7, *, quick: bool = False) -> None:
    """Imports, the first training of a process, and whole commands."""
    rounds = 1 if quick else rounds
    show_commands(rounds, list(COMMANDS)[:4] if quick else list(COMMANDS))
    with tempfile.TemporaryDirectory() as folder:
        data, cache = Path(folder, "digits.npz"), Path(folder, "cache")
        save_digits(data)
        path, full = os.fspath(data), os.fspath(cache)
        imports = {name: partial(fresh, MODULE, "import", statement) for name, statement in IMPORTS.items()}
        trainings = {
            "goodfit": partial(fresh, MODULE, "training", "goodfit", path, ""),
            "goodfit, compilation cache filled": partial(fresh, MODULE, "training", "goodfit", path, full),
        }
        if installed("keras"):
            trainings["Keras on JAX"] = partial(fresh, MODULE, "training", "keras", path, "")
        fresh(MODULE, "training", "goodfit", path, full)
        imported, trained = take_turns(imports, rounds=rounds), take_turns(trainings, rounds=rounds)
    jax = imported["import jax"]["import"]
    show(
        MODULE,
        "Imports",
        ["", "s", "more than jax, s"],
        [[f"`{name}`", f"{n['import']:.2f}", f"{n['import'] - jax:+.2f}"] for name, n in imported.items()],
        f"Medians of {rounds} fresh processes each; NumPy is loaded before.",
    )
    show(
        MODULE,
        f"First training of a process: 64-64-64-10 on digits, batch {BATCH}, {EPOCHS} epochs",
        ["", "import to result, s", "of which compilation, s"],
        [[name, f"{n['task']:.2f}", f"{n['compilation']:.2f}"] for name, n in trained.items()],
        f"Medians of {rounds} fresh processes each. Compilation is the first training minus a warm one: tracing,",
        "lowering, and compiling or loading.",
    )


if __name__ == "__main__":
    start(measure, main)
