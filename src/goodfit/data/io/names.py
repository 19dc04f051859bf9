"""Names of tables, and whether there is one of that name: decided before anything that is slow is imported."""

from pathlib import Path

from goodfit.data.columns.names import did_you_mean
from goodfit.errors import DataError
from goodfit.files import is_stream

BUILTIN = ("breast_cancer", "digits", "wine", "iris", "diabetes")
"""Names of the built-in data sets."""


def validate_source(name: str, *, folder: bool = False) -> None:
    """Raise DataError if there is neither a built-in data set nor a file of this name, or a folder if one may be."""
    if name in BUILTIN or is_stream(name):
        return
    path = Path(name).expanduser()
    if path.is_dir() and not folder:
        raise is_folder(name)
    if not path.exists() and not path.is_symlink():
        raise not_found(name)


def not_found(name: str) -> DataError:
    """Return the error about a name that is neither a file nor a built-in data set."""
    if "." in name:
        return DataError(f"there is no file {name!r}: check the path")
    return DataError(f"there is no file or built-in data set {name!r}: {did_you_mean(name, BUILTIN)}")


def is_folder(name: str) -> DataError:
    """Return the error about a folder in place of a file."""
    return DataError(f"{name!r} is a folder: give the path of a file in it, or memory='1GB' to read all in blocks")
