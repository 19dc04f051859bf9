"""The exam: the test rows scored once, on record."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.table import Table
from goodfit.data.target import Target
from goodfit.errors import ExamError
from goodfit.formatting import count, join
from goodfit.holdout.ledger import Confusion, Ledger, Opening
from goodfit.holdout.seal import Seal
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.stats import Estimate

Array = npt.NDArray[Any]


class Result(NamedTuple):
    """Metrics of the test rows, and of classes how many rows of each are predicted as each; see ``Opening``."""

    scores: Mapping[str, Estimate]
    confusion: Confusion = ()


Score = Callable[[Table], Result]


class ScoredRows(NamedTuple):
    """Truth of the test rows, and the network's predictions of them, as metrics take them."""

    truth: Array
    predicted: Array


def open_exam(
    seal: Seal, ledger: Ledger, score: Score, *, sealed: SealedRows, model: str, reason: str | None = None
) -> Opening:
    """Open the sealed test rows, once.

    ``score`` gets the test rows; its result is written to the ledger together with the time, the hash of the ``model``
    and the ``reason``, and only then returned, so that nobody sees a score that is not on record.

    Raises:
        ExamError: before ``score`` is called: the exam was opened before and no reason is given, the ledger is broken
            or belongs to other test rows, or the test rows have changed.
    """
    earlier = ledger.openings()
    if any(opening.seal != seal.digest for opening in earlier):
        raise ExamError("The ledger belongs to other test rows: restore the ledger of this run.")
    why = reason.strip() if reason else ""
    if earlier and not why:
        times = "once" if len(earlier) == 1 else f"{len(earlier):,} times"
        raise ExamError(
            f"The test rows were scored {times}, last on {earlier[-1].when}. Scores of test rows that are used "
            "repeatedly are too good: to score them again, give a reason='...'."
        )
    rows = sealed.open(seal)
    time = datetime.now(UTC).isoformat(timespec="seconds")
    result = score(rows)
    scores = {name: Estimate(*map(float, estimate)) for name, estimate in result.scores.items()}
    opening = Opening(len(earlier) + 1, time, seal.digest, model, why if earlier else None, scores, result.confusion)
    ledger.add(opening)
    return opening


def score_rows(rows: Table, target: Target, predict: Callable[[Table], Array]) -> ScoredRows:
    """Return truth and predictions of the test rows.

    A feature that is infinite counts as missing. A class that no known row has cannot be predicted: it gets probability
    0, so that its rows count as wrong. Both are said in a warning.

    predict: probabilities or standardised values (rows, outputs).
    """
    predicted = predict(_finite(rows, target.name))
    if target.task == "regression":
        return ScoredRows(np.asarray(target.encode(rows))[:, None], predicted)
    full = replace(target, classes=target.classes + target.unseen_classes(rows))
    n_unseen = len(full.classes) - len(target.classes)
    if not n_unseen:
        return ScoredRows(np.asarray(target.encode(rows)), predicted)
    truth = full.encode(rows)
    wrong = count(int((truth >= len(target.classes)).sum()), "test row")
    names = join([repr(label) for label in full.classes[len(target.classes) :]], most=5)
    warnings.warn(f"{wrong} of a class that no known row has ({names}) counted as wrong.", UserWarning, stacklevel=2)
    if predicted.shape[1] == 1:
        predicted = np.concatenate([1 - predicted, predicted], axis=1)
    return ScoredRows(truth, np.pad(predicted, ((0, 0), (0, n_unseen))))


def _finite(rows: Table, target: str) -> Table:
    """The rows with infinite features as missing cells."""
    arrow = rows.arrow
    for i, column in enumerate(rows.schema):
        if column.kind != "number" or column.name == target:
            continue
        infinite = pc.is_inf(arrow[i])
        if pc.any(infinite).as_py():
            cells = count(pc.sum(infinite).as_py(), "test row")
            warnings.warn(f"column {column.name!r} is infinite in {cells}: counted as missing.", stacklevel=2)
            arrow = arrow.set_column(i, column.name, pc.if_else(infinite, pa.scalar(None, pa.float64()), arrow[i]))
    return replace(rows, arrow=arrow)
