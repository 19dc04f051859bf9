"""What ``run.json`` says: the settings, what was selected, and the sizes of everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from goodfit.data.table import Column
from goodfit.data.target import Target
from goodfit.experiment.fine_tuning import Transfer
from goodfit.files import FileMark
from goodfit.holdout.block_partition import SplitSizes
from goodfit.search.selection import Selection

Word = Annotated[str, Meta(max_length=100, pattern=r"^[ -~]*$")]
Size = Annotated[int, Meta(ge=0, le=1 << 40)]
OutcomeName = Literal["FINISHED", "STOPPED_EARLY", "DIVERGED", "STOPPED_BY_USER", "OUT_OF_TIME"]


@dataclass(frozen=True)
class SplitsSummary:
    """How the rows of the table were split. seal: digest of the test rows; None without test rows."""

    n_rows: Size
    train: Size
    validation: Size
    test: Size
    rule: Word
    seed: int
    seal: Word | None


@dataclass(frozen=True)
class Summary:
    """The content of ``run.json``; see ``Record``.

    n_trials, n_epochs: of the sweep, all trials and all their epochs; of a single training 1 and its epochs.
    files: size and SHA-256 of every other file.
    """

    format: int
    created: Word
    versions: Mapping[Word, Word]
    machine: Word
    source: str
    source_file: FileMark | None
    fingerprint: Word
    settings: Mapping[str, Any]
    schema: tuple[Column, ...]
    splits: SplitsSummary
    target: Target
    outcome: OutcomeName
    best_epoch: int
    n_trials: Size
    n_epochs: Size
    n_planned: Size
    selection: Selection | None
    ensemble: bool
    transfer: Transfer | None
    streamed: SplitSizes | None
    files: Mapping[Word, FileMark]
