"""The whole training loop once more: NumPy, float64, plain loops, every derivative by hand.

It shares no line and no library with the package, and is what the package is held to. Rows of arrays are examples; a
network is a list of ``Dense``, its weights a list of ``{"kernel": …, "bias": …}``.

    objective of a batch = Σ sᵢ·ℓᵢ / Σ sᵢ + Σ over weight arrays (l2·Σw² + l1·Σ|w|)
"""

from dataclasses import dataclass
from itertools import count, pairwise
from math import inf, sqrt
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Dense:
    """One layer: its activation, and for each weight array the strengths of its penalty."""

    activation: str = "linear"
    l1: tuple[tuple[str, float], ...] = ()
    l2: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class SGD:
    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip: tuple[str, float] | None = None

    def start(self, w):
        return {"v": np.zeros_like(w)}

    def update(self, g, state, *, eta, t):
        state["v"] = self.momentum * state["v"] - eta * g
        return self.momentum * state["v"] - eta * g if self.nesterov else state["v"]


@dataclass(frozen=True)
class Adam:
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    weight_decay: float = 0.0
    clip: tuple[str, float] | None = None

    def start(self, w):
        return {"m": np.zeros_like(w), "v": np.zeros_like(w), "largest": np.zeros_like(w)}

    def update(self, g, state, *, eta, t):
        state["m"] = self.beta_1 * state["m"] + (1 - self.beta_1) * g
        state["v"] = self.beta_2 * state["v"] + (1 - self.beta_2) * g**2
        state["largest"] = np.maximum(state["largest"], state["v"])
        v = state["largest"] if self.amsgrad else state["v"]
        return -eta * sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t) * state["m"] / (np.sqrt(v) + self.epsilon)


# --- network ---------------------------------------------------------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# What comes out of an activation, and the slope of the loss before it from its output a and the slope d behind it.
ACTIVATIONS = {
    "linear": (lambda z: z, lambda a, d: d),
    "relu": (lambda z: np.maximum(z, 0), lambda a, d: d * (a > 0)),
    "tanh": (np.tanh, lambda a, d: d * (1 - a**2)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a, d: d * a * (1 - a)),
    "softmax": (softmax, lambda a, d: a * (d - (a * d).sum(axis=1, keepdims=True))),
}


def forward(layers, weights, x):
    """Inputs of every layer and the output of the last; z of the last layer, before its activation."""
    seen = [x]
    for layer, w in zip(layers, weights, strict=True):
        z = seen[-1] @ w["kernel"] + w.get("bias", 0)
        seen.append(ACTIVATIONS[layer.activation][0](z))
    return seen, z


# --- losses: error of each row, and its slope, by the output f or, for cross-entropies, by the logits z ---------------


def mean_squared_error(y, f, z):
    return ((f - y) ** 2).mean(axis=1), 2 * (f - y) / y.shape[1], "output"


def mean_absolute_error(y, f, z):
    return np.abs(f - y).mean(axis=1), np.sign(f - y) / y.shape[1], "output"


def huber(y, f, z):
    e = f - y
    small = np.abs(e) <= 1
    return (
        np.where(small, e**2 / 2, np.abs(e) - 1 / 2).mean(axis=1),
        np.where(small, e, np.sign(e)) / y.shape[1],
        "output",
    )


def binary_crossentropy(y, f, z):
    return (np.logaddexp(0, z) - y * z).mean(axis=1), (1 / (1 + np.exp(-z)) - y) / y.shape[1], "logits"


def categorical_crossentropy(y, f, z):
    return -(y * np.log(softmax(z))).sum(axis=1), softmax(z) * y.sum(axis=1, keepdims=True) - y, "logits"


def sparse_categorical_crossentropy(y, f, z):
    return categorical_crossentropy(np.eye(z.shape[1])[y], f, z)


LOSSES = {
    each.__name__: each
    for each in (
        mean_squared_error,
        mean_absolute_error,
        huber,
        binary_crossentropy,
        categorical_crossentropy,
        sparse_categorical_crossentropy,
    )
}


# --- one step --------------------------------------------------------------------------------------------------------


def loss_of(layers, loss, weights, x, y, s):
    """Weighted mean of the rows' errors."""
    seen, z = forward(layers, weights, x)
    return float(s @ LOSSES[loss](y, seen[-1], z)[0] / s.sum())


def gradients(layers, loss, weights, x, y, s):
    """Loss and its slope by every weight."""
    seen, z = forward(layers, weights, x)
    errors, d, by = LOSSES[loss](y, seen[-1], z)
    d = d * s[:, None] / s.sum()
    found = []
    for layer, w, (inputs, output) in reversed(list(zip(layers, weights, pairwise(seen), strict=True))):
        if found or by == "output":
            d = ACTIVATIONS[layer.activation][1](output, d)
        slopes = {"kernel": inputs.T @ d, "bias": d.sum(axis=0)}
        found.append({name: slopes[name] for name in w})
        d = d @ w["kernel"].T
    return float(s @ errors / s.sum()), found[::-1]


def penalty(layers, weights):
    total = 0.0
    for layer, w in zip(layers, weights, strict=True):
        total += sum(strength * np.abs(w[name]).sum() for name, strength in layer.l1)
        total += sum(strength * (w[name] ** 2).sum() for name, strength in layer.l2)
    return float(total)


def with_penalty(layers, weights, grads):
    grads = [dict(g) for g in grads]
    for layer, w, g in zip(layers, weights, grads, strict=True):
        for name, strength in layer.l1:
            g[name] = g[name] + strength * np.sign(w[name])
        for name, strength in layer.l2:
            g[name] = g[name] + 2 * strength * w[name]
    return grads


def norm(arrays):
    return sqrt(sum(float((a**2).sum()) for layer in arrays for a in layer.values()))


def clipped(grads, clip):
    kind, bound = clip or ("none", inf)
    limits = {
        "clipvalue": lambda g: np.clip(g, -bound, bound),
        "clipnorm": lambda g: g * min(1, bound / norm([{"": g}])),
        "global_clipnorm": lambda g: g * min(1, bound / norm(grads)),
        "none": lambda g: g,
    }
    return [{name: limits[kind](g) for name, g in layer.items()} for layer in grads]


def updated(optimizer, weights, grads, states, *, eta, t):
    """New weights; decoupled decay is for kernels only."""
    new = []
    for w, g, state in zip(weights, clipped(grads, optimizer.clip), states, strict=True):
        decay = {"kernel": eta * optimizer.weight_decay}
        new.append(
            {
                name: w[name] * (1 - decay.get(name, 0)) + optimizer.update(g[name], state[name], eta=eta, t=t)
                for name in w
            }
        )
    return new


# --- the loop --------------------------------------------------------------------------------------------------------


class Trained(NamedTuple):
    history: dict[str, list[float]]
    weights: list[dict[str, np.ndarray]]
    best_weights: list[dict[str, np.ndarray]]
    best_epoch: int
    stopped: bool


def train(
    layers, loss, optimizer, weights, *, x, y, s, orders, train, validation, patience=inf, min_delta=0.0, schedule=None
):
    """Train on ``orders`` (epochs of batches of row numbers), evaluating ``train`` and ``validation`` each epoch.

    ``schedule`` maps the number of updates made so far to a multiplier of the learning rate.
    """
    schedule = schedule or (lambda step: 1.0)
    states = [{name: optimizer.start(w) for name, w in layer.items()} for layer in weights]
    best, best_epoch, best_weights, wait, history, steps = inf, 0, weights, 0, {}, count()
    for epoch, batches in enumerate(orders, start=1):
        running, weight_sum, squares, moves = 0.0, 0.0, [], []
        for batch in batches:
            value, grads = gradients(layers, loss, weights, x[batch], y[batch], s[batch])
            grads, before, step = with_penalty(layers, weights, grads), weights, next(steps)
            weights = updated(
                optimizer, weights, grads, states, eta=optimizer.learning_rate * schedule(step), t=step + 1
            )
            running, weight_sum = running + s[batch].sum() * value, weight_sum + s[batch].sum()
            squares.append(norm(grads) ** 2)
            moves.append(
                norm([{k: new[k] - old[k] for k in new} for new, old in zip(weights, before, strict=True)]) ** 2
            )
        record = {
            "loss": loss_of(layers, loss, weights, x[train], y[train], s[train]),
            "val_loss": loss_of(layers, loss, weights, x[validation], y[validation], s[validation]),
            "penalty": penalty(layers, weights),
            "running_loss": running / weight_sum,
            "learning_rate": optimizer.learning_rate * schedule(step + 1),
            "gradient_norm": sqrt(np.mean(squares)),
            "update_ratio": sqrt(np.mean(moves)) / norm(weights),
            "weight_norm": norm(weights),
        }
        record["objective"] = record["loss"] + record["penalty"]
        for name, number in record.items():
            history.setdefault(name, []).append(number)
        if record["val_loss"] + min_delta < best:
            best, best_epoch, best_weights, wait = record["val_loss"], epoch, weights, 0
        else:
            wait += 1
            if wait >= patience:
                return Trained(history, weights, best_weights, best_epoch, stopped=True)
    return Trained(history, weights, best_weights, best_epoch, stopped=False)
