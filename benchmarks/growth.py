"""Ten, a hundred, a thousand trials and more: seconds of each, and the most memory that the sweep holds.

The small net of ``contestants`` on digits, 30 epochs, no early stop. A sweep of many trials takes minutes on a busy
machine, so that ten trials are timed before and after it in the same process, and the ratio is shown. Before it is
timed a sweep of the same shape is begun and interrupted, which compiles its program.
"""

import os
import signal
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.contestants import BATCH, EPOCHS, Data, save_digits
from benchmarks.harness import Numbers, fresh, peak, seconds, show, start, take_turns

MODULE = "benchmarks.growth"
FEW = 10
SIZES = (FEW, 100, 1_000)
MOST = 10_000
L2, RATES = (0.0, 0.0001, 0.001, 0.01, 0.1), (0.0001, 0.001)
MB = 2**20


def make_sweep(d: Data, epochs: int) -> Callable[..., object]:
    """A function that trains so many trials, a multiple of ten: ten points of the grid, the rest by seeds."""
    from goodfit import Dense, Sequential

    def sweep(trials: int, on_progress: Callable[[object], None] | None = None) -> object:
        model = Sequential(
            [Dense(64, activation="relu"), Dense(64, activation="relu"), Dense(10, activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        judge = {"validation_data": (d["x_val"], d["y_val"]), "validation_split": 0.0, "on_progress": on_progress}
        space = {"l2": L2, "learning_rate": RATES, "seeds": trials // FEW}
        return model.sweep(d["x"], d["y"], batch_size=BATCH, epochs=epochs, **space, **judge)

    return sweep


def interrupt(_: object) -> None:
    """Ctrl-C: the sweep ends with what it has."""
    signal.raise_signal(signal.SIGINT)


def measure(path: str, trials: str, epochs: str) -> Numbers:
    """Milliseconds of a trial, those of ten trials before and after, and the most memory held, in megabytes."""
    sweep, n = make_sweep(dict(np.load(path)), int(epochs)), int(trials)
    sweep(FEW)
    sweep(n, interrupt)
    few = [seconds(lambda: sweep(FEW)) for _ in range(3)]
    of_all = seconds(lambda: sweep(n))
    few += [seconds(lambda: sweep(FEW)) for _ in range(3)]
    return {"ms": 1e3 * of_all / n, "few": 1e3 * statistics.median(few) / FEW, "peak": peak() / MB}


def row(trials: int, found: Numbers, few: Numbers) -> list[str]:
    return [
        f"{trials:,}",
        f"{found['ms'] * trials / 1e3:.2f}",
        f"{found['ms']:.1f}",
        f"{found['ms'] / found['few']:.2f}",
        f"{found['peak']:,.0f}",
        f"{found['peak'] - few['peak']:,.0f}",
    ]


def main(rounds: int = 3, *, quick: bool = False, all: bool = False) -> None:
    """Time and memory of sweeps of growing size."""
    sizes = (FEW, 2 * FEW) if quick else (*SIZES, MOST) if all else SIZES
    rounds, epochs = (1, "2") if quick else (rounds, str(EPOCHS))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "digits.npz")
        save_digits(data)
        turns = {str(n): partial(fresh, MODULE, os.fspath(data), str(n), epochs) for n in sizes}
        found = take_turns(turns, rounds=rounds)
    show(
        MODULE,
        f"Growth: trials of 64-64-64-10 on digits, batch {BATCH}, {epochs} epochs",
        ["trials", "s", "ms a trial", "of ten trials' ms", "peak, MB", "more than ten trials, MB"],
        [row(n, found[str(n)], found[str(FEW)]) for n in sizes],
        f"Medians of {rounds} fresh processes each, warm. The fourth column compares with ten trials in the",
        "same process, before and after. Peak: the most memory of the whole process, libraries and compiler included.",
    )


if __name__ == "__main__":
    start(measure, main, all=f"also {MOST:,} trials")
