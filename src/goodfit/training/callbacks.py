"""The arguments ``callbacks`` and ``verbose`` of ``Sequential.fit``: early stopping, functions, progress on stderr."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.status_line import StatusLine

T = TypeVar("T")
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


def call_each(listeners: Sequence[Callable[[T], None] | None]) -> Callable[[T], None] | None:
    """Return one function that calls all that are not None, or None if there are none."""
    listening = [listener for listener in listeners if listener is not None]

    def call(told: T) -> None:
        for listener in listening:
            listener(told)

    return call if listening else None


class EpochLines:
    """Show epochs on stderr as ``verbose`` says: 0 silent, 1 one line, 2 a line for each epoch."""

    def __init__(self, verbose: str | int, epochs: int) -> None:
        if verbose not in ("auto", 0, 1, 2):
            raise ConfigError(f"verbose must be 'auto', 0, 1 or 2, not {verbose!r}.")
        self.line = StatusLine("auto" if verbose == "auto" else int(bool(verbose)))
        self.each, self.epochs = verbose == 2, epochs

    @property
    def listener(self) -> Callable[[Mapping[str, float]], None] | None:
        """The function to call after each epoch, if any."""
        return self.write if self.line.is_on else None

    def write(self, record: Mapping[str, float]) -> None:
        """Show the record of one epoch."""
        shown = (f"{name} {record[name]:.4f}" for name in ("loss", "val_loss", "penalty") if name in record)
        text = f"epoch {record['epoch']}/{self.epochs}  {'  '.join(shown)}"
        if self.each:
            print(text, file=sys.stderr, flush=True)
        else:
            self.line.show(text)

    def end(self) -> None:
        """End the line."""
        self.line.end()
