"""A training as a file: TOML that a person writes, or the ``run.json`` of an earlier run."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from goodfit.data.columns.names import did_you_mean
from goodfit.data.io.names import BUILTIN
from goodfit.errors import ConfigError, GoodFitError, RunError
from goodfit.experiment.run_folder.layout import JSON_LIMIT
from goodfit.experiment.run_folder.load import DAMAGE, parsed_summary
from goodfit.experiment.run_path import SUMMARY, validate_run
from goodfit.experiment.settings import Settings, settings_from
from goodfit.files import UnsafeFile, is_stream, read_file

OTHERS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "table": (str, "a path, or the name of a built-in data set"),
    "target": (str, "the name of a column"),
    "out": (str, "a folder"),
    "start": (str, "the folder of an earlier run"),
    "refine": (bool, "true or false"),
    "budget": ((str, int, float), "a time such as '5m', or seconds"),
}
"""Arguments of ``goodfit.train`` that are no settings, with their types."""
PATHS = ("table", "out", "start")


def read_config(path: str | Path) -> dict[str, Any]:
    """Read the keyword arguments of a training from a file: ``goodfit.train(**goodfit.read_config("config.toml"))``.

    * TOML: the keys are the names of ``goodfit.Settings``, and ``table``, ``target``, ``out``, ``start``, ``refine``
      and ``budget`` as in ``goodfit.train``. A relative path starts at the folder of the file.
    * An earlier run: its folder, or its ``run.json``. It has every setting, the target, and the table, which is None if
      it was in memory: ``goodfit.train(**goodfit.read_config(run) | {"table": frame})``.

    Raises:
        ConfigError: the file cannot be read, a name is unknown, or a value is of the wrong type or outside its range.
        RunError: a run that is damaged or of another version.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        validate_run(file)
        file = file / SUMMARY
    try:
        content = read_file(file, limit=JSON_LIMIT, links=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        told = reason if isinstance(error, UnsafeFile) else f"cannot be read ({reason})"
        raise ConfigError(f"{str(path)!r} {told}: give a TOML file, or an earlier run.") from error
    if content.lstrip().startswith(b"{"):
        return _of_run(content, file)
    try:
        return _checked(tomllib.loads(content.decode("utf-8-sig")), file)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file} is not TOML ({str(error) or 'nested too deep'}): fix it.") from error


def _of_run(content: bytes, file: Path) -> dict[str, Any]:
    try:
        summary = parsed_summary(content, file)
        settings_from(summary.settings)
    except RunError:
        raise
    except DAMAGE as error:
        raise RunError(f"{file} is not the run.json of a run, or damaged: give another run, or a TOML file.") from error
    found = {"table": summary.source or None, "target": summary.target.name, **summary.settings}
    if summary.transfer is not None and summary.transfer.earlier:
        found["start"] = summary.transfer.earlier
    return found


def _checked(found: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The same with paths that start at the folder of the file, after a look at names and values."""
    known = [*OTHERS, *(f.name for f in fields(Settings))]
    for name, value in found.items():
        if name not in known:
            raise ConfigError(f"{file}: {name!r} is not a setting; {did_you_mean(name, known)}")
        if name in OTHERS and not isinstance(value, OTHERS[name][0]):
            raise ConfigError(f"{file}: {name} must be {OTHERS[name][1]}, not {value!r}.")
    try:
        settings_from({name: value for name, value in found.items() if name not in OTHERS})
    except GoodFitError as error:
        raise ConfigError(f"{file}: {error}") from error
    return {name: _from_folder(value, file) if name in PATHS else value for name, value in found.items()}


def _from_folder(value: str, file: Path) -> str:
    if value in BUILTIN or is_stream(value):
        return value
    return str(file.parent / Path(value).expanduser())
