"""The way of a table through goodfit, as one function: parts, encoder, training cycle, run folder; the exam on request.

Every door for tables calls ``train``, ``load`` and the methods of ``Run``, and nothing else.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.data.arrays import class_factors
from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.exam import Estimate, Ledger, Opening, Seal, open_exam
from goodfit.data.export import check_output, prediction_file
from goodfit.data.features import read_numbers
from goodfit.data.parts import Parts, make_parts, missing_classes
from goodfit.data.table import Table, read_table
from goodfit.data.target import Prediction, Target, fit_target
from goodfit.errors import DataError, ExamError
from goodfit.learning.arrays import Params
from goodfit.learning.layers import Layer
from goodfit.learning.network import init_network
from goodfit.runs import Record, claim_folder, load_run, now, save_run, versions, write_file
from goodfit.settings import Settings, settings_from
from goodfit.training.evaluation import Rows, make_labels, predictions
from goodfit.training.fitting import OnEpoch, Training, fit
from goodfit.training.history import History
from goodfit.training.recipe import make_recipe
from goodfit.training.scores import estimates, scores

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What a kind of target asks of the network, and how it is judged.

    watched: metrics of every epoch; judged: metrics of the validation rows at the end, and of the exam.
    """

    loss: str
    output: str
    watched: tuple[str, ...]
    judged: tuple[str, ...]


_OF_CLASSES = ("accuracy", "balanced_accuracy", "auc", "log_loss")
TASKS = {
    "binary": Task("binary_crossentropy", "sigmoid", ("accuracy",), _OF_CLASSES),
    "multiclass": Task("sparse_categorical_crossentropy", "softmax", ("accuracy",), _OF_CLASSES),
    "regression": Task("mean_squared_error", "linear", ("rmse", "r2"), ("rmse", "mae", "r2")),
}
IN_OWN_UNIT = ("rmse", "val_rmse", "mae", "val_mae")


@dataclass(frozen=True)
class Prepared:
    """What is known before the first epoch. Encoder and the target's scale are learned from training rows only."""

    settings: Settings
    table: Table
    parts: Parts
    target: Target
    encoder: Encoder


@dataclass(frozen=True)
class Run:
    """A finished training on a table: what was learned, how it went, and the way to the exam.

    Attributes:
        record: everything that a run folder holds.
        ledger: openings of the exam.
        table: the training table, if it is at hand; a loaded run reads it again when the exam needs it.
        path: the run folder, if there is one.
    """

    record: Record
    ledger: Ledger
    table: Table | None = None
    path: Path | None = None

    @property
    def settings(self) -> Settings:
        """The choices of the training."""
        return self.record.settings

    @property
    def training(self) -> Training:
        """Weights, history, outcome and best epoch."""
        return self.record.training

    @property
    def history(self) -> History:
        """One row for each epoch; of a quantity the losses are in standardised units, rmse and mae in its own."""
        return self.record.training.history

    @property
    def parts(self) -> Parts:
        """Row numbers of train, validation and test."""
        return self.record.parts

    def predict(self, table: object) -> Prediction:
        """Labels and probabilities, or values, for every row of a table (path, data frame, …).

        Columns are found by name; those that training did not know are ignored.

        Raises:
            DataError: a column that was trained on is missing or holds another kind of thing.
        """
        return self.record.target.decode(_predictions(self.record, self.read_for_prediction(table)))

    def write_predictions(self, table: object, path: str | Path, *, overwrite: bool = False) -> Prediction:
        """Predict every row of a table into a .csv or .parquet file, one line a row, and give the predictions back.

        Columns: ``prediction``, and for classes ``probability_<class>``.

        Raises:
            DataError: of another name, there already (unless ``overwrite``), cannot be written; see ``predict``.
        """
        out = Path(path)
        check_output(out, overwrite=overwrite)
        prediction = self.predict(table)
        try:
            write_file(out, prediction_file(out, prediction, self.record.target.classes))
        except OSError as error:
            raise DataError(f"{str(out)!r} cannot be written ({error.strerror}): name another file.") from error
        return prediction

    def read_for_prediction(self, table: object) -> Table:
        """The table, its columns read as the kinds they had in training."""
        found = read_table(table)
        read = {column.name: column.kind for column in found.schema}
        columns = self.record.encoder.columns.items()
        return found.override(kinds={name: kind for name, kind in columns if read.get(name, kind) != kind})

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
        found = self._training_table(table)
        return open_exam(
            self.record.seal,
            self.ledger,
            lambda: self._examine(found),
            table=found,
            model=model_hash(self.training.params),
            reason=reason,
        )

    def _training_table(self, table: object) -> Table:
        if table is None:
            if self.table is not None:
                return self.table
            if not self.record.source:
                raise ExamError("The run was trained on a table in memory: give that table to the exam.")
            table = self.record.source
        try:
            return read_table(table, kinds=self.settings.kinds, drop=self.settings.drop)
        except DataError as error:
            raise ExamError(f"The exam needs the table that the run was trained on. {error}") from error

    def _examine(self, table: Table) -> Mapping[str, Estimate]:
        rows = table.take(self.parts.test)
        target = self.record.target
        y = _truth(target, rows)
        found = estimates(TASKS[target.task].judged, y, _predictions(self.record, rows), seed=self.settings.seed)
        return {name: Estimate(*(number * _unit(name, target) for number in found[name])) for name in found}


def train(
    table: object = "breast_cancer",
    target: str | None = None,
    *,
    out: str | Path | None = None,
    on_prepared: Callable[[Prepared], None] | None = None,
    on_epoch: OnEpoch | None = None,
    **settings: Any,  # noqa: ANN401
) -> Run:
    """Train on a table: 64 % of the rows teach, 16 % choose the epoch, 20 % are sealed for the exam.

    Args:
        table: a path, a built-in name, a data frame, a dict of columns, an array, or a ``Table``.
        target: the column to predict; by default the one that is called ``target``.
        out: folder for the run; None keeps it in memory.
        on_prepared: told what was understood, before the first epoch.
        on_epoch: told of every epoch.
        settings: l2, learning_rate, hidden, dropout, epochs, patience, split, seed and more; see ``goodfit.Settings``.

    Raises:
        DataError, SplitError, RecipeError, RunError: one sentence that names the column, row or argument.

    >>> run = train("iris", epochs=30, seed=1)
    >>> len(run.parts.train), len(run.parts.validation), len(run.parts.test)
    (96, 24, 30)
    """
    choices = settings_from(settings)
    folder = Path(out) if out is not None else None
    if folder is not None:
        choices.to_json()
        claim_folder(folder)
    found = read_table(table, kinds=choices.kinds, drop=choices.drop)
    prepared = prepare(found, _target_name(found, target), choices)
    if on_prepared is not None:
        on_prepared(prepared)
    record = _train(prepared, _source(table), on_epoch)
    if folder is not None:
        save_run(folder, record)
    return Run(record, Ledger(folder / "ledger.jsonl" if folder else None), found, folder)


def load(folder: str | Path) -> Run:
    """A run from its folder; RunError if it is not there, not finished or damaged."""
    path = Path(folder)
    return Run(load_run(path), Ledger(path / "ledger.jsonl"), None, path)


def prepare(table: Table, target: str, settings: Settings) -> Prepared:
    """Parts, target and encoder; of rows that do not train nothing is looked at but which class they are."""
    whole = fit_target(table, target, np.arange(table.n_rows), task=settings.task)
    codes = None if whole.task == "regression" else whole.encode(table)
    parts = make_parts(
        table.n_rows,
        test_size=settings.test_size,
        validation_split=settings.validation_split,
        seed=settings.seed,
        split=settings.split,
        stratify=codes,
        groups=table.values(settings.group) if settings.group else None,
        time=table.values(settings.time) if settings.time else None,
    )
    if codes is not None:
        _warn_of_missing_classes(parts, whole, codes)
    aside = [name for name in (settings.group, settings.time) if name]
    usable = table.override(drop=[*settings.drop, *aside])
    _refuse_infinity(usable, target)
    encoder = fit_encoder(usable, parts.train, target=target)
    return Prepared(settings, table, parts, fit_target(table, target, parts.train, task=settings.task), encoder)


def _refuse_infinity(table: Table, target: str) -> None:
    """In no row at all, so that the exam does not fail after the training over a row that was sealed."""
    for column in table.schema:
        if column.used and column.kind == "number" and column.name != target:
            read_numbers(column.name, table.arrow.column(column.name))


def _warn_of_missing_classes(parts: Parts, target: Target, codes: Array) -> None:
    for part, absent in missing_classes(parts, codes).items():
        names = ", ".join(repr(target.classes[code]) for code in absent[:5])
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        effect = "it cannot be learned" if part == "train" else "nothing can be said of it there"
        warnings.warn(
            f"the {part} rows have none of class {names}{more}, so {effect}: give more rows, or another split.",
            UserWarning,
            stacklevel=4,
        )


def model_hash(params: Params) -> str:
    """SHA-256 of all weights with their names and shapes."""
    digest = hashlib.sha256()
    for index, layer in enumerate(params):
        for name, w in layer.items():
            digest.update(f"{index}.{name}{w.shape}{w.dtype}".encode() + np.ascontiguousarray(w).tobytes())
    return digest.hexdigest()


def _train(prepared: Prepared, source: str, on_epoch: OnEpoch | None) -> Record:
    """The training cycle on training and validation rows; the test rows are not even encoded."""
    settings, table, parts, target = prepared.settings, prepared.table, prepared.parts, prepared.target
    rows = table.take(np.concatenate([parts.train, parts.validation]))
    train, validation = np.split(np.arange(rows.n_rows), [len(parts.train)])
    x, y = prepared.encoder.transform(rows), np.asarray(target.encode(rows))
    weight = _class_factors(settings, target, y, train)
    layers = _layers(settings, target)
    recipe, knobs = make_recipe(
        layers,
        optimizer=settings.make_optimizer(),
        loss=TASKS[target.task].loss,
        metrics=TASKS[target.task].watched,
        batch_size=settings.batch_size,
        early_stopping=settings.early_stopping(),
        total_steps=settings.epochs * -(-len(train) // settings.batch_size),
        seed=settings.seed,
    )
    training = fit(
        recipe,
        knobs,
        Rows(x, make_labels(y, weight, recipe.dtype)),
        params=init_network(layers, n_inputs=x.shape[1], seed=settings.seed),
        train=train,
        validation=validation,
        epochs=settings.epochs,
        seed=settings.seed,
        on_epoch=on_epoch and (lambda record: on_epoch(_in_unit_of_target(record, target))),
    )
    judged, truth = TASKS[target.task].judged, _truth(target, rows.take(validation))
    found = scores(judged, truth, predictions(recipe, training.params, x[validation]))
    baseline = scores(judged, truth, _baseline(target, y[train], len(validation)))
    return Record(
        settings=settings,
        source=source,
        fingerprint=table.fingerprint(),
        schema=table.schema,
        parts=parts,
        encoder=prepared.encoder,
        target=target,
        seal=Seal.of(table, parts.test) if len(parts.test) else None,
        training=replace(training, history=History(_in_unit_of_target(training.history, target))),
        validation_scores=_in_unit_of_target(found, target),
        baseline_scores=_in_unit_of_target(baseline, target),
        created=now(),
        versions=versions(),
    )


def _layers(settings: Settings, target: Target) -> tuple[Layer, ...]:
    n_outputs = len(target.classes) if target.task == "multiclass" else 1
    return settings.layers(n_outputs, TASKS[target.task].output)


def _predictions(record: Record, table: Table) -> Array:
    """Probabilities or standardised values (rows, outputs) from the weights that were given back."""
    recipe, _ = make_recipe(_layers(record.settings, record.target), loss=TASKS[record.target.task].loss)
    return predictions(recipe, record.training.params, record.encoder.transform(table))


def _truth(target: Target, rows: Table) -> Array:
    """Targets as metrics take them: class numbers, or standardised values, whose squares stay within range."""
    y = np.asarray(target.encode(rows))
    return y[:, None] if target.task == "regression" else y


def _baseline(target: Target, y_train: Array, n_rows: int) -> Array:
    """What a model without columns predicts for each row: the shares of the classes, or the mean, in training."""
    if target.task == "regression":
        return np.zeros((n_rows, 1))
    shares = np.bincount(y_train, minlength=len(target.classes)) / len(y_train)
    return np.tile(shares[1:] if target.task == "binary" else shares, (n_rows, 1))


def _class_factors(settings: Settings, target: Target, y: Array, train: Array) -> Array | None:
    """Weight of each row's class; DataError when the target has no such class."""
    if settings.class_weight is None:
        return None
    labels = None if target.task == "regression" else y
    return class_factors(_by_code(settings.class_weight, target), labels, train, n_classes=len(target.classes))


def _by_code(weights: Mapping[str, float] | str, target: Target) -> Mapping[int, float] | str:
    if isinstance(weights, str) or target.task == "regression":
        return weights if isinstance(weights, str) else {}
    codes = {str(label): code for code, label in enumerate(target.classes)}
    for label in weights:
        if str(label) not in codes:
            raise DataError(f"class_weight names {label!r}, but the classes of {target.name!r} are {', '.join(codes)}.")
    return {codes[str(label)]: weight for label, weight in weights.items()}


def _in_unit_of_target(columns: Mapping[str, Any], target: Target) -> dict[str, Any]:
    return {name: value * _unit(name, target) for name, value in columns.items()}


def _unit(name: str, target: Target) -> float:
    return target.scale if name in IN_OWN_UNIT else 1.0


def _target_name(table: Table, target: str | None) -> str:
    if not isinstance(target, str | None):
        raise DataError("target must be the name of a column: put y into the table, or give arrays to Sequential.")
    if target is None and "target" not in table.names:
        raise DataError(f"Name the column to predict with target (--target): one of {', '.join(table.names[:20])}.")
    return table.column(target or "target").name


def _source(table: object) -> str:
    """Where the exam can read the table again: an absolute path or a built-in name; "" for a table in memory."""
    if not isinstance(table, str | Path):
        return ""
    return str(Path(table).absolute()) if Path(table).exists() else str(table)
