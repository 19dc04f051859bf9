"""Classes with too few rows to learn from or to evaluate."""

from collections.abc import Sequence

import numpy as np

from goodfit.arrays import Indices
from goodfit.checks.check import Check
from goodfit.checks.inputs import CheckInputs
from goodfit.formatting import count, join, printable, share


def check_imbalance(data: CheckInputs) -> list[Check]:
    """Find classes with very few rows beside larger ones, and a class that accuracy would not notice."""
    if data.task == "regression":
        return []
    classes, train, validation = _rows_of_classes(data)
    small = train < 0.5 * train.sum() / len(classes)
    few = np.flatnonzero(small & (np.minimum(train, validation) < data.thresholds.min_side_rows))
    if len(few):
        return [_few(data.target, [classes[int(code)] for code in few], train[few], validation[few])]
    rarest = int(train.argmin())
    part = float(train[rarest] / train.sum())
    if data.weighted or part >= min(data.thresholds.rare_share, 0.5 / len(classes)):
        return []
    sentence = (
        f"only {share(part, 1)} of the training rows are of class {printable(_label(classes[rarest]))}, so accuracy is "
        "high even for a model that never predicts it; use balanced accuracy, or balance the class weights."
    )
    change = {"class_weight": "balanced"}
    return [Check("rare_class", "note", (data.target,), int(train[rarest]), sentence, {"share": part}, change)]


def _rows_of_classes(data: CheckInputs) -> tuple[Sequence[object], Indices, Indices]:
    """The classes, and how many training and validation rows each has."""
    n = len(data.splits.train)
    cells = data.table.values(data.target)[np.concatenate([data.splits.train, data.splits.validation])]
    classes, codes = np.unique(cells, return_inverse=True)
    train, validation = (np.bincount(side, minlength=len(classes)) for side in (codes[:n], codes[n:]))
    return list(classes), train, validation


def _few(target: str, labels: Sequence[object], train: Indices, validation: Indices) -> Check:
    one = len(labels) == 1
    names = join((printable(_label(label)) for label in labels), longest=80)
    sentence = (
        f"{'class' if one else 'classes'} {names} of {printable(target)} {'has' if one else 'have'} "
        f"{count(int(train.sum()), 'training row')} and {count(int(validation.sum()), 'validation row')}"
        f"{'' if one else ' together'}: too few to learn {'it' if one else 'them'} or to evaluate what was learned."
    )
    return Check("rare_class", "warning", (target,), int(train.sum() + validation.sum()), sentence)


def _label(label: object) -> object:
    return int(label) if isinstance(label, float) and label.is_integer() else label
