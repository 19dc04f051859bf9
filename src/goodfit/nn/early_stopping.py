"""Early stopping as a state machine: a state, and its update by the monitored value of one epoch.

As in Keras 3, a value is better when it is below best − min_delta; every epoch that is not better adds one to ``wait``;
training stops when ``wait`` ≥ ``patience``, never at an epoch that is better. Unlike Keras, NaN is never best, and the
best weights are always kept (by the training loop, which reads ``improved``).
"""

import sys
from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyArray
from goodfit.nn.pytrees import hyperparameters
from goodfit.validation import is_finite, is_whole

MODES = ("auto", "min", "max")


class StoppingState(NamedTuple):
    """State of early stopping after an epoch.

    best: best value so far, negated where larger is better. best_epoch: its epoch, counted from 1; 0 if there is none.
    wait: epochs without improvement. improved: whether this epoch is the best. stop: whether training ends here.
    """

    best: AnyArray
    best_epoch: AnyArray
    wait: AnyArray
    improved: AnyArray
    stop: AnyArray


@hyperparameters(static=("monitor", "mode", "restore_best_weights"))
@dataclass(frozen=True)
class EarlyStopping:
    """Stop training when the monitored value has not improved for ``patience`` epochs.

    Args:
        monitor: ``val_loss`` (without penalty), ``loss``, or the name of a metric, prefixed with ``val_`` for the
            validation rows.
        min_delta: smallest change that counts as an improvement.
        patience: epochs without improvement after which training stops; as in Keras, 0 and 1 mean the same.
        mode: ``min``, ``max``, or ``auto``: ``max`` for metrics where higher is better.
        baseline: value that an epoch must also beat to reset ``wait``.
        restore_best_weights: restore the weights of the best epoch (the default, unlike Keras) or keep the last.
        start_from_epoch: number of initial epochs ignored by early stopping.

    Raises:
        ConfigError: an argument is out of range; the message names it.

    Source: Prechelt (1998); counting as in Keras 3.15.
    """

    monitor: str = "val_loss"
    _: KW_ONLY
    min_delta: float = 0.0
    patience: int = 0
    mode: str = "auto"
    baseline: float | None = None
    restore_best_weights: bool = True
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        for name in ("patience", "start_from_epoch"):
            value = getattr(self, name)
            if not (is_whole(value) and value >= 0):
                raise ConfigError(f"{name} must be a whole number of epochs, zero or more, not {value!r}.")
        if not is_finite(self.min_delta):
            raise ConfigError(f"min_delta must be a finite number, not {self.min_delta!r}.")
        if self.baseline is not None and not is_finite(self.baseline):
            raise ConfigError(f"baseline must be a finite number or None, not {self.baseline!r}.")
        if self.mode not in MODES:
            raise ConfigError(f"mode must be one of {', '.join(MODES)}, not {self.mode!r}.")

    def resolved(self, monitor: str, *, higher_is_better: bool) -> "EarlyStopping":
        """Return the same early stopping for a recorded column, with ``auto`` replaced by ``min`` or ``max``."""
        mode = self.mode if self.mode != "auto" else "max" if higher_is_better else "min"
        return replace(self, monitor=monitor, mode=mode)


NEVER = EarlyStopping(patience=sys.maxsize)
"""Never stops; the epoch with the lowest value is still recorded."""


def init_stopping(dtype: str = "float32") -> StoppingState:
    """Return the state before the first epoch."""
    zero, no = np.zeros((), np.int32), np.zeros((), bool)
    return StoppingState(best=np.full((), np.inf, dtype), best_epoch=zero, wait=zero, improved=no, stop=no)


def update_stopping(
    state: StoppingState, value: jax.Array, epoch: jax.Array, early_stopping: EarlyStopping
) -> StoppingState:
    """Return the state after ``epoch`` (counted from 1) with this monitored value.

    Example: values 1.0 .8 .6 .4 .3 .35 .38 .40 .45 .50 with patience 5 stop after epoch 10; the best epoch is 5.

    Args:
        early_stopping: with ``mode`` resolved to ``min`` or ``max``; its numbers may be traced.
    """
    sign = -1 if early_stopping.mode == "max" else 1
    signed = sign * value
    counts = epoch.astype(signed.dtype) > early_stopping.start_from_epoch
    lowered = signed + jnp.abs(early_stopping.min_delta)
    improved = counts & (lowered < state.best)
    resets = improved if early_stopping.baseline is None else improved & (lowered < sign * early_stopping.baseline)
    wait = jnp.where(resets, 0, state.wait + counts.astype(state.wait.dtype))
    return StoppingState(
        best=jnp.where(improved, signed, state.best),
        best_epoch=jnp.where(improved, epoch, state.best_epoch),
        wait=wait,
        improved=improved,
        stop=counts & ~improved & (wait.astype(signed.dtype) >= early_stopping.patience),
    )
