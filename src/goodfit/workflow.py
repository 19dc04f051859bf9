"""The whole way of a table as a few functions: ``train``, ``load``, and the methods of ``Run``.

Every door for tables calls these and nothing else.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
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
from goodfit.errors import ConfigError, DataError, DataWarning, ExamError, RunError
from goodfit.experiment.decision import Decision
from goodfit.experiment.earlier_rows import validate_new_rows
from goodfit.experiment.experiment import Fitted, OnRefined, OpenGrid, Watchers, fit_all, plan_for
from goodfit.experiment.fine_tuning import Start, Transfer
from goodfit.experiment.importance import Importance
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.learned import what_it_learned
from goodfit.experiment.memory import ran_out_of_memory
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import (
    Prepared,
    metrics_of,
    prepare,
    prepare_folds,
    scores_in_unit,
)
from goodfit.experiment.recording import kept, record_of
from goodfit.experiment.reopening import reopen_source
from goodfit.experiment.resuming import plan_of, resumed_settings, resumed_source, validate_resumed
from goodfit.experiment.run_comparison import RunComparison, compare_records
from goodfit.experiment.run_folder import (
    Journal,
    Plan,
    Record,
    SweepRecord,
    checksum_of,
    claimed,
    load_run,
    save_run,
)
from goodfit.experiment.run_path import is_interrupted
from goodfit.experiment.settings import Settings, settings_from
from goodfit.exporting.networks import networks_of
from goodfit.exporting.to_keras import configs_of, encoded, keras_model, write_keras
from goodfit.exporting.to_onnx.file import write_onnx
from goodfit.files import STDIN, FileMark, write_file
from goodfit.formatting import METRIC_LABELS, count, numbers
from goodfit.holdout.ledger import MAX_CLASSES, Ledger, Opening
from goodfit.holdout.scoring import Result, open_exam, score_rows
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.nn.arrays import Params
from goodfit.reporting.spelling import keywords
from goodfit.search.parallel import OnProgress, SweepCost
from goodfit.search.space import refined
from goodfit.search.sweep import estimate_sweep
from goodfit.stats import Estimate
from goodfit.training.fit import OnEpoch, Training
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
        sizes = ", ".join(f"{len(rows):,} {name}" for name, rows in self.splits.arrays().items())
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
        which = "known rows" if self.ensemble else "validation rows"
        return Card("Run", facts, ("metric", which, "95% interval", "baseline"), rows)

    @property
    def verdict(self) -> Verdict:
        """The diagnosis: one word about the fit, its reason, and every finding; see ``goodfit.diagnose``."""
        return diagnose(self.record)

    def importance(self) -> Importance:
        """Return the permutation importance of every column, with intervals, and the most important dependence curves.

        They were measured at the end of the training, on rows that the networks were not trained on.

        Raises:
            RunError: nothing was measured, since no epoch had a finite loss.
        """
        found = self.record.measurements.importance
        if found is None:
            raise RunError("No importance was measured, since no epoch had a finite loss: train again.")
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
        decoded = self.record.target.decode(_predictor(self.record).predict(read))
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
        write_onnx(_predictor(self.record), Path(path), overwrite=overwrite)
        return Path(path)

    def export_keras(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write ``keras_model()`` into a file that ends in ``.keras``, checked as ``export_onnx`` checks its own.

        Raises:
            ConfigError: the extra ``goodfit[keras]`` is not installed.
            DataError: of another name, there already (unless ``overwrite``), or cannot be written.
            RunError: Keras predicts otherwise.
        """
        write_keras(_predictor(self.record), configs_of(self.record), Path(path), overwrite=overwrite)
        return Path(path)

    def keras_model(self) -> Any:  # noqa: ANN401
        """Return what predicts as a functional model of Keras 3, not compiled, with our weights, penalties and dropout.

        It takes what ``encode`` returns, and gives the probability of the positive class (rows, 1) or of each class
        (rows, classes), or the value in the target's own unit (rows, 1). An ensemble has an input for each fold.

        Raises:
            ConfigError: the extra ``goodfit[keras]`` is not installed.
        """
        return keras_model(networks_of(_predictor(self.record)), configs_of(self.record))

    def encode(self, table: object) -> Array | list[Array]:
        """Return a table as the networks take it: float32 (rows, features), a list with one for each fold if several.

        Raises:
            DataError: as ``predict``.
        """
        found = encoded(networks_of(_predictor(self.record)), self.read_for_prediction(table))
        return found[0] if len(found) == 1 else found

    def read_for_prediction(self, table: object) -> Table:
        """The table, its columns read as the kinds they had in training."""
        return _predictor(self.record).read(read_table(table))

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
            raise ExamError("The run was trained on a table in memory: give that table to the exam.")
        try:
            source = self._recorded_source() if table is None else open_source(table)
            return SealedRows(source, self.splits.test, self.record.schema)
        except DataError as error:
            raise ExamError(f"The exam needs the table that the run was trained on: {error}") from error

    def _recorded_source(self) -> Source:
        """The table that the run folder names: a built-in one, or the very file of the training."""
        record = self.record
        return reopen_source(record.source, record.source_file, record.machine, purpose="the exam")

    def _score(self, rows: Table) -> Result:
        target = self.record.target
        scored = score_rows(rows, target, _predictor(self.record).predict)
        truth, predicted = map(target.with_mean, scored)
        labels = target.decided(predicted)
        models, decided = {"": predicted}, {"": labels}
        found = estimates(metrics_of(target), truth, models, seed=self.settings.seed, decided=decided)[""]
        scores = scores_in_unit(found, target)
        if not 0 < len(target.classes) <= MAX_CLASSES:
            return Result(scores)
        return Result(scores, confusion_matrix(truth, labels, len(target.classes)))


def train(
    table: object = "breast_cancer",
    target: str | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    on_prepared: Callable[[Prepared], None] | None = None,
    on_epoch: OnEpoch | None = None,
    on_progress: OnProgress | None = None,
    on_refined: OnRefined | None = None,
    refine: bool = False,
    start: "Run | str | Path | None" = None,
    **settings: Any,  # noqa: ANN401
) -> Run:
    """Train on a table: 64 % of the rows teach, 16 % choose, 20 % are sealed for the exam.

    By default the guide's grid of ``l2`` and ``learning_rate``: 30 configs, from which validation rows select. On up to
    5,000 known rows the configs in doubt are trained on four more folds, so that every known row judges them. What
    predicts is an ensemble of the best configs; ``keep="one"`` keeps a single network. One value for each makes it a
    single training.

    Args:
        table: a path, a built-in name, a data frame, a dict of columns, an array, or a ``Table``. Not needed with
            ``resume``, unless the table was in memory.
        target: the column to predict; by default the one that is called ``target``.
        out: folder for the run; None keeps it in memory. While the training runs, the folder holds its journal, from
            which a training that was killed is resumed.
        resume: folder of a training that was interrupted. It goes on with its own settings, and the result is the same
            bit for bit as without the interruption.
        on_prepared: told what was understood, before the first epoch; who takes it shows the data checks, too, which
            are warnings otherwise (``goodfit.DataWarning``).
        on_epoch: told of every epoch of a single training.
        on_progress: told how far a sweep is.
        on_refined: told the settings of the second grid and the choice among the first, before it is trained.
        refine: train a second grid where the best of the first lies (see ``Run.refined_space``), and choose among that
            one if its lowest loss is lower still. The settings of the run are then those of the second grid.
        start: an earlier run or its folder, whose network the training starts from; see docs/fine-tuning.md. Everything
            is trained from scratch as well, and ``Run.transfer`` says what the earlier network bought.
        settings: l2, learning_rate, hidden, dropout, epochs, patience, split, seed and more; see ``goodfit.Settings``.

    Raises:
        DataError, SplitError, ConfigError, RunError: one sentence that names the column, row or argument.

    >>> run = train("iris", l2=0.001, learning_rate=0.01, epochs=30, seed=1)
    >>> len(run.splits.train), len(run.splits.validation), len(run.splits.test)
    (96, 24, 30)
    """
    watched = Watchers(on_prepared, on_epoch, on_progress, on_refined)
    earlier = load(start) if isinstance(start, str | Path) else start
    if resume is not None:
        if out is not None:
            raise ConfigError("Give out or resume, not both: a training that is resumed stays in its folder.")
        given = {**settings, "target": target, "refine": refine}
        is_given = not (isinstance(table, str) and table == "breast_cancer")
        return _resume(Path(resume), table if is_given else None, given, watched, earlier)
    choices = settings_from(_start_of(earlier).settings(settings) if earlier else settings)
    if out is None:
        found = open_source(table, kinds=choices.kinds, drop=choices.drop)
        prepared = _prepared(found, target, choices, earlier)
        fitted = _told_and_fitted(prepared, watched, refine=refine)
        record = _record(fitted, _source(table, found), found.file)
        return Run(record, _ledger(None, record), prepared.table, prepared.sealed)
    choices.to_json()  # a splitter object is refused before the training
    with claimed(Path(out)):
        found = open_source(table, kinds=choices.kinds, drop=choices.drop)
        prepared = _prepared(found, target, choices, earlier)
        plan = plan_of(prepared, _source(table, found), found.file, refine=refine, start=_named(earlier))
        return _train(Path(out), plan, prepared, watched)


def _record(fitted: Fitted, source: str, file: FileMark | None) -> Record:
    """What a run folder holds, with what the model learned from each column."""
    ensemble = kept(fitted)
    record = record_of(fitted, ensemble, source, file)
    learned = replace(record.measurements, importance=what_it_learned(fitted, ensemble))
    return replace(record, measurements=learned)


def _resume(folder: Path, table: object, given: Mapping[str, Any], watched: Watchers, earlier: "Run | None") -> Run:
    """Go on with a training; see ``train``."""
    plan = Journal(folder).plan()
    settings = resumed_settings(folder, plan, given)
    if earlier is None and plan.start is not None:
        if not plan.start:
            raise RunError(f"The training in {folder} started from a run in memory: give that run again as start.")
        earlier = load(plan.start)
    with claimed(folder, resume=True):
        given_again = None if table is None else open_source(table, kinds=settings.kinds, drop=settings.drop)
        found = given_again or resumed_source(plan)
        prepared = _prepared(found, plan.target, settings, earlier)
        now = plan_of(prepared, plan.source, plan.source_file, refine=plan.refine, start=_named(earlier))
        validate_resumed(folder, plan, now)
        return _train(folder, plan, prepared, watched)


def _train(folder: Path, plan: Plan, prepared: Prepared, watched: Watchers) -> Run:
    """Train into a folder that is claimed, and go on from what its journal holds."""
    journal = Journal(folder)
    journal.begin(plan)
    try:
        fitted = _told_and_fitted(prepared, watched, refine=plan.refine, open_grid=journal.of_grid)
    except ConfigError as error:
        if not ran_out_of_memory(error):  # it would be the same again
            journal.remove()
        raise
    record = replace(_record(fitted, plan.source, plan.source_file), created=plan.created)
    save_run(folder, record)
    if fitted.is_complete:
        journal.remove()
    return Run(record, _ledger(folder, record), prepared.table, prepared.sealed, folder)


def _told_and_fitted(
    prepared: Prepared, watched: Watchers, *, refine: bool, open_grid: OpenGrid = lambda name: None
) -> Fitted:
    """Tell what was understood, or warn of it, and train."""
    folds = prepare_folds(prepared)
    if watched.on_prepared is not None:
        watched.on_prepared(prepared)
    else:
        _warn_of(prepared.checks)
    return fit_all(folds, watched, refine=refine, open_grid=open_grid)


def _named(earlier: Run | None) -> tuple[str, str] | None:
    """The absolute path of an earlier run and the hash of its network."""
    if earlier is None:
        return None
    return str(earlier.path.absolute()) if earlier.path else "", model_hash(earlier.training.params)


def _warn_of(checks: Iterable[Check]) -> None:
    """Say what the data checks found, but for notes, each with the argument that fixes it."""
    for check in checks:
        if check.severity != "note":
            fix = f" Try {', '.join(keywords(check.change))}." if check.change else ""
            warnings.warn(f"data check {check.code!r}: {check.sentence}{fix}", DataWarning, stacklevel=4)


def _what_predicts(ensemble: KeptEnsemble | None) -> str:
    if ensemble is None:
        return "the network of this config"
    configs = count(len(ensemble.members), "config")
    return f"an ensemble of {count(ensemble.n_networks, 'network')} of {configs}"


def dry_run(
    table: object = "breast_cancer",
    target: str | None = None,
    *,
    on_prepared: Callable[[Prepared], None] | None = None,
    start: "Run | str | Path | None" = None,
    **settings: Any,  # noqa: ANN401
) -> SweepCost:
    """Return what ``train`` with these arguments would take, without training.

    ``trials``: number of trainings; ``parallel``: how many run at a time; ``running_bytes`` and ``kept_bytes``: memory
    of the running ones and of all results; ``compilations``: of the training program. A second grid takes the same
    again, except for the compilations.

    Raises:
        DataError, SplitError, ConfigError: as ``train``.

    >>> dry_run("iris", hidden=(8,), seeds=2, folds=1).trials
    60
    """
    earlier = load(start) if isinstance(start, str | Path) else start
    choices = settings_from(_start_of(earlier).settings(settings) if earlier else settings)
    found = open_source(table, kinds=choices.kinds, drop=choices.drop)
    prepared = _prepared(found, target, choices, earlier)
    folds = prepare_folds(prepared)
    if on_prepared is not None:
        on_prepared(prepared)
    n_features = max(len(fold.encoder.feature_names) for fold in folds)
    n_train = [len(fold.splits.train) for fold in folds]
    cost = estimate_sweep(plan_for(prepared), n_features=n_features, n_train=n_train, race=choices.races)
    return cost._replace(trials=2 * cost.trials, kept_bytes=2 * cost.kept_bytes) if earlier else cost


def load(folder: str | Path) -> Run:
    """A run from its folder; RunError if it is not there, not finished or damaged."""
    path = Path(folder)
    record = load_run(path)
    return Run(record, _ledger(path, record), path=path)


def _start_of(run: Run) -> Start:
    """The selected network of a run, for a training to start from."""
    record, settings = run.record, run.settings
    name = "" if run.path is None else str(run.path)
    return Start(settings.hidden, settings.activation, record.target, record.encoder, record.training.params, name)


def _prepared(found: Source, target: str | None, settings: Settings, earlier: Run | None) -> Prepared:
    """What is known of a table before the first epoch."""
    if earlier is None:
        return prepare(found, _target_name(found, target), settings)
    start = _start_of(earlier)
    found = replace(found, kinds={**start.kinds(found.names), **found.kinds})
    prepared = prepare(found, _target_name(found, target or start.target.name), settings, start=start)
    if earlier.record.seal is None:
        return prepared
    try:
        validate_new_rows(prepared, earlier.record, earlier._sealed_rows(None))
    except ExamError as error:
        reason = str(error).rstrip(".")
        warnings.warn(f"Rows of the earlier run's exam cannot be recognised: {reason}.", UserWarning, stacklevel=4)
    return prepared


def compare(*runs: Run | str | Path, out: str | Path | None = None, overwrite: bool = False) -> RunComparison:
    """Compare runs on one target with the first of them, by the rows that judged them, never by the exam.

    Each of these rows is predicted by networks that were not trained on it. Runs on the same table are compared row by
    row where they share rows; others as independent samples.

    Args:
        runs: two or more, or their folders.
        out: an HTML file with the gains and the curves of all.
        overwrite: whether an existing file is replaced.

    Raises:
        RunError: fewer than two, they predict different targets, or the file cannot be written.

    >>> few = {"epochs": 5, "learning_rate": 0.01}
    >>> found = compare(train("iris", l2=0.0, **few), train("iris", l2=1.0, **few))
    >>> found.runs[1].gain.n_rows, found.runs[1].gain.word
    (24, 'worse')
    """
    loaded = [run if isinstance(run, Run) else load(run) for run in runs]
    names = [str(run.path) if run.path else f"run {place}" for place, run in enumerate(loaded, start=1)]
    records = [run.record for run in loaded]
    found = compare_records(names, records)
    if out is not None:
        page = import_module("goodfit.reporting.comparison_page")  # loaded when it is needed: altair takes long
        page.write_comparison(found, records, Path(out), overwrite=overwrite)
    return found


def _ledger(folder: Path | None, record: Record) -> Ledger:
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


def _predictor(record: Record) -> Predictor:
    return Predictor(record.settings, record.target, record.encoder, record.training.params, record.ensemble)


def _target_name(table: Source, target: str | None) -> str:
    if not isinstance(target, str | None):
        raise DataError("target must be the name of a column: put y into the table, or give arrays to Sequential.")
    if target is None and "target" not in table.names:
        raise DataError(f"Name the column to predict with target='…': one of {', '.join(table.names[:20])}.")
    table.validate_names([target or "target"])
    return target or "target"


def _source(table: object, found: Source) -> str:
    """Where the exam can read the table again: an absolute path or a built-in name; "" for none."""
    if not isinstance(table, str | Path) or str(table) in STDIN:
        return ""
    return str(table) if found.file is None else str(Path(table).expanduser().absolute())
