"""What a judgement is made of: findings with their evidence, and the verdict that sums them up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Severity = Literal["good", "note", "warning", "serious"]
Word = Literal["underfitting", "good fit", "overfitting", "cannot tell"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
WORDS: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True)
class Finding:
    """One named conclusion.

    Attributes:
        code: its name, e.g. ``overfitting`` or ``rate_too_large``; docs/verdict.md lists them all.
        severity: ``good``, ``note``, ``warning`` or ``serious``.
        sentence: what was found, in plain words.
        evidence: the numbers that carry it, by name.
        advice: one next step in words, or "".
        argument: to be replaced by ``change``.
        change: the next step as keyword arguments of ``goodfit.train``, such as ``{"l2": 0.01}``; {} for none.
    """

    code: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, float]
    advice: str = ""
    argument: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The summary of all findings, about the weights that are given back.

    Attributes:
        word: ``underfitting``, ``good fit``, ``overfitting`` or ``cannot tell``.
        sentence: the word with its reason, in plain words.
        findings: the most severe first.
    """

    word: Word
    sentence: str
    findings: tuple[Finding, ...]

    @property
    def next_step(self) -> Finding | None:
        """What to do about the fit; else the first finding that says what to do; None where none does."""
        advising = [finding for finding in self.findings if finding.argument or finding.advice]
        about_the_fit = [finding for finding in advising if finding.code == self.word.replace(" ", "_")]
        return next(iter([*about_the_fit, *advising]), None)

    def find(self, code: str) -> Finding | None:
        """The finding of this code, if it was made."""
        return next((finding for finding in self.findings if finding.code == code), None)


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The most severe first; equals keep their order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))
