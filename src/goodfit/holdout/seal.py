"""The seal: which rows are test rows, and a digest of what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from goodfit.errors import ExamError


@dataclass(frozen=True)
class Seal:
    """Numbers of the test rows, from 0, and the SHA-256 of all their cells, read as the kinds of the known rows."""

    rows: tuple[int, ...]
    digest: str

    def to_json(self) -> dict[str, Any]:
        return {"rows": list(self.rows), "digest": self.digest}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The seal of a record; ExamError if it is not one."""
        rows, digest = record.get("rows"), record.get("digest")
        if not isinstance(rows, list) or not rows or not isinstance(digest, str):
            raise ExamError("The record of the sealed test rows is damaged: train again.")
        if not all(type(row) is int and row >= 0 for row in rows):
            raise ExamError("The record of the sealed test rows is damaged: train again.")
        return cls(tuple(rows), digest)
