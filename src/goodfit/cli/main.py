"""The program ``goodfit``: each command opens a table or a run, calls one function and prints the result.

Public names of goodfit are loaded when they are used, so that help and most errors do not wait for JAX.
"""

import contextlib
import re
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console

import goodfit
from goodfit.cli import options, plain_console, process
from goodfit.cli.arguments import CommandWithDefaults, is_typed, training_given
from goodfit.cli.data_summary import show_prepared
from goodfit.cli.json_output import (
    comparison_summary,
    estimate_summary,
    exam_summary,
    prediction_summary,
    to_json,
    training_summary,
)
from goodfit.cli.progress import Progress, progress
from goodfit.cli.results import show_comparison, show_exam, show_export, show_predictions, show_training
from goodfit.cli.selection_summary import FirstGrid, show_estimate, stopped
from goodfit.cli.signals import ended_by_signals, resume_command
from goodfit.cli.spelling import train_command, with_flags
from goodfit.cli.sweep_progress import SweepProgress, sweep_progress
from goodfit.data.io.names import validate_source
from goodfit.errors import ConfigError, GoodFitError, RunError
from goodfit.experiment.run_path import validate_run
from goodfit.files import is_stream
from goodfit.formatting import cut
from goodfit.reporting.ahead import start_engine

if TYPE_CHECKING:
    from goodfit.experiment.prepare import Prepared
    from goodfit.experiment.settings import Settings
    from goodfit.search.selection import Selection

INTERRUPTED, MAX_MESSAGE_CHARS = 128 + signal.SIGINT, 4000
REPORT = "report.html"

OUT = plain_console()
ERR = plain_console(stderr=True)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"default_map": {"help": False}},  # None would make typer import pydantic to convert it
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status: 0, 2 for an error, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if arguments is None:
        process.end_quickly()
    try:
        with _warnings_on_one_line(), process.without_pandas():
            app(args=arguments, prog_name="goodfit")
    except GoodFitError as error:
        _complain(with_flags(str(error), _flags()))
        sys.exit(2)


@app.callback(invoke_without_command=True)
def program(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Example: goodfit train churn.csv --target Churn

    Train regularised neural networks on your own tables, and know whether the fit is good.
    """
    if version:
        typer.echo(f"goodfit {goodfit.__version__}")
        raise typer.Exit


@app.command(cls=CommandWithDefaults, short_help="Train on a table and write a run folder with its report.")
def train(
    context: typer.Context,
    data: options.Data = "breast_cancer",
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="New folder; by default one in ./runs.")] = None,
    resume: options.Resume = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
    task: options.Task = None,
    kinds: options.Kinds = None,
    drop: options.Drop = None,
    numbers: options.Numbers = None,
    missing_target: options.MissingTargets = None,
    memory: options.Memory = None,
    test_size: options.TestSize = None,
    validation_split: options.ValidationSplit = None,
    split: options.SplitRule = None,
    group: options.Group = None,
    time: options.Time = None,
    seed: options.Seed = None,
    hidden: options.Hidden = None,
    activation: options.Activation = None,
    dropout: options.DropoutRate = None,
    l2: options.L2 = None,
    optimizer: options.OptimizerName = None,
    learning_rate: options.LearningRate = None,
    batch_size: options.BatchSize = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    class_weight: options.ClassWeight = None,
    threshold: options.Threshold = None,
    costs: options.Costs = None,
    seeds: options.Seeds = None,
    folds: options.Folds = None,
    choice: options.Choice = None,
    keep: options.Keep = None,
    start: options.Start = None,
    freeze: options.Freeze = None,
    refine: options.Refine = False,
    budget: options.Budget = None,
    cluster: options.Cluster = None,
    insecure: options.Insecure = False,
    dry_run: options.DryRun = False,
) -> None:
    """Example: goodfit train churn.csv --target Churn --l2 0,0.01,0.1

    Train every λ with every learning rate on 64 % of the rows, select on 16 % and seal 20 % for the exam.
    """
    if is_typed(context, "data"):
        validate_source(data, folder=memory is not None or config is not None)
    if start is not None:
        validate_run(start)
    given = training_given(context)
    if dry_run:
        _estimate(given, as_json=as_json)
        return
    _prepare_process()
    with (
        _run_folder(given) as folder,
        ended_by_signals(folder, _complain),
        progress(ERR) as curves,
        sweep_progress(ERR) as grids,
    ):
        watched = Watched(curves, grids, None if as_json else OUT)
        run = goodfit.train(
            **({} if resume else {"out": folder}) | given,
            on_prepared=watched.begin,
            on_epoch=curves.epoch,
            on_progress=grids.step,
            on_refined=watched.refine,
            verbose=0,
        )
        unfinished = run.path is not None and run.can_be_resumed
        pressed = unfinished and ("budget" not in given or stopped(run))  # nobody waits for a report after Ctrl-C
        for shown in (curves, grids):
            shown.follow("writing the report …")
        report = None if pressed else goodfit.report(run, folder / REPORT, spell=train_command)
    if as_json:
        typer.echo(to_json(training_summary(run) | {"report": report and str(report)}))
    else:
        show_training(run, report, OUT, first=watched.first)
    if run.path and unfinished:
        ERR.print(f"To resume: {resume_command(run.path)}", soft_wrap=True)
    if pressed:
        raise typer.Exit(INTERRUPTED)


@app.command(short_help="The exam: score the sealed test rows, once.")
def test(
    run: options.RunFolder,
    data: Annotated[str | None, typer.Option(metavar="TABLE", help="The training table, if it has moved.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why the exam is opened again.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Example: goodfit test runs/churn

    The exam: score the sealed test rows, once, with 95% intervals. The result is recorded in the run folder.
    """
    validate_run(run)
    _prepare_process()
    found = goodfit.load(run)
    earlier = found.ledger.openings()
    if earlier and not reason and not as_json:
        show_exam(found, earlier[-1], OUT)
    opening = found.test(data, reason=reason)
    if as_json:
        typer.echo(to_json(exam_summary(found, opening)))
    else:
        show_exam(found, opening, OUT)
    goodfit.report(found, run / REPORT, spell=train_command)


@app.command(short_help="Predict the rows of a table.")
def predict(
    run: options.RunFolder,
    data: options.Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new .csv or .parquet file.", show_default=False)],
    id_columns: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Carry this column along. Repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Example: goodfit predict runs/churn new.csv --out predictions.csv

    One line per row, in order: the prediction and, for classification, the probability of each class.
    """
    validate_run(run)
    validate_source(data)
    _prepare_process()
    found = goodfit.load(run)
    table = found.read_for_prediction(data)
    prediction = found.write_predictions(table, out, overwrite=force, id_columns=id_columns or ())
    if as_json:
        typer.echo(to_json(prediction_summary(found, table, prediction, out)))
    else:
        show_predictions(found, table, prediction, out, OUT)


@app.command(short_help="Write the model of a run as a file for other programs.")
def export(
    run: options.RunFolder,
    onnx: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file of ONNX.")] = None,
    keras: Annotated[Path | None, typer.Option(metavar="FILE", help="A new .keras file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Example: goodfit export runs/churn --onnx churn.onnx

    ONNX: one graph from the raw columns to the prediction, for onnxruntime and other programs without goodfit. Keras: a
    model of the encoded columns, with the same weights, penalties and dropout.
    """
    if onnx is None and keras is None:
        raise ConfigError("Name a file to export to: onnx='model.onnx', or keras='model.keras'.")
    validate_run(run)
    found = goodfit.load(run)
    if onnx is not None:
        show_export(found, found.export_onnx(onnx, overwrite=force), OUT)
    if keras is not None:
        show_export(found, found.export_keras(keras, overwrite=force), OUT)


@app.command(short_help="Write the report of a run: one HTML file.")
def report(
    run: options.RunFolder,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="By default report.html in the run folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    png: Annotated[Path | None, typer.Option(metavar="DIR", help="Also write every figure here, as PNG.")] = None,
) -> None:
    """Example: goodfit report runs/churn

    One HTML file with the verdict, the evidence for it and the next step. It works offline.
    """
    validate_run(run)
    _prepare_process()
    found, replace = goodfit.load(run), force or out is None
    path = goodfit.report(found, out or run / REPORT, pngs=png, spell=train_command, overwrite=replace)
    OUT.print(f"report  {path}", soft_wrap=True)


@app.command(short_help="Compare runs row by row, without the exam.")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of runs.", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write an HTML file with all curves.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Example: goodfit compare runs/first runs/second

    The mean loss of each run on rows that it was not trained on, and the gain over the first with its standard error.
    """
    for run in runs:
        validate_run(run)
    found = goodfit.compare(*runs, out=out, overwrite=force)
    if as_json:
        typer.echo(to_json(comparison_summary(found)))
    else:
        show_comparison(found, out, OUT)


@app.command(short_help="Write a guided tour of regularised training: one HTML file.")
def tour(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new file.")] = Path("tour.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Example: goodfit tour

    L2, Adam and the learning rate, the data split, early stopping and the complete training cycle. Every figure is
    drawn from trainings that run now, in less than a minute, and is shown with its code. The page works offline.
    """
    _prepare_process()
    start_engine()
    OUT.print(f"tour  {goodfit.tour(out, overwrite=force, on_chapter=_show_chapter)}", soft_wrap=True)


class Watched:
    """Passes the progress of a training on to the screen. first: the first of two grids."""

    def __init__(self, curves: Progress, grids: SweepProgress, console: Console | None) -> None:
        self.curves, self.grids, self.console = curves, grids, console
        self.settings: Settings | None = None
        self.first: FirstGrid | None = None

    def begin(self, prepared: "Prepared") -> None:
        """Before the first epoch."""
        self.settings = prepared.settings
        start_engine()
        if self.console is not None:
            show_prepared(prepared, self.console)
        if self.settings.sweeps:
            self.grids.begin(self.settings)
        else:
            self.curves.begin(self.settings.epochs)

    def refine(self, settings: "Settings", selection: "Selection") -> None:
        """Before the second grid."""
        assert self.settings is not None
        space = self.settings.space
        self.first = FirstGrid(space["l2"], space["learning_rate"], selection)
        self.grids.begin(settings)


def _show_chapter(number: int, n_chapters: int, heading: str) -> None:
    """Show on a terminal which chapter is being trained."""
    if ERR.is_terminal:
        ERR.print(f"{number} of {n_chapters}  {heading}")


def _estimate(given: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the cost of a training that is not run."""

    def show(prepared: "Prepared") -> None:
        if not as_json:
            show_prepared(prepared, OUT)

    left_out = ("out", "resume", "refine", "budget", "cluster", "insecure")
    planned = {name: value for name, value in given.items() if name not in left_out}
    estimate = goodfit.dry_run(**planned, on_prepared=show)
    if as_json:
        typer.echo(to_json(estimate_summary(estimate)))
    else:
        show_estimate(estimate, OUT)


@contextlib.contextmanager
def _run_folder(given: Mapping[str, Any]) -> Iterator[Path]:
    """Folder of a new run, or of the one that goes on. One that was made here is removed if it stays empty."""
    named = given.get("resume") or given.get("out")
    folder = Path(named) if named else _next_folder(str(given.get("table", "breast_cancer")))
    try:
        yield folder
    finally:
        if not named:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _next_folder(data: str) -> Path:
    """Make runs/<data>-<n> with the smallest free n, in one step, so that two trainings never share a folder."""
    name = "table" if is_stream(data) else re.sub(r"[^\w-]+", "-", Path(data).name.split(".")[0]) or "run"
    for n in count(1):
        folder = Path("runs") / f"{name}-{n}"
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"{folder} cannot be made ({error.strerror}): choose a folder with --out.") from error
    return folder


def _prepare_process() -> None:
    """Keep compiled programs where that is safe; say so where it is not."""
    try:
        with contextlib.suppress(OSError):
            goodfit.use_compilation_cache()
    except ConfigError as error:
        _complain(f"warning: {error}")


def _flags() -> dict[str, str]:
    """Arguments of all commands with their flags."""
    every = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    params = [param for each in every for param in each.params if param.opts[0].startswith("--")]
    return {param.name: param.opts[0] for param in params} | {"overwrite": "--force", "table": "--data"}


def _complain(text: str) -> None:
    ERR.print(f"goodfit: {cut(text, MAX_MESSAGE_CHARS)}", soft_wrap=not ERR.is_terminal)


@contextlib.contextmanager
def _warnings_on_one_line() -> Iterator[None]:
    """Print warnings of goodfit on stderr; hide those that libraries address to developers."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        _complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning)
        warnings.showwarning = show
        yield
