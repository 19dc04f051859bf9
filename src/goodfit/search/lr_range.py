"""Learning-rate range test: the rate rises exponentially during one short training, for several seeds in parallel.

Each seed is a trial of the sweep's compiled program, with the training loop unchanged: the rate is the optimizer's
times an exponential schedule, and an "epoch" is a few updates, after which the loss is measured on a fixed sample of
the training rows. This is far less noisy than the losses of single batches.

Source: Smith (2017), "Cyclical learning rates", section 3.3; several seeds and an interval are our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from goodfit.arrays import Array
from goodfit.errors import ConfigError
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.nn.packing import layout_of
from goodfit.nn.schedules import ExponentialDecay
from goodfit.search.parallel import Trial, make_advance, stack
from goodfit.training.evaluation import Dataset
from goodfit.training.fit import evaluation_rows, row_order
from goodfit.training.history import column_names
from goodfit.training.loop import FINISHED, start
from goodfit.training.recipe import make_recipe, with_seed
from goodfit.validation import is_finite, validate_count

RATES_PER_DECADE = 20
"""Number of rates at which the loss is measured, for each factor of ten."""
UPDATES_PER_RATE = 2
MAX_SAMPLE_ROWS = 512
"""Number of training rows on which the loss is measured."""
WINDOW = 5
"""Number of rates on either side over which losses are smoothed and their slope is taken."""
MIN_CHANGE = 0.1
"""A loss has fallen when it has lost this share, and has risen again when it has regained this share of its fall."""


@dataclass(frozen=True)
class RateRange:
    """Range of learning rates at which a network learns.

    Attributes:
        low: where the loss falls fastest; the smallest over the seeds.
        high: where the loss is lowest before it rises again; the smallest over the seeds.
        suggestion: the geometric mean of the two; None if the seeds disagree or the loss did not fall.
        rates: the rates at which the loss was measured (rates,).
        losses: of each seed on a fixed sample of the training rows (seeds, rates); NaN after divergence.
        reason: the observation in a sentence, and what to do if there is no suggestion.
    """

    low: float
    high: float
    suggestion: float | None
    rates: Array
    losses: Array
    reason: str


def learning_rate_range(
    layers: Sequence[Layer],
    *,
    optimizer: str | Optimizer,
    loss: str | Loss,
    rows: Dataset,
    train: Array,
    batch_size: int = 32,
    seeds: int = 5,
    low: float = 1e-6,
    high: float = 1.0,
    seed: int = 0,
    dtype: str = "float32",
) -> RateRange:
    """Raise the learning rate from ``low`` to ``high``, and find where the loss falls and where it rises again.

    Layers and optimizer keep their numbers except the learning rate and its schedule; initial weights are drawn again.
    There is no suggestion ("cannot tell") if no rate lies between the fastest fall and the rise of every seed, or if
    the loss of a seed never falls by a tenth.

    Args:
        rows, train: the rows, and the numbers of the training rows.
        batch_size: rows of one update, by default 32.
        seeds: number of trainings, each with its own initial weights and row orders: ``seed``, ``seed`` + 1, …
        low, high: first and last learning rate, by default 1e-6 and 1.

    Raises:
        ConfigError: an argument is out of range.
    """
    validate_count("seeds", seeds)
    for name, value in (("low", low), ("high", high)):
        if not (is_finite(value) and value > 0):
            raise ConfigError(f"{name} must be a learning rate above 0, not {value!r}.")
    if high < 10 * low:
        raise ConfigError(f"high must be at least ten times low, but they are {high:g} and {low:g}.")
    n_rates = int(np.ceil(RATES_PER_DECADE * np.log10(high / low)))
    n_updates = n_rates * UPDATES_PER_RATE
    recipe = make_recipe(
        layers,
        optimizer=replace(get_optimizer(optimizer), learning_rate=low, schedule=ExponentialDecay(high / low)),
        loss=loss,
        batch_size=batch_size,
        validation=False,
        total_steps=n_updates - 1,
        dtype=dtype,
    )
    trials = [
        Trial(
            with_seed(recipe, number),
            number,
            init_network(layers, n_inputs=rows.x.shape[1], seed=number, dtype=dtype),
        )
        for number in range(seed, seed + seeds)
    ]
    losses = _measure(trials, rows, train, n_rates, seed=seed)
    rates = low * (high / low) ** (np.arange(1, n_updates, UPDATES_PER_RATE) / (n_updates - 1))
    return _read(rates, losses)


def _measure(trials: Sequence[Trial], rows: Dataset, train: Array, n_rates: int, *, seed: int) -> Array:
    """Return the loss of each trial on the sample after each rate (trials, rates), in one call of the program."""
    n, devices, recipe = len(trials), len(jax.devices()), trials[0].recipe
    idle = -n % devices
    sample = np.sort(np.random.default_rng([seed, 0]).permutation(train)[:MAX_SAMPLE_ROWS])
    padding = len(rows.labels) - 1
    orders = [_order(train, recipe.batch_size, padding, trial.seed, n_rates) for trial in trials]
    with jax.enable_x64(recipe.dtype == "float64"):
        evaluated = evaluation_rows(sample, np.arange(0), seed=seed)
        advance = make_advance(layout_of(trials[0].params), rows, evaluated)
        states = [start(recipe, trial.params) for trial in trials]
        states += [states[0]._replace(code=np.asarray(FINISHED, np.int32))] * idle
        recipes = [trial.recipe for trial in trials] + [recipe] * idle
        until = np.full(n + idle, n_rates, np.int32)
        records = advance(stack(recipes), stack(states), np.stack(orders + orders[:1] * idle), until)
    names = column_names(recipe, validation=False)
    return records[:n, :, names.index("loss")].astype(np.float64)


def _order(train: Array, batch_size: int, padding: int, seed: int, n_rates: int) -> Array:
    """Return row numbers (rates, updates, batch): the batches of as many epochs as needed."""
    n_steps = n_rates * UPDATES_PER_RATE
    epochs = [
        row_order(train, batch_size=batch_size, padding=padding, seed=seed, epoch=epoch, shuffle=True)
        for epoch in range(-(-n_steps * batch_size // len(train)))
    ]
    return np.concatenate(epochs)[:n_steps].reshape(n_rates, UPDATES_PER_RATE, batch_size)


def _read(rates: Array, losses: Array) -> RateRange:
    """Return the interval shown by the loss curves (seeds, rates), with a suggestion if they agree."""
    found = [places for curve in losses if (places := _places(curve)) is not None]
    if len(found) < len(losses):
        low, high = (rates[0], rates[-1]) if not found else (rates[min(found)[0]], rates[max(found)[1]])
        silent = f"the loss of {len(losses) - len(found)} of {len(losses)} seeds does not fall by a tenth"
        reason = (
            f"cannot tell: {silent} between {rates[0]:.2g} and {rates[-1]:.2g}; try other rates, or scale the data."
        )
        return RateRange(float(low), float(high), None, rates, losses, reason)
    falls, lowest = ([places[which] for places in found] for which in (0, 1))
    if max(falls) > min(lowest):
        apart = f"at {rates[max(falls)]:.2g} the loss of one seed falls fastest, but that of another has risen again"
        reason = f"cannot tell: the seeds disagree, {apart}; try more seeds or a larger batch."
        return RateRange(float(rates[min(falls)]), float(rates[max(lowest)]), None, rates, losses, reason)
    low, high = float(rates[min(falls)]), float(rates[min(lowest)])
    fastest = f"the loss falls fastest at rates of {low:.2g} to {rates[max(falls)]:.2g}"
    rises = min(lowest) < len(rates) - 1 - WINDOW
    end = f"rises again after {high:.2g}" if rises else f"still falls at {rates[-1]:.2g}"
    return RateRange(low, high, float(np.sqrt(low * high)), rates, losses, f"{fastest} and {end}.")


def _places(curve: Array) -> tuple[int, int] | None:
    """Return where one seed's loss falls fastest, and where it is lowest before it rises; None if it does not fall.

    The slope is that of the least-squares line within the window, over the logarithm of the rate.
    """
    curve = curve[: int(np.argmin(np.append(np.isfinite(curve), False)))]
    if len(curve) <= WINDOW:
        return None
    offsets = np.arange(-WINDOW, WINDOW + 1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(curve, WINDOW, mode="edge"), len(offsets))
    smooth, slope = around.mean(axis=1), around @ offsets
    lowest = np.minimum.accumulate(smooth)
    fallen = lowest < (1 - MIN_CHANGE) * curve[0]
    if not fallen.any():
        return None
    risen = fallen & (smooth > lowest + MIN_CHANGE * (curve[0] - lowest))
    end = int(np.argmax(np.append(risen, True)))
    bottom = int(np.argmin(smooth[:end]))
    return int(np.argmin(slope[: bottom + 1])), bottom
