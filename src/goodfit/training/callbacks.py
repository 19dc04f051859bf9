"""The arguments ``callbacks`` and ``verbose`` of ``Sequential.fit``: early stopping, functions, progress on stderr."""

import sys
from collections.abc import Callable, Mapping, Sequence

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import EarlyStopping

Callback = EarlyStopping | Callable[[Mapping[str, float]], None]


def sort_callbacks(
    callbacks: Callback | Sequence[Callback] | None,
) -> tuple[EarlyStopping | None, list[Callable[..., None]]]:
    """Return the early stopping, if any, and the functions to call after each epoch; ConfigError for anything else."""
    stopping: list[EarlyStopping] = []
    listeners: list[Callable[..., None]] = []
    for callback in callbacks if isinstance(callbacks, Sequence) else [callbacks] if callbacks else []:
        if isinstance(callback, EarlyStopping):
            stopping.append(callback)
        elif callable(callback):
            listeners.append(callback)
        else:
            raise ConfigError(f"callbacks must be EarlyStopping or functions of an epoch's record, not {callback!r}.")
    if len(stopping) > 1:
        raise ConfigError("callbacks can contain only one EarlyStopping.")
    return (stopping[0] if stopping else None), listeners


def call_each(listeners: Sequence[Callable[..., None]]) -> Callable[[Mapping[str, float]], None] | None:
    """Return one function that calls all, or None if there are none."""

    def call(record: Mapping[str, float]) -> None:
        for listener in listeners:
            listener(record)

    return call if listeners else None


class ProgressLine:
    """Print epochs to stderr as ``verbose`` says: 0 silent, 1 one line, 2 a line for each epoch."""

    def __init__(self, verbose: str | int, epochs: int) -> None:
        if verbose not in ("auto", 0, 1, 2):
            raise ConfigError(f"verbose must be 'auto', 0, 1 or 2, not {verbose!r}.")
        self.level = int(sys.stderr.isatty()) if verbose == "auto" else int(verbose)
        self.epochs = epochs

    @property
    def listeners(self) -> list[Callable[..., None]]:
        """The functions to call after each epoch."""
        return [self.write] if self.level else []

    def write(self, record: Mapping[str, float]) -> None:
        """Print the record of one epoch."""
        shown = (f"{name} {record[name]:.4f}" for name in ("loss", "val_loss", "penalty") if name in record)
        start, end = ("\r", "") if self.level == 1 else ("", "\n")
        line = f"epoch {record['epoch']}/{self.epochs}  {'  '.join(shown)}"
        print(start + line, end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line."""
        if self.level == 1:
            print(file=sys.stderr)
