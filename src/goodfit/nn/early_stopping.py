"""Early stopping as a state machine: a state, and an update that takes the value of one epoch.

As Keras 3 counts it: better means strictly below best − min_delta; every epoch that is not better adds one to ``wait``;
training stops when ``wait`` ≥ ``patience``, never at an epoch that is better. Not as Keras: NaN is never best, and the
best weights are always kept (by the training, which looks at ``improved``).
"""

import math
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import Array
from goodfit.nn.validation import is_finite, is_whole

MODES = ("auto", "min", "max")


class StoppingKnobs(NamedTuple):
    """The numbers of early stopping as traced values. Values are compared as ``sign · value``: smaller is better."""

    patience: jax.Array | float
    min_delta: jax.Array | float
    baseline: jax.Array | float
    start_from_epoch: jax.Array | float
    sign: jax.Array | float


class StoppingState(NamedTuple):
    """``best``: lowest ``sign · value``; ``best_epoch``: counted from 1, 0 while there is none; ``wait``: in epochs."""

    best: Array
    best_epoch: Array
    wait: Array
    improved: Array
    stop: Array


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the monitored value has not improved for ``patience`` epochs; the best epoch is given back.

    Args:
        monitor: ``val_loss`` (without penalty), ``loss``, or the name of a metric, on validation rows with ``val_``.
        min_delta: an improvement counts only when it is larger than this.
        patience: epochs without improvement after which training stops; as in Keras 0 and 1 mean the same.
        mode: ``min``, ``max``, or ``auto``: ``max`` for metrics of which more is better.
        baseline: ``wait`` starts again only when this value is beaten too.
        restore_best_weights: give back the best epoch (True, unlike Keras' default) or the last.
        start_from_epoch: the first epochs, so many, can neither be best nor count.

    Raises:
        ConfigError: an argument is outside its range; it is named.

    Source: Prechelt 1998; counting as in Keras 3.15.
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

    def knobs(self, *, higher_is_better: bool) -> StoppingKnobs:
        """The numbers; ``higher_is_better`` decides what ``auto`` means."""
        sign = -1.0 if self.mode == "max" or (self.mode == "auto" and higher_is_better) else 1.0
        baseline = math.inf if self.baseline is None else sign * self.baseline
        return StoppingKnobs(float(self.patience), abs(self.min_delta), baseline, float(self.start_from_epoch), sign)


NEVER = StoppingKnobs(math.inf, 0.0, math.inf, 0.0, 1.0)
"""Never stops; the epoch with the lowest value is still remembered."""


def init_stopping(dtype: str = "float32") -> StoppingState:
    """The state before the first epoch."""
    zero, no = np.zeros((), np.int32), np.zeros((), bool)
    return StoppingState(best=np.full((), np.inf, dtype), best_epoch=zero, wait=zero, improved=no, stop=no)


def update_stopping(state: StoppingState, value: jax.Array, epoch: jax.Array, knobs: StoppingKnobs) -> StoppingState:
    """The state after ``epoch`` (counted from 1) with this monitored value.

    Worked example: values 1.0 .8 .6 .4 .3 .35 .38 .40 .45 .50 with patience 5 stop after epoch 10; best is epoch 5.
    """
    signed = knobs.sign * value
    counts = epoch.astype(signed.dtype) > knobs.start_from_epoch
    improved = counts & (signed + knobs.min_delta < state.best)
    beats_baseline = improved & (signed + knobs.min_delta < knobs.baseline)
    wait = jnp.where(beats_baseline, 0, state.wait + counts.astype(state.wait.dtype))
    return StoppingState(
        best=jnp.where(improved, signed, state.best),
        best_epoch=jnp.where(improved, epoch, state.best_epoch),
        wait=wait,
        improved=improved,
        stop=counts & ~improved & (wait.astype(signed.dtype) >= knobs.patience),
    )
