"""A chapter of the tour: its words, the cell of the program that trains it, and the picture of what came out."""

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
"""What the program of the tour has named so far."""
CELL = re.compile(r"^# %% (\w+)\n", re.MULTILINE)


class Step(NamedTuple):
    """A step of the training cycle: its name, what happens, and what was measured of it."""

    name: str
    what: str
    measured: str


class Picture(NamedTuple):
    """What to see, in sentences computed from the numbers, and the charts that show it; steps stand before them."""

    sentence: str
    charts: Sequence[Layer]
    steps: Sequence[Step] = ()


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        name: of its cell, and of its picture on the page.
        heading: what it is about.
        idea: what the guide means by it, and how the picture is read; no claim about numbers.
        picture: from what the program has named to the picture.
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
    """A training as charts and sentences read it, at its best epoch or at its end."""
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
