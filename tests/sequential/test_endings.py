"""How a training ends, what is shown meanwhile, and what a new number costs."""

import os
import signal
import threading

import numpy as np
import pytest

from goodfit import (
    SGD,
    Adam,
    EarlyStopping,
    Outcome,
)
from tests.sequential.models import (
    CLASS,
    QUANTITY,
    X,
    binary,
    linear,
)


@pytest.mark.parametrize("restore", [True, False])
def test_divergence_is_an_outcome_and_the_weights_stay_finite(restore):
    model = linear(optimizer=SGD(1e6))
    stopping = EarlyStopping(patience=50, restore_best_weights=restore)
    training = model.fit(X, QUANTITY, epochs=100, validation_split=0.2, callbacks=[stopping])
    assert training.outcome == Outcome.DIVERGED
    assert len(training.history["loss"]) < 100
    assert "learning rate" in training.outcome.text
    assert all(np.isfinite(w).all() for w in model.get_weights())


def press_ctrl_c_soon(record):
    if record["epoch"] == 1:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_keeps_the_best_weights():
    model = binary()
    validation = (X[40:], CLASS[40:])
    training = model.fit(X[:40], CLASS[:40], validation_data=validation, epochs=200_000, callbacks=press_ctrl_c_soon)
    assert training.outcome == Outcome.STOPPED_BY_USER
    assert 1 < len(training.history["loss"]) < 200_000
    assert model.evaluate(*validation) == pytest.approx(min(training.history["val_loss"]), abs=1e-6)


def test_functions_are_told_of_every_epoch():
    told = []
    training = binary().fit(X, CLASS, validation_split=0.2, epochs=4, callbacks=told.append)
    assert [record["epoch"] for record in told] == [1, 2, 3, 4]
    assert [record["val_loss"] for record in told] == training.history["val_loss"].tolist()


@pytest.mark.parametrize(
    ("verbose", "epochs"), [("auto", []), (0, []), (1, ["2/9"]), (True, ["2/9"]), (2, ["1/9", "2/9"])]
)
def test_progress_goes_to_a_log_as_loud_as_asked(verbose, epochs, capsys):
    """One line is not replaced there: it comes every ten seconds and at the end."""
    stopping = EarlyStopping(patience=1, min_delta=10)
    binary().fit(X, CLASS, epochs=9, validation_split=0.2, callbacks=[stopping], verbose=verbose)
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert (shown.out, [line.split("  ")[0] for line in lines]) == ("", [f"epoch {epoch}" for epoch in epochs])
    assert all("val_loss" in line and "penalty" in line for line in lines)
    assert "\r" not in shown.err


@pytest.mark.parametrize(("verbose", "last"), [("auto", ""), (1, "3 of 3 trainings done, lowest validation loss ")])
def test_a_sweep_shows_how_far_it_is(verbose, last, capsys):
    told = []
    binary().sweep(X, CLASS, l2=[0, 0.01, 0.1], epochs=2, on_progress=told.append, verbose=verbose)
    shown = capsys.readouterr().err.splitlines()
    assert [line.startswith(last) for line in shown] == [True] * bool(last)
    assert told[-1].done == 3


def test_two_decays_are_warned_of_where_they_are_asked_for_and_nowhere_else(asked):
    model = binary(optimizer=Adam(weight_decay=0.1))
    with pytest.warns(UserWarning, match="weight_decay and an l2 regularizer") as caught:
        model.fit(X, CLASS)
    assert caught[0].filename == __file__
    model.evaluate(X, CLASS)
    model.predict(X)


def use(*, strength, rate, learning_rate, patience, seed, class_weight, epochs):
    """Everything that is done with a model, with these numbers."""
    model = binary(strength=strength, rate=rate, optimizer=Adam(learning_rate), metrics=["accuracy"], seed=seed)
    stopping = EarlyStopping(patience=patience)
    training = model.fit(X, CLASS, validation_split=0.2, epochs=epochs, class_weight=class_weight, callbacks=[stopping])
    model.evaluate(X, CLASS)
    model.predict(X)
    return training.history["loss"][0]


NUMBERS = {
    "strength": (0.01, 0),
    "rate": (0.2, 0.0),
    "learning_rate": (0.001, 1),
    "patience": (3, 5.0),
    "seed": (0, 7),
    "class_weight": (None, {0: 3}),
    "epochs": (2, 40),
}


def test_a_new_number_compiles_nothing(compiled):
    numbers = {name: values[0] for name, values in NUMBERS.items()}
    use(**numbers)
    compiled.clear()
    for name, (_, other) in NUMBERS.items():
        use(**numbers | {name: other})
        assert compiled == [], name
