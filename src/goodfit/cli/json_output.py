"""Results as plain values for JSON; null where a number is undefined."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import goodfit
from goodfit.cli.results import missing_cells

if TYPE_CHECKING:
    from goodfit.data.table import Table
    from goodfit.data.target import Prediction
    from goodfit.experiment.run_comparison import RunComparison
    from goodfit.holdout.ledger import Opening
    from goodfit.run import Run
    from goodfit.search.parallel import SweepCost

EPOCH_VALUES = ("loss", "val_loss", "penalty", "objective")


def to_json(summary: Mapping[str, Any]) -> str:
    """One JSON object in ASCII, which any terminal and pipe can carry."""
    return json.dumps(_finite(summary), indent=2, allow_nan=False)


def training_summary(run: Run) -> dict[str, Any]:
    """Result of `goodfit train`."""
    record, training = run.record, run.training
    best = training.best_epoch
    row = training.history.row(best) if best else dict.fromkeys(EPOCH_VALUES)
    return {
        "run": str(run.path),
        "outcome": training.outcome.name.lower(),
        "config": run.config,
        "epochs": training.history.n_epochs,
        "best_epoch": best,
        **{name: row[name] for name in EPOCH_VALUES},
        "validation": dict(record.validation_scores),
        "threshold": _threshold(run),
        "baseline": dict(record.baseline_scores),
        "reference_models": {model: dict(scores) for model, scores in record.measurements.reference_scores.items()},
        "target": record.target.name,
        "task": record.target.task,
        "classes": list(record.target.classes),
        "splits": _splits(run),
        "columns": [asdict(column) for column in record.schema],
        "not_used": dict(record.encoder.dropped),
        "settings": record.settings.to_json(),
        "batch_size": record.settings.rows_per_update(len(run.splits.known)),
        "sweep": _sweep(run),
        "ensemble": _ensemble(run),
        "transfer": asdict(run.transfer) if run.transfer else None,
        "checks": [check.to_json() for check in record.measurements.checks],
        "verdict": asdict(goodfit.diagnose(run)),
    }


def estimate_summary(estimate: SweepCost) -> dict[str, Any]:
    """Result of `goodfit train --dry-run`."""
    return estimate._asdict()


def _sweep(run: Run) -> dict[str, Any] | None:
    """Search space, trials and selection; null for a single training."""
    if run.sweep is None:
        return None
    trials = run.sweep.table.to_pylist()
    diverged = sum(trial["outcome"] == "diverged" for trial in trials)
    space = {name: list(values) for name, values in run.settings.space.items()}
    return {"space": space, **asdict(run.sweep.selection), "diverged": diverged, "trials": trials}


def _threshold(run: Run) -> dict[str, Any] | None:
    """The decision threshold of two classes, and what it was chosen for; null for other targets."""
    if run.record.target.task != "binary":
        return None
    found = {"value": run.record.target.threshold}
    return found if run.decision is None else found | {"chosen": asdict(run.decision)}


def _ensemble(run: Run) -> dict[str, Any] | None:
    """Members and cross-fitted scores; null for a single network."""
    if (kept := run.ensemble) is None:
        return None
    return {
        "networks": kept.n_networks,
        "members": [member._asdict() for member in kept.members],
        "rows": kept.n_rows,
        "temperature": kept.temperature,
        "loss": kept.loss,
        "standard_error": kept.standard_error,
        "scores": {name: estimate._asdict() for name, estimate in kept.scores.items()},
        "selected": dict(kept.selected_scores),
        "baseline": dict(kept.baseline_scores),
    }


def exam_summary(run: Run, opening: Opening) -> dict[str, Any]:
    """Result of `goodfit test`."""
    return {
        "run": str(run.path),
        "opening": opening.number,
        "time": opening.time,
        "reason": opening.reason,
        "rows": len(run.splits.test),
        "test": {name: estimate._asdict() for name, estimate in opening.scores.items()},
        "classes": list(run.record.target.classes),
        "confusion": opening.confusion,
        "known_rows" if run.ensemble else "validation": dict(run.record.known_scores),
        "baseline": dict(run.record.known_baseline_scores),
    }


def comparison_summary(found: RunComparison) -> dict[str, Any]:
    """Result of `goodfit compare`."""
    return asdict(found) | {"sentence": found.sentence}


def prediction_summary(run: Run, table: Table, prediction: Prediction, out: Path) -> dict[str, Any]:
    """Result of `goodfit predict`."""
    return {
        "run": str(run.path),
        "out": str(out),
        "rows": len(prediction.values),
        "classes": list(run.record.target.classes),
        "ignored_columns": list(run.record.encoder.extra(table)),
        "missing_cells": missing_cells(run, table),
        "unfamiliar_cells": [asdict(cells) for cells in prediction.unfamiliar],
    }


def _splits(run: Run) -> dict[str, Any]:
    splits = run.splits
    sizes = {name: len(rows) for name, rows in splits.arrays().items()}
    whole = {"whole_table": asdict(run.record.streamed)} if run.record.streamed else {}
    return {**sizes, "rule": splits.rule, "seed": splits.seed, **whole}


def _finite(value: Any) -> Any:  # noqa: ANN401
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
