"""A run in memory, as ``save_run`` writes it and ``load_run`` restores it."""

import platform
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pyarrow as pa

from goodfit.cards import Card, ShownAsCard
from goodfit.data.encoder import Encoder
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Column
from goodfit.data.target import Target
from goodfit.experiment.decision import Decision
from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.measure import Measurements
from goodfit.experiment.out_of_fold import OutOfFold
from goodfit.experiment.settings import Settings
from goodfit.files import FileMark
from goodfit.formatting import count
from goodfit.holdout.block_partition import SplitSizes
from goodfit.holdout.seal import Seal
from goodfit.nn.arrays import Params
from goodfit.search.selection import Selection, selection_card
from goodfit.training.fit import Training
from goodfit.training.history import History

PACKAGES = ("goodfit", "jax", "jaxlib", "numpy", "pyarrow", "scikit-learn")
SHARES = np.linspace(0, 1, 201)
"""Of which quantiles of the weights are kept."""


@dataclass(frozen=True)
class Record:
    """What a run folder holds, but for the ledger.

    source: where the table can be read again, a path or a built-in name, or "" for one that was in memory.
    source_file: size and SHA-256 of that file; None where there is none. machine: on which it was, see ``machine``.
    fingerprint: of the table's content. n_rows: of the table. schema: its columns as they were understood.
    seal: None without test rows. measurements: what was measured of the network, with metrics of the validation rows.
    transfer: what an earlier network bought, if there was one. streamed: sizes of the splits of a table that was read
    in blocks, of which ``splits`` are a sample.
    """

    settings: Settings
    source: str
    source_file: FileMark | None
    machine: str
    fingerprint: str
    n_rows: int
    schema: tuple[Column, ...]
    splits: Splits
    encoder: Encoder
    target: Target
    seal: Seal | None
    training: Training
    sweep: "SweepRecord | None"
    ensemble: KeptEnsemble | None
    measurements: Measurements
    created: str
    versions: Mapping[str, str]
    transfer: Transfer | None = None
    streamed: SplitSizes | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """Number of training, validation and test rows of the table, of which ``splits`` may be a sample."""
        if self.streamed is not None:
            return {name: getattr(self.streamed, name) for name in self.splits.arrays()}
        return {name: len(rows) for name, rows in self.splits.arrays().items()}

    @property
    def validation_scores(self) -> dict[str, float]:
        """Metrics of the validation rows, by the network, in the target's own unit."""
        return {name: value for name, (value, *_) in self.measurements.intervals.items()}

    @property
    def baseline_scores(self) -> Mapping[str, float]:
        """The same metrics by a model without columns."""
        return self.measurements.baseline_scores

    @property
    def known_scores(self) -> Mapping[str, float]:
        """Metrics of what predicts: of the ensemble on all known rows, or of the network on the validation rows."""
        if self.ensemble is None:
            return self.validation_scores
        return {name: value for name, (value, *_) in self.ensemble.scores.items()}

    @property
    def known_baseline_scores(self) -> Mapping[str, float]:
        """The same metrics of the same rows by a model without columns."""
        return self.baseline_scores if self.ensemble is None else self.ensemble.baseline_scores

    @property
    def measured(self) -> Measurements | KeptEnsemble:
        """What has confusion matrix, calibration and residuals of what predicts, on the rows that judged it."""
        return self.measurements if self.ensemble is None else self.ensemble

    @property
    def all_known_judge(self) -> bool:
        """Whether every training and validation row judged what predicts, as in a cross-validation."""
        return self.n_judging == len(self.splits.known)

    @property
    def n_judging(self) -> int:
        """Number of rows that judged what predicts."""
        return len(self.splits.validation) if self.ensemble is None else self.ensemble.n_rows

    @property
    def out_of_fold(self) -> OutOfFold | None:
        """Loss of every row that judged what predicts."""
        return self.measurements.out_of_fold if self.ensemble is None else self.ensemble.out_of_fold

    @property
    def decision(self) -> Decision | None:
        """The threshold of what predicts, if it was chosen on out-of-fold rows."""
        return self.measurements.decision if self.ensemble is None else self.ensemble.decision

    @property
    def config(self) -> dict[str, float]:
        """l2 and learning rate of the training itself: of a sweep those of the trial that won."""
        if self.sweep is not None:
            return dict(self.sweep.selection.chosen.config)
        return {name: values[0] for name, values in self.settings.space.items()}


@dataclass(frozen=True, repr=False)
class SweepRecord(ShownAsCard):
    """What a run folder holds of a sweep.

    table: one row for each trial, see ``goodfit.search.sweep.Sweep``. curves: one row for each trial and epoch,
    with the columns of ``History``. weights: for each trial the quantiles of all its kernel weights at the best epoch,
    as ``trial``, ``share`` (0 … 1) and ``weight``. selection: which configuration won, and how sure that is.
    n_planned: number of trials that the sweep has if it is not interrupted.
    """

    table: pa.Table
    curves: pa.Table
    weights: pa.Table
    selection: Selection
    n_planned: int

    @property
    def is_complete(self) -> bool:
        """Whether every planned trial was trained to its end."""
        outcomes = self.table["outcome"].to_pylist()
        return len(outcomes) == self.n_planned and not {"stopped_by_user", "out_of_time"} & set(outcomes)

    @property
    def n_folds(self) -> int:
        """Number of folds by which the selected config was judged."""
        return len({self.table["fold"][number].as_py() for number in self.selection.chosen.trials})

    @property
    def n_contenders(self) -> int:
        """Number of configs that were trained on the rung and on as many folds and seeds as the selected one."""
        rows = [row for row in self.table.to_pylist() if row["rung"] == self.rung]
        n_trials = Counter(tuple(row[name] for name in self.selection.chosen.config) for row in rows)
        return sum(n >= len(self.selection.chosen.trials) for n in n_trials.values())

    @property
    def rung(self) -> int:
        """The rung on which the selected config was judged."""
        return int(self.table["rung"][self.selection.trial].as_py())

    @property
    def rungs(self) -> list[tuple[int, int]]:
        """The number of training rows, and of configs, of each rung; empty where there is one."""
        names = list(self.selection.chosen.config)
        found: dict[tuple[int, int], set[tuple[float, ...]]] = {}
        for row in self.table.to_pylist():
            found.setdefault((row["rung"], row["train_rows"]), set()).add(tuple(row[name] for name in names))
        return [(n_rows, len(configs)) for (_, n_rows), configs in found.items()] if max(found)[0] else []

    def _card(self) -> Card:
        return selection_card(f"Sweep of {count(self.table.num_rows, 'trial')}", self.selection)

    @property
    def choice(self) -> Selection:
        """The old name of ``selection``."""
        warnings.warn("sweep.choice is now called sweep.selection.", DeprecationWarning, stacklevel=2)
        return self.selection


def curves_table(histories: Sequence[History]) -> pa.Table:
    """The histories of all trials below each other, with ``trial`` and ``epoch``."""
    lengths = [history.n_epochs for history in histories]
    columns = {
        "trial": np.repeat(np.arange(len(histories)), lengths),
        "epoch": np.concatenate([np.arange(1, length + 1) for length in lengths]),
    }
    measured = {name: np.concatenate([history[name] for history in histories]) for name in histories[0]}
    return pa.table(columns | measured)


def quantiles_table(networks: Sequence[Params]) -> pa.Table:
    """How the kernel weights of each network are distributed: the smallest, the largest, and 199 between them."""
    kernels = [
        np.concatenate([layer["kernel"].ravel() for layer in params if "kernel" in layer]) for params in networks
    ]
    return quantiles_of([_quantiles(of) for of in kernels])


def _quantiles(weights: np.ndarray) -> np.ndarray:
    """As ``np.quantile`` with ``SHARES``, which takes four times as long for so many of them."""
    return np.asarray(np.interp(SHARES, np.linspace(0, 1, len(weights)), np.sort(weights)))


def quantiles_of(weights: Sequence[np.ndarray]) -> pa.Table:
    """The quantiles of each network below each other, with ``trial`` and ``share``."""
    trials = np.repeat(np.arange(len(weights)), len(SHARES))
    return pa.table({"trial": trials, "share": np.tile(SHARES, len(weights)), "weight": np.concatenate(weights)})


def versions() -> dict[str, str]:
    """Versions of what numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
