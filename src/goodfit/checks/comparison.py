"""Whether a random split flatters: rows predicted from rows of their own time or group, and from others alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import goodfit.checks
from goodfit.arrays import Indices, Numbers
from goodfit.checks.check import CheckSeverity
from goodfit.checks.probe_data import ProbeData
from goodfit.checks.thresholds import CheckThresholds

BLOCKS = 5
"""Blocks of neighbouring rows in each comparison; errors within a block may go together."""


class HeldOutComparison(NamedTuple):
    """Rows that were predicted twice: by a model that learned from rows of their kind, and by one that did not."""

    rows: Indices
    block: Indices
    among: Numbers
    apart: Numbers


def compare(probe: ProbeData, rows: Indices, others: Indices, order: Indices) -> HeldOutComparison | None:
    """Predict a random half of ``rows`` from the others alone, and from as many of which some are the other half.

    order: places of ``rows`` in time, or numbers of their groups; neighbours form a block. None where either model
    would see one value of the target only.
    """
    rng = np.random.default_rng(probe.seed)
    chosen = np.zeros(len(rows), bool)
    chosen[rng.permutation(len(rows))[: len(rows) // 2]] = True
    alike, rest = rows[~chosen], rng.permutation(others)
    mixed = np.sort(np.concatenate([alike, rest[: max(0, len(others) - len(alike))]]))[: len(others)]
    if min(np.unique(probe.y[part]).size for part in (mixed, others, rows[chosen])) < 2:
        return None
    places = order[chosen] - order.min()
    return HeldOutComparison(
        rows[chosen],
        places * BLOCKS // (int(np.ptp(order)) + 1),
        goodfit.checks.probe.fitted_outputs(probe, mixed, rows[chosen]),
        goodfit.checks.probe.fitted_outputs(probe, others, rows[chosen]),
    )


def scores_if_flattered(
    probe: ProbeData, comparisons: Sequence[HeldOutComparison | None], name: str, thresholds: CheckThresholds
) -> dict[str, float]:
    """Scores of rows predicted from rows of their kind ("random") and from others alone (``name``).

    {} unless the squared error grows by a part worth reporting, and more than the standard error of the mean over the
    blocks of all comparisons explains.
    """
    done = [each for each in comparisons if each is not None]
    if not done:
        return {}
    rows = np.concatenate([each.rows for each in done])
    blocks = np.concatenate([each.block + BLOCKS * i for i, each in enumerate(done)])
    among, apart = np.concatenate([each.among for each in done]), np.concatenate([each.apart for each in done])
    errors = [((outputs - probe.targets[rows]) ** 2).sum(axis=1) for outputs in (apart, among)]
    if errors[0].mean() <= (1 + thresholds.min_error_growth) * errors[1].mean():
        return {}
    if not _grow(errors[0], errors[1], blocks, thresholds.standard_errors):
        return {}
    outputs = {"random": among, name: apart}
    return {f"{probe.metric}_{key}": goodfit.checks.probe.score(probe, rows, found) for key, found in outputs.items()}


def severity_of(effect: dict[str, float], thresholds: CheckThresholds) -> CheckSeverity:
    """How much a random split flatters."""
    flattered, honest = effect.values()
    return "serious" if flattered - honest >= thresholds.serious_score_loss else "warning"


def _grow(errors: Numbers, base: Numbers, blocks: Indices, standard_errors: float) -> bool:
    """Whether the errors of a block grow on average; in logarithms, since in some blocks they grow beyond measure."""
    rows = np.bincount(blocks)
    means = [(np.bincount(blocks, weights=side) / np.maximum(rows, 1))[rows > 0] for side in (errors, base)]
    little = 0.5 * base.mean() + 1e-12
    ratios = np.log((means[0] + little) / (means[1] + little))
    return bool(ratios.mean() > standard_errors * ratios.std(ddof=1) / np.sqrt(len(ratios)))
