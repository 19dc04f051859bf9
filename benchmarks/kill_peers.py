"""One SIGKILL at a random moment of a training that saves after every epoch, then a restart: goodfit and its peers.

All train the same network on the same rows and are killed at a moment drawn evenly from the time between their first
save and their end. The restart is the same program once more. It counts how many come to their end, and how many of
these have the weights of a training that was never killed, bit for bit.

    python -m benchmarks.kill_peers --kills 30

Peers that are not installed are left out. Orbax keeps what it is given: its loop is the benchmark's own, which draws
the rows of an epoch from the number of the epoch.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import installed, show

MODULE = "benchmarks.kill_peers"
EPOCHS, BATCH, SEED = 40, 32, 0
RNG = np.random.default_rng(SEED)
X = RNG.normal(size=(2000, 20)).astype("float32")
Y = (X @ RNG.normal(size=20) + RNG.normal(size=2000) > 0).astype("int64")
LONGEST = 600
"""Seconds after which a training is taken for one that hangs."""


def goodfit(folder: Path) -> list[np.ndarray]:
    """``Sequential.fit`` with ``resume``."""
    from goodfit import Dense, Dropout, Sequential
    from goodfit.experiment.run_folder.journal import Journal
    from goodfit.training import fit

    Journal.__init__.__kwdefaults__["every"] = 0.0
    fit.MAX_CHUNK_EPOCHS = 1
    model = Sequential([Dense(64, activation="relu"), Dropout(0.2), Dense(1, activation="sigmoid")], seed=SEED)
    model.compile("adam", "binary_crossentropy")
    model.fit(X, Y, epochs=EPOCHS, batch_size=BATCH, validation_split=0.2, resume=folder)
    return model.get_weights()


def keras(folder: Path, **choices: Any) -> list[np.ndarray]:  # noqa: ANN401
    """``Sequential.fit`` with ``BackupAndRestore``."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    keras.utils.set_random_seed(SEED)
    dense = keras.layers.Dense
    model = keras.Sequential(
        [keras.Input((20,)), dense(64, activation="relu"), keras.layers.Dropout(0.2), dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    backup = keras.callbacks.BackupAndRestore(str(folder), **choices)
    model.fit(X, Y, epochs=EPOCHS, batch_size=BATCH, validation_split=0.2, callbacks=[backup], verbose=0)
    return [np.asarray(w) for w in model.get_weights()]


def keras_twice(folder: Path) -> list[np.ndarray]:
    """The same with two checkpoints."""
    return keras(folder, double_checkpoint=True)


def orbax(folder: Path) -> list[np.ndarray]:
    """A loop of one's own in JAX, kept by Orbax's ``CheckpointManager``."""
    import jax
    import jax.numpy as jnp
    import orbax.checkpoint as ocp

    rng = np.random.default_rng(SEED)
    shapes = {"w": (20, 64), "b": (64,), "v": (64, 1), "c": (1,)}
    params = {name: jnp.asarray(0.1 * rng.normal(size=shape), jnp.float32) for name, shape in shapes.items()}

    def loss(params: dict[str, jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
        logits = (jax.nn.relu(x @ params["w"] + params["b"]) @ params["v"] + params["c"])[:, 0]
        return jnp.mean(jnp.logaddexp(0, logits) - y * logits)

    @jax.jit
    def update(params: Any, moments: Any, x: jax.Array, y: jax.Array) -> tuple[Any, Any]:  # noqa: ANN401
        grads = jax.grad(loss)(params, x, y)
        moments = jax.tree.map(lambda m, g: 0.9 * m + g, moments, grads)
        return jax.tree.map(lambda p, m: p - 0.01 * m, params, moments), moments

    state = {"params": params, "moments": jax.tree.map(jnp.zeros_like, params)}
    manager = ocp.CheckpointManager(folder, options=ocp.CheckpointManagerOptions(max_to_keep=2))
    first = 0
    if (latest := manager.latest_step()) is not None:
        state, first = manager.restore(latest, args=ocp.args.StandardRestore(state)), latest + 1
    for epoch in range(first, EPOCHS):
        order = np.random.default_rng([SEED, epoch]).permutation(1600)
        params, moments = state["params"], state["moments"]
        for rows in order.reshape(-1, BATCH):
            params, moments = update(params, moments, X[rows], Y[rows].astype("float32"))
        state = {"params": params, "moments": moments}
        manager.save(epoch, args=ocp.args.StandardSave(state))
    manager.wait_until_finished()
    return [np.asarray(w) for w in state["params"].values()]


CONTESTANTS: dict[str, tuple[str, Callable[[Path], list[np.ndarray]], str]] = {
    "goodfit": ("goodfit", goodfit, "journal/running-*"),
    "Keras BackupAndRestore": ("keras", keras, "**/*.h5"),
    "the same, double_checkpoint=True": ("keras", keras_twice, "**/*.h5"),
    "Orbax, own loop": ("orbax-checkpoint", orbax, "[0-9]*"),
}
"""Name to package, training, and a pattern of what is there after the first save."""


def work(train: Callable[[Path], list[np.ndarray]], folder: Path) -> None:
    """Train, and leave the weights in a file."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    weights = train(folder / "state")
    np.savez(folder / "weights.npz", *weights)


def started(name: str, folder: Path) -> multiprocessing.Process:
    """Start a training in a process of its own, with its package imported."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=work, args=(CONTESTANTS[name][1], folder))
    process.start()
    return process


def has_saved(name: str, folder: Path) -> bool:
    """Whether a training has saved a state."""
    return any(folder.glob(f"state/{CONTESTANTS[name][2]}"))


def weights(folder: Path) -> list[bytes]:
    """What a training has left."""
    with np.load(folder / "weights.npz") as found:
        return [found[name].tobytes() for name in found.files]


def until_first_save(name: str, folder: Path, process: multiprocessing.Process) -> float:
    """Wait until a training has saved a state; return the moment."""
    while process.exitcode is None and not has_saved(name, folder):
        time.sleep(0.005)
    return time.perf_counter()


def uninterrupted(name: str, folder: Path) -> tuple[list[bytes], float]:
    """Return the weights of a training that nobody kills, and its seconds after the first save."""
    process = started(name, folder)
    began = until_first_save(name, folder, process)
    process.join(LONGEST)
    return weights(folder), time.perf_counter() - began


def killed_once(name: str, folder: Path, whole: list[bytes], wait: float) -> str:
    """Train, kill this many seconds after the first save, start again, and say what became of it."""
    process = started(name, folder)
    until_first_save(name, folder, process)
    time.sleep(wait)
    if process.exitcode is not None:
        return "had ended"
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    again = started(name, folder)
    again.join(LONGEST)
    if again.exitcode != 0:
        again.kill()
        return "failed"
    return "same" if weights(folder) == whole else "other"


def main() -> None:
    """Kill each contestant, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="number of kills of each contestant")
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    asked = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "jax"
    there = [name for name in asked.only if installed(CONTESTANTS[name][0])]
    for name in set(asked.only) - set(there):
        print(f"{name}: not installed, left out")
    multiprocessing.get_context("forkserver").set_forkserver_preload(["numpy"])
    rows = []
    for name in there:
        rng, found = random.Random(SEED), Counter[str]()
        with tempfile.TemporaryDirectory() as place:
            for twice in ("whole", "again"):
                (Path(place) / twice).mkdir()
            whole, _ = uninterrupted(name, Path(place) / "whole")
            again, seconds = uninterrupted(name, Path(place) / "again")
            if whole != again:
                print(f"{name}: two trainings that nobody kills differ", flush=True)
            while found.total() - found["had ended"] < asked.kills:
                folder = Path(place) / str(found.total())
                folder.mkdir()
                found[killed_once(name, folder, whole, rng.uniform(0, seconds))] += 1
                shutil.rmtree(folder)
        rows.append([name, str(asked.kills), str(found["same"] + found["other"]), str(found["same"])])
        print(*rows[-1], dict(found), flush=True)
    show(MODULE, "One kill", ["", "kills", "came to their end", "same weights, bit for bit"], rows, "")


if __name__ == "__main__":
    main()
