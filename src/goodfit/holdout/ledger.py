"""The ledger: every opening of the exam, on record."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from goodfit.cards import Card, ShownAsCard
from goodfit.errors import ExamError
from goodfit.files import locked, read_file, write_file
from goodfit.formatting import METRIC_LABELS, numbers
from goodfit.stats import Estimate

MAX_BYTES = 16 << 20
"""Of a ledger that is read: thousands of openings."""
MAX_CLASSES = 20
"""Of a confusion matrix that is kept and shown."""
Confusion = tuple[tuple[int, ...], ...]
_Row = Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(max_length=MAX_CLASSES)]
_Matrix = Annotated[tuple[_Row, ...], Meta(max_length=MAX_CLASSES + 1)]
_Word = Annotated[str, Meta(max_length=100, pattern=r"^[ -~]*$")]


@dataclass(frozen=True, repr=False)
class Opening(ShownAsCard):
    """One opening of the exam, as the ledger keeps it.

    number: from 1. time: UTC, ISO 8601. seal: digest of the test rows. model: its hash. reason: None the first time.
    confusion: number of test rows of each class (first index) predicted as each class (second), in the target's order;
    rows of a class that no known row has come last. () for a quantity, and for more than ``MAX_CLASSES`` classes.
    """

    number: int
    time: str
    seal: str
    model: str
    reason: str | None
    scores: dict[str, Estimate]
    confusion: Confusion = ()

    @property
    def when(self) -> str:
        """The time as people write it."""
        return self.time.replace("T", " ").replace("+00:00", " UTC")

    def _card(self) -> Card:
        times = "first opening" if self.number == 1 else f"opening {self.number}"
        rows = []
        for name, score in self.scores.items():
            found, low, high = numbers(*score)
            rows.append((METRIC_LABELS.get(name, name), found, f"{low} to {high}"))
        facts = [("scored", self.when), *([("reason", self.reason)] if self.reason else [])]
        return Card(f"Exam: {times}", facts, ("metric", "test rows", "95% interval"), rows)


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the ledger. previous: the hash of the line before it, of the first the identity of the run."""

    number: int
    time: _Word
    seal: _Word
    model: _Word
    reason: Annotated[str, Meta(max_length=100_000)] | None
    scores: dict[_Word, tuple[float | None, float | None, float | None]]
    previous: _Word
    hash: _Word
    confusion: _Matrix = ()


@dataclass(frozen=True)
class Ledger:
    """Openings of one sealed test set, one line of JSON each, only ever added to.

    Each line holds the SHA-256 of the line before it and of itself, the first line the identity of its run, so that a
    line that was changed or removed from the middle, and a ledger of another run, are noticed (ExamError). A last line
    that was cut short is the trace of an opening that showed nothing: the next one replaces it. Lines removed from the
    end leave no trace; keep a copy of `head` to notice that too.

    path: the file; None keeps the lines in memory. run: the identity of the run. metrics: those of every opening, if
    they are known.
    """

    path: Path | None = None
    run: str = ""
    metrics: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)

    def openings(self) -> list[Opening]:
        """Return all openings in order; ExamError if the ledger cannot be read or trusted."""
        return [_opening(line) for line in self._records()]

    @property
    def head(self) -> str:
        """The hash of the last line, "" when there is none."""
        records = self._records()
        return records[-1].hash if records else ""

    def add(self, opening: Opening) -> None:
        """Write a line and wait until the disk has it; ExamError if another opening came between, or it cannot be."""
        try:
            with contextlib.nullcontext() if self.path is None else locked(self.path.parent):
                self._add(opening)
        except OSError as error:
            raise ExamError(
                f"The ledger {self.path} cannot be written ({error.strerror}): no score is shown."
            ) from error

    def _add(self, opening: Opening) -> None:
        records = self._records()
        if opening.number != len(records) + 1:
            raise ExamError("The exam was opened by someone else at the same time: look at the ledger, then try again.")
        record = {
            "number": opening.number,
            "time": opening.time,
            "seal": opening.seal,
            "model": opening.model,
            "reason": opening.reason,
            "scores": {name: [_finite(number) for number in score] for name, score in opening.scores.items()},
            "confusion": [list(row) for row in opening.confusion],
            "previous": records[-1].hash if records else self.run,
        }
        lines = [*self._read(), json.dumps(record | {"hash": _hash(record)}, allow_nan=False)]
        if self.path is None:
            self.lines[:] = lines
        else:
            write_file(self.path, "".join(f"{line}\n" for line in lines).encode())

    def _records(self) -> list[_Line]:
        records: list[_Line] = []
        for number, line in enumerate(self._read(), start=1):
            record = _parsed(line)
            previous = records[-1].hash if records else self.run
            if record is None or (record.previous, record.number) != (previous, number) or not self._fits(record):
                raise ExamError(
                    f"Line {number} of the ledger {self.path or 'in memory'} is broken, was changed, or is of another "
                    "run: restore the ledger as it was."
                )
            records.append(record)
        return records

    def _fits(self, record: _Line) -> bool:
        return not self.metrics or set(record.scores) == set(self.metrics)

    def _read(self) -> list[str]:
        """All lines, without one at the end that was cut short."""
        if self.path is None:
            return self.lines
        try:
            *lines, last = read_file(self.path, limit=MAX_BYTES).decode(errors="replace").split("\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ExamError(f"The ledger {self.path} cannot be read ({error.strerror}).") from error
        return lines if _parsed(last) is None else [*lines, last]


def _hash(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _parsed(line: str) -> _Line | None:
    """The line if it is whole and its hash is that of its content."""
    try:
        record = json.loads(line)
        found = msgspec.convert(record, _Line)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return found if record.pop("hash") == _hash(record) else None


def _opening(line: _Line) -> Opening:
    scores = {
        name: Estimate(*[math.nan if number is None else number for number in numbers])
        for name, numbers in line.scores.items()
    }
    return Opening(line.number, line.time, line.seal, line.model, line.reason, scores, line.confusion)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
