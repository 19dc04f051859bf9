"""One small network, 64-64-64-10 on scikit-learn's digits: the whole task, and steps per second once it is warm."""

import os
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.contestants import BATCH, CONTESTANTS, EPOCHS, N_TRAIN, PACKAGES, save_digits
from benchmarks.harness import Numbers, fresh, installed, seconds, show, start, take_turns

MODULE = "benchmarks.one_training"


def measure(name: str, path: str, epochs: str) -> Numbers:
    """Everything from the import of the library to the result, then once more with a new network, then warm."""
    data = dict(np.load(path))
    began = time.perf_counter()
    train, again = CONTESTANTS[name](data, int(epochs))
    first = seconds(train)
    task = time.perf_counter() - began
    return {"task": task, "first": first, "second": seconds(train), "warm": min(seconds(again) for _ in range(3))}


def row(name: str, found: Numbers, goodfit: Numbers, steps: int) -> list[str]:
    compiles = name in ("goodfit", "Keras on JAX")
    return [
        name,
        f"{found['task']:.2f}",
        f"{found['first'] - found['warm']:.2f}" if compiles else "–",
        f"{found['second']:.2f}",
        f"{steps / found['warm']:,.0f}",
        f"{found['warm'] / goodfit['warm']:.1f}",
    ]


def main(rounds: int = 5, *, quick: bool = False) -> None:
    """One training of every contestant: the whole task, and warm."""
    rounds, epochs = (1, 1) if quick else (rounds, EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "digits.npz")
        save_digits(data)
        names = [name for name in CONTESTANTS if installed(PACKAGES.get(name, name))]
        turns = {name: partial(fresh, MODULE, name, os.fspath(data), str(epochs)) for name in names}
        found = take_turns(turns, rounds=rounds)
    steps = epochs * -(-N_TRAIN // BATCH)
    show(
        MODULE,
        f"One training: 64-64-64-10 on digits, batch {BATCH}, {epochs} epochs, validation after each",
        ["", "import to result, s", "compilation, s", "a second network, s", "warm, steps/s", "goodfit × faster"],
        [row(name, numbers, found["goodfit"], steps) for name, numbers in found.items()],
        f"Medians of {rounds} fresh processes each. Compilation is the first training minus a warm one; Keras compiles",
        "every new model. goodfit also measures the loss of all training rows after each epoch; the others do not.",
    )


if __name__ == "__main__":
    start(measure, main)
