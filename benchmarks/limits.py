"""The time of a step beside what the machine must take for it: the matrix products at its peak, and the bytes moved.

Peak: the most multiplications and additions a second of NumPy, torch or JAX in large float32 products; bandwidth: the
most bytes a second that NumPy or torch read and write in copying an array far larger than any cache; both on one core
and on all. A step: wall seconds of a warm sweep, loss and metrics of all rows after each epoch included, times cores,
over all steps of all trials; the limit counts the products of the updates alone.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Numbers, fresh, installed, n_cores, seconds, show, start, take_turns

MODULE = "benchmarks.limits"
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
L2 = 0.001


class Net(NamedTuple):
    """A network on random rows, and how much of it is trained: an even number of trials."""

    units: tuple[int, ...]
    batch: int
    n_rows: int
    epochs: int
    trials: int

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.units))}, batch {self.batch}"

    @property
    def kernels(self) -> int:
        return sum(a * b for a, b in zip(self.units[:-1], self.units[1:], strict=True))

    @property
    def flops(self) -> int:
        """Of the products of a step: outputs, kernels' gradients, and inputs' gradients of all layers but the first."""
        return 2 * self.batch * (3 * self.kernels - self.units[0] * self.units[1])

    @property
    def nbytes(self) -> int:
        """That a step must move at least, if nothing stayed in a cache.

        Adam reads weights, gradients and two means, and writes all but the gradients; the products read the weights
        twice and write the gradients; rows are read, and activations written and read.
        """
        return 4 * (10 * self.kernels + self.batch * (2 * self.units[0] + 3 * sum(self.units[1:])))

    @property
    def steps(self) -> int:
        """Of one trial."""
        return self.epochs * -(-self.n_rows // self.batch)


NETS = {
    "small": Net((64, 64, 64, 10), batch=32, n_rows=1149, epochs=30, trials=30),
    "large": Net((784, 512, 512, 10), batch=256, n_rows=24_576, epochs=2, trials=2),
}
N_VALIDATION = {"small": 288, "large": 256}


def rows_of(net: Net, n_validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Random rows, those of validation behind."""
    rng, n = np.random.default_rng(0), net.n_rows + n_validation
    return rng.random((n, net.units[0]), np.float32), rng.integers(net.units[-1], size=n)


def best_rate(work: float, run: Callable[[], object], repeats: int = 5) -> float:
    """The most work a second."""
    run()
    return work / min(seconds(run) for _ in range(repeats))


def measure_machine(cores: str, size: str) -> Numbers:
    """GFLOP/s and GB/s of so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    n = int(size)
    a = np.random.default_rng(0).random((n, n), np.float32)
    product, long, copy = np.empty_like(a), np.ones(16 * n * n, np.float32), np.ones(16 * n * n, np.float32)
    flops = [best_rate(2 * n**3, lambda: np.matmul(a, a, out=product))]
    bytes_ = [best_rate(2 * long.nbytes, lambda: np.copyto(copy, long))]
    import jax

    matmul = jax.jit(jax.numpy.matmul)
    flops.append(best_rate(2 * n**3, lambda: matmul(a, a).block_until_ready()))
    if installed("torch"):
        from torch import from_numpy, mm, set_num_threads

        set_num_threads(int(cores))
        b, c = from_numpy(a), from_numpy(product)
        flops.append(best_rate(2 * n**3, lambda: mm(b, b, out=c)))
        bytes_.append(best_rate(2 * long.nbytes, lambda: from_numpy(copy).copy_(from_numpy(long))))
    return {"gflops": max(flops) / 1e9, "gbytes": max(bytes_) / 1e9}


def measure_sweep(net: Net, n_validation: int) -> Numbers:
    """Microseconds of a step of one trial and core, in a second sweep of the same shape."""
    from goodfit import Dense, Sequential

    (x, y), n = rows_of(net, n_validation), net.n_rows
    judge: Mapping[str, Any] = {"validation_data": (x[n:], y[n:]), "validation_split": 0.0}
    rates = np.geomspace(1e-5, 1e-3, net.trials)

    def sweep() -> object:
        hidden = [Dense(units, activation="relu") for units in net.units[1:-1]]
        model = Sequential([*hidden, Dense(net.units[-1], activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        numbers = {"l2": L2, "learning_rate": rates, "batch_size": net.batch, "epochs": net.epochs}
        return model.sweep(x[:n], y[:n], **numbers, **judge)

    sweep()
    best = min(seconds(sweep) for _ in range(3))
    return {"us": best * n_cores() / (net.steps * net.trials) * 1e6, "rate": net.steps * net.trials / best}


def measure_torch(net: Net, n_validation: int, threads: int) -> Numbers:
    """The same of one training after the other on so many threads; no loss of the training rows is measured."""
    from torch import from_numpy, nn, no_grad, optim, randperm, set_num_threads

    set_num_threads(threads)
    x, y = (from_numpy(part) for part in rows_of(net, n_validation))
    layers: list[nn.Module] = []
    for n_in, n_out in zip(net.units[:-1], net.units[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    model, loss = nn.Sequential(*layers[:-1]), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), weight_decay=2 * L2)

    def train() -> float:
        for rows in randperm(net.n_rows).split(net.batch):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with no_grad():
            return loss(model(x[net.n_rows :]), y[net.n_rows :]).item()

    train()
    steps = net.steps // net.epochs
    best = min(seconds(train) for _ in range(3))
    return {"us": best * threads / steps * 1e6, "rate": steps / best}


def measure_torch_processes(net: Net, n_validation: int) -> Numbers:
    """As many trainings at once as there are cores, in a process with one thread each."""
    from joblib import Parallel, delayed

    found = Parallel(n_jobs=n_cores())(delayed(measure_torch)(net, n_validation, 1) for _ in range(n_cores()))
    return {"rate": sum(numbers["rate"] for numbers in found)}


MEASURES: dict[str, Callable[[Net, int], Numbers]] = {
    "goodfit": measure_sweep,
    "threads": lambda net, n_validation: measure_torch(net, n_validation, n_cores()),
    "processes": measure_torch_processes,
}


def measure(what: str, *words: str) -> Numbers:
    if what == "machine":
        return measure_machine(*words)
    name, shrink = words
    net = NETS[name]
    net = net._replace(n_rows=net.n_rows // int(shrink), epochs=1) if int(shrink) > 1 else net
    return MEASURES[what](net, N_VALIDATION[name])


def row(net: Net, ours: Numbers, one: Numbers, every: Numbers) -> list[str]:
    """Limits of one core while all of them work: its share of what all can do together."""
    products, moved = (
        1e6 * n_cores() * amount / (1e9 * every[unit])
        for amount, unit in ((net.flops, "gflops"), (net.nbytes, "gbytes"))
    )
    alone = net.flops / (1e3 * one["gflops"])
    limits = [f"{alone:,.1f}", f"{products:,.1f}", f"{moved:,.1f}"]
    return [net.name, f"{ours['us']:,.1f}", *limits, f"{ours['us'] / products:.1f}"]


def main(rounds: int = 3, *, quick: bool = False) -> None:
    """Steps against their limits, and against torch."""
    rounds, shrink, size = (1, "16", "128") if quick else (rounds, "1", "2048")
    cores = tuple(dict.fromkeys(("1", str(n_cores()))))
    kinds = list(MEASURES) if installed("torch") else ["goodfit"]
    turns: dict[str, Callable[[], Numbers]] = {
        n: partial(fresh, MODULE, "machine", n, size, environment=dict.fromkeys(THREADS, n)) for n in cores
    }
    turns |= {f"{kind} {name}": partial(fresh, MODULE, kind, name, shrink) for name in NETS for kind in kinds}
    found = take_turns(turns, rounds=rounds)
    show_limits(found, cores, f"Medians of {rounds} fresh processes each. ")
    if len(kinds) > 1:
        show_rates(found)


def show_limits(found: Mapping[str, Numbers], cores: Sequence[str], note: str) -> None:
    peaks = "; ".join(f"{n} at work: {found[n]['gflops']:,.0f} GFLOP/s, {found[n]['gbytes']:.0f} GB/s" for n in cores)
    show(
        MODULE,
        "A step, and what it must take at least",
        ["µs", "a step and core", "products, one core at work", "products, all at work", "bytes", "× products, all"],
        [row(net, found[f"goodfit {name}"], found[cores[0]], found[cores[-1]]) for name, net in NETS.items()],
        f"{note}Measured peak, cores {peaks}.",
        "Bytes: all that a step reads and writes, at the bandwidth of memory; caches are quicker.",
    )


def show_rates(found: Mapping[str, Numbers]) -> None:
    rows = []
    for name, net in NETS.items():
        ours, *theirs = (found[f"{kind} {name}"]["rate"] for kind in MEASURES)
        rows.append([net.name, *(f"{rate:,.0f}" for rate in (ours, *theirs)), f"{ours / max(theirs):.2f}"])
    columns = [
        "steps/s",
        "goodfit's sweep",
        f"torch, {n_cores()} threads",
        "torch, a process a core",
        "goodfit × faster",
    ]
    show(MODULE, "Steps a second on all cores", columns, rows, "The last column: against the quicker of the two.")


if __name__ == "__main__":
    start(measure, main)
