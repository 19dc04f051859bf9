"""What a diagnosis is made of: findings with their evidence, and the verdict that sums them up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from goodfit.cards import MAX_ROWS, Card, ShownAsCard
from goodfit.diagnosis.comparisons import Comparison
from goodfit.formatting import count

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
        sentence: what was found.
        evidence: the numbers behind it, by name.
        advice: the next step in words, or "".
        change: the next step as keyword arguments of ``goodfit.train``, such as ``{"l2": 0.01}``; {} for none.
    """

    code: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, float]
    advice: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Verdict(ShownAsCard):
    """The summary of all findings, about the restored weights.

    Attributes:
        word: ``underfitting``, ``good fit``, ``overfitting`` or ``cannot tell``.
        sentence: the reason for the word.
        findings: the most severe first.
        comparisons: every alternative that the training was compared with, on which word and findings rest.
    """

    word: Word
    sentence: str
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = ()

    @property
    def next_step(self) -> Finding | None:
        """The finding about the fit if it advises anything, else the first that does; None where none does."""
        advising = [finding for finding in self.findings if finding.change or finding.advice]
        about_the_fit = [finding for finding in advising if finding.code == self.word.replace(" ", "_")]
        return next(iter([*about_the_fit, *advising]), None)

    def find(self, code: str) -> Finding | None:
        """Return the finding of this code, or None."""
        return next((finding for finding in self.findings if finding.code == code), None)

    def _card(self) -> Card:
        others = [(each.severity, each.sentence) for each in self.findings if each.sentence != self.sentence]
        left = len(others) - MAX_ROWS
        more = f"… and {count(left, 'more finding')}." if left > 0 else ""
        step = self.next_step
        keywords = [", ".join(f"{name}={found!r}" for name, found in step.change.items())] if step else []
        advice = [("next step", text) for text in (keywords and keywords[0], step and step.advice) if text][:1]
        return Card(f"Verdict: {self.word}", [("reason", self.sentence), *others[:MAX_ROWS], *advice], note=more)


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Sort the most severe first; equals keep their order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))
