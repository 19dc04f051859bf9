"""Whether there is a run at a path: decided before anything that is slow is imported."""

from pathlib import Path

from goodfit.errors import RunError

SUMMARY = "run.json"
"""The file that is written last: a folder that has it is a finished run."""


def validate_run(folder: Path) -> None:
    """Raise RunError if there is no finished run in this folder."""
    try:
        (folder / SUMMARY).lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise no_run(folder) from error
    except OSError:
        return  # whoever reads it says why it cannot be read


def no_run(folder: Path) -> RunError:
    """Return the error about a folder that is no finished run."""
    return RunError(f"{folder} is not a finished run (it has no {SUMMARY}): name the folder of a training.")
