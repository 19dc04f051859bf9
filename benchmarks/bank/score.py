"""How often a verdict agrees with the truth: confusion tables, and the numbers that sum them up."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.bank.truth import Labelled
from goodfit.diagnosis.findings import Verdict
from goodfit.diagnosis.verdict import diagnose

WORDS = ("underfitting", "good fit", "overfitting")
RATES = ("too small", "right", "too large")
CANNOT_TELL = "cannot tell"
UNCLEAR = "unclear"


class Pair(NamedTuple):
    """A truth (or ``unclear``, with the side to which it leans) and what was predicted."""

    truth: str
    leaning: str
    said: str


def pairs(labelled: Iterable[Labelled]) -> tuple[list[Pair], list[Pair]]:
    """Words, and rates, of all trainings."""
    words, rates = [], []
    for one in labelled:
        verdict = diagnose(one.obs)
        words.append(Pair(one.word if one.clear_word else UNCLEAR, one.word, verdict.word))
        rates.append(Pair(one.rate if one.clear_rate else UNCLEAR, one.rate, _rate(verdict)))
    return words, rates


def _rate(verdict: Verdict) -> str:
    if verdict.find("rate_too_small"):
        return "too small"
    if verdict.find("rate_too_large") or verdict.find("diverged"):
        return "too large"
    is_open = any("learning_rate" in each.change and each.is_open for each in verdict.comparisons)
    return CANNOT_TELL if is_open else "right"


def confusion(found: Sequence[Pair], truths: Sequence[str], said: Sequence[str]) -> list[list[int]]:
    """How many of each truth (rows) were said to be each thing (columns)."""
    counts = Counter((pair.truth, pair.said) for pair in found)
    return [[counts[truth, word] for word in said] for truth in truths]


def told(found: Iterable[Pair]) -> list[Pair]:
    """Those of which something was said."""
    return [pair for pair in found if pair.said != CANNOT_TELL]


def agreement(found: Sequence[Pair], truths: Sequence[str], *, leaning: bool = False) -> float:
    """Return the mean over the truths of the share that was predicted correctly; "cannot tell" is not correct.

    Of unclear truths nothing is asked, unless ``leaning``: then they count for the side to which they lean.
    """
    shares = []
    for truth in truths:
        said = [pair.said for pair in found if (pair.leaning if leaning else pair.truth) == truth]
        if said:
            shares.append(said.count(truth) / len(said))
    return sum(shares) / len(shares) if shares else float("nan")


def share(found: Sequence[Pair], truth: str, said: Sequence[str]) -> float:
    """How many of a truth were said to be one of these."""
    words = [pair.said for pair in found if pair.truth == truth]
    return sum(word in said for word in words) / len(words) if words else float("nan")
