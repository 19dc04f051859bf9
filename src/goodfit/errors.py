"""What goodfit says when something that the user gave cannot be used.

    GoodFitError
    ├── DataError      a table, column, row or target that cannot be read or learned from
    ├── SplitError     rows that cannot be put into the parts asked for
    ├── ConfigError    an argument of a layer, loss, optimizer, callback or training
    ├── ExamError      the sealed test set: already opened, changed, or not there
    └── RunError       a run folder that cannot be written, read or trusted

    UserWarning
    └── DataWarning    something in a table that may spoil what is learned from it

Every message is one sentence that names the column, row or argument and says what to do. Divergence, "ran out of
epochs" and the like are result codes of a training, not exceptions.
"""


class GoodFitError(Exception):
    """Base of every error that goodfit raises on purpose; catch this one to catch them all."""


class DataError(GoodFitError, ValueError):
    """A table, column, row or target that cannot be read or learned from."""


class SplitError(GoodFitError, ValueError):
    """Rows that cannot be put into the parts asked for."""


class ConfigError(GoodFitError, ValueError):
    """An argument of a layer, loss, optimizer, callback or training that makes no sense."""


class ExamError(GoodFitError):
    """The sealed test set was opened before, has changed, or is not there."""


class RunError(GoodFitError):
    """A run folder that cannot be written, read or trusted."""


class DataWarning(UserWarning):
    """Something in a table may spoil what is learned from it, or how well that is judged.

    ``warnings.filterwarnings("ignore", category=goodfit.DataWarning)`` silences these warnings.
    """
