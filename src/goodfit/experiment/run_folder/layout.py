"""Which files a run folder has, how large they may be, and how ``run.json`` is protected by its own checksum."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from goodfit.errors import RunError
from goodfit.experiment.run_path import SUMMARY
from goodfit.files import FileMark, UnsafeFile, mark_of, memory, read_file, size_of

FORMAT = 12
FILES = (
    "encoder.json",
    "measurements.json",
    "splits.safetensors",
    "weights.safetensors",
    "curves.safetensors",
)
SWEEP_FILES = ("trials.safetensors",)
ENSEMBLE_FILES = ("ensemble.json", "ensemble.safetensors")
JSON_LIMIT = 256 << 20
"""Most bytes of a JSON file: the encoders of five folds of 200,000 columns fit. Arrays may take half of the memory of
the machine that reads them."""

_CHECKSUM = b',\n "checksum": "%s"\n}\n'
_SEALED = re.compile(rb',\n "checksum": "([0-9a-f]{64})"\n}\n\Z')
_SEALED_LENGTH = len(_CHECKSUM) - 2 + 64


def with_checksum(summary: bytes) -> bytes:
    """Return a JSON object with the SHA-256 of its text as the last entry."""
    return summary.removesuffix(b"\n}\n") + _CHECKSUM % hashlib.sha256(summary).hexdigest().encode()


def without_checksum(content: bytes) -> bytes:
    """Return the JSON object as it was before ``with_checksum``; ValueError if it is not as it was written."""
    found = _SEALED.match(content[-_SEALED_LENGTH:])
    summary = content[:-_SEALED_LENGTH] + b"\n}\n"
    if found is None or found[1].decode() != hashlib.sha256(summary).hexdigest():
        raise ValueError(f"{SUMMARY} is not as it was written")
    return summary


def checksum_of(folder: Path) -> str:
    """Return the checksum of ``run.json``, which covers every other file: the identity of a run."""
    found = _SEALED.match(read_file(folder / SUMMARY, limit=JSON_LIMIT)[-_SEALED_LENGTH:])
    return found[1].decode() if found else ""


def validate_sizes(folder: Path, files: Mapping[str, FileMark]) -> None:
    """Raise ValueError unless every file is a regular file of the recorded size, before any of them is read."""
    for name, mark in files.items():
        try:
            size = size_of(folder / name, links=False)
        except FileNotFoundError as error:
            raise ValueError(f"{name} is missing") from error
        except UnsafeFile as error:
            raise ValueError(f"{name} {error.strerror}") from error
        if size != mark.size:
            raise ValueError(f"{name} is not as it was written")
        if name.endswith(".json") and size > JSON_LIMIT:
            raise ValueError(f"{name} has more than {JSON_LIMIT:,} bytes")
    if sum(mark.size for mark in files.values()) > memory() // 2:
        raise RunError(f"{folder} needs more than half of this machine's memory: open it on a larger one.")


def read_recorded(folder: Path, name: str, mark: FileMark) -> bytes:
    """Return the content of a file; ValueError if it is not as it was written."""
    content = read_file(folder / name, limit=mark.size)
    if mark_of(content) != mark:
        raise ValueError(f"{name} is not as it was written")
    return content
