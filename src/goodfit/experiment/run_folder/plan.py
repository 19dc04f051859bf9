"""What a training is begun with, kept before its first epoch so that it can be resumed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypedDict, TypeVar

import msgspec

from goodfit.errors import RunError
from goodfit.experiment.run_folder.layout import FORMAT, JSON_LIMIT, with_checksum, without_checksum
from goodfit.experiment.run_folder.record import now, versions
from goodfit.experiment.run_folder.summary import Size, Word
from goodfit.experiment.run_folder.typed import decode, encode
from goodfit.experiment.run_path import ARRAYS_PLAN, PLAN
from goodfit.experiment.settings import Settings, settings_from
from goodfit.files import FileMark, machine, read_file, write_file
from goodfit.formatting import printable
from goodfit.training.devices import n_cores


@dataclass(frozen=True, kw_only=True)
class Begun:
    """When and where a training was begun. cores: number of cores at work."""

    file: ClassVar[str]
    """Name of the file that holds it."""
    created: Word
    machine: Word
    versions: Mapping[Word, Word]
    cores: Size
    format: int = FORMAT

    @staticmethod
    def here_and_now() -> "HereAndNow":
        """Return the values of these fields for a training that begins now."""
        return {"created": now(), "machine": machine(), "versions": versions(), "cores": n_cores()}

    def validate(self) -> None:
        """Raise ConfigError or ValueError if it is not a training of this version."""

    def may_differ_in_bits(self) -> list[str]:
        """Return what is not as it was, and may change the last bits of a number."""
        here = {"machine": machine(), "cores": n_cores(), **versions()}
        before = {"machine": self.machine, "cores": self.cores, **self.versions}
        return [name for name, value in here.items() if before.get(name) != value]


class HereAndNow(TypedDict):
    """The fields of ``Begun``."""

    created: str
    machine: str
    versions: Mapping[str, str]
    cores: int


@dataclass(frozen=True, kw_only=True)
class Plan(Begun):
    """A training of a table as it was begun; the names are those of ``Record``.

    refine: whether a second grid follows. start: folder of the earlier run whose network the training starts from, ""
    for a run in memory, None without one. start_model: the hash of that network.
    """

    file = PLAN
    source: str
    source_file: FileMark | None
    fingerprint: Word
    target: str
    settings: Mapping[str, Any]
    refine: bool
    start: str | None
    start_model: Word

    def parsed_settings(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigError, ValueError: they are not settings of this version.
        """
        if set(self.settings) != {f.name for f in fields(Settings)}:
            raise ValueError("the settings are not complete")
        return settings_from(self.settings)

    def validate(self) -> None:
        """Raise ConfigError or ValueError if the settings are not of this version."""
        self.parsed_settings()


@dataclass(frozen=True, kw_only=True)
class ArraysPlan(Begun):
    """A training on arrays as it was begun.

    arguments: the SHA-256 of each argument. starts: of the weights that it may go on from: the initial ones, and after
    an interruption those that the model took from it; none for a sweep.
    """

    file = ARRAYS_PLAN
    arguments: Mapping[Word, Word]
    starts: tuple[Word, ...]


B = TypeVar("B", bound=Begun)


def write_plan(folder: Path, plan: Begun) -> None:
    """Write the plan of a training into its journal."""
    write_file(folder / plan.file, with_checksum(encode(plan)))


def read_plan(folder: Path, kind: type[B]) -> B:
    """Read the plan of a journal that anyone may have written.

    Raises:
        FileNotFoundError: there is none. RunError: it is damaged or of another version.
    """
    path = folder / kind.file
    try:
        content = read_file(path, limit=JSON_LIMIT)
        plan = decode(without_checksum(content), kind)
        plan.validate()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except (OSError, ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        reason = printable(error, longest=300)
        raise RunError(f"{path} is damaged or of another version ({reason}): train again.") from error
    if plan.format != FORMAT:
        raise RunError(f"{folder} has run format {plan.format}, but this goodfit reads {FORMAT}: train again.")
    return plan
