"""SIGKILL at random moments of trainings that save as often as they can, each followed by a resume.

A process trains and is killed, at a moment drawn evenly from the time that the whole training takes; another one
resumes and is killed in turn, until the fourth may come to its end. What it leaves must equal the run that was never
killed, byte for byte: weights, curves, trials, selection, ensemble, measurements, encoder and splits. Of ``run.json``
the moment of the beginning and the checksum are left out.

    python -m benchmarks.kills --kills 200
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

MODULE = "benchmarks.kills"
KINDS = {
    "single": {"l2": 0.01, "learning_rate": 0.001, "hidden": (16,), "epochs": 400, "patience": 400},
    "grid": {"hidden": (16,), "epochs": 60, "l2": (0.0, 0.01, 0.1), "learning_rate": (0.001, 0.01)},
    "two grids": {
        "hidden": (16,), "epochs": 30, "l2": (0.0, 0.1), "learning_rate": (0.001, 0.01), "folds": 1, "refine": True,
    },
}  # fmt: skip
MAX_KILLS = 3
"""Of one training."""


def main() -> None:
    """Kill, resume, compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="number of kills")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        whole = {kind: uninterrupted(Path(place) / kind, settings) for kind, settings in KINDS.items()}
        kills = dict.fromkeys(KINDS, 0)
        same, other, number = 0, 0, 0
        while sum(kills.values()) < asked.kills:
            kind = list(KINDS)[number % len(KINDS)]
            folder = Path(place) / f"{kind} {number}"
            kills[kind] += killed_until_complete(folder, KINDS[kind], seconds=whole[kind][1], rng=rng)
            equal = content(folder) == whole[kind][0]
            same, other, number = same + equal, other + (not equal), number + 1
            print(f"{sum(kills.values())} kills, {same} trainings the same, {other} other", flush=True)
            shutil.rmtree(folder)
    print(", ".join(f"{kind}: {n} kills" for kind, n in kills.items()))


def uninterrupted(folder: Path, settings: dict[str, object]) -> tuple[object, float]:
    """Return what a training leaves, and the seconds that it takes once its program is compiled."""
    for _ in range(2):
        shutil.rmtree(folder, ignore_errors=True)
        began = time.perf_counter()
        process = started(folder, settings)
        process.join()
        seconds = time.perf_counter() - began
    return content(folder), seconds


def killed_until_complete(folder: Path, settings: dict[str, object], *, seconds: float, rng: random.Random) -> int:
    """Train, kill and resume; return the number of kills."""
    kills = 0
    while True:
        process = started(folder, settings)
        process.join(timeout=rng.uniform(0, seconds) if kills < MAX_KILLS else None)
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            kills += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:
            return kills
        if process.exitcode != -signal.SIGKILL:
            raise SystemExit(f"a training ended with status {process.exitcode}")


def started(folder: Path, settings: dict[str, object]) -> multiprocessing.Process:
    """Start a process that trains into a folder, or goes on with what is there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["goodfit.workflow"])
    process = context.Process(target=train, args=(folder, settings))
    process.start()
    return process


def train(folder: Path, settings: dict[str, object]) -> None:
    """Train, and save after every chunk of epochs."""
    import goodfit
    from goodfit.experiment.run_folder.journal import Journal
    from goodfit.experiment.run_path import is_interrupted

    goodfit.use_compilation_cache()
    Journal.__init__.__kwdefaults__["every"] = 0.0
    if (folder / "run.json").exists() and not is_interrupted(folder):
        return  # killed after the training was complete
    if is_interrupted(folder):
        goodfit.train(resume=folder)
    else:
        goodfit.train("iris", out=folder, **settings)


def content(folder: Path) -> tuple[dict[str, bytes], dict[str, object]]:
    """Return all files of a run, and ``run.json`` without what depends on the moment."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".owner"}
    summary = json.loads(files.pop("run.json"))
    return files, {name: of for name, of in summary.items() if name not in ("created", "checksum")}


if __name__ == "__main__":
    main()
