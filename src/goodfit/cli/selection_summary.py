"""Result of a search: the grid, the selected configuration, its uncertainty, and the effect of L2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from goodfit.cli.grid_table import LOWEST, SELECTED, Cell, draw_grid
from goodfit.cli.spelling import flags
from goodfit.formatting import count, join, numbers, value
from goodfit.reporting.ensemble_sentences import of_ensemble
from goodfit.search.race_arithmetic import Place, comparable_means

if TYPE_CHECKING:
    from goodfit.experiment.run_folder import SweepRecord
    from goodfit.run import Run
    from goodfit.search.parallel import SweepCost
    from goodfit.search.selection import ConfigResult, Selection

NAMES = {"l2": "λ", "learning_rate": "learning rate"}
REFINE = {"refine": True}


class FirstGrid(NamedTuple):
    """The first of two grids: its values and its selection."""

    l2: tuple[float, ...]
    rates: tuple[float, ...]
    selection: Selection


def show_selection(run: Run, sweep: SweepRecord, console: Console, *, first: FirstGrid | None = None) -> None:
    """The grid with the selected configuration marked, its uncertainty, and warnings."""
    selection, space = sweep.selection, run.settings.space
    chosen, best = _cell(selection.chosen), _cell(selection.best)
    marks = {best: LOWEST} | {chosen: SELECTED}
    console.print(_heading(sweep), style="bold")
    console.print(draw_grid(space["l2"], space["learning_rate"], _means(sweep), marks=marks))
    console.print(_legend(sweep, chosen != best), style="dim", end="\n\n")
    for sentence in (*_won(run, selection), *_reliability(run, sweep), _gain(selection), *_ensemble(run)):
        console.print(sentence)
    console.print()
    for warning in _warnings(run, sweep, first):
        console.print(warning, style="yellow", end="\n\n")


def show_estimate(estimate: SweepCost, console: Console) -> None:
    """Cost of a training that is not run."""
    at_a_time = min(estimate.parallel, estimate.trials)
    running, kept = (_megabytes(size) for size in (estimate.running_bytes, estimate.kept_bytes))
    most = "at most " if estimate.is_bound else ""
    console.print(f"{most}{count(estimate.trials, 'training')}, {at_a_time:,} at a time")
    console.print(f"memory  {running} for the running trainings and {kept} for all results, in addition to the table")
    console.print(f"{count(estimate.compilations, 'compilation')} of the training program, unless cached")
    console.print("Nothing was trained. Remove --dry-run to train.")


def stopped(run: Run) -> bool:
    """Whether Ctrl-C ended the training, not the end of its time."""
    outcomes = [run.training.outcome.name.lower()] if run.sweep is None else run.sweep.table["outcome"].to_pylist()
    return "stopped_by_user" in outcomes


def _heading(sweep: SweepRecord) -> str:
    """Title of the grid, with the seeds and folds that each number is a mean of, where it is the same for all."""
    if sweep.n_contenders < len(_means(sweep)):
        return "Validation loss"
    folds, seeds = (len(set(numbers_of)) for numbers_of in zip(*_own_trials(sweep), strict=True))
    sizes = [count(n, noun) for n, noun in ((seeds, "seed"), (folds, "fold")) if n > 1]
    return f"Validation loss{', mean of ' + ' × '.join(sizes) if sizes else ''}"


def _own_trials(sweep: SweepRecord) -> set[tuple[int, int]]:
    """Fold and seed of the trials of the best configuration."""
    rows = sweep.table.take(list(sweep.selection.best.trials)).to_pylist()
    return {(row["fold"], row["seed"]) for row in rows}


def _legend(sweep: SweepRecord, lowest_apart: bool) -> str:
    """What the marks mean, and by what the other configurations of a race were judged."""
    marks = f"{SELECTED} selected{f'  {LOWEST} lowest' if lowest_apart else ''}"
    n_contenders, n_configs = sweep.n_contenders, len(_means(sweep))
    if n_contenders == n_configs:
        return marks
    if sweep.rungs:
        trained = [f"{count(n, 'configuration')} on {n_rows:,}" for n_rows, n in sweep.rungs]
        return f"{marks}  ·  trained on growing samples of the rows: {join(trained)}"
    own = f"{count(n_contenders, 'configuration')}: mean of {sweep.n_folds} folds"
    rest = f"the other {n_configs - n_contenders:,}: first fold, adjusted to the level of all"
    return f"{marks}  ·  {own}; {rest}"


def _cell(configuration: ConfigResult) -> Cell:
    return configuration.config["l2"], configuration.config["learning_rate"]


def _means(sweep: SweepRecord) -> dict[Cell, float]:
    """Mean validation loss of each cell; infinite where a trial has no finite epoch."""
    cells: dict[Cell, dict[Place, float]] = {}
    for row in sweep.table.to_pylist():
        place = row["rung"], row["fold"], row["seed"]
        cells.setdefault((row["l2"], row["learning_rate"]), {})[place] = row["cross_fitted_loss"]
    return comparable_means(cells)


def _ensemble(run: Run) -> Iterator[str]:
    """What predicts, and its loss beside that of the selected configuration."""
    if run.ensemble is not None:
        yield of_ensemble(run.ensemble)


def _won(run: Run, selection: Selection) -> Iterator[str]:
    loss, error = numbers(selection.chosen.mean, selection.chosen.standard_error)
    where = f"{_named(_cell(selection.chosen))}, epoch {run.training.best_epoch:,}"
    yield f"Selected: {where}; validation loss {loss} ± {error}."
    if selection.rule == "1se" and selection.chosen.config != selection.best.config:
        lowest, error = numbers(selection.best.mean, selection.best.standard_error)
        at = _named(_cell(selection.best))
        yield f"It is the largest λ within one standard error of the lowest loss, {lowest} ± {error} ({at})."


def _named(cell: Cell) -> str:
    return f"λ {value(cell[0])}, learning rate {value(cell[1])}"


def _reliability(run: Run, sweep: SweepRecord) -> Iterator[str]:
    """Which training is kept, and how much lower the loss is for having been selected."""
    selection, settings = sweep.selection, run.settings
    if len(selection.chosen.trials) > 1:
        row = sweep.table.slice(selection.trial, 1).to_pylist()[0]
        seed = f", seed {row['seed']}" if settings.seeds > 1 else ""
        n_trials, shown = count(len(selection.chosen.trials), "training"), "shown below" if run.ensemble else "kept"
        where = f"on the first fold{seed}" if sweep.n_folds > 1 else f"with seed {row['seed']}"
        yield f"Of its {n_trials}, the one {where} is {shown}."
    n, what = len(_means(sweep)), "Selected from" if selection.rule == "1se" else "As the lowest of"
    if n > 1:
        bias = _bias(selection.optimism, selection)
        low = f"is too low by about {bias} on average (selection bias)" if bias else "has a negligible selection bias"
        yield f"{what} {n:,}, this loss {low}."


def _bias(amount: float, selection: Selection) -> str:
    """With the decimals of the loss; "" where these are all 0."""
    _, text = numbers(selection.chosen.mean, amount)
    return text if amount > 0 and text.strip("0.,") else ""


def _gain(selection: Selection) -> str:
    """Effect of L2 compared with λ = 0 at its best learning rate."""
    gain = selection.gain
    if gain is None:
        return "The effect of L2 is unknown: the grid has no λ = 0."
    if selection.chosen.config["l2"] == 0:
        return "L2 did not help: no λ > 0 has a lower validation loss than λ = 0."
    _, difference, error = numbers(selection.chosen.mean, abs(gain.value), gain.standard_error)
    bias = _bias(gain.optimism, selection) if gain.value > 0 else ""
    side = "lower" if gain.value >= 0 else "higher"
    note = f" Of this, about {bias} is selection bias." if bias else ""
    what = "makes no measurable difference" if abs(gain.value) <= gain.standard_error else f"gives a {side} loss"
    return f"L2 {what}: {difference} ± {error} {side} than λ = 0 at its best learning rate.{note}"


def _warnings(run: Run, sweep: SweepRecord, first: FirstGrid | None) -> Iterator[str]:
    outcomes = sweep.table["outcome"].to_pylist()
    if not sweep.is_complete:
        done = sum(outcome not in ("stopped_by_user", "out_of_time") for outcome in outcomes)
        finished = f"{done:,} of {count(sweep.n_planned, 'training')} finished"
        why = "Stopped by you" if stopped(run) else "The time was over"
        yield f"{why}: {finished}, {len(outcomes):,} had started. The selection is among those."
    if diverged := outcomes.count("diverged"):
        yield f"{diverged:,} of {count(len(outcomes), 'training')} diverged; – marks those without a finite loss."
    if first is not None:
        yield _second(run, first)
    for name, end in sweep.selection.edges.items():
        values = flags({name: run.refined_space[name]})
        which = "largest" if end == "high" else "smallest"
        at = f"at the {which} {NAMES[name]} of the grid"
        yield f"The lowest loss is {at}. Search further: {values}, or {flags(REFINE)}."


def _second(run: Run, first: FirstGrid) -> str:
    lowest, cell = first.selection.best.mean, _cell(first.selection.best)
    if run.settings.space["l2"] == first.l2 and run.settings.space["learning_rate"] == first.rates:
        return f"A second grid around {_named(cell)} found no lower loss, so the first one is shown."
    (before,) = numbers(lowest)
    said = f"This is the second grid, around the best configuration of the first: {_named(cell)}, loss {before}."
    return f"{said} The selection bias above does not include that two grids were tried."


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"
