"""The ledger: every opening of the exam, on record."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from goodfit.errors import ExamError
from goodfit.stats import Estimate


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


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the ledger. previous: the hash of the line before it."""

    number: int
    time: str
    seal: str
    model: str
    reason: str | None
    scores: dict[str, tuple[float | None, float | None, float | None]]
    previous: str
    hash: str


@dataclass(frozen=True)
class Ledger:
    """Openings of one sealed test set, one line of JSON each, only ever added to.

    Each line holds the SHA-256 of the line before it and of itself, so that a line that was changed, removed from the
    middle or cut short is noticed (ExamError). Lines removed from the end leave no trace; keep a copy of `head` to
    notice that too. path: the file; None keeps the lines in memory.
    """

    path: Path | None = None
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
            "previous": records[-1].hash if records else "",
        }
        try:
            self._append(json.dumps(record | {"hash": _hash(record)}, allow_nan=False))
        except OSError as error:
            raise ExamError(
                f"The ledger {self.path} cannot be written ({error.strerror}): no score is shown."
            ) from error

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

    def _records(self) -> list[_Line]:
        records: list[_Line] = []
        for number, line in enumerate(self._read(), start=1):
            record = _parsed(line)
            previous = records[-1].hash if records else ""
            if record is None or record.previous != previous or record.number != number:
                raise ExamError(
                    f"Line {number} of the ledger {self.path or 'in memory'} is broken or was changed: "
                    "restore the ledger as it was."
                )
            records.append(record)
        return records

    def _read(self) -> list[str]:
        if self.path is None:
            return self.lines
        if not self.path.exists():
            return []
        try:
            text = self.path.read_bytes().decode(errors="replace")
        except OSError as error:
            raise ExamError(f"The ledger {self.path} cannot be read ({error.strerror}).") from error
        # A line that has no end was cut short, even where what is there of it can be read.
        lines = text.split("\n")
        return lines[:-1] if not lines[-1] else [*lines[:-1], ""]


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
    return Opening(line.number, line.time, line.seal, line.model, line.reason, scores)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _sync_folder(folder: Path) -> None:
    """A new file is safe only when its folder is on disk; Windows has no such call and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
