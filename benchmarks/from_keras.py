"""A model of Keras as in the guide, trained by `model.fit` and by `goodfit.from_keras(model).fit`: seconds and losses.

30-64-64-1 on breast_cancer: ReLU, L2 of 0.01 on both hidden layers, Adam, batch 32, validation after each epoch, no
early stopping, so that both make the same steps. Each side runs in a process of its own, and they take turns. Another λ
means a new model for Keras, whose programs contain λ.
"""

from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import goodfit
from benchmarks.harness import Numbers, fresh, installed, seconds, show, start, take_turns

MODULE = "benchmarks.from_keras"
KERAS, OURS, BOTH = "model.fit", "from_keras(model).fit", "difference"
L2, EPOCHS = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0), 50


def model_of(keras: Any, l2: float = 0.01) -> Any:  # noqa: ANN401
    hidden = [keras.layers.Dense(64, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)) for _ in range(2)]
    model = keras.Sequential([keras.Input((30,)), *hidden, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


def measure(side: str, epochs: str) -> Numbers:
    """Seconds of the first fit of a process, of a second one of the same model, and of the grid of λ."""
    import keras

    x, y = load_breast_cancer(return_X_y=True)
    x, y = StandardScaler().fit_transform(x).astype("float32"), y[:, None].astype("float32")
    given: dict[str, Any] = {"validation_data": (x[455:], y[455:]), "epochs": int(epochs), "verbose": 0}
    rows, model = (x[:455], y[:455]), model_of(keras)
    if side == BOTH:
        begin = model.get_weights()
        peer = model.fit(*rows, **given, shuffle=False).history["val_loss"]
        model.set_weights(begin)
        ours = goodfit.from_keras(model).fit(*rows, **given, shuffle=False).history
        return {"difference": float(np.abs(ours["val_loss"] + ours["penalty"] - peer).max())}
    if side == KERAS:
        again = partial(model.fit, *rows, **given)
        models = [model_of(keras, l2) for l2 in L2]
        return {
            "first": seconds(again),
            "warm": min(seconds(again) for _ in range(3)),
            "grid": seconds(lambda: [each.fit(*rows, **given) for each in models]),
        }
    trained = goodfit.from_keras(model)
    again = partial(trained.fit, *rows, **given)
    without_words = {name: value for name, value in given.items() if name != "verbose"}
    return {
        "first": seconds(again),
        "warm": min(seconds(again) for _ in range(3)),
        "grid": seconds(lambda: trained.sweep(*rows, l2=L2, **without_words)),
    }


def main(rounds: int = 3, *, quick: bool = False) -> None:
    """Seconds of both sides, and the largest difference of their validation losses."""
    rounds, epochs = (1, 1) if quick else (rounds, EPOCHS)
    if not installed("keras"):
        return
    found = take_turns({side: partial(fresh, MODULE, side, str(epochs)) for side in (KERAS, OURS, BOTH)}, rounds=rounds)
    peer, ours = found[KERAS], found[OURS]
    rows = [[side, *(f"{numbers[key]:.2f}" for key in ours)] for side, numbers in ((KERAS, peer), (OURS, ours))]
    ratios = ["goodfit × faster", *(f"{peer[key] / ours[key]:.1f}" for key in ours)]
    show(
        MODULE,
        f"A model of Keras, {epochs} epochs of 455 rows",
        ["", "first fit, s", "second fit, s", f"{len(L2)} values of λ, s"],
        [*rows, ratios],
        f"Largest difference of a validation loss, same weights and batches: {found[BOTH]['difference']:.1g}.",
        f"Medians of {rounds} fresh processes each.",
    )


if __name__ == "__main__":
    start(measure, main)
