"""The table, its splits and the planned training, shown before the first epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from goodfit.cli.spelling import flags
from goodfit.cli.verdict import show_checks
from goodfit.formatting import count, join, numbers, printable, share, value
from goodfit.search.race_arithmetic import race_trials, rung_sizes

if TYPE_CHECKING:
    from goodfit.data.encoder import Encoder
    from goodfit.data.table import Column, Table
    from goodfit.data.target import Target
    from goodfit.experiment.prepare import Prepared
    from goodfit.experiment.settings import Settings

Line = tuple[str, str, str]
"""Label, number, text."""

PLURALS = {"number": "numbers", "category": "categories", "date": "dates", "text": "texts", "id": "ids"}
RULES = {
    "random": "shuffled",
    "stratified": "shuffled, stratified by class",
    "last": "the last rows, not shuffled",
    "group": "rows with the same {group} kept together",
    "time": "ordered by {time}",
    "duplicates": "duplicate rows kept together",
    "hash": "by a hash of the row number",
}
MISSING = {"imputed": ("number", "date"), "as the category “missing”": ("category",), "as empty texts": ("text",)}
"""What becomes of missing cells, by the kind of their column."""
MOST_LINES = 6


def show_prepared(prepared: Prepared, console: Console) -> None:
    """Table, target, splits, network and penalty, in about twenty lines however wide the table is."""
    table = prepared.table
    missing = sum(column.missing for column in table.schema)
    blocks = prepared.blocks
    rows = blocks.sizes.n_rows if blocks else sum(len(part) for part in prepared.splits.arrays().values())
    console.print(plain_source(table.source), style="bold")
    where = f" in a sample of {table.n_rows:,} training and validation rows" if blocks else " (test rows not counted)"
    cells = f"{count(missing, 'missing cell')}{where if rows > table.n_rows else ''}"
    console.print(f"{count(rows, 'row')}, {count(len(table.names), 'column')}, {cells}", end="\n\n")
    console.print(_grid([*_columns(prepared), *_target(prepared)]), "")
    console.print(_grid([_splits(prepared), *_sample(prepared), *_network(prepared)]), "")
    show_checks(prepared.checks, console)


def plain_source(source: str) -> str:
    """The end of a long path."""
    text = source if source.isprintable() else repr(source)[1:-1]
    return text if len(text) <= 72 else "…" + text[-71:]


def unused(prepared: Prepared) -> dict[str, str]:
    """Columns that are not features, each with the reason."""
    settings, reasons = prepared.settings, dict(prepared.encoder.dropped)
    return {name: "group of the split" if name == settings.group else reason for name, reason in reasons.items()}


def _grid(lines: list[Line]) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True, min_width=10)
    grid.add_column(justify="right", no_wrap=True, min_width=2)
    grid.add_column(overflow="fold")
    for label, number, text in lines:
        grid.add_row(label, number, text)
    return grid


def _columns(prepared: Prepared) -> Iterator[Line]:
    table, encoder = prepared.table, prepared.encoder
    by_kind: dict[str, list[str]] = {}
    for feature in encoder.features:
        words = f" ({count(len(feature.names), 'word')} and two-word phrases)" if feature.kind == "text" else ""
        by_kind.setdefault(feature.kind, []).append(printable(feature.name) + words)
    for kind, plural in PLURALS.items():
        names = by_kind.get(kind, [])
        if not names:
            continue
        yield (plural if len(names) > 1 else kind), f"{len(names):,}", join(names)
    yield from _missing(table, encoder)
    yield from _several("not used", [f"{printable(name)} · {reason}" for name, reason in unused(prepared).items()])
    used = encoder.columns
    notes = [
        f"{printable(column.name)} · {column.note}" for column in table.schema if column.note and column.name in used
    ]
    yield from _several("notes", notes)


def _missing(table: Table, encoder: Encoder) -> Iterator[Line]:
    """Missing cells of the columns that are used, most frequent first."""
    columns: list[Column] = [table.column(name) for name in encoder.columns]
    lacking = sorted((column for column in columns if column.missing), key=lambda column: -column.missing)
    label, cells = "missing", f"{sum(column.missing for column in lacking):,}"
    for way, kinds in MISSING.items():
        words = [
            f"{printable(column.name)} ({share(column.missing, table.n_rows)})"
            for column in lacking
            if column.kind in kinds
        ]
        if words:
            yield label, cells, f"{'cells, ' if label else ''}{way}: {join(words)}"
            label, cells = "", ""


def _several(label: str, entries: list[str]) -> Iterator[Line]:
    """One line per entry, the label on the first."""
    shown = entries if len(entries) <= MOST_LINES else entries[: MOST_LINES - 1]
    for position, entry in enumerate(shown):
        yield ("" if position else label), ("" if position else f"{len(entries):,}"), entry
    if len(shown) < len(entries):
        yield "", "", f"and {len(entries) - len(shown):,} more"


def _target(prepared: Prepared) -> Iterator[Line]:
    target = prepared.target
    yield "target", "", f"{printable(target.name)}, {_classes(prepared) if target.classes else _range(prepared)}"
    if target.note and target.classes:
        yield "", "", f"numbers treated as classes; or use {flags({'task': 'regression'})}"
    elif target.note:
        yield "", "", f"treated as numeric (regression); or use {flags({'task': 'classification'})}"


def _classes(prepared: Prepared) -> str:
    """Classes with their shares of the training rows, most frequent first."""
    target, splits = prepared.target, prepared.splits
    positive = target.classes[1] if target.task == "binary" else None
    counts = Counter(target.encode(prepared.table.take(prepared.places.train)).tolist())
    shares = ((target.classes[code], share(n, len(splits.train))) for code, n in counts.most_common())
    words = (f"{printable(label)} ({part}{', positive' if label == positive else ''})" for label, part in shares)
    return f"{len(target.classes)} classes: {join(words)}"


def _range(prepared: Prepared) -> str:
    target: Target = prepared.target
    values = target.decode(target.encode(prepared.table.take(prepared.places.train))).values
    low, high, mean = numbers(values.min(), values.max(), target.mean)
    return f"{low} to {high} in the training rows, mean {mean}"


def _sample(prepared: Prepared) -> Iterator[Line]:
    """Of a table that is read in blocks, the rows in memory."""
    if prepared.blocks is not None:
        splits = prepared.splits
        rows = f"train {len(splits.train):,} · validation {len(splits.validation):,} · test {len(splits.test):,}"
        yield "sample", "", f"{rows}\nfor the checks, the search, validation and the exam"


def _splits(prepared: Prepared) -> Line:
    splits, settings = prepared.splits, prepared.settings
    whole = prepared.blocks.sizes if prepared.blocks else None
    n_rows = (whole.train, whole.validation, whole.test) if whole else map(len, splits.arrays().values())
    train, validation, test = n_rows
    sizes = f"train {train:,} · validation {validation:,} · test {test:,}"
    if not settings.races and prepared.n_folds > 1:
        sizes = f"train + validation {train + validation:,} in {settings.folds} folds · test {test:,}"
    rule = RULES.get(splits.rule, splits.rule).format(group=printable(settings.group), time=printable(settings.time))
    seed = f", seed {splits.seed}" if splits.rule not in ("last", "time") else ""
    return "splits", "", f"{sizes}{', sealed' if len(splits.test) else ''}\n{rule}{seed}"


def _network(prepared: Prepared) -> Iterator[Line]:
    settings, target = prepared.settings, prepared.target
    n_outputs = len(target.classes) if target.task == "multiclass" else 1
    widths = [len(prepared.encoder.feature_names), *settings.hidden, n_outputs]
    kernels = sum(n_in * n_out for n_in, n_out in pairwise(widths))
    shape = " → ".join(f"{width:,}" for width in widths)
    dropout = f", dropout {settings.dropout:g}" if settings.dropout and settings.hidden else ""
    form = f"{settings.activation}{dropout}" if settings.hidden else "linear model (no hidden layer)"
    yield "network", "", f"{shape}, {form}"
    biases = count(sum(widths[1:]), "bias", "biases")
    weights = f"{count(kernels, 'kernel weight')}, not of the {biases}"
    l2, rates = settings.space["l2"], settings.space["learning_rate"]
    strength = f"{value(l2[0])}" if len(l2) == 1 else "λ"
    yield "penalty", "", f"{strength} · Σw² of {weights}" if any(l2) else "none"
    rate = f"learning rate {value(rates[0])}, " if len(rates) == 1 else ""
    batch_size = settings.rows_per_update(len(prepared.splits.known))
    stops = f"batch size {batch_size:,}, up to {count(settings.epochs, 'epoch')}, patience {settings.patience:,}"
    yield "training", "", f"{settings.optimizer}, {rate}{stops}"
    if settings.sweeps:
        yield "grid", "", _grid_size(settings, prepared.n_folds, len(prepared.splits.train))


def _grid_size(settings: Settings, n_folds: int, n_train: int) -> str:
    """Every hyperparameter with several values, seeds and folds or rungs, and the number of trainings."""
    l2, rates = settings.space["l2"], settings.space["learning_rate"]
    spans = ((l2, "λ", "λ"), (rates, "learning rate", "learning rates"))
    sizes = [
        f"{count(len(values), noun, plural)} ({value(values[0])} to {value(values[-1])})"
        for values, noun, plural in spans
        if len(values) > 1
    ]
    n_configs = len(l2) * len(rates)
    full_folds = 1 if settings.races else n_folds
    sizes += [count(n, noun) for n, noun in ((settings.seeds, "seed"), (full_folds, "fold")) if n > 1]
    text = f"{' × '.join(sizes)} = {count(n_configs * settings.seeds * full_folds, 'training')}"
    rows = settings.rung_rows(n_folds, n_train)
    if len(rows) > 1:
        sizes_of_rungs = zip(rung_sizes(n_configs, len(rows)), rows, strict=True)
        further = [f"up to {n * settings.seeds:,} on {n_rows:,}" for n, n_rows in sizes_of_rungs][1:]
        return f"{text} on {rows[0]:,} of the training rows; then {join(further)}"
    if n_folds == full_folds:
        return text
    most = race_trials(n_configs, settings.seeds, n_folds) - n_configs * settings.seeds
    return f"{text}; up to {most:,} on {count(n_folds - 1, 'more fold')}"
