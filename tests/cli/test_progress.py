"""Progress: redrawn for a person who watches, plain lines for a file."""

import io
import math

import pytest
from rich.console import Console

from goodfit.cli import progress as module
from goodfit.cli.progress import Curves, draw_curves, progress

EPOCHS = [{"loss": 0.7, "val_loss": 0.8}, {"loss": 0.5, "val_loss": 0.6}, {"loss": 0.4, "val_loss": 0.65}]


def shown(*, terminal, epochs=EPOCHS, follows=""):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with progress(console) as watched:
        watched.begin(200)
        for record in epochs:
            watched.epoch(record)
        if follows:
            watched.follow(follows)
    return console.file.getvalue()


def test_a_file_gets_the_last_epoch_at_the_least():
    assert shown(terminal=False).splitlines() == [
        "epoch 3 of 200: loss 0.4000, validation loss 0.6500, lowest 0.6000 at epoch 2"
    ]


@pytest.mark.parametrize(("last", "epochs"), [(12.2, [2, 4, 5]), (20.0, [2, 4, 5]), (23.0, [2, 4, 5])])
def test_a_file_gets_a_line_after_two_seconds_then_every_ten_and_the_last_only_once(monkeypatch, last, epochs):
    """Epochs end after 1.9, 2.1, 12.0, 12.2 seconds and at the end."""
    seconds = iter([0.0, 1.9, 2.1, 2.1, 12.0, 12.2, 12.2, last, last])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(seconds))
    lines = shown(terminal=False, epochs=[*EPOCHS, *EPOCHS[1:]]).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"epoch {epoch} of 200" for epoch in epochs]


def test_thousands_have_a_comma():
    assert shown(terminal=False, epochs=EPOCHS * 400).startswith("epoch 1,200 of 200")


def test_no_epoch_no_line():
    assert shown(terminal=False, epochs=[]) == ""


def test_a_terminal_shows_both_losses_and_the_way_out():
    text = shown(terminal=True)
    for words in ("epoch 3 of 200", "loss", "validation loss", "at epoch 2", "Ctrl-C"):
        assert words in text


def test_a_terminal_says_what_follows_the_training_and_a_file_does_not():
    assert "epoch 3 of 200, writing the report …, 0 s" in shown(terminal=True, follows="writing the report …")
    assert "…" not in shown(terminal=False, follows="writing the report …")


def test_a_terminal_says_what_it_waits_for_before_the_first_epoch():
    assert "compiling" in shown(terminal=True, epochs=[])


def test_a_mistake_before_the_first_epoch_leaves_nothing_behind():
    console = Console(file=io.StringIO(), force_terminal=True)
    with pytest.raises(ValueError), progress(console):
        raise ValueError
    assert console.file.getvalue() == ""


def test_a_loss_that_is_no_number_is_never_the_lowest():
    curves = Curves()
    for value in (math.nan, 0.5, math.inf, math.nan):
        curves.add({"loss": value, "val_loss": value})
    assert (curves.best, curves.best_epoch) == (0.5, 2)
    draw_curves(curves)


def test_curves_can_be_drawn_when_no_loss_is_a_number():
    curves = Curves()
    curves.add({"loss": math.nan, "val_loss": math.nan})
    console = Console(file=io.StringIO())
    console.print(draw_curves(curves))
    assert "–" in console.file.getvalue()
