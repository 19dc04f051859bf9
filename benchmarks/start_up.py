"""How long until something happens: the import, and the first training with and without the compilation cache."""

import os
import tempfile
import time
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
    """Imports, and the first training of a process."""
    rounds = 1 if quick else rounds
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
