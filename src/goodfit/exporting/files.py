"""Files of exported models: new ones, written only after the model has predicted made-up rows as goodfit does."""

from pathlib import Path

import numpy as np

from goodfit.arrays import Array
from goodfit.data.target import Prediction, Target
from goodfit.errors import DataError, RunError
from goodfit.files import write_file

TOLERANCE = 1e-5
"""Largest difference of a probability, or of a value in standard deviations of the target."""


def validate_new_file(path: Path, *, overwrite: bool) -> None:
    """Raise DataError if there is a file and it may not be replaced."""
    if path.exists() and not overwrite:
        raise DataError(f"{str(path)!r} already exists: name another file, or replace it with overwrite=True.")


def write_model(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write the file; DataError if it cannot be written."""
    try:
        write_file(path, content, replace=overwrite)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written ({error.strerror}): name another file.") from error


def validate_predictions(found: Array, expected: Prediction, target: Target, *, what: str) -> None:
    """Raise RunError unless a model predicts as goodfit does.

    Args:
        found: values (rows,), or probabilities (rows, classes), of the model.
        what: the model, for the message.
    """
    truth, scale = expected.probabilities, 1.0
    if truth is None:
        truth, scale = expected.values, target.scale
    difference = np.abs(found - truth) / scale
    # A value of 1e6 in float32, which Keras computes in, has six digits behind it.
    rounding = np.finfo(np.float32).eps * np.abs(truth) / scale
    if not (difference <= TOLERANCE + rounding).all():
        raise RunError(
            f"The {what} model differs from goodfit by {difference.max():.2g} and was not written: report it."
        )
