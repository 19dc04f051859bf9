"""A chapter of the tour: its text, the cell of the program that trains it, and the figure of the result."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from goodfit.reporting.charts.basics import Layer
from goodfit.reporting.trials import Trial, quantiles
from goodfit.training.fit import Training

Names = Mapping[str, Any]
"""Variables of the program so far."""
CELL = re.compile(r"^# %% (\w+)\n", re.MULTILINE)


class Step(NamedTuple):
    """A step of the training cycle: its name, what happens, and a measurement."""

    name: str
    what: str
    measured: str


class Picture(NamedTuple):
    """Sentences computed from the numbers, the charts they describe, and steps shown before them."""

    sentence: str
    charts: Sequence[Layer]
    steps: Sequence[Step] = ()


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        name: of its cell and of its figure.
        heading: its title.
        idea: the concept and how to read the figure; no claim about numbers.
        picture: from the variables of the program to the figure.
    """

    name: str
    heading: str
    idea: str
    picture: Callable[[Names], Picture]


@cache
def cells() -> Mapping[str, str]:
    """The code of each chapter by name, in order."""
    program = (files(__package__) / "program" / "guide.py").read_text(encoding="utf-8")
    _, *found = CELL.split(program)
    return {name: code.strip() for name, code in zip(found[::2], found[1::2], strict=True)}


def trial(training: Training, *, l2: float, learning_rate: float, at_end: bool = False) -> Trial:
    """A training as charts and sentences take it, at its best epoch or at its end."""
    history = training.history
    return Trial(
        number=0,
        l2=l2,
        learning_rate=learning_rate,
        loss=history["loss"],
        val_loss=history.get("val_loss", np.empty(0)),
        best_epoch=history.n_epochs if at_end else training.best_epoch,
        outcome=training.outcome.name.lower(),
        quantiles=quantiles(training.last_params if at_end else training.params),
    )
