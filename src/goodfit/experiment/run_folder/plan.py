"""What a training is begun with, kept before its first epoch so that it can be resumed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from goodfit.errors import RunError
from goodfit.experiment.run_folder.layout import FORMAT, JSON_LIMIT, with_checksum, without_checksum
from goodfit.experiment.run_folder.record import versions
from goodfit.experiment.run_folder.summary import Size, Word
from goodfit.experiment.run_folder.typed import decode, encode
from goodfit.experiment.run_path import PLAN
from goodfit.experiment.settings import Settings, settings_from
from goodfit.files import FileMark, machine, read_file, write_file
from goodfit.formatting import printable
from goodfit.training.devices import n_cores


@dataclass(frozen=True)
class Plan:
    """A training as it was begun; the names are those of ``Record``.

    refine: whether a second grid follows. cores: number of cores at work. start: folder of the earlier run whose
    network the training starts from, "" for a run in memory, None without one. start_model: the hash of that network.
    """

    source: str
    source_file: FileMark | None
    fingerprint: Word
    target: str
    settings: Mapping[str, Any]
    refine: bool
    created: Word
    machine: Word
    versions: Mapping[Word, Word]
    cores: Size
    start: str | None
    start_model: Word
    format: int = FORMAT

    def parsed_settings(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigError, ValueError: they are not settings of this version.
        """
        if set(self.settings) != {f.name for f in fields(Settings)}:
            raise ValueError("the settings are not complete")
        return settings_from(self.settings)

    def may_differ_in_bits(self) -> list[str]:
        """Return what is not as it was, and may change the last bits of a number."""
        here = {"machine": machine(), "cores": n_cores(), **versions()}
        before = {"machine": self.machine, "cores": self.cores, **self.versions}
        return [name for name, value in here.items() if before.get(name) != value]


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan of a training into its journal."""
    write_file(folder / PLAN, with_checksum(encode(plan)))


def read_plan(folder: Path) -> Plan:
    """Read the plan of a journal that anyone may have written.

    Raises:
        FileNotFoundError: there is none. RunError: it is damaged or of another version.
    """
    try:
        content = read_file(folder / PLAN, limit=JSON_LIMIT)
        plan = decode(without_checksum(content), Plan)
        plan.parsed_settings()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(folder / PLAN) from error
    except (OSError, ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        reason = printable(error, longest=300)
        raise RunError(f"{folder / PLAN} is damaged or of another version ({reason}): train again.") from error
    if plan.format != FORMAT:
        raise RunError(f"{folder} has run format {plan.format}, but this goodfit reads {FORMAT}: train again.")
    return plan
