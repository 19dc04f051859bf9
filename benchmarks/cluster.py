"""Trials on workers: what one, two and a thousand of them gain, and whether 10,000 trials take as long each as 1,000.

A worker is a process of ``local:N`` with one core. T(n) is the time of a search with n workers; its efficiency is
T(1) / (n T(n)). ``first`` compiles in every worker, ``again`` does not. The tail is the time from the moment when a
worker has nothing more to do until the end, and ``busy`` the share of the workers' time in which they have a pack:
unlike the efficiency it hardly depends on what else runs on the cores.

A thousand workers are simulated: each pack takes what ``_Stage.size`` gives it, with seconds per trial drawn from those
that were measured; the process that hands out packs is a queue, with the seconds that it was measured to need for a
pack. Not simulated: the network, and workers of different speed.

    python -m benchmarks.cluster
"""

import heapq
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.harness import Numbers, fresh, peak, say, show, start

MODULE = "benchmarks.cluster"
WORKERS = (1, 2)
N_TRIALS, EPOCHS = 60, 100
MANY = (1_000, 10_000)


def make_trials(n_trials: int, *, units: int, n_rows: int, n_features: int = 30) -> tuple[list[Any], Any]:
    """Trials that differ in λ and learning rate, and rows of two classes."""
    from goodfit.nn.layers import Dense
    from goodfit.nn.network import init_network
    from goodfit.nn.optimizers import Adam
    from goodfit.search.parallel import Fold, Trial
    from goodfit.search.space import layers_with, optimizer_with
    from goodfit.training.evaluation import Dataset, make_labels
    from goodfit.training.recipe import make_recipe

    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    labels = make_labels((x[:, 0] * x[:, 1] > rng.normal(size=n_rows)).astype(float), None, "float32")
    train, validation = np.split(np.arange(n_rows), [4 * n_rows // 5])
    hidden = Dense(units, activation="leaky_relu")
    layers = (hidden, hidden, Dense(1, activation="sigmoid"))
    params = init_network(layers, n_inputs=n_features, seed=0)
    configs = [{"learning_rate": rate, "l2": 0.0} for rate in 10 ** rng.uniform(-4, -2, n_trials)]
    recipes = [
        make_recipe(layers_with(layers, one), optimizer=optimizer_with(Adam(), one), loss="binary_crossentropy")
        for one in configs
    ]
    return [Trial(recipe, 0, params) for recipe in recipes], Fold(Dataset(x, labels), train, validation)


def measure_workers(n_workers: str, n_trials: str, epochs: str) -> dict[str, Any]:
    """Seconds of a search that compiles and of one that does not, with its tail, compilation and packs."""
    from goodfit.search import executors
    from goodfit.search.dask_cluster import Cluster

    packs: list[tuple[float, int, float, float]] = []
    keep = executors._Stage.keep
    handling = [0.0]

    def noted(self: Any, places: Sequence[int], pack: Any, result: Any) -> None:  # noqa: ANN401
        began = time.perf_counter()
        keep(self, places, pack, result)
        handling[0] += time.perf_counter() - began
        packs.append((time.perf_counter(), len(places), result.seconds, result.compiling))

    executors._Stage.keep = noted  # type: ignore[method-assign]
    trials, fold = make_trials(int(n_trials), units=64, n_rows=800)
    cluster = Cluster(f"local:{n_workers}")
    try:
        pool = executors.Pool(cluster())
        found: dict[str, Any] = {}
        for name in ("first", "again"):
            packs.clear()
            handling[0], began = 0.0, time.perf_counter()
            pool(trials, fold, epochs=int(epochs))
            ended = time.perf_counter()
            last = sorted(at for at, *_ in packs)[-int(n_workers) :]
            found[name] = ended - began
            found[f"{name} tail"] = ended - last[0] if int(n_workers) > 1 else 0.0
            found[f"{name} busy"] = sum(seconds for *_, seconds, _ in packs) / (ended - began) / int(n_workers)
            found[f"{name} compiling"] = sum(compiling for *_, compiling in packs) / int(n_workers)
        found["packs"] = len(packs)
        found["per trial"] = [(seconds - compiling) / n for _, n, seconds, compiling in packs for _ in range(n)]
        found["per pack"] = handling[0] / len(packs)
        return found
    finally:
        cluster.close()


def measure_many(n_trials: str) -> Numbers:
    """Milliseconds per trial in this process, peak memory, and how far the forecast after a tenth was off."""
    from goodfit.search.parallel import run_trials

    trials, fold = make_trials(int(n_trials), units=4, n_rows=60, n_features=4)
    seen: list[tuple[float, float]] = []
    run_trials(trials[:100], fold, epochs=20)  # compiles
    before, began = peak(), time.perf_counter()
    run_trials(trials, fold, epochs=20, on_progress=lambda at: seen.append((at.done / at.trials, at.seconds)))
    seconds = time.perf_counter() - began
    share, at = next(pair for pair in seen if pair[0] >= 0.1)
    return {"ms": 1000 * seconds / len(trials), "mb": (peak() - before) / 2**20, "off": at / share / seconds - 1}


def simulate(
    n_workers: int, n_trials: int, *, per_trial: Sequence[float], compiling: float, per_pack: float
) -> tuple[float, float]:
    """Return efficiency and tail (s) of a search on many workers, from measured seconds.

    >>> efficiency, tail = simulate(2, 100, per_trial=[1.0], compiling=0.0, per_pack=0.0)
    >>> round(efficiency, 2), tail
    (1.0, 0.0)
    """
    from goodfit.search.executors import _Stage

    rng = np.random.default_rng(0)
    waiting = list(range(n_trials))
    executor = SimpleNamespace(n_workers=n_workers, cores=1)
    stage = SimpleNamespace(kept=SimpleNamespace(waiting=waiting), executor=executor)
    stage.compiling, stage.training, stage.n_trained = 0.0, 0.0, 0
    free = [(0.0, worker, 0, 0.0) for worker in range(n_workers)]  # end of a pack, its worker, size and seconds
    compiled, hub, work, ends = [False] * n_workers, 0.0, 0.0, [0.0] * n_workers
    heapq.heapify(free)
    while free:
        ended, worker, size, seconds = heapq.heappop(free)
        hub = max(hub, ended) + per_pack * (size > 0)  # results and packs wait for the one process that handles them
        if size:
            ends[worker] = hub
            stage.compiling, stage.training = compiling, stage.training + seconds
            stage.n_trained += size
        if waiting:
            size = _Stage.size(stage, n_workers)  # type: ignore[arg-type]
            del waiting[:size]
            seconds = float(rng.choice(per_trial, size).sum())
            work += seconds
            taken = seconds + compiling * (not compiled[worker])
            compiled[worker] = True
            heapq.heappush(free, (hub + taken, worker, size, seconds))
    return (work + compiling) / (n_workers * max(ends)), max(ends) - min(end for end in ends if end)


def main(*, quick: bool = False, rounds: int = 1) -> None:
    """Efficiency of workers, a simulation of a thousand, and 10,000 trials."""
    n_trials, epochs, many = (4, 2, (20, 40)) if quick else (N_TRIALS, EPOCHS, MANY)
    workers = WORKERS[:1] if quick else WORKERS
    found = {}
    for n in workers:
        say(f"{n} workers")
        found[n] = fresh(MODULE, "workers", str(n), str(n_trials), str(epochs))
    rows = []
    for n, one in found.items():
        for name in ("first", "again"):
            efficiency = found[1][name] / n / one[name]
            cells = (one[name], one[f"{name} compiling"], one[f"{name} tail"])
            busy = one[f"{name} busy"]
            rows.append([f"{n}, {name}", *(f"{cell:.1f}" for cell in cells), f"{efficiency:.2f}", f"{busy:.2f}"])
    show(
        MODULE,
        f"{n_trials} trials of {epochs} epochs on workers",
        ["workers, search", "s", "of these compiling, s", "tail, s", "efficiency", "busy"],
        rows,
    )
    one: Any = found[1]
    measured = {"per_trial": one["per trial"], "compiling": one["first compiling"], "per_pack": one["per pack"]}
    sizes = [(10, 100)] if quick else [(10, 3_000), (100, 30_000), (1_000, 30_000), (1_000, 300_000)]
    simulated = [(n, trials, *simulate(n, trials, **measured)) for n, trials in sizes]
    show(
        MODULE,
        "Simulated workers",
        ["workers", "trials", "efficiency", "tail, s"],
        [[f"{n:,}", f"{trials:,}", f"{efficiency:.2f}", f"{tail:.1f}"] for n, trials, efficiency, tail in simulated],
        f"{np.mean(one['per trial']):.2f} s per trial, {one['first compiling']:.1f} s of compilation in each worker, "
        f"{1000 * one['per pack']:.1f} ms per pack in the process that hands them out.",
    )
    flat = [(n, fresh(MODULE, "many", str(n))) for n in many]
    show(
        MODULE,
        "Many trials in one process",
        ["trials", "ms per trial", "more memory at the peak, MB", "forecast after a tenth, off by"],
        [[f"{n:,}", f"{of['ms']:.2f}", f"{of['mb']:.0f}", f"{of['off']:+.0%}"] for n, of in flat],
    )


def measure(what: str, *words: str) -> dict[str, Any]:
    """One measurement."""
    return measure_workers(*words) if what == "workers" else measure_many(*words)


if __name__ == "__main__":
    start(measure, main)
