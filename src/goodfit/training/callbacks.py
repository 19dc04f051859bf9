"""What ``callbacks`` and ``verbose`` of ``Sequential.fit`` stand for: early stopping, listeners, a line on stderr."""

import sys
from collections.abc import Callable, Mapping, Sequence

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import EarlyStopping

Callback = EarlyStopping | Callable[[Mapping[str, float]], None]


def sort_callbacks(
    callbacks: Callback | Sequence[Callback] | None,
) -> tuple[EarlyStopping | None, list[Callable[..., None]]]:
    """The one early stopping and the functions that listen to epochs; ConfigError for anything else."""
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
        raise ConfigError("only one EarlyStopping can be given.")
    return (stopping[0] if stopping else None), listeners


def tell_all(listeners: Sequence[Callable[..., None]]) -> Callable[[Mapping[str, float]], None] | None:
    """One listener that tells all, or None where nobody listens."""

    def tell(record: Mapping[str, float]) -> None:
        for listener in listeners:
            listener(record)

    return tell if listeners else None


class ProgressLine:
    """Writes epochs to stderr, as ``verbose`` says."""

    def __init__(self, verbose: str | int, epochs: int) -> None:
        if verbose not in ("auto", 0, 1, 2):
            raise ConfigError(f"verbose must be 'auto', 0, 1 or 2, not {verbose!r}.")
        self.level = int(sys.stderr.isatty()) if verbose == "auto" else int(verbose)
        self.epochs = epochs

    @property
    def listeners(self) -> list[Callable[..., None]]:
        """``write``, unless this is silent."""
        return [self.write] if self.level else []

    def write(self, record: Mapping[str, float]) -> None:
        """One epoch."""
        shown = (f"{name} {record[name]:.4f}" for name in ("loss", "val_loss", "penalty") if name in record)
        start, end = ("\r", "") if self.level == 1 else ("", "\n")
        line = f"epoch {record['epoch']}/{self.epochs}  {'  '.join(shown)}"
        print(start + line, end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line that was written over."""
        if self.level == 1:
            print(file=sys.stderr)
