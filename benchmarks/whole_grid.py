"""The whole grid, 6 λ × 5 learning rates, beside thirty trainings of the peers, and beside a single one of Keras.

Every training is that of ``contestants``: 64-64-64-10 on digits, 30 epochs, no early stop. What the peers do is the
best of their ordinary forms: torch a plain loop on all cores or on one; scikit-learn ``fit`` without any validation,
which is quickest, in one process and on one for each core, and there also with validation after every epoch; Keras a
new model for every point, as one does, and the same model again and again, which has λ in its program and so cannot be
another point: its bare steps.
"""

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.contestants import BATCH, EPOCHS, PACKAGES, Data, Train, keras, save_digits, scikit_learn, torch
from benchmarks.harness import Numbers, fresh, installed, n_cores, seconds, show, start, take_turns

MODULE = "benchmarks.whole_grid"
L2, RATES = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0), (0.00001, 0.0001, 0.001, 0.01, 0.1)
GRID = list(product(L2, RATES))


def goodfit_grid(d: Data, epochs: int) -> Callable[[], object]:
    from goodfit import Dense, Sequential

    def sweep() -> object:
        model = Sequential(
            [Dense(64, activation="relu"), Dense(64, activation="relu"), Dense(10, activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        judge = {"validation_data": (d["x_val"], d["y_val"]), "validation_split": 0.0}
        return model.sweep(d["x"], d["y"], l2=L2, learning_rate=RATES, batch_size=BATCH, epochs=epochs, **judge)

    return sweep


def scikit_learn_fit(d: Data, epochs: int) -> Train:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def train(l2: float, rate: float) -> object:
        numbers = {"alpha": 2 * BATCH * l2, "learning_rate_init": rate, "batch_size": BATCH}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return MLPClassifier((64, 64), max_iter=epochs, n_iter_no_change=epochs + 1, **numbers).fit(d["x"], d["y"])

    return train


def thirty(train: Train, trainings: int) -> float:
    """Seconds of all points of the grid one after the other; of fewer trainings, the time that all would take."""
    points = GRID[:: -(-len(GRID) // trainings)]
    return seconds(lambda: [train(*point) for point in points]) * len(GRID) / len(points)


def thirty_on_all_cores(train: Train, trainings: int) -> float:
    """The same in one process for each core, which have imported their libraries before."""
    from joblib import Parallel, delayed

    points = GRID[:: -(-len(GRID) // trainings)]
    with Parallel(n_jobs=n_cores()) as processes:
        processes(delayed(train)(*point) for point in GRID[: n_cores()])
        return seconds(lambda: processes(delayed(train)(*point) for point in points)) * len(GRID) / len(points)


def measure_goodfit(path: str, epochs: str, cache: str = "") -> Numbers:
    """From the import to the result of a first grid, and a second grid."""
    data = dict(np.load(path))
    began = time.perf_counter()
    if cache:
        from goodfit import use_compilation_cache

        use_compilation_cache(cache)
    sweep = goodfit_grid(data, int(epochs))
    sweep()
    task = time.perf_counter() - began
    return {"task": task, "thirty": min(seconds(sweep) for _ in range(3))}


def measure_keras(path: str, epochs: str, trainings: str) -> Numbers:
    """From the import to the result of a first training; thirty new models; thirty trainings of a warm model."""
    data = dict(np.load(path))
    began = time.perf_counter()
    train, again = keras(data, int(epochs))
    train()
    task = time.perf_counter() - began
    thirty_warm = thirty(lambda *_: again(), int(trainings))
    return {"task": task, "thirty": thirty(train, int(trainings)), "thirty warm": thirty_warm}


def measure_torch(path: str, epochs: str, trainings: str, threads: str = "") -> Numbers:
    train, _ = torch(dict(np.load(path)), int(epochs), threads=int(threads) if threads else None)
    train()
    return {"thirty": thirty(train, int(trainings))}


def measure_scikit_learn(path: str, epochs: str, trainings: str) -> Numbers:
    data, n = dict(np.load(path)), int(trainings)
    train, (judged, _) = scikit_learn_fit(data, int(epochs)), scikit_learn(data, int(epochs))
    train(*GRID[0])
    on_all = {"thirty on all": thirty_on_all_cores(train, n), "judged on all": thirty_on_all_cores(judged, n)}
    return {"thirty": thirty(train, n), **on_all}


MEASURES = {"goodfit": measure_goodfit, "keras": measure_keras, "torch": measure_torch, "sklearn": measure_scikit_learn}


def measure(library: str, *words: str) -> Numbers:
    return MEASURES[library](*words)


def main(rounds: int = 3, *, quick: bool = False, trainings: int = len(GRID)) -> None:
    """Whole task and warm grid beside the peers; they do so many of the thirty trainings."""
    epochs, trainings, rounds = ("1", "1", 1) if quick else (str(EPOCHS), str(trainings), rounds)
    with tempfile.TemporaryDirectory() as folder:
        data, cache = os.fspath(Path(folder, "digits.npz")), os.fspath(Path(folder, "cache"))
        save_digits(Path(data))
        turns = {
            "goodfit": partial(fresh, MODULE, "goodfit", data, epochs),
            "cached": partial(fresh, MODULE, "goodfit", data, epochs, cache),
            "Keras on JAX": partial(fresh, MODULE, "keras", data, epochs, trainings),
            "torch": partial(fresh, MODULE, "torch", data, epochs, trainings),
            "torch, one thread": partial(fresh, MODULE, "torch", data, epochs, trainings, "1"),
            "scikit-learn": partial(fresh, MODULE, "sklearn", data, epochs, trainings),
        }
        fresh(MODULE, "goodfit", data, epochs, cache)
        there = {name: run for name, run in turns.items() if name == "cached" or installed(PACKAGES.get(name, name))}
        found = take_turns(there, rounds=rounds)
    medians = f"Medians of {rounds} fresh processes each."
    show_task(found, medians)
    show_warm(found, f"{medians} Peers did {trainings} of the {len(GRID)} trainings.")


def show_task(found: dict[str, Numbers], *notes: str) -> None:
    one = found.get("Keras on JAX", {}).get("task", np.nan)
    names = {
        "goodfit": "goodfit, 30 trainings",
        "cached": "goodfit, 30 trainings, compilation cache filled",
        "Keras on JAX": "Keras on JAX, 1 training",
    }
    rows = [
        [name, f"{found[key]['task']:.2f}", f"{found[key]['task'] / one:.2f}"]
        for key, name in names.items()
        if key in found
    ]
    show(MODULE, "From import to result", ["", "s", "of one Keras training"], rows, *notes)


def show_warm(found: dict[str, Numbers], *notes: str) -> None:
    names = {
        ("goodfit", "thirty"): "goodfit, a second grid",
        ("Keras on JAX", "thirty"): "Keras on JAX, thirty models",
        ("Keras on JAX", "thirty warm"): "Keras on JAX, one model thirty times",
        ("torch", "thirty"): "torch",
        ("torch, one thread", "thirty"): "torch, one thread",
        ("scikit-learn", "thirty"): "scikit-learn",
        ("scikit-learn", "thirty on all"): f"scikit-learn, {n_cores()} processes",
        ("scikit-learn", "judged on all"): f"scikit-learn, {n_cores()} processes, validating",
    }
    ours = found["goodfit"]["thirty"]
    rows = [
        [text, f"{found[name][key]:.2f}", f"{found[name][key] / ours:.1f}"]
        for (name, key), text in names.items()
        if name in found
    ]
    show(MODULE, "Thirty trainings in a warm process", ["", "s", "goodfit × faster"], rows, *notes)


if __name__ == "__main__":
    start(measure, main)
