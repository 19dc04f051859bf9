"""Whether there is a run at a path: decided before anything that is slow is imported."""

from pathlib import Path

from goodfit.errors import RunError

SUMMARY = "run.json"
"""The file that is written last: a folder that has it is a finished run."""
JOURNAL, PLAN = "journal", "plan.json"
"""A folder that has ``journal/plan.json`` holds a training that can go on."""
ARRAYS_PLAN = "arrays.json"
"""Its name where the training is one on arrays."""


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
    if is_interrupted(folder):
        return RunError(f"The training in {folder} was interrupted: resume it with resume={str(folder)!r}.")
    return RunError(f"{folder} is not a finished run (it has no {SUMMARY}): name the folder of a training.")


def is_interrupted(folder: Path) -> bool:
    """Whether a folder holds a training that runs or was interrupted."""
    try:
        return (folder / JOURNAL / PLAN).is_file()
    except (OSError, ValueError):
        return False
