"""The program ``goodfit``: each command opens a table or a run, calls one function, and shows what came out.

goodfit is loaded by its front door, name by name when used, so that help and mistakes do not wait for JAX.
"""

import contextlib
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console

import goodfit
from goodfit.cli import plain_console
from goodfit.cli.arguments import CommandWithDefaults, settings_given
from goodfit.cli.data_summary import show_prepared
from goodfit.cli.json_output import estimate_summary, exam_summary, prediction_summary, to_json, training_summary
from goodfit.cli.progress import Progress, progress
from goodfit.cli.results import show_exam, show_predictions, show_training
from goodfit.cli.selection_summary import FirstGrid, show_estimate, stopped
from goodfit.cli.sweep_progress import SweepProgress, sweep_progress
from goodfit.errors import GoodFitError, RunError

if TYPE_CHECKING:
    from goodfit.experiment.prepare import Prepared
    from goodfit.experiment.settings import Settings
    from goodfit.search.selection import Selection

INTERRUPTED = 130
REPORT = "report.html"
KIND = "number, category, date, text or id. Repeatable."
CLASS_WEIGHT = "Or balanced. Repeatable."
VALUES = "VALUE,…"
CHOICE = "best, or 1se: the largest l2 within one standard error."

OUT = plain_console()
ERR = plain_console(stderr=True)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status: 0, 2 for a mistake, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with _warnings_on_one_line():
            app(args=arguments, prog_name="goodfit")
    except GoodFitError as error:
        _complain(str(error))
        sys.exit(2)


@app.callback(invoke_without_command=True)
def program(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    """Example: goodfit train churn.csv --target Churn

    Train regularised neural networks on your own tables, and know whether the fit is good.
    """
    if version:
        typer.echo(f"goodfit {goodfit.__version__}")
        raise typer.Exit


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a training.", show_default=False)]
Data = Annotated[str, typer.Argument(metavar="DATA", help="A table: a path, or the name of a built-in set.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
OfTable = partial(typer.Option, rich_help_panel="Table")
OfParts = partial(typer.Option, rich_help_panel="Splits")
OfNetwork = partial(typer.Option, rich_help_panel="Network")
OfTraining = partial(typer.Option, rich_help_panel="Training")
OfSweep = partial(typer.Option, rich_help_panel="Sweep")


@app.command(cls=CommandWithDefaults, short_help="Train on a table: splits, network, early stopping, run folder.")
def train(
    context: typer.Context,
    data: Data = "breast_cancer",
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column to predict.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="A new folder; else one in ./runs.")] = None,
    as_json: AsJson = False,
    task: Annotated[str | None, OfTable(metavar="TASK", help="auto, classification or regression.")] = None,
    kinds: Annotated[list[str] | None, OfTable("--kind", metavar="COLUMN=KIND", help=KIND)] = None,
    drop: Annotated[list[str] | None, OfTable(metavar="COLUMN", help="Learn nothing from it. Repeatable.")] = None,
    test_size: Annotated[str | None, OfParts(metavar="SHARE", help="Sealed for the exam; 0 for no exam.")] = None,
    validation_split: Annotated[float | None, OfParts(metavar="SHARE", help="Of the rest; chooses the epoch.")] = None,
    split: Annotated[str | None, OfParts(metavar="RULE", help="random, last, group, time or duplicates.")] = None,
    group: Annotated[str | None, OfParts(metavar="COLUMN", help="Its rows of one value stay together.")] = None,
    time: Annotated[str | None, OfParts(metavar="COLUMN", help="Earlier rows train, the latest test.")] = None,
    seed: Annotated[int | None, OfParts(help="Of splits, first weights, row orders, dropout.")] = None,
    hidden: Annotated[str | None, OfNetwork(metavar="UNITS", help="Of each hidden layer, or none.")] = None,
    activation: Annotated[str | None, OfNetwork(metavar="NAME", help="Of the hidden layers.")] = None,
    dropout: Annotated[float | None, OfNetwork(help="Share of hidden outputs left out.")] = None,
    l2: Annotated[str | None, OfNetwork(metavar=VALUES, help="λ of the penalty λ·Σw² on every kernel.")] = None,
    optimizer: Annotated[str | None, OfTraining(metavar="NAME", help="adam or sgd.")] = None,
    learning_rate: Annotated[str | None, OfTraining(metavar=VALUES, help="Of the optimizer.")] = None,
    batch_size: Annotated[int | None, OfTraining(help="Rows of one update.")] = None,
    epochs: Annotated[int | None, OfTraining(help="The most that are run.")] = None,
    patience: Annotated[int | None, OfTraining(help="Epochs without a lower validation loss.")] = None,
    class_weight: Annotated[list[str] | None, OfTraining(metavar="CLASS=WEIGHT", help=CLASS_WEIGHT)] = None,
    seeds: Annotated[int | None, OfSweep(help="Trainings of every pair of values.")] = None,
    folds: Annotated[int | None, OfSweep(help="So that every row judges once; 1 for none.")] = None,
    choice: Annotated[str | None, OfSweep(metavar="RULE", help=CHOICE)] = None,
    refine: Annotated[bool, OfSweep("--refine", help="A second grid where the best of the first lies.")] = False,
    dry_run: Annotated[bool, OfSweep("--dry-run", help="Say what it takes, and train nothing.")] = False,
) -> None:
    """Example: goodfit train churn.csv --target Churn --l2 0,0.01,0.1

    Train every λ and learning rate on 64 % of the rows, choose on 16 %, and seal 20 % for the exam.
    """
    settings = settings_given(context)
    if dry_run:
        _estimate(data, target, settings, as_json=as_json)
        return
    with contextlib.suppress(OSError):
        goodfit.use_compilation_cache()
    with _run_folder(data, out) as folder, progress(ERR) as curves, sweep_progress(ERR) as grids:
        watched = Watched(curves, grids, None if as_json else OUT)
        run = goodfit.train(
            data,
            target,
            out=folder,
            on_prepared=watched.begin,
            on_epoch=curves.epoch,
            on_progress=grids.step,
            on_refined=watched.refine,
            refine=refine,
            **settings,
        )
        report = goodfit.report(run, folder / REPORT)
    if as_json:
        typer.echo(to_json(training_summary(run) | {"report": str(report)}))
    else:
        show_training(run, report, OUT, first=watched.first)
    if stopped(run):
        raise typer.Exit(INTERRUPTED)


@app.command(short_help="The exam: open the sealed test rows, once.")
def test(
    run: RunFolder,
    data: Annotated[str | None, typer.Option(metavar="TABLE", help="The training table, if it was moved.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why the exam is opened again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Example: goodfit test runs/churn

    The exam: metrics of the sealed test rows with 95 % intervals, once. The result goes on record in the run folder.
    """
    found = goodfit.load(run)
    earlier = found.ledger.openings()
    if earlier and not reason and not as_json:
        show_exam(found, earlier[-1], OUT)
    opening = found.test(data, reason=reason)
    goodfit.report(found, run / REPORT)
    if as_json:
        typer.echo(to_json(exam_summary(found, opening)))
    else:
        show_exam(found, opening, OUT)


@app.command(short_help="Predict the rows of a table.")
def predict(
    run: RunFolder,
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new .csv or .parquet file.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Example: goodfit predict runs/churn new.csv --out predictions.csv

    One line for each row, in order: the prediction and, for classes, the probability of each.
    """
    found = goodfit.load(run)
    table = found.read_for_prediction(data)
    prediction = found.write_predictions(table, out, overwrite=force)
    if as_json:
        typer.echo(to_json(prediction_summary(found, table, prediction, out)))
    else:
        show_predictions(found, table, prediction, out, OUT)


@app.command(short_help="Write the report of a training: one page for any browser.")
def report(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Else report.html in the folder of the run.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="DIR", help="Write every picture there too, as PNG.")] = None,
) -> None:
    """Example: goodfit report runs/churn

    One HTML file that says what happened, why, and what to do next; it needs no network.
    """
    OUT.print(f"report  {goodfit.report(goodfit.load(run), out or run / REPORT, pngs=png)}", soft_wrap=True)


@app.command(short_help="Write the guide, measured: one page of pictures from trainings that run now.")
def tour(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A new file.")] = Path("tour.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Example: goodfit tour

    L2, Adam and the learning rate, honest data, early stopping, the complete cycle: every picture is drawn from
    trainings that run now, in less than a minute, and stands beside its code. The page needs no network.
    """
    with contextlib.suppress(OSError):
        goodfit.use_compilation_cache()
    OUT.print(f"tour  {goodfit.tour(out, overwrite=force, on_chapter=_show_chapter)}", soft_wrap=True)


class Watched:
    """What a training tells of itself, handed on to the screen. first: of two grids the first one."""

    def __init__(self, curves: Progress, grids: SweepProgress, console: Console | None) -> None:
        self.curves, self.grids, self.console = curves, grids, console
        self.settings: Settings | None = None
        self.first: FirstGrid | None = None

    def begin(self, prepared: "Prepared") -> None:
        """Before the first epoch."""
        self.settings = prepared.settings
        if self.console is not None:
            show_prepared(prepared, self.console)
        if self.settings.sweeps:
            self.grids.begin(self.settings)
        else:
            self.curves.begin(self.settings.epochs)

    def refine(self, settings: "Settings", choice: "Selection") -> None:
        """Before the second grid."""
        assert self.settings is not None
        space = self.settings.space
        self.first = FirstGrid(space["l2"], space["learning_rate"], choice)
        self.grids.begin(settings)


def _show_chapter(number: int, n_chapters: int, heading: str) -> None:
    """Which chapter is being trained, where somebody is watching."""
    if ERR.is_terminal:
        ERR.print(f"{number} of {n_chapters}  {heading}")


def _estimate(data: str, target: str | None, settings: dict[str, Any], *, as_json: bool) -> None:
    """What the training would take."""

    def show(prepared: "Prepared") -> None:
        if not as_json:
            show_prepared(prepared, OUT)

    estimate = goodfit.dry_run(data, target, on_prepared=show, **settings)
    if as_json:
        typer.echo(to_json(estimate_summary(estimate)))
    else:
        show_estimate(estimate, OUT)


@contextlib.contextmanager
def _run_folder(data: str, out: Path | None) -> Iterator[Path]:
    """The folder of a new run; one that was made here and that nothing was saved in does not stay behind."""
    folder = out or _next_folder(data)
    try:
        yield folder
    finally:
        if out is None:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _next_folder(data: str) -> Path:
    """Make runs/<data>-<n> with the smallest n that is free, in one step, so that two trainings never share one."""
    name = re.sub(r"[^\w-]+", "-", Path(data).name.split(".")[0]) or "run"
    for n in count(1):
        folder = Path("runs") / f"{name}-{n}"
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"{folder} cannot be made ({error.strerror}): name a folder with --out.") from error
    return folder


def _complain(text: str) -> None:
    ERR.print(f"goodfit: {text}", soft_wrap=not ERR.is_terminal)


@contextlib.contextmanager
def _warnings_on_one_line() -> Iterator[None]:
    """What goodfit warns of, on stderr; what libraries tell each other's developers stays unsaid."""

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
