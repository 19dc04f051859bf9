"""The target: class labels as codes, or a quantity standardised; and the way back from predictions."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.arrays import Numbers
from goodfit.cards import MAX_ROWS, Card, ShownAsCard
from goodfit.data.choices import DEFAULT_THRESHOLD, AskedTask
from goodfit.data.features.base import Codes, column_as, read_numbers
from goodfit.data.table import Kind, Table
from goodfit.errors import DataError
from goodfit.formatting import count, join, numbers

if TYPE_CHECKING:
    from goodfit.data.unfamiliar import Unfamiliar

Label = str | int | float
Task = Literal["binary", "multiclass", "regression"]

FEW_CLASSES = 20
"""Whole numbers with at most so many different values are taken as classes."""
MARGIN = 0.5
"""Predictions of a quantity leave the range of the training rows by at most this share of the range."""
FIRST_CLASSES = 6
"""Classes whose probabilities a prediction shows of itself."""
YES = {"yes", "y", "true", "t", "positive", "pos"}


class Baseline(NamedTuple):
    """What a model without columns would predict: the majority class and its share, or the mean and None."""

    prediction: Label
    share: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(ShownAsCard):
    """Predictions of the rows of a table, in their order.

    Attributes:
        values: labels or quantities (n,).
        probabilities: of each class (n, k), in the order of ``classes``; None for a quantity.
        classes: of two the positive one is the second; () for a quantity.
        threshold: of two classes, the probability of the second above which it is predicted.
        unfamiliar: cells unlike all training rows, by column; see ``goodfit.data.unfamiliar``.
    """

    values: npt.NDArray[Any]
    probabilities: Numbers | None = None
    classes: tuple[Label, ...] = ()
    threshold: float = DEFAULT_THRESHOLD
    unfamiliar: tuple[Unfamiliar, ...] = ()

    def _card(self) -> Card:
        n, shown = len(self.values), min(len(self.values), MAX_ROWS)
        header = ("row", "prediction", *(f"p({label})" for label in self.classes[:FIRST_CLASSES]))
        rows = [[f"{row + 1:,}", *self._cells(row)] for row in range(shown)]
        note = f"… and {n - shown:,} more rows." if n > shown else ""
        facts = [*self._facts(), *(("unfamiliar", str(cells)) for cells in self.unfamiliar[:MAX_ROWS])]
        return Card(f"Prediction of {count(n, 'row')}", facts, header, rows, note)

    def _facts(self) -> list[tuple[str, str]]:
        if self.probabilities is not None:
            classes = join([repr(label) for label in self.classes], most=10)
            facts = [("classes", f"{classes}, in the order of the probabilities")]
            chosen = self.threshold != DEFAULT_THRESHOLD
            return facts + [("threshold", f"{self.classes[-1]} above a probability of {self.threshold:.4g}")] * chosen
        if not len(self.values):
            return []
        low, mean, high = numbers(self.values.min(), self.values.mean(), self.values.max())
        return [("range", f"{low} to {high}, mean {mean}")]

    def _cells(self, row: int) -> list[str]:
        if self.probabilities is None:
            return numbers(float(self.values[row]))
        return [str(self.values[row]), *(f"{p:.4f}" for p in self.probabilities[row, :FIRST_CLASSES])]


@dataclass(frozen=True)
class Target:
    """The column to predict; `fit_target` makes it.

    classes: sorted, of a binary target (negative, positive); of all known rows; () for regression.
    mean and scale: of the training rows, 0 and 1 for classes. note: how the task was found. limits: lowest and
    highest prediction of a quantity: half the range of the training rows beyond that range. threshold: of two classes,
    the probability of the positive one above which it is predicted.
    """

    name: str
    task: Task
    kind: Kind
    classes: tuple[Label, ...]
    mean: float
    scale: float
    baseline: Baseline
    note: str = ""
    limits: tuple[float, float] | None = None
    threshold: float = DEFAULT_THRESHOLD

    @property
    def is_of_one_sign(self) -> bool:
        """Whether all values in the training rows are above 0, or all below."""
        if self.limits is None:
            return False
        low, high = (value / 2 for value in self.limits)
        quarter = high / 2 - low / 2
        nearest = max(low + quarter, quarter - high)
        return nearest > 1e-9 * quarter

    def encode(self, table: Table) -> Codes | Numbers:
        """int32 codes (n,) of the classes, 0 and 1 for a binary target; or (value − mean)/scale, float64 (n,).

        DataError naming the rows for missing or infinite cells, and naming the class for one that was never seen.
        """
        column = _complete(table, self.name, self.kind)
        if self.task == "regression":
            return (read_numbers(self.name, column) - self.mean) / self.scale
        return _encode_classes(self.name, column, self.classes)

    def unseen_classes(self, table: Table) -> tuple[Label, ...]:
        """Return the classes in this table that no known row had, sorted."""
        labels = pc.unique(_complete(table, self.name, self.kind)).to_pylist()
        return tuple(sorted(map(_label, set(labels) - set(self.classes))))

    def limit(self, predictions: Numbers) -> Numbers:
        """Return standardised values, cut off at the limits; probabilities as they are.

        A row that is unlike all training rows can send a network anywhere.
        """
        if self.limits is None:
            return predictions
        # Halved, so that the differences of numbers near the largest float do not overflow.
        low, high = ((value / 2 - self.mean / 2) / self.scale for value in self.limits)
        return np.asarray(2 * np.clip(predictions / 2, low, high))

    def decided(self, predictions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return probabilities as certain ones, of 0 and 1, of the label that the threshold decides for.

        predictions: (n, 1), or (n, k) with the negative class first. Those of other targets are returned as they are.
        """
        if self.task != "binary":
            return predictions
        positive = predictions[:, min(1, predictions.shape[1] - 1)] > self.threshold
        if predictions.shape[1] == 1:
            return np.asarray(positive, predictions.dtype)[:, None]
        return np.asarray(np.eye(predictions.shape[1])[np.asarray(positive, int)], predictions.dtype)

    def with_mean(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return standardised values as multiples of the scale, value/scale; classes and probabilities as they are.

        Relative errors need the mean, and squares of the target itself may exceed the range of floats.
        """
        return values.astype(np.float64) + self.mean / self.scale if self.task == "regression" else values

    def decode(self, predictions: npt.ArrayLike) -> Prediction:
        """What a network gives, in the target's own terms.

        Binary: probabilities of the positive class, (n,) or (n, 1), or of both, (n, 2). Multiclass: (n, k). The label
        is the class of the highest probability, the first of equals; of two classes the positive one if its probability
        is above the threshold. Regression: standardised values, (n,) or (n, 1).
        DataError for another shape.
        """
        given = np.asarray(predictions, np.float64)
        width = given.shape[1] if given.ndim == 2 else 1
        allowed = {"regression": (1,), "binary": (1, 2), "multiclass": (len(self.classes),)}[self.task]
        if given.ndim not in (1, 2) or width not in allowed:
            raise DataError(f"predictions of shape {given.shape} do not fit the {self.task} target {self.name!r}.")
        if self.task == "regression":
            return Prediction(given.reshape(-1) * self.scale + self.mean, None)
        if width == 1:
            positive = given.reshape(-1)
            given = np.stack([1 - positive, positive], axis=1)
        codes = (given[:, 1] > self.threshold).astype(int) if self.task == "binary" else given.argmax(axis=1)
        return Prediction(np.array(self.classes)[codes], given, self.classes, self.threshold)


def fit_target(table: Table, name: str, rows: npt.ArrayLike, *, task: AskedTask = "auto") -> Target:
    """Return the target: task and classes by all rows of the table, mean and scale by these rows only.

    task="auto": text and categories are classes; numbers are classes if all are whole and at most 20 differ, else a
    quantity; `Target.note` says which. Positive of two classes is the second in sorted order, but "yes" and "true"
    are always positive. rows: the training part.

    DataError for missing or infinite cells (with their rows), fewer than two classes or a constant quantity in the
    training rows, a date, and for text that differs in more than half of the rows.
    """
    if task not in get_args(AskedTask):
        raise DataError(f"task must be one of {', '.join(get_args(AskedTask))}, not {task!r}.")
    column = table.column(name)
    if column.kind == "date":
        raise DataError(f"column {name!r} holds dates and cannot be the target: choose a class or a number.")
    kind: Kind = "number" if column.kind == "number" or task == "regression" else "category"
    cells = _complete(table, name, kind)
    training = np.asarray(rows, np.int64)
    if kind == "category":
        return _classification(name, kind, cells, training, "")
    values = read_numbers(name, cells, rows=table.row_numbers)
    few = _few_whole(values)
    if task == "classification" or (task == "auto" and few):
        return _classification(name, kind, cells, training, _note(name, few=True) if task == "auto" else "")
    return _regression(name, values[training], _note(name, few=False) if task == "auto" else "")


def _note(name: str, *, few: bool) -> str:
    if few:
        return (f"{name} is taken as classes, since it has whole numbers and at most {FEW_CLASSES} different ones; "
                "task='regression' takes it as a quantity")  # fmt: skip
    return f"{name} is taken as a quantity; task='classification' takes each of its values as a class"


def _few_whole(values: Numbers) -> bool:
    return bool((values == np.floor(values)).all()) and len(np.unique(values)) <= FEW_CLASSES


def _classification(
    name: str, kind: Kind, cells: pa.ChunkedArray, training: npt.NDArray[np.int64], note: str
) -> Target:
    classes = _classes(name, pc.unique(cells).to_pylist(), len(cells))
    counts = np.bincount(_encode_classes(name, cells, classes)[training], minlength=len(classes))
    if np.count_nonzero(counts) < 2:
        raise DataError(
            f"target {name!r} has one class only in the training rows: stratify the parts or give more rows."
        )
    majority = int(counts.argmax())
    task: Task = "binary" if len(classes) == 2 else "multiclass"
    baseline = Baseline(classes[majority], float(counts[majority] / counts.sum()))
    return Target(name, task, kind, classes, 0.0, 1.0, baseline, note)


def _classes(name: str, found: list[Any], n_rows: int) -> tuple[Label, ...]:
    """The classes in order: sorted, with the positive one last of two."""
    labels: list[Label] = sorted(map(_label, found))
    if len(labels) < 2:
        raise DataError(f"target {name!r} has the one class {labels[0]!r} only: choose a column that varies.")
    if len(labels) > FEW_CLASSES and 2 * len(labels) > n_rows:
        raise DataError(
            f"target {name!r} has {len(labels):,} different values in {count(n_rows, 'row')}, too many for classes: "
            "choose another column, or task='regression' if it is a quantity."
        )
    return ordered_classes(labels)


def ordered_classes(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Return classes sorted, with the positive one last of two.

    >>> ordered_classes(["yes", "no"]), ordered_classes(["b", "a"])
    (('no', 'yes'), ('a', 'b'))
    """
    found = sorted(cast(Any, labels))
    yes = [str(label).casefold() in YES for label in found]
    return tuple(found[::-1] if yes == [True, False] else found)


def _label(value: Any) -> Label:  # noqa: ANN401
    return int(value) if isinstance(value, float) and value == int(value) else value


def _regression(name: str, values: Numbers, note: str) -> Target:
    if values.min() == values.max():
        raise DataError(f"target {name!r} is constant in the training rows: choose a column that varies.")
    # A power of two taken out is exact, and keeps the squares of 1e300 and 1e-300 within the range of floats.
    exponent = np.frexp(np.abs(values).max())[1]
    reduced = np.ldexp(values, -exponent)
    mean = float(np.ldexp(reduced.mean(), exponent))
    scale = float(np.ldexp(reduced.std(), exponent))
    return Target(name, "regression", "number", (), mean, scale, Baseline(mean, None), note, limits_of(values))


def limits_of(values: Numbers) -> tuple[float, float]:
    """Return the lowest and the highest prediction of a quantity with these values in training; see `Target`."""
    low, high = values.min() / 2, values.max() / 2
    with np.errstate(over="ignore"):
        beyond = 2 * np.array([low - MARGIN * (high - low), high + MARGIN * (high - low)])
    lowest, highest = np.clip(beyond, -sys.float_info.max, sys.float_info.max).tolist()
    return lowest, highest


def _complete(table: Table, name: str, kind: Kind) -> pa.ChunkedArray:
    """The target column as this kind, without missing cells."""
    column = column_as(table, name, kind)
    if not column.null_count:
        return column
    raise missing_target(name, table.row_numbers[np.flatnonzero(column.is_null().to_numpy())])


def missing_target(name: str, rows: npt.NDArray[np.int64]) -> DataError:
    """Return the error about a target that is missing in these rows, numbered from 0."""
    return DataError(
        f"target {name!r} is missing in rows {join(rows + 1, most=5)} (the first row of data is 1): "
        "fill in or remove these rows."
    )


def _encode_classes(name: str, column: pa.ChunkedArray, classes: tuple[Label, ...]) -> Codes:
    value_set = pa.array(np.array(classes, dtype=object if isinstance(classes[0], str) else np.float64))
    found = pc.index_in(column, value_set=value_set)
    if found.null_count:
        unknown = pc.unique(column.filter(found.is_null())).to_pylist()
        raise DataError(
            f"target {name!r} has the class {unknown[0]!r}, which the training table did not have: "
            f"the classes are {', '.join(map(repr, classes[:10]))}."
        )
    return cast(Codes, found.to_numpy().astype(np.int32, copy=False))
