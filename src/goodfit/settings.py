"""The choices of a training on a table, all of them plain values that a run folder can hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from goodfit.data.parts import Split
from goodfit.data.table import Kind
from goodfit.data.target import AskedTask
from goodfit.errors import RecipeError
from goodfit.learning.layers import Dense, Dropout, Layer
from goodfit.learning.optimizers import Optimizer, get_optimizer
from goodfit.learning.regularizers import l2 as l2_penalty
from goodfit.learning.stopping import EarlyStopping
from goodfit.training.recipe import check_count


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The keyword arguments of ``goodfit.train``.

    Attributes:
        l2: λ of the penalty λ·Σw² on every kernel; no ½, independent of the batch size.
        learning_rate: η.
        optimizer: ``adam`` or ``sgd``.
        hidden: units of each hidden layer; empty for a linear model.
        activation: of the hidden layers.
        dropout: share of the hidden outputs set to 0 in training.
        epochs: the most that are run.
        batch_size: rows of one update.
        patience: epochs without improvement of the validation loss after which training stops.
        test_size: share of all rows that is sealed for the exam, or their number; 0 for no exam.
        validation_split: share of the other rows that chooses the epoch.
        split: ``random`` (by class, for classes), ``last``, ``group`` or ``time``.
        group: column whose rows stay together; implies ``split="group"``.
        time: column that orders the rows; implies ``split="time"``.
        seed: of parts, first weights, row orders and dropout.
        task: ``auto``, ``classification`` or ``regression``.
        class_weight: class to weight, 1 for those not named, or ``balanced``; in training and validation.
        kinds: column to kind, where the table was misunderstood.
        drop: columns not to be used.

    Raises:
        RecipeError: a value is outside its range; it is named.
    """

    l2: float = 0.001
    learning_rate: float = 0.001
    optimizer: str = "adam"
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    dropout: float = 0.0
    epochs: int = 200
    batch_size: int = 32
    patience: int = 10
    test_size: float = 0.2
    validation_split: float = 0.2
    split: Split = "random"
    group: str | None = None
    time: str | None = None
    seed: int = 0
    task: AskedTask = "auto"
    class_weight: Mapping[str, float] | str | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        hidden = np.atleast_1d(np.asarray(self.hidden, dtype=object)).tolist()
        object.__setattr__(self, "hidden", tuple(hidden))
        object.__setattr__(self, "drop", tuple(np.atleast_1d(np.asarray(self.drop, dtype=object)).tolist()))
        object.__setattr__(self, "split", self._implied_split())
        for name in ("epochs", "batch_size"):
            check_count(name, getattr(self, name))
        # Building the parts of a training checks the numbers that they are built from.
        self.layers(1, "linear")
        self.make_optimizer()
        self.early_stopping()

    def _implied_split(self) -> Split:
        if self.group is not None and self.time is not None:
            raise RecipeError("give group or time, not both: rows are kept together or in order.")
        implied: Split = "group" if self.group is not None else "time" if self.time is not None else self.split
        if self.split not in ("random", implied):
            raise RecipeError(f"{implied}={getattr(self, str(implied))!r} needs split={implied!r}, not {self.split!r}.")
        if implied in ("group", "time") and getattr(self, implied) is None:
            raise RecipeError(f"split={implied!r} needs the column: {implied}='…'.")
        return implied

    def layers(self, n_outputs: int, output: str) -> tuple[Layer, ...]:
        """Hidden layers, each followed by dropout if there is any, and the last layer; l2 on every kernel."""
        layers: list[Layer] = []
        for units in self.hidden:
            layers.append(Dense(units, activation=self.activation, kernel_regularizer=l2_penalty(self.l2)))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        return (*layers, Dense(n_outputs, activation=output, kernel_regularizer=l2_penalty(self.l2)))

    def make_optimizer(self) -> Optimizer:
        """SGD or Adam with this learning rate."""
        return replace(get_optimizer(self.optimizer), learning_rate=self.learning_rate)

    def early_stopping(self) -> EarlyStopping:
        """On the validation loss, with this patience."""
        return EarlyStopping(patience=self.patience)

    def to_json(self) -> dict[str, Any]:
        """Plain values by name; RecipeError for a splitter object, which no file can hold."""
        if not isinstance(self.split, str):
            raise RecipeError(
                "a run folder cannot hold a splitter object; train without out, or choose a split by name."
            )
        return asdict(self) | {"hidden": list(self.hidden), "drop": list(self.drop)}


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings of these values; RecipeError for a name that is not known."""
    known = [f.name for f in fields(Settings)]
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."
            raise RecipeError(f"{name!r} is not a setting; {hint}")
    return Settings(**values)
