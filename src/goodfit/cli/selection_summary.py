"""What came out of a sweep: the grid, what won, how sure that is, and what regularisation bought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from goodfit.cli.grid_table import CHOSEN, LOWEST, Cell, draw_grid
from goodfit.formatting import count, numbers, value

if TYPE_CHECKING:
    from goodfit.experiment.run_folder import SweepRecord
    from goodfit.search.parallel import SweepCost
    from goodfit.search.selection import ConfigResult, Selection
    from goodfit.workflow import Run

OPTIONS = {"l2": "--l2", "learning_rate": "--learning-rate"}
NAMES = {"l2": "λ", "learning_rate": "learning rate"}
MEGABYTE = 2**20


class FirstGrid(NamedTuple):
    """The grid before the second one: its values, and the selection among them."""

    l2: tuple[float, ...]
    rates: tuple[float, ...]
    selection: Selection


def show_choice(run: Run, sweep: SweepRecord, console: Console, *, first: FirstGrid | None = None) -> None:
    """The grid with the winner marked, and in sentences what it is worth."""
    selection, space = sweep.selection, run.settings.space
    chosen, best = _cell(selection.chosen), _cell(selection.best)
    marks = {best: LOWEST} | {chosen: CHOSEN}
    console.print(_heading(sweep), style="bold")
    console.print(draw_grid(space["l2"], space["learning_rate"], _means(sweep), marks=marks))
    console.print(f"{CHOSEN} chosen{f'  {LOWEST} lowest' if chosen != best else ''}", style="dim", end="\n\n")
    for sentence in (*_won(run, selection), *_worth(run, sweep), _gain(selection)):
        console.print(sentence)
    console.print()
    for warning in _warnings(run, sweep, first):
        console.print(warning, style="yellow", end="\n\n")


def show_estimate(estimate: SweepCost, console: Console) -> None:
    """What a sweep will take."""
    at_a_time = min(estimate.parallel, estimate.trials)
    running, kept = (_megabytes(size) for size in (estimate.running_bytes, estimate.kept_bytes))
    console.print(f"{count(estimate.trials, 'training')}, {at_a_time:,} at a time")
    console.print(f"memory  {running} for those that run, {kept} for all results, besides the table")
    console.print(f"{count(estimate.compilations, 'compilation')} of the training program, unless it is in the cache")
    console.print("Nothing was trained: leave out --dry-run.")


def stopped(run: Run) -> bool:
    """Whether Ctrl-C ended it."""
    outcomes = [run.training.outcome.name.lower()] if run.sweep is None else run.sweep.table["outcome"].to_pylist()
    return "stopped_by_user" in outcomes or (run.sweep is not None and len(outcomes) < _planned(run))


def _planned(run: Run) -> int:
    space, settings = run.settings.space, run.settings
    return len(space["l2"]) * len(space["learning_rate"]) * settings.seeds * settings.folds


def _heading(sweep: SweepRecord) -> str:
    """How many seeds and folds a number is the mean of: of a sweep that was stopped those that all cells have."""
    folds, seeds = (len(set(numbers_of)) for numbers_of in zip(*_judged(sweep), strict=True))
    sizes = [count(n, noun) for n, noun in ((seeds, "seed"), (folds, "fold")) if n > 1]
    return f"Lowest validation losses{', means of ' + ' × '.join(sizes) if sizes else ''}"


def _judged(sweep: SweepRecord) -> set[tuple[int, int]]:
    """Fold and seed of the trials that a configuration is judged by."""
    rows = sweep.table.take(list(sweep.selection.best.trials)).to_pylist()
    return {(row["fold"], row["seed"]) for row in rows}


def _cell(configuration: ConfigResult) -> Cell:
    return configuration.config["l2"], configuration.config["learning_rate"]


def _means(sweep: SweepRecord) -> dict[Cell, float]:
    """The mean of each cell over the folds and seeds that all cells have; infinite where a trial has no epoch."""
    rows = sweep.table.to_pylist()
    cells: dict[Cell, dict[tuple[int, int], float]] = {}
    for row in rows:
        cells.setdefault((row["l2"], row["learning_rate"]), {})[row["fold"], row["seed"]] = row["val_loss"]
    judged = _judged(sweep)
    return {cell: sum(of[pair] for pair in judged) / len(judged) for cell, of in cells.items() if judged <= set(of)}


def _won(run: Run, selection: Selection) -> Iterator[str]:
    l2, rate = _cell(selection.chosen)
    loss, error = numbers(selection.chosen.mean, selection.chosen.standard_error)
    where = f"λ {value(l2)}, learning rate {value(rate)}, epoch {run.training.best_epoch:,}"
    yield f"Chosen: {where}, validation loss {loss} ± {error}."
    if selection.rule == "1se" and selection.chosen.config != selection.best.config:
        lowest, error = numbers(selection.best.mean, selection.best.standard_error)
        best_l2, best_rate = _cell(selection.best)
        yield (
            f"It is the largest λ within one standard error of the lowest: {lowest} ± {error} at λ {value(best_l2)}, "
            f"learning rate {value(best_rate)}."
        )


def _worth(run: Run, sweep: SweepRecord) -> Iterator[str]:
    selection = sweep.selection
    if len(selection.chosen.trials) > 1:
        row = sweep.table.slice(selection.trial, 1).to_pylist()[0]
        which = ", ".join(
            f"{name} {row[name] + first}"
            for name, n, first in (("seed", run.settings.seeds, 0), ("fold", run.settings.folds, 1))
            if n > 1
        )
        n_trials = count(len(selection.chosen.trials), "training")
        yield f"Of its {n_trials} the one with the lowest loss is given back: {which}."
    n, what = len(_means(sweep)), "Chosen" if selection.rule == "1se" else "Chosen as the lowest"
    if n > 1:
        optimism = _optimism(selection.optimism, selection)
        more = f"up to about {optimism} more" if optimism else "hardly more than that"
        yield f"{what} of {n:,}: expect {more} on fresh rows."


def _optimism(amount: float, selection: Selection) -> str:
    """With the decimals of the loss; nothing where these are all 0."""
    _, text = numbers(selection.chosen.mean, amount)
    return text if amount > 0 and text.strip("0.,") else ""


def _gain(selection: Selection) -> str:
    """What regularisation bought against λ = 0 at its best learning rate."""
    gain = selection.gain
    if gain is None:
        return "What regularisation bought is not known: the grid has no λ = 0."
    if selection.chosen.config["l2"] == 0:
        return "Regularisation bought nothing: no λ of the grid has a lower validation loss than λ = 0."
    _, difference, error = numbers(selection.chosen.mean, abs(gain.value), gain.standard_error)
    did, luck = "lowered" if gain.value >= 0 else "raised", _optimism(gain.optimism, selection)
    bought = f"regularisation {did} the validation loss by {difference} ± {error}"
    said = f"Against λ = 0 at its best learning rate, {bought}"
    part = f"about {luck}" if gain.optimism < gain.value else "as much"
    chance = f" ({part} can be the luck of having been chosen)" if luck and gain.value > 0 else ""
    small = abs(gain.value) <= gain.standard_error
    return f"{said}{chance}{', which is within one standard error of nothing' if small else ''}."


def _warnings(run: Run, sweep: SweepRecord, first: FirstGrid | None) -> Iterator[str]:
    outcomes = sweep.table["outcome"].to_pylist()
    if stopped(run):
        done = sum(outcome != "stopped_by_user" for outcome in outcomes)
        finished = f"{done:,} of {count(_planned(run), 'training')} are finished"
        yield f"Stopped by you: {finished}, {len(outcomes):,} had begun; chosen among those."
    if diverged := outcomes.count("diverged"):
        yield f"{count(diverged, 'training')} of {len(outcomes):,} diverged; – where no epoch was finite."
    if first is not None:
        yield _second(run, first)
    for name, end in sweep.selection.edges.items():
        values = ",".join(value(number) for number in run.refined_space[name])
        which = "largest" if end == "high" else "smallest"
        yield f"The lowest loss is at the {which} {NAMES[name]} of the grid: try {OPTIONS[name]} {values}, or --refine."


def _second(run: Run, first: FirstGrid) -> str:
    lowest, (l2, rate) = first.selection.best.mean, _cell(first.selection.best)
    where = f"the first grid's lowest, λ {value(l2)} and learning rate {value(rate)}"
    if run.settings.space["l2"] == first.l2 and run.settings.space["learning_rate"] == first.rates:
        return f"A second grid around {where}, found nothing lower: this is the first."
    (before,) = numbers(lowest)
    lower = f"This is a second grid around {where}, {before}: its own lowest is lower."
    return f"{lower} That two grids were tried is not in the expectation above."


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
