"""Results of a training, of the exam and of a prediction."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

import goodfit
from goodfit.cli.selection_summary import FirstGrid, show_selection
from goodfit.cli.signals import report_command
from goodfit.cli.verdict import show_verdict
from goodfit.formatting import METRIC_LABELS, OTHER, count, join, numbers, printable, sparkline, value
from goodfit.reporting.decision_sentences import of_decision, of_labels, of_undefined
from goodfit.reporting.ensemble_sentences import AT_OTHERS_EPOCH, OUT_OF_FOLD, REFERENCE_MODELS, of_exam
from goodfit.reporting.transfer_sentences import of_transfer

if TYPE_CHECKING:
    from goodfit.data.table import Table
    from goodfit.data.target import Prediction
    from goodfit.experiment.run_comparison import RunComparison
    from goodfit.holdout.ledger import Opening
    from goodfit.run import Run

CURVE_WIDTH = 40
COLOURS = {"loss": "cyan", "val_loss": "green"}
PADDING = (0, 2, 0, 0)


def show_training(run: Run, report: Path | None, console: Console, *, first: FirstGrid | None = None) -> None:
    """The selection of a search, the end of the training, its losses, metrics with the baseline, and the verdict.

    report: None where it was not written, and the command that writes it is shown.
    """
    if run.sweep is not None:
        show_selection(run, run.sweep, console, first=first)
    if run.transfer is not None:
        console.print(of_transfer(run.transfer, run.transfer.earlier, freeze=run.settings.freeze), end="\n\n")
    console.print(*_ending(run), sep="\n", end="\n\n")
    if run.training.best_epoch:
        console.print(_losses(run), "")
    console.print(_metrics(run), "")
    if run.decision is not None:
        console.print(of_decision(run.decision), end="\n\n")
    console.print(_notes(run), style="dim", end="\n\n")
    show_verdict(goodfit.diagnose(run), console)
    _print_path("run   ", str(run.path), console)
    _print_path("report", str(report) if report else report_command(run.path or Path()), console)
    if run.record.seal is not None and run.training.best_epoch:
        table = "" if run.record.source else " --data TABLE"  # one in memory or from a pipe is given again
        _print_path("next  ", f"goodfit test {shlex.quote(str(run.path))}{table}", console)


def show_exam(run: Run, opening: Opening, console: Console) -> None:
    """Test metrics with their intervals, and those of the validation rows and of the baseline."""
    record = run.record
    n, n_all = len(run.splits.test), record.sizes["test"]
    rows = count(n, "test row") if n == n_all else f"{n:,} of {count(n_all, 'test row')}, drawn at random"
    reason = f" ({printable(opening.reason)})" if opening.reason else ""
    console.print(f"{printable(record.target.name)}: {rows}, not used for training or selection", style="bold")
    times = "once" if opening.number == 1 else f"{opening.number} times"
    console.print(f"scored {times}, {'last ' if opening.number > 1 else ''}on {opening.when}{reason}", end="\n\n")
    which = "out-of-fold" if run.ensemble else "validation"
    grid = _grid("", "test", "95% interval", which, "baseline")
    for name, estimate in opening.scores.items():
        known = (scores.get(name, math.nan) for scores in (record.known_scores, record.known_baseline_scores))
        test, low, high, on_known, baseline = numbers(*estimate, *known)
        shown = METRIC_LABELS.get(name, printable(name))
        grid.add_row(shown, Text(test, style="bold"), f"{low} to {high}", on_known, baseline)
    console.print(grid, "")
    if run.ensemble is not None:
        console.print(of_exam(run.ensemble, opening, len(run.splits.test)), end="\n\n")
    if opening.confusion:
        console.print(_confusion(record.target.classes, opening.confusion), "")
    notes = [f"The last two columns are scores on the {_known_rows(run)}.", _baseline(run)]
    notes += [of_undefined(record.known_baseline_scores)]
    console.print(" ".join(filter(None, notes)), style="dim")


def _confusion(classes: Sequence[object], matrix: Sequence[Sequence[int]]) -> Grid:
    """Test rows by true and predicted class; rows of a class that cannot be predicted come last."""
    names = [printable(label, longest=20) for label in (*classes, OTHER)]
    grid = _grid("true \\ predicted", *names[: len(classes)])
    for place, (name, row) in enumerate(zip(names, matrix, strict=False)):
        cells = [Text(f"{n:,}", style="bold" if place == column else "") for column, n in enumerate(row)]
        grid.add_row(name, *cells)
    return grid


def show_predictions(run: Run, table: Table, prediction: Prediction, out: Path, console: Console) -> None:
    """What was written, which columns were ignored, and where cells were missing."""
    rows = count(len(prediction.values), "prediction")
    console.print(f"{rows} of {printable(run.record.target.name)}: {_spread(run, prediction)}")
    if extra := run.record.encoder.extra(table):
        names = join(map(printable, extra))
        console.print(f"ignored, not in the training table: {names}")
    if missing := missing_cells(run, table):
        words = join(f"{printable(name)} ({cells:,})" for name, cells in missing.items())
        console.print(f"missing cells, treated as in training: {words}")
    _print_path("written to", str(out), console)


def show_export(run: Run, out: Path, console: Console) -> None:
    """What was written, and how it was checked."""
    record = run.record
    networks = count(run.ensemble.n_networks if run.ensemble else 1, "network")
    columns = count(len(record.encoder.columns), "column")
    console.print(f"{printable(record.target.name)}: {networks} in one model, from {columns}")
    console.print("checked: on made-up rows it predicts as goodfit does, up to 0.00001")
    _print_path("written to", str(out), console)


def show_comparison(found: RunComparison, out: Path | None, console: Console) -> None:
    """Mean loss of each run, and its gain over the first."""
    grid = _grid("", found.metric, "gain", "", "")
    for name, *cells in found.rows():
        grid.add_row(name, *cells)
    console.print(grid, "")
    console.print(found.sentence)
    if out is not None:
        _print_path("page", str(out), console)


def missing_cells(run: Run, table: Table) -> dict[str, int]:
    """Number of missing cells in each column that is used and has some."""
    needed = {name: table.column(name).missing for name in run.record.encoder.columns}
    return {name: cells for name, cells in needed.items() if cells}


def _ending(run: Run) -> Iterator[str]:
    training, settings = run.training, run.settings
    done, best = training.history.n_epochs, training.best_epoch
    match training.outcome.name:
        case "FINISHED":
            yield f"All {count(done, 'epoch')} completed."
        case "STOPPED_EARLY":
            waited = count(settings.patience, "epoch")
            yield f"Stopped early after epoch {done:,}: no lower validation loss for {waited}."
        case "STOPPED_BY_USER":
            yield f"Stopped by you after epoch {done:,} of {settings.epochs:,}."
        case "OUT_OF_TIME":
            yield f"Its time was over after epoch {done:,} of {settings.epochs:,}."
        case "DIVERGED":
            yield f"Diverged in epoch {done:,}: the loss is not finite."
    if best:
        yield f"Restored the weights of epoch {best:,}, where the validation loss was lowest."
    else:
        yield "No epoch has a finite loss: the weights are the initial ones."


def _losses(run: Run) -> Grid:
    """Losses of the restored epoch, and both curves on one scale with that epoch highlighted."""
    history, best = run.history, run.training.best_epoch
    row = history.row(best)
    loss, val_loss, penalty, objective = numbers(*(row[name] for name in ("loss", "val_loss", "penalty", "objective")))
    curves = {name: history[name].tolist() for name in ("loss", "val_loss")}
    finite = [value for values in curves.values() for value in values if math.isfinite(value)]
    drawn = {name: _curve(values, min(finite), max(finite), best, COLOURS[name]) for name, values in curves.items()}
    grid = _grid("", f"epoch {best:,}", "")
    grid.columns[2].justify = "left"
    grid.add_row("loss", loss, drawn["loss"])
    grid.add_row("validation loss", Text(val_loss, style="bold"), drawn["val_loss"])
    l2 = run.config["l2"]
    grid.add_row("penalty", penalty, Text(f"{value(l2)} · Σw²" if l2 else "none: l2 is 0", style="dim"))
    grid.add_row("objective", objective, Text("loss + penalty, minimised in training", style="dim"))
    return grid


def _curve(values: Sequence[float], low: float, high: float, best: int, colour: str) -> Text:
    blocks = sparkline(values, low, high, width=CURVE_WIDTH)
    position = max(0, -(-best * len(blocks) // len(values)) - 1)
    text = Text(blocks, style=colour)
    text.stylize("bold yellow", position, position + 1)
    return text


def _known_rows(run: Run) -> str:
    """The rows on which scores are known before the exam."""
    if run.ensemble is None:
        return "validation rows"
    rows = "training and validation rows" if run.record.all_known_judge else "validation rows"
    return f"{run.ensemble.n_rows:,} {rows}, out-of-fold"


def _metrics(run: Run) -> Grid:
    """What predicts and all that it is compared with, on the same rows."""
    kept, record = run.ensemble, run.record
    rows = count(record.n_judging, "validation row") if kept is None else "out-of-fold"
    grid = _grid(rows, *(["network"] if kept is None else ["ensemble", "selected"]), "linear", "boosting", "baseline")
    for name, score in record.known_scores.items():
        selected = [] if kept is None else [kept.selected_scores[name]]
        references = [record.measurements.reference_scores[model][name] for model in ("linear", "trees")]
        own, *others = numbers(score, *selected, *references, record.known_baseline_scores[name])
        grid.add_row(METRIC_LABELS[name], Text(own, style="bold"), *others)
    return grid


def _baseline(run: Run) -> str:
    target = run.record.target
    if target.task == "regression":
        (mean,) = numbers(target.mean)
        return f"Baseline: always predicts {mean}, the mean of the training rows."
    most = printable(target.baseline.prediction)
    return f"Baseline: always predicts {most}, the most frequent class in the training rows."


def _notes(run: Run) -> str:
    """What the numbers refer to."""
    n, all_known = run.record.n_judging, run.record.all_known_judge
    rows = f"There are {count(n, 'row') + ': all but the test rows' if all_known else count(n, 'validation row')}."
    judged = AT_OTHERS_EPOCH if run.ensemble is None else f"{OUT_OF_FOLD} {rows}"
    notes = [judged, REFERENCE_MODELS, _baseline(run)]
    notes += [of_undefined(run.record.known_baseline_scores)]
    if run.record.target.task == "regression":
        notes.append(
            "Losses are mean squared errors of the standardised target; RMSE and MAE are in its original unit."
        )
    else:
        notes.append(of_labels(run.record.target.classes))
    if run.settings.class_weight is not None:
        notes.append("Losses are weighted by class, metrics are not.")
    return " ".join(filter(None, notes))


def _spread(run: Run, prediction: Prediction) -> str:
    """Distribution of the predictions."""
    values = prediction.values
    if prediction.probabilities is None:
        low, high, mean = numbers(values.min(), values.max(), values.mean())
        return f"{low} to {high}, mean {mean}"
    counts = Counter(values.tolist()).most_common()
    return join(f"{printable(label)} ({n:,})" for label, n in counts)


def _grid(*headers: str) -> Grid:
    grid = Grid(box=None, show_edge=False, padding=PADDING, pad_edge=False, header_style="dim")
    for position, header in enumerate(headers):
        grid.add_column(
            header, justify="right" if position else "left", style=None if position else "cyan", no_wrap=True
        )
    return grid


def _print_path(label: str, path: str, console: Console) -> None:
    """On one line, however long, so that it can be copied."""
    console.print(Text.assemble((label, "cyan"), "  ", (path, "bold")), soft_wrap=True)
