"""A sweep while it runs: the grid for a person who watches, plain lines for a file."""

import io
import math
from typing import NamedTuple

import numpy as np
import pytest
from rich.console import Console

from goodfit.cli import sweep_progress as module
from goodfit.cli.grid_table import draw_grid
from goodfit.cli.sweep_progress import SweepState, sweep_progress
from goodfit.experiment.settings import Settings

GRID = {"l2": (0.0, 0.1), "learning_rate": (0.001, 0.01)}


class Told(NamedTuple):
    done: int
    trials: int
    seconds: float
    values: np.ndarray
    fold: int = 0
    restored: int = 0
    rung: int = 0


def filled(steps, **settings):
    state = SweepState.of(Settings(**GRID | settings))
    for step in steps:
        state.add(step)
    return state


def shown(*steps, terminal, follows="", **settings):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with sweep_progress(console) as watched:
        watched.begin(Settings(**GRID | settings))
        for step in steps:
            watched.step(step)
        if follows:
            watched.follow(follows)
    return console.file.getvalue()


def test_a_cell_is_the_mean_over_the_seeds_that_have_begun():
    values = np.array([0.4, 0.6, 0.5, math.inf, math.inf, math.inf, 0.1, 0.3])
    means = filled([Told(1, 8, 1.0, values)], seeds=2).means()
    # A first seed of 0.5 alone: the first seeds of the others, 0.25 on average, are 0.1 below their mean of both.
    assert means == pytest.approx({(0.0, 0.001): 0.5, (0.0, 0.01): 0.6, (0.1, 0.01): 0.2})


def test_folds_that_follow_each_other_are_averaged():
    one, two = np.full(4, 0.2), np.full(4, 0.4)
    steps = [Told(2, 8, 1.0, one), Told(4, 8, 2.0, one), Told(4, 8, 3.0, two, 1), Told(8, 8, 4.0, two, 1)]
    assert set(filled(steps[:2], folds=2).means().values()) == {0.2}
    assert filled(steps[:3], folds=2).means() == pytest.approx(dict.fromkeys(filled(steps, folds=2).means(), 0.3))


def test_a_file_gets_no_line_twice_however_long_nothing_changes(monkeypatch):
    seconds = iter(float(second) for second in range(0, 1000, 3))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(seconds))
    values = np.array([0.5, 0.0931, math.inf, math.inf])
    waiting = [Told(1, 4, float(second), values) for second in range(100)]
    lines = shown(*waiting, Told(4, 4, 100.0, values), terminal=False).splitlines()
    assert [line.split(",")[0] for line in lines] == ["1 of 4 trainings done", "4 of 4 trainings done"]


def test_a_file_gets_a_line_after_two_seconds_with_the_time_left(monkeypatch):
    seconds = iter([0.0, 1.0, 2.1, 2.1, 2.2, 2.2])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(seconds))
    values = np.array([0.5, 0.0931, math.inf, math.inf])
    text = shown(Told(0, 4, 1.0, values), Told(1, 4, 2.0, values), Told(4, 4, 2.2, values), terminal=False)
    assert text.splitlines() == [
        "1 of 4 trainings done, lowest validation loss 0.0931, about 6 s left",
        "4 of 4 trainings done, lowest validation loss 0.0931, in 2.2 s",
    ]


def test_nothing_trained_no_line():
    assert shown(terminal=False) == ""


def test_a_terminal_shows_the_grid_filling():
    text = shown(Told(1, 4, 2.0, np.array([0.5, 0.25, math.inf, math.inf])), terminal=True)
    for words in ("1 of 4 done, about 6 s left", "λ \\ rate", "0.5000", "0.2500*", "·", "Ctrl-C"):
        assert words in text


def test_a_terminal_says_what_it_waits_for_before_the_first_step():
    assert "compiling" in shown(terminal=True)


@pytest.mark.parametrize("follows", ["", "writing the report …"])
def test_a_terminal_says_what_follows_the_search_and_a_file_does_not(follows):
    last = Told(4, 4, 2.0, np.array([0.5, 0.25, 0.5, 0.5]))
    on_terminal, in_file = (shown(last, terminal=terminal, follows=follows) for terminal in (True, False))
    assert f"4 of 4 done, {follows or 'measuring the result …'}, 0 s" in on_terminal
    assert "…" not in in_file


def test_more_rates_than_a_line_holds_go_below_each_other():
    rates = [10.0**-power for power in range(9)]
    console = Console(file=io.StringIO(), width=80)
    values = {(0.0, rate): 123456.0 if rate > 0.5 else 0.5 for rate in rates}
    console.print(draw_grid([0.0], rates, values, marks={(0.0, 0.1): "*"}))
    lines = console.file.getvalue().splitlines()
    assert [line.count("λ") for line in lines] == [1, 0, 1, 0]
    assert "1.2e+05" in lines[1] and "0.5000*" in lines[1] and max(map(len, lines)) <= 80
