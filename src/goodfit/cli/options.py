"""Options and arguments of the commands, with their help. Defaults are those of ``goodfit.Settings``."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

VALUES = "VALUE,…"

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)]
Data = Annotated[str, typer.Argument(metavar="DATA", help="Table: a path, or the name of a built-in data set.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Table = partial(typer.Option, rich_help_panel="Table")
Splits = partial(typer.Option, rich_help_panel="Splits")
Network = partial(typer.Option, rich_help_panel="Network")
Optimization = partial(typer.Option, rich_help_panel="Training")
Search = partial(typer.Option, rich_help_panel="Search")
Decision = partial(typer.Option, rich_help_panel="Decision")

Task = Annotated[str | None, Table(metavar="TASK", help="auto, classification or regression.")]
Kinds = Annotated[
    list[str] | None,
    Table("--kind", metavar="COLUMN=KIND", help="number, category, date, text or id. Repeatable."),
]
Drop = Annotated[list[str] | None, Table(metavar="COLUMN", help="Exclude this column. Repeatable.")]
MissingTargets = Annotated[
    str | None, Table("--missing-target", metavar="HOW", help="Rows without a target: drop, or error.")
]
Memory = Annotated[
    str | None, Table("--memory", metavar="SIZE", help="Most memory for rows, such as 1GB: larger files are streamed.")
]
TestSize = Annotated[str | None, Splits(metavar="SHARE", help="Share of all rows, sealed for the exam; 0 for none.")]
ValidationSplit = Annotated[float | None, Splits(metavar="SHARE", help="Share of the other rows, for validation.")]
SplitRule = Annotated[str | None, Splits(metavar="RULE", help="random, last, group, time or duplicates.")]
Group = Annotated[str | None, Splits(metavar="COLUMN", help="Keep rows with the same value in one split.")]
Time = Annotated[str | None, Splits(metavar="COLUMN", help="Train on earlier rows, test on the latest.")]
Seed = Annotated[int | None, Splits(help="Of splits, initial weights, row order and dropout.")]
Hidden = Annotated[str | None, Network(metavar="UNITS", help="Units of each hidden layer, or none.")]
Activation = Annotated[str | None, Network(metavar="NAME", help="Activation of the hidden layers.")]
DropoutRate = Annotated[float | None, Network("--dropout", help="Dropout rate of the hidden layers.")]
L2 = Annotated[str | None, Network(metavar=VALUES, help="λ of the penalty λ·Σw² on every kernel.")]
OptimizerName = Annotated[str | None, Optimization("--optimizer", metavar="NAME", help="adam or sgd.")]
LearningRate = Annotated[str | None, Optimization(metavar=VALUES, help="Learning rate of the optimizer.")]
BatchSize = Annotated[
    str | None, Optimization(metavar="ROWS", help="Rows per update, or auto: 32 to 256 by the table.")
]
Epochs = Annotated[int | None, Optimization(help="Maximum number of epochs.")]
Patience = Annotated[int | None, Optimization(help="Epochs without a lower validation loss before stopping.")]
ClassWeight = Annotated[
    list[str] | None, Optimization(metavar="CLASS=WEIGHT", help="Weight of a class, or balanced. Repeatable.")
]
Threshold = Annotated[
    str | None,
    Decision(metavar="P", help="Of two classes: a probability, or accuracy, balanced_accuracy or f1 to choose it for."),
]
Costs = Annotated[
    list[str] | None, Decision(metavar="fp=COST,fn=COST", help="Choose the threshold with the lowest cost of errors.")
]
Seeds = Annotated[int | None, Search(help="Trainings per configuration, each with its own initial weights.")]
Folds = Annotated[
    str | None, Search(metavar="N", help="Cross-validation folds: a number (1 = a single split), or auto.")
]
Numbers = Annotated[
    str | None, Table("--numbers", metavar="HOW", help="scaled, piecewise (bins that follow the target), or auto.")
]
Keep = Annotated[str | None, Search(metavar="WHAT", help="What predicts: ensemble, or one network.")]
Choice = Annotated[
    str | None, Search(metavar="RULE", help="best, or 1se: the largest λ within one standard error of the best.")
]
Start = Annotated[
    Path | None, Search("--from", metavar="RUN", help="Start from the network of an earlier run, and from scratch.")
]
Freeze = Annotated[
    int | None, Search(metavar="N", help="With --from: the first N hidden layers keep the earlier weights.")
]
Refine = Annotated[bool, Search("--refine", help="Train a second grid around the best configuration.")]
Budget = Annotated[
    str | None, Search("--budget", metavar="TIME", help="End the search after 90s, 5m or 2h with the best so far.")
]
Cluster = Annotated[
    str | None,
    Search("--cluster", metavar="ADDRESS", help="Train on a Dask cluster: local:4 processes, or tls://host:8786."),
]
Insecure = Annotated[bool, Search("--insecure", help="With --cluster: allow tcp:// to other machines, not encrypted.")]
DryRun = Annotated[bool, Search("--dry-run", help="Show trainings, memory and compilations; train nothing.")]
Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="RUN", help="Resume an interrupted training; it keeps its own settings."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML, or an earlier run: its settings; options given here win."),
]
