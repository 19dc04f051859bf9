"""How far a training is, for who watches and for a log."""

import io
import sys
from typing import NamedTuple

import pytest

import goodfit
from goodfit import status_line as module
from goodfit.status_line import StatusLine


class Told(NamedTuple):
    done: int
    trials: int
    seconds: float
    values: tuple = (0.5, 0.25)
    restored: int = 0
    fold: int = 0
    rung: int = 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, tell, *, verbose="auto", seconds=()):
    clock = iter(seconds)
    monkeypatch.setattr(sys, "stderr", stream)
    if seconds:
        monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    line = StatusLine(verbose)
    tell(line)
    line.end()
    return stream.getvalue()


def epochs(line):
    for epoch, val_loss in enumerate((0.8, 0.6, 0.65), start=1):
        line.epoch({"epoch": epoch, "loss": 0.7, "val_loss": val_loss})


def test_a_terminal_has_one_line_that_is_replaced(monkeypatch):
    lines = shown(monkeypatch, Terminal(), epochs).split("\r")
    assert lines[1] == "epoch 1: loss 0.7000, validation loss 0.8000, lowest 0.8000 at epoch 1"
    assert lines[-1] == "epoch 3: loss 0.7000, validation loss 0.6500, lowest 0.6000 at epoch 2\n"


def test_a_notebook_is_watched(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert shown(monkeypatch, stream, epochs).count("\r") == 3


def test_a_log_is_left_alone_unless_asked(monkeypatch):
    assert shown(monkeypatch, io.StringIO(), epochs) == ""
    assert shown(monkeypatch, Terminal(), epochs, verbose=0) == ""


def test_a_log_gets_a_line_every_ten_seconds_and_none_twice(monkeypatch):
    def tell(line):
        for second in range(100):
            line.step(Told(1, 4, float(second)))
        line.step(Told(4, 4, 100.0))

    text = shown(monkeypatch, io.StringIO(), tell, verbose=1, seconds=[3.0 * i for i in range(400)])
    assert text.splitlines() == [
        "1 of 4 trainings done, lowest validation loss 0.2500",
        "4 of 4 trainings done, lowest validation loss 0.2500",
    ]


def test_losses_of_later_folds_are_not_compared_with_those_of_the_first(monkeypatch):
    """Their lowest would rise."""
    text = shown(monkeypatch, Terminal(), lambda line: line.step(Told(3, 5, 8.0, fold=1)))
    assert text.startswith("\r3 of 5 trainings done, about 5 s left\r")


def test_a_terminal_says_how_long_it_takes(monkeypatch):
    text = shown(monkeypatch, Terminal(), lambda line: line.step(Told(3, 5, 8.0, restored=1)))
    first, last = text.split("\r")[1:]
    assert first == "3 of 5 trainings done, lowest validation loss 0.2500, about 8 s left"
    assert last.rstrip(" \n") == "3 of 5 trainings done, lowest validation loss 0.2500"  # nothing is left of the time


def test_a_terminal_says_that_measuring_follows_the_last_training_and_a_log_does_not(monkeypatch):
    last = Told(5, 5, 8.0)
    first, at_the_end = shown(monkeypatch, Terminal(), lambda line: line.step(last)).split("\r")[1:]
    assert first.endswith("0.2500, measuring the result …") and "measuring" not in at_the_end
    assert "measuring" not in shown(monkeypatch, io.StringIO(), lambda line: line.step(last), verbose=1)


def test_anything_else_is_refused():
    with pytest.raises(goodfit.ConfigError, match="verbose must be 'auto', 0 or 1, not 'loud'"):
        goodfit.train("iris", verbose="loud")


@pytest.mark.parametrize("l2", [0.01, (0.0, 0.01)])
def test_a_training_shows_its_end_and_still_tells_who_asks(monkeypatch, l2):
    heard, stream = [], io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    told = {"on_epoch": heard.append, "on_progress": heard.append}
    goodfit.train("iris", l2=l2, learning_rate=0.01, hidden=(), epochs=2, folds=1, verbose=1, **told)
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("epoch 2: loss " if l2 == 0.01 else "2 of 2 trainings done, lowest validation loss ")
    assert heard
