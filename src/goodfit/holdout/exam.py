"""The sealed test set and its ledger.

The test rows are sealed by number and content when the splits are made. Opening them is one explicit call, `open_exam`,
which writes what it found into a ledger before anybody sees it. A second opening needs a reason, and is on record too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Indices
from goodfit.data.table import Table, row_hashes
from goodfit.errors import ExamError
from goodfit.stats import Estimate


@dataclass(frozen=True)
class Seal:
    """The test rows, numbered from 0, and the sha256 of what stands in them, in every column, read as these kinds."""

    rows: tuple[int, ...]
    digest: str

    @classmethod
    def of(cls, table: Table, rows: npt.ArrayLike) -> Seal:
        """Seal these rows of the table; ExamError if there are none."""
        numbers = np.asarray(rows, np.int64)
        if not numbers.size:
            raise ExamError("There are no test rows to seal: make the splits with test_size above 0.")
        return cls(tuple(numbers.tolist()), _digest(table, numbers))

    def verify(self, table: Table) -> None:
        """ExamError unless the table holds in these rows what it held when they were sealed."""
        numbers = np.array(self.rows, np.int64)
        if numbers.max() >= table.n_rows or _digest(table, numbers) != self.digest:
            raise ExamError(
                f"The test rows of {table.source} are not the rows that were sealed: "
                "give the table as it was at training, or train again."
            )

    def to_json(self) -> dict[str, Any]:
        return {"rows": list(self.rows), "digest": self.digest}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Seal:
        """The seal of a record; ExamError if it is not one."""
        rows, digest = record.get("rows"), record.get("digest")
        if not isinstance(rows, list) or not rows or not isinstance(digest, str):
            raise ExamError("The record of the sealed test rows is damaged: train again.")
        if not all(type(row) is int and row >= 0 for row in rows):
            raise ExamError("The record of the sealed test rows is damaged: train again.")
        return cls(tuple(rows), digest)


@dataclass(frozen=True)
class Opening:
    """One opening of the exam, as the ledger keeps it.

    number: from 1. time: UTC, ISO 8601. seal: digest of the test rows. model: its hash. reason: None the first time.
    """

    number: int
    time: str
    seal: str
    model: str
    reason: str | None
    scores: dict[str, Estimate]

    def __str__(self) -> str:
        return f"{self.time}: " + ", ".join(f"{name} {score}" for name, score in self.scores.items())


@dataclass(frozen=True)
class Ledger:
    """Openings of one sealed test set, one line of JSON each, only ever added to.

    Each line holds the sha256 of the line before it and of itself, so that a line that was changed, removed from the
    middle or cut short is noticed (ExamError). Lines removed from the end leave no trace; copy `head` elsewhere to
    notice that too. path: the file; None keeps the lines in memory.
    """

    path: Path | None = None
    lines: list[str] = field(default_factory=list)

    def openings(self) -> list[Opening]:
        """All openings in order; ExamError if the ledger cannot be trusted."""
        return [_opening(record) for record in self._records()]

    @property
    def head(self) -> str:
        """The hash of the last line, "" when there is none."""
        records = self._records()
        return records[-1]["hash"] if records else ""

    def add(self, opening: Opening) -> None:
        """Write a line and wait until the disk has it; ExamError if another opening came between."""
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
            "previous": records[-1]["hash"] if records else "",
        }
        self._append(json.dumps(record | {"hash": _hash(record)}, allow_nan=False))

    def _append(self, line: str) -> None:
        if self.path is None:
            self.lines.append(line)
            return
        new = not self.path.exists()
        with open(self.path, "ab") as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def _records(self) -> list[dict[str, Any]]:
        previous = ""
        records = []
        for number, line in enumerate(self._read(), start=1):
            record = _parsed(line)
            body = {key: value for key, value in record.items() if key != "hash"}
            sound = record.get("hash") == _hash(body) and record.get("previous") == previous
            if not sound or record.get("number") != number:
                raise ExamError(
                    f"Line {number} of the ledger {self.path or 'in memory'} is broken or was changed: "
                    "put back the ledger as it was."
                )
            records.append(record)
            previous = record["hash"]
        return records

    def _read(self) -> list[str]:
        if self.path is None:
            return self.lines
        if not self.path.exists():
            return []
        text = self.path.read_bytes().decode(errors="replace")
        # A line that has no end was cut short, even where what is there of it can be read.
        lines = text.split("\n")
        return lines[:-1] if not lines[-1] else [*lines[:-1], ""]


def open_exam(
    seal: Seal,
    ledger: Ledger,
    score: Callable[[], Mapping[str, Estimate]],
    *,
    table: Table,
    model: str,
    reason: str | None = None,
) -> Opening:
    """Open the sealed test set, once.

    The table must hold the sealed rows unchanged. `score` is called, its result is written into the ledger together
    with the time, the hash of the `model` and the `reason`, and only then returned: nobody sees a score that is not on
    record. Raises ExamError, before `score` is called, if the exam was opened before and no reason is given, if the
    ledger is broken or is that of other test rows, or if the test rows changed.
    """
    earlier = ledger.openings()
    if any(opening.seal != seal.digest for opening in earlier):
        raise ExamError("The ledger is that of other test rows: put back the ledger of this run.")
    why = reason.strip() if reason else ""
    if earlier and not why:
        times = "once" if len(earlier) == 1 else f"{len(earlier)} times"
        raise ExamError(
            f"The exam was opened {times}, last at {earlier[-1]}; a test set that is looked at again no longer tells "
            "the truth, so to open it again give a reason (reason='...', or --reason on the command line)."
        )
    seal.verify(table)
    time = datetime.now(UTC).isoformat(timespec="seconds")
    scores = {name: Estimate(*map(float, estimate)) for name, estimate in score().items()}
    opening = Opening(len(earlier) + 1, time, seal.digest, model, why if earlier else None, scores)
    ledger.add(opening)
    return opening


def _digest(table: Table, rows: Indices) -> str:
    return hashlib.sha256(np.ascontiguousarray(row_hashes(table.take(rows))).tobytes()).hexdigest()


def _hash(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _parsed(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _opening(record: Mapping[str, Any]) -> Opening:
    scores = {
        name: Estimate(*[math.nan if number is None else number for number in numbers])
        for name, numbers in record["scores"].items()
    }
    return Opening(record["number"], record["time"], record["seal"], record["model"], record["reason"], scores)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _sync_folder(folder: Path) -> None:
    """A new file is safe only when its folder is on disk; Windows has no such call and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
