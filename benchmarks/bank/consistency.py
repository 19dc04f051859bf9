"""Whether the findings of a verdict agree: checked from outside, without the code that makes them agree."""

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from goodfit.diagnosis.findings import Finding, Verdict
from goodfit.diagnosis.observations import Observations


def faults(obs: Observations, verdict: Verdict) -> list[str]:
    """Pairs of findings that pull one argument in opposite directions, and advice that was measured as worse."""
    return [*_opposite(obs, verdict), *_measured_as_worse(obs, verdict)]


def _opposite(obs: Observations, verdict: Verdict) -> Iterator[str]:
    for one, other in combinations(verdict.findings, 2):
        pulls, others = _pulls(obs, one), _pulls(obs, other)
        for argument in pulls.keys() & others.keys():
            if pulls[argument] * others[argument] < 0:
                yield f"{one.code} and {other.code} pull {argument} in opposite directions"


def _measured_as_worse(obs: Observations, verdict: Verdict) -> Iterator[str]:
    """A config of the grid, or a linear model, that is advised although it has no lower validation loss."""
    for finding in verdict.findings:
        config = {"l2": obs.l2, "learning_rate": obs.learning_rate} | dict(finding.change)
        for n in obs.neighbours if {"l2", "learning_rate"} & finding.change.keys() else ():
            same = all(_same(getattr(n, name), config[name]) for name in ("l2", "learning_rate"))
            if same and n.gain < 0:
                yield f"{finding.code} advises {dict(finding.change)}, which is worse by {-n.gain:.3g}"
        linear = obs.linear_difference
        if finding.change.get("hidden") == () and linear is not None and linear[0] > 0:
            yield f"{finding.code} advises a linear model, which is worse by {linear[0]:.3g}"


def _pulls(obs: Observations, finding: Finding) -> dict[str, float]:
    """By argument the sign of its change; of a finer grid the ends beyond which it looks."""
    if finding.change.get("refine"):
        return {name: 1.0 if end == "high" else -1.0 for name, end in obs.edges.items() if name in finding.evidence}
    return {name: _way(getattr(obs, name, None), value) for name, value in finding.change.items()}


def _way(own: Any, value: Any) -> float:  # noqa: ANN401
    if isinstance(value, tuple):
        return float(math.copysign(1, sum(value) - sum(own or ()))) if sum(value) != sum(own or ()) else 0.0
    if isinstance(value, str) or own is None:
        return 0.0
    return float(value > own) - float(value < own)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401
    if one is None or other is None or isinstance(other, str):
        return one is other
    return math.isclose(one, other, rel_tol=1e-6)
