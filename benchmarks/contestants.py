"""The same small training in goodfit, Keras, torch and scikit-learn, each the usual way of its library.

All learn from the same rows and validate on the same rows after every epoch: batch 32, Adam, and λ·Σw² on the kernels,
by default with rate and λ of 0.001; in scikit-learn that λ is alpha = 2·batch·λ, in torch a weight_decay of 2·λ.
Each function imports its library when called, and gives two more: one trains a new network, the other a warm one.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

L2, RATE, BATCH, EPOCHS, N_TRAIN, N_VALIDATION = 0.001, 0.001, 32, 30, 1149, 288
Data = Mapping[str, np.ndarray]
Train = Callable[..., object]
"""Takes l2 and rate, unless it trains a warm network whose numbers are in its program."""
Trainings = tuple[Train, Train]


def save_digits(path: Path) -> None:
    """The first two parts of 64 / 16 / 20 % of scikit-learn's digits, pixels from 0 to 1, as one file for all."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))
    train, validation = rows[:N_TRAIN], rows[N_TRAIN : N_TRAIN + N_VALIDATION]
    x = (x / 16).astype(np.float32)
    np.savez(path, x=x[train], y=y[train], x_val=x[validation], y_val=y[validation])


def goodfit(d: Data, epochs: int) -> Trainings:
    from goodfit import Adam, Dense, Sequential
    from goodfit import l2 as penalty

    def train(l2: float = L2, rate: float = RATE) -> object:
        hidden = [Dense(64, activation="relu", kernel_regularizer=penalty(l2)) for _ in range(2)]
        model = Sequential([*hidden, Dense(10, activation="softmax", kernel_regularizer=penalty(l2))])
        model.compile(Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
        validation = d["x_val"], d["y_val"]
        return model.fit(d["x"], d["y"], validation_data=validation, batch_size=BATCH, epochs=epochs, verbose=0)

    return train, train


def keras(d: Data, epochs: int) -> Trainings:
    from keras import Input, Sequential
    from keras.layers import Dense
    from keras.optimizers import Adam
    from keras.regularizers import L2 as Penalty

    models = []

    def train(l2: float = L2, rate: float = RATE) -> object:
        hidden = [Dense(64, activation="relu", kernel_regularizer=Penalty(l2)) for _ in range(2)]
        last = Dense(10, activation="softmax", kernel_regularizer=Penalty(l2))
        models.append(Sequential([Input((64,)), *hidden, last]))
        models[-1].compile(Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return again()

    def again() -> object:
        # Every new Keras model is compiled anew; the speed of its steps shows in a second fit of the same model.
        validation = d["x_val"], d["y_val"]
        return models[-1].fit(d["x"], d["y"], validation_data=validation, batch_size=BATCH, epochs=epochs, verbose=0)

    return train, again


def torch(d: Data, epochs: int, *, threads: int | None = None) -> Trainings:
    from torch import from_numpy, nn, no_grad, optim, randperm, set_num_threads

    if threads is not None:
        set_num_threads(threads)

    x, y, x_val, y_val = (from_numpy(d[name]) for name in ("x", "y", "x_val", "y_val"))

    def train(l2: float = L2, rate: float = RATE) -> object:
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        kernels = [p for name, p in model.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
        optimizer = optim.Adam([{"params": kernels, "weight_decay": 2 * l2}, {"params": biases}], lr=rate)
        loss, history = nn.CrossEntropyLoss(), []
        for _ in range(epochs):
            for rows in randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                loss(model(x[rows]), y[rows]).backward()
                optimizer.step()
            with no_grad():
                output = model(x_val)
                history.append((loss(output, y_val).item(), (output.argmax(1) == y_val).float().mean().item()))
        return history

    return train, train


def scikit_learn(d: Data, epochs: int) -> Trainings:
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    classes = sorted(set(d["y"].tolist()))

    def train(l2: float = L2, rate: float = RATE) -> object:
        model = MLPClassifier((64, 64), alpha=2 * BATCH * l2, batch_size=BATCH, learning_rate_init=rate)
        history = []
        for _ in range(epochs):
            # One epoch. fit(early_stopping=True) would draw its own validation rows, and look at their accuracy only.
            model.partial_fit(d["x"], d["y"], classes=classes)
            p = model.predict_proba(d["x_val"])
            history.append((log_loss(d["y_val"], p, labels=classes), (p.argmax(1) == d["y_val"]).mean()))
        return history

    return train, train


CONTESTANTS = {
    "goodfit": goodfit,
    "Keras on JAX": keras,
    "torch": torch,
    "torch, one thread": partial(torch, threads=1),
    "scikit-learn": scikit_learn,
}
PACKAGES = {"Keras on JAX": "keras", "torch, one thread": "torch"}
"""What must be installed, where the contestant is not called by that name."""
