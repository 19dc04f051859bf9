"""Fashion-MNIST, 784-256-128-10, batch 256: seconds per epoch and peak memory, goodfit against torch.

Both train on 48,000 rows and validate on 12,000 after each epoch; Adam with rate 0.001, λ·Σw² on the kernels with
λ = 0.0001, as many threads as either takes by itself.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness import Numbers, fashion_mnist, fresh, installed, peak, seconds, shared, show, start, take_turns

MODULE = "benchmarks.fashion"
L2, BATCH = 0.0001, 256
Train = Callable[[np.ndarray, np.ndarray, int], float]


def goodfit() -> Train:
    from goodfit import Dense, Sequential, l2

    def train(x: np.ndarray, y: np.ndarray, epochs: int) -> float:
        hidden = [Dense(units, activation="relu", kernel_regularizer=l2(L2)) for units in (256, 128)]
        model = Sequential([*hidden, Dense(10, activation="softmax", kernel_regularizer=l2(L2))])
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        history = model.fit(x, y, validation_split=0.2, split="last", batch_size=BATCH, epochs=epochs, verbose=0)
        return float(history.history["val_accuracy"][-1])

    return train


def torch() -> Train:
    from torch import from_numpy, nn, no_grad, optim, randperm

    def train(x: np.ndarray, y: np.ndarray, epochs: int) -> float:
        n, x, y = len(x) * 4 // 5, from_numpy(x), from_numpy(y)
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
        kernels = [p for name, p in model.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
        optimizer = optim.Adam([{"params": kernels, "weight_decay": 2 * L2}, {"params": biases}], lr=0.001)
        loss = nn.CrossEntropyLoss()
        for _ in range(epochs):
            for rows in randperm(n).split(BATCH):
                optimizer.zero_grad()
                loss(model(x[rows]), y[rows]).backward()
                optimizer.step()
            with no_grad():
                output = model(x[n:])
                loss(output, y[n:]).item()
                accuracy = (output.argmax(1) == y[n:]).float().mean().item()
        return accuracy

    return train


def measure(library: str, folder: str, epochs: str) -> Numbers:
    """Seconds of a warm epoch, accuracy, and the most memory held beyond that of a tiny training, in tables."""
    train = {"goodfit": goodfit, "torch": torch}[library]()
    # What libraries and compiler take for themselves is no matter of the table.
    train(np.zeros((5 * BATCH, 784), np.float32), np.arange(5 * BATCH) % 10, 1)
    before = peak()
    x, y = fashion_mnist(Path(folder), "train")
    read = peak()
    train(x, y, 1)
    accuracies: list[float] = []
    warm = seconds(lambda: accuracies.append(train(x, y, int(epochs)))) / int(epochs)
    in_tables = {"read": (read - before) / x.nbytes, "trained": (peak() - before) / x.nbytes}
    return {"warm": warm, "accuracy": accuracies[0], **in_tables}


def main(rounds: int = 3, *, quick: bool = False) -> None:
    """Seconds of an epoch and memory, beside torch."""
    rounds, epochs = (1, 1) if quick else (rounds, 4)
    folder = shared("fashion_mnist")
    if folder is None:
        return
    names = [name for name in ("goodfit", "torch") if installed(name)]
    turns = {name: partial(fresh, MODULE, name, os.fspath(folder), str(epochs)) for name in names}
    found = take_turns(turns, rounds=rounds)
    rows = [
        [
            name,
            f"{n['warm']:.2f}",
            f"{n['warm'] / found['goodfit']['warm']:.2f}",
            f"{n['accuracy']:.3f}",
            f"{n['read']:.2f}",
            f"{n['trained']:.2f}",
        ]
        for name, n in found.items()
    ]
    show(
        MODULE,
        f"Fashion-MNIST: 784-256-128-10, batch {BATCH}, {epochs} epochs",
        ["", "warm epoch, s", "goodfit × faster", "validation accuracy", "tables, read", "tables, trained"],
        rows,
        f"Medians of {rounds} fresh processes each. The last two columns: the most memory held until the file was read",
        "and until the end, beyond that of a tiny training before, in tables of 60,000 × 784 float32 numbers (188 MB).",
    )


if __name__ == "__main__":
    start(measure, main)
