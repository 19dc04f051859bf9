"""What may be asked of a table, as plain values: known before anything that is slow is imported."""

from typing import Literal

AskedTask = Literal["auto", "classification", "regression"]
MissingTarget = Literal["drop", "error"]
"""What becomes of rows without a value of the target."""
DEFAULT_THRESHOLD = 0.5
"""Probability above which a row of two classes is predicted as the positive one, unless another is chosen."""
