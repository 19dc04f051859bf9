"""What came out of a training, of the exam and of a prediction."""

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
from goodfit.cli.selection_summary import FirstGrid, show_choice
from goodfit.cli.verdict import show_verdict
from goodfit.formatting import METRIC_LABELS, count, join, numbers, printable, sparkline, value

if TYPE_CHECKING:
    from goodfit.data.table import Table
    from goodfit.data.target import Prediction
    from goodfit.holdout.exam import Opening
    from goodfit.workflow import Run

CURVE_WIDTH = 40
COLOURS = {"loss": "cyan", "val_loss": "green"}
PADDING = (0, 2, 0, 0)


def show_training(run: Run, report: Path, console: Console, *, first: FirstGrid | None = None) -> None:
    """What won, if it was a sweep; how it ended, the epoch given back, its metrics beside the baseline, the verdict."""
    if run.sweep is not None:
        show_choice(run, run.sweep, console, first=first)
    console.print(*_ending(run), sep="\n", end="\n\n")
    if run.training.best_epoch:
        console.print(_losses(run), "")
    console.print(_metrics(run), "")
    console.print(_notes(run), style="dim", end="\n\n")
    show_verdict(goodfit.diagnose(run), console)
    _print_path("run   ", str(run.path), console)
    _print_path("report", str(report), console)
    if run.record.seal is not None and run.training.best_epoch:
        _print_path("next  ", f"goodfit test {shlex.quote(str(run.path))}", console)


def show_exam(run: Run, opening: Opening, console: Console) -> None:
    """Test metrics with their intervals, beside those of the validation rows and the baseline."""
    record = run.record
    rows = count(len(run.splits.test), "test row")
    time = opening.time.replace("T", " ").replace("+00:00", " UTC")
    reason = f" ({printable(opening.reason)})" if opening.reason else ""
    console.print(f"{printable(record.target.name)} on {rows} that took no part in training", style="bold")
    console.print(f"opening {opening.number} of the exam, {time}{reason}", end="\n\n")
    grid = _grid("", "test", "95% interval", "validation", "baseline")
    for name, estimate in opening.scores.items():
        known = record.validation_scores[name], record.baseline_scores[name]
        test, low, high, validation, baseline = numbers(*estimate, *known)
        grid.add_row(METRIC_LABELS[name], Text(test, style="bold"), f"{low} to {high}", validation, baseline)
    console.print(grid, "")
    console.print(f"Validation and baseline are of the validation rows. {_of_baseline(run)}", style="dim")


def show_predictions(run: Run, table: Table, prediction: Prediction, out: Path, console: Console) -> None:
    """What was written, what was left out, and what was filled in."""
    rows = count(len(prediction.values), "prediction")
    console.print(f"{rows} of {printable(run.record.target.name)}: {_spread(run, prediction)}")
    if extra := run.record.encoder.extra(table):
        names = join(map(printable, extra))
        console.print(f"ignored, since training did not have {'it' if len(extra) == 1 else 'them'}: {names}")
    if missing := missing_cells(run, table):
        words = join(f"{printable(name)} ({cells:,})" for name, cells in missing.items())
        console.print(f"missing cells, filled in as in training: {words}")
    _print_path("written to", str(out), console)


def missing_cells(run: Run, table: Table) -> dict[str, int]:
    """The columns that are needed and lack cells, with how many."""
    needed = {name: table.column(name).missing for name in run.record.encoder.columns}
    return {name: cells for name, cells in needed.items() if cells}


def _ending(run: Run) -> Iterator[str]:
    training, settings = run.training, run.settings
    done, best = training.history.n_epochs, training.best_epoch
    match training.outcome.name:
        case "FINISHED":
            yield f"All {count(done, 'epoch')} are done."
        case "STOPPED_EARLY":
            waited = count(settings.patience, "epoch")
            yield f"Stopped early after epoch {done:,}: no lower validation loss for {waited}."
        case "STOPPED_BY_USER":
            yield f"Stopped by you after epoch {done:,} of {settings.epochs:,}."
        case "DIVERGED":
            yield f"Diverged in epoch {done:,}: the loss is no longer a finite number."
    if best:
        yield f"The weights of epoch {best:,} are given back, where the validation loss was lowest."
    else:
        yield "No epoch can be given back: the weights are those before the first epoch."


def _losses(run: Run) -> Grid:
    """The numbers of the epoch that is given back; the curves on one scale, that epoch in bold."""
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
    grid.add_row("objective", objective, Text("loss + penalty, what was minimised", style="dim"))
    return grid


def _curve(values: Sequence[float], low: float, high: float, best: int, colour: str) -> Text:
    blocks = sparkline(values, low, high, width=CURVE_WIDTH)
    position = max(0, -(-best * len(blocks) // len(values)) - 1)
    text = Text(blocks, style=colour)
    text.stylize("bold yellow", position, position + 1)
    return text


def _metrics(run: Run) -> Grid:
    found, baseline = run.record.validation_scores, run.record.baseline_scores
    grid = _grid(count(len(run.splits.validation), "validation row"), "network", "baseline")
    for name in found:
        network, without = numbers(found[name], baseline[name])
        grid.add_row(METRIC_LABELS[name], Text(network, style="bold"), without)
    return grid


def _of_baseline(run: Run) -> str:
    target = run.record.target
    if target.task == "regression":
        (mean,) = numbers(target.mean)
        return f"Baseline: always {mean}, the mean of the training rows."
    return f"Baseline: always {printable(target.baseline.prediction)}, the most frequent class of the training rows."


def _notes(run: Run) -> str:
    """What the numbers are of."""
    notes = [_of_baseline(run)]
    if run.record.target.task == "regression":
        notes.append(
            "Losses are of the standardised target, where 1 is the baseline; RMSE and MAE are in its own unit."
        )
    if run.settings.class_weight is not None:
        notes.append("Losses are weighted by class, metrics are not.")
    return " ".join(notes)


def _spread(run: Run, prediction: Prediction) -> str:
    """How the predictions are distributed, in a few words."""
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
    """On one line however long, so that it can be copied."""
    console.print(Text.assemble((label, "cyan"), "  ", (path, "bold")), soft_wrap=True)
