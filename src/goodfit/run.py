"""A finished training on a table: what it learned, what it predicts, and the way to the exam."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import goodfit
from goodfit.arrays import Array
from goodfit.cards import Card, ShownAsCard
from goodfit.checks.check import Check
from goodfit.data.export import carried_columns, prediction_file, validate_output
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Source, Table, open_source, read_table
from goodfit.data.target import Prediction
from goodfit.data.unfamiliar import sentence, unfamiliar_cells
from goodfit.diagnosis.findings import Verdict
from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import DataError, DataWarning, ExamError, RunError
from goodfit.experiment.block_training import sealed_blocks
from goodfit.experiment.decision import Decision
from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.importance import Importance
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import (
    metrics_of,
    scores_in_unit,
)
from goodfit.experiment.reopening import validate_reopened
from goodfit.experiment.run_folder import (
    Record,
    SweepRecord,
    checksum_of,
    load_run,
)
from goodfit.experiment.run_path import is_interrupted
from goodfit.experiment.settings import Settings
from goodfit.exporting.networks import networks_of
from goodfit.exporting.to_keras import configs_of, encoded, keras_model, write_keras
from goodfit.exporting.to_onnx.file import write_onnx
from goodfit.files import write_file
from goodfit.formatting import METRIC_LABELS, count, numbers
from goodfit.holdout.ledger import MAX_CLASSES, Ledger, Opening
from goodfit.holdout.scoring import Result, open_exam, score_rows
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.nn.arrays import Params
from goodfit.reporting.spelling import keywords
from goodfit.search.space import refined
from goodfit.stats import Estimate
from goodfit.training.fit import Training
from goodfit.training.history import History
from goodfit.training.scores import confusion_matrix, estimates


@dataclass(frozen=True, repr=False)
class Run(ShownAsCard):
    """A finished training on a table: what was learned, how it went, and the way to the exam.

    Attributes:
        record: everything that a run folder holds.
        ledger: openings of the exam.
        table: the known rows, if they are at hand.
        sealed: the test rows, if they are at hand; a loaded run reads them again when the exam needs them.
        path: the run folder, if there is one.
    """

    record: Record
    ledger: Ledger
    table: Table | None = None
    sealed: SealedRows | None = None
    path: Path | None = None

    def _card(self) -> Card:
        target, verdict, openings = self.record.target, self.verdict, self.ledger.openings()
        sizes = ", ".join(f"{n:,} {name}" for name, n in self.record.sizes.items())
        step = verdict.next_step
        advice = (", ".join(keywords(step.change)) or step.advice) if step else ""
        times = "once" if len(openings) == 1 else f"{len(openings):,} times"
        scored = f"scored {times}" if openings else "sealed"
        facts = [
            ("target", f"{target.name}, {target.task}"),
            ("rows", f"{sizes}; {'the test rows are ' + scored if self.record.seal else 'no test rows'}"),
            ("config", ", ".join(keywords(self.config))),
            ("predicts", _what_predicts(self.ensemble)),
            ("verdict", f"{verdict.word}: {verdict.sentence}"),
            *[("next step", advice)] * bool(advice),
            *[("folder", str(self.path))] * (self.path is not None),
        ]
        rows = []
        for name, score in self.scores.items():
            found, low, high, without = numbers(*score, self.record.known_baseline_scores[name])
            rows.append((METRIC_LABELS[name], found, f"{low} to {high}", without))
        which = "out-of-fold" if self.ensemble else "validation rows"
        return Card("Run", facts, ("metric", which, "95% interval", "baseline"), rows)

    @property
    def verdict(self) -> Verdict:
        """The diagnosis: one word about the fit, its reason, and every finding; see ``goodfit.diagnose``."""
        return diagnose(self.record)

    def importance(self) -> Importance:
        """Return the permutation importance of every column, with intervals, and the most important dependence curves.

        They were measured at the end of the training, on rows that the networks were not trained on.

        Raises:
            RunError: nothing was measured, since the training was stopped or no epoch had a finite loss.
        """
        found = self.record.measurements.importance
        if found is None:
            stopped = "the training was stopped" if self.training.best_epoch else "no epoch had a finite loss"
            raise RunError(f"No importance was measured, since {stopped}: train to the end.")
        return found

    @property
    def decision(self) -> Decision | None:
        """The threshold of two classes with its curve, if ``costs`` or a metric chose it on out-of-fold rows."""
        return self.record.decision

    @property
    def checks(self) -> tuple[Check, ...]:
        """What the data checks found, the most serious first."""
        return self.record.measurements.checks

    @property
    def scores(self) -> dict[str, Estimate]:
        """Metrics of what predicts with 95 % intervals, without the test rows, in the target's own unit.

        Of the ensemble, cross-fitted on all known rows; of a single network, on the validation rows.
        """
        found = self.record.measurements.intervals if self.ensemble is None else self.ensemble.scores
        return {name: Estimate(*score) for name, score in found.items()}

    def report(self, path: str | Path | None = None, *, overwrite: bool = True) -> Path:
        """Write the report as one HTML file, by default ``report.html`` in the run folder, and return its path.

        Raises:
            RunError: a run in memory and no path; the file cannot be written, or exists and ``overwrite`` is False.
        """
        if path is None and self.path is None:
            raise RunError("This run has no folder: name a file, run.report('report.html').")
        return goodfit.report(self, path or Path(self.path or "") / "report.html", overwrite=overwrite)

    def plot(self) -> Any:  # noqa: ANN401
        """Plot the losses, or the grid of a search, as an altair chart, which a notebook shows."""
        return goodfit.plot(self)

    @property
    def settings(self) -> Settings:
        """The choices of the training."""
        return self.record.settings

    @property
    def config(self) -> dict[str, float]:
        """``l2`` and ``learning_rate`` of the training itself: of a sweep those of the trial that won."""
        return self.record.config

    @property
    def sweep(self) -> SweepRecord | None:
        """The grid and what became of every trial; None for a single training."""
        return self.record.sweep

    @property
    def ensemble(self) -> KeptEnsemble | None:
        """The networks that predict; None if the one network of ``training`` does."""
        return self.record.ensemble

    @property
    def refined_space(self) -> dict[str, tuple[float, ...]]:
        """Of a sweep, the values of a second grid: beyond the end at which the best lies, or closer around it."""
        return refined(self.settings.space, self.sweep.selection) if self.sweep else {}

    @property
    def transfer(self) -> Transfer | None:
        """What it bought to start from an earlier run; None for a training from scratch."""
        return self.record.transfer

    @property
    def training(self) -> Training:
        """Weights, history, outcome and best epoch."""
        return self.record.training

    @property
    def history(self) -> History:
        """One row for each epoch; of a quantity the losses are in standardised units, rmse and mae in its own."""
        return self.record.training.history

    @property
    def splits(self) -> Splits:
        """Row numbers of train, validation and test."""
        return self.record.splits

    @property
    def can_be_resumed(self) -> bool:
        """Whether the training was interrupted and its folder holds what it needs to go on."""
        return self.path is not None and is_interrupted(self.path)

    @property
    def parts(self) -> Splits:
        """The old name of ``splits``."""
        warnings.warn("Run.parts is now called Run.splits.", DeprecationWarning, stacklevel=2)
        return self.splits

    @property
    def point(self) -> dict[str, float]:
        """The old name of ``config``."""
        warnings.warn("Run.point is now called Run.config.", DeprecationWarning, stacklevel=2)
        return self.config

    def predict(self, table: object) -> Prediction:
        """Labels and probabilities, or values, for every row of a table (path, data frame, …).

        Columns are found by name; those that training did not know are ignored. Cells far outside the training range,
        unknown categories and unreadable cells are counted in ``Prediction.unfamiliar``, and in a ``DataWarning``.

        Raises:
            DataError: a column that was trained on is missing or holds another kind of thing.
        """
        return self._predict(self.read_for_prediction(table))

    def _predict(self, read: Table) -> Prediction:
        decoded = self.record.target.decode(predictor_of(self.record).predict(read))
        found = unfamiliar_cells(self.record.encoder, read)
        if found:
            warnings.warn(sentence(found), DataWarning, stacklevel=3)
        return replace(decoded, unfamiliar=found)

    def write_predictions(
        self, table: object, path: str | Path, *, overwrite: bool = False, id_columns: Sequence[str] = ()
    ) -> Prediction:
        """Predict every row of a table into a .csv or .parquet file, one line a row, and return the predictions.

        Columns: those of ``id_columns`` as they are in the table, ``prediction``, and for classes
        ``probability_<class>``.

        Raises:
            DataError: of another name, there already (unless ``overwrite``), cannot be written; see ``predict``.
        """
        out = Path(path)
        validate_output(out, overwrite=overwrite)
        read = self.read_for_prediction(table)
        carried = carried_columns(read, id_columns, self.record.target.classes)
        prediction = self._predict(read)
        try:
            write_file(out, prediction_file(out, prediction, carried), replace=overwrite)
        except OSError as error:
            raise DataError(f"{str(out)!r} cannot be written ({error.strerror}): name another file.") from error
        return prediction

    def export_onnx(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write what predicts into one file of ONNX, which takes the raw columns; see docs/export.md.

        Inputs, each of shape (rows, 1): float64 for a number (NaN is missing), strings for a category, text or ISO date
        ("" is missing). Outputs: ``prediction`` (rows,), and for classes ``probabilities`` (rows, classes). Before the
        file is written, onnxruntime must predict made-up rows as goodfit does, up to 1e-5.

        Raises:
            ConfigError: the extra ``goodfit[onnx]`` is not installed, or a column has the name of an output.
            DataError: the file is there already (unless ``overwrite``), or cannot be written.
            RunError: onnxruntime predicts otherwise.
        """
        write_onnx(predictor_of(self.record), Path(path), overwrite=overwrite)
        return Path(path)

    def export_keras(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write ``keras_model()`` into a file that ends in ``.keras``, checked as ``export_onnx`` checks its own.

        Raises:
            ConfigError: the extra ``goodfit[keras]`` is not installed.
            DataError: of another name, there already (unless ``overwrite``), or cannot be written.
            RunError: Keras predicts otherwise.
        """
        write_keras(predictor_of(self.record), configs_of(self.record), Path(path), overwrite=overwrite)
        return Path(path)

    def keras_model(self) -> Any:  # noqa: ANN401
        """Return what predicts as a functional model of Keras 3, not compiled, with our weights, penalties and dropout.

        It takes what ``encode`` returns, and gives the probability of the positive class (rows, 1) or of each class
        (rows, classes), or the value in the target's own unit (rows, 1). An ensemble has an input for each fold.

        Raises:
            ConfigError: the extra ``goodfit[keras]`` is not installed.
        """
        return keras_model(networks_of(predictor_of(self.record)), configs_of(self.record))

    def encode(self, table: object) -> Array | list[Array]:
        """Return a table as the networks take it: float32 (rows, features), a list with one for each fold if several.

        Raises:
            DataError: as ``predict``.
        """
        found = encoded(networks_of(predictor_of(self.record)), self.read_for_prediction(table))
        return found[0] if len(found) == 1 else found

    def read_for_prediction(self, table: object) -> Table:
        """The table, its columns read as the kinds they had in training."""
        return predictor_of(self.record).read(read_table(table))

    def test(self, table: object = None, *, reason: str | None = None) -> Opening:
        """The exam: the sealed test rows, opened once; metrics with 95 % intervals, on record in the ledger.

        Args:
            table: the training table, where it is not to be found where it was.
            reason: why the exam is opened again; without one a second opening is refused.

        Raises:
            ExamError: opened before and no reason given, other test rows, or no test rows at all.
        """
        if self.record.seal is None:
            raise ExamError("This run has no test rows: train with test_size above 0 to have an exam.")
        return open_exam(
            self.record.seal,
            self.ledger,
            self._score,
            sealed=self._sealed_rows(table),
            model=model_hash(self.ensemble.params if self.ensemble else self.training.params),
            reason=reason,
        )

    def _sealed_rows(self, table: object) -> SealedRows:
        if table is None and self.sealed is not None:
            return self.sealed
        if table is None and not self.record.source:
            raise ExamError("The run was trained on a table in memory or from a pipe: give it again as table='…'.")
        try:
            if self.record.streamed is not None:
                return sealed_blocks(self.record, table, purpose="the exam")
            source = self._recorded_source() if table is None else open_source(table)
            return SealedRows(source, self.splits.test, self.record.schema)
        except DataError as error:
            raise ExamError(f"The exam needs the table that the run was trained on: {error}") from error

    def _recorded_source(self) -> Source:
        """The table that the run folder names: a built-in one, or the very file of the training."""
        record = self.record
        validate_reopened(record.source, record.source_file, record.machine, purpose="the exam")
        return open_source(record.source, expected=record.source_file)

    def _score(self, rows: Table) -> Result:
        target = self.record.target
        scored = score_rows(rows, target, predictor_of(self.record).predict)
        truth, predicted = map(target.with_mean, scored)
        labels = target.decided(predicted)
        models, decided = {"": predicted}, {"": labels}
        found = estimates(metrics_of(target), truth, models, seed=self.settings.seed, decided=decided)[""]
        scores = scores_in_unit(found, target)
        if not 0 < len(target.classes) <= MAX_CLASSES:
            return Result(scores)
        return Result(scores, confusion_matrix(truth, labels, len(target.classes)))


def load(folder: str | Path) -> Run:
    """A run from its folder; RunError if it is not there, not finished or damaged."""
    path = Path(folder)
    record = load_run(path)
    return Run(record, ledger_of(path, record), path=path)


def ledger_of(folder: Path | None, record: Record) -> Ledger:
    """The ledger of this run and no other; without a folder in memory."""
    metrics = metrics_of(record.target)
    return Ledger(metrics=metrics) if folder is None else Ledger(folder / "ledger.jsonl", checksum_of(folder), metrics)


def model_hash(params: Params) -> str:
    """SHA-256 of all weights with their names and shapes."""
    digest = hashlib.sha256()
    for index, layer in enumerate(params):
        for name, w in layer.items():
            digest.update(repr((index, name, w.shape, str(w.dtype))).encode() + np.ascontiguousarray(w).tobytes())
    return digest.hexdigest()


def predictor_of(record: Record) -> Predictor:
    return Predictor(record.settings, record.target, record.encoder, record.training.params, record.ensemble)


def _what_predicts(ensemble: KeptEnsemble | None) -> str:
    if ensemble is None:
        return "the network of this config"
    configs = count(len(ensemble.members), "config")
    return f"an ensemble of {count(ensemble.n_networks, 'network')} of {configs}"
