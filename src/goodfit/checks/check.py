"""What a data check finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

CheckSeverity = Literal["note", "warning", "serious"]
CheckCode = Literal["duplicates", "leak", "id", "time_order", "groups", "drift", "rare_class"]
SEVERITIES: tuple[CheckSeverity, ...] = ("serious", "warning", "note")
"""Most severe first."""


@dataclass(frozen=True)
class Check:
    """One thing found in a table before training.

    Attributes:
        code: the check that found it.
        severity: ``serious``, ``warning`` or ``note``.
        columns: what it is about; () where it is about rows.
        rows: how many rows it concerns; 0 where none were counted.
        sentence: what was found and what it means.
        effect: measured scores by name, such as ``auc_with`` and ``auc_without``; {} where nothing was measured.
        change: the fix as keyword arguments of ``goodfit.train``, such as ``{"drop": ["duration"]}``; {} for none.
    """

    code: CheckCode
    severity: CheckSeverity
    columns: tuple[str, ...]
    rows: int
    sentence: str
    effect: Mapping[str, float] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict for JSON."""
        return asdict(self) | {"columns": list(self.columns)}
