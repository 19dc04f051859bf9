"""Recipe: the choices that decide the compiled program. Knobs: the numbers that do not.

A recipe is frozen and hashable; two trainings with equal recipes and equal shapes share one compilation. Knobs are
traced: a new λ, learning rate, dropout rate or patience compiles nothing.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import NEVER, EarlyStopping, StoppingKnobs
from goodfit.nn.layers import Dense, Dropout, Layer
from goodfit.nn.losses import BinaryCrossentropy, Loss, SparseCategoricalCrossentropy, get_loss
from goodfit.nn.metrics import get_metric, get_metrics
from goodfit.nn.optimizers import Optimizer, get_optimizer, optimizer_knobs, optimizer_structure

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Recipe:
    """Everything that changes the compiled program, with every sweepable number taken out (see ``make_recipe``)."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    loss: Loss
    metrics: tuple[str, ...]
    batch_size: int
    monitor: str
    dtype: str

    @property
    def fused(self) -> bool:
        """Whether the loss takes the logits of the last layer, its activation left out."""
        last = self.layers[-1]
        return (
            isinstance(last, Dense)
            and self.loss.fused is not None
            and last.activation == self.loss.fused
            and not getattr(self.loss, "from_logits", False)
        )

    @property
    def link(self) -> str:
        """The activation that makes predictions of the outputs that the loss takes."""
        logits = self.fused or getattr(self.loss, "from_logits", False)
        return self.loss.fused if logits and self.loss.fused else "linear"


class Knobs(NamedTuple):
    """The numbers that are swept.

    l1, l2: for each layer, name of a weight array to its strength. class_weight: number of a class to the factor of its
    rows in the batches, where that is swept; losses and metrics are without it, so that trials can be compared.
    """

    optimizer: dict[str, Any]
    l1: tuple[dict[str, Any], ...]
    l2: tuple[dict[str, Any], ...]
    dropout: tuple[Any, ...]
    stopping: StoppingKnobs
    seed: Any
    class_weight: Mapping[int, Any] = {}


def make_recipe(
    layers: Sequence[Layer],
    *,
    optimizer: str | Optimizer = "adam",
    loss: str | Loss,
    metrics: Sequence[str] = (),
    batch_size: int = 32,
    early_stopping: EarlyStopping | None = None,
    validation: bool = True,
    total_steps: int = 1,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[Recipe, Knobs]:
    """Split the user's choices into what decides the program and what is only a number in it.

    Args:
        early_stopping: None never stops; the epoch with the lowest monitored loss is remembered all the same.
        validation: whether there are validation rows; without them ``loss`` is monitored instead of ``val_loss``.
        total_steps: updates of the whole training, for schedules that span it.

    Raises:
        ConfigError: an argument is unknown or outside its range; it is named.
    """
    layers = validate_layers(layers)
    optimizer = get_optimizer(optimizer)
    monitor = _monitor(early_stopping, metrics, validation=validation)
    validate_count("batch_size", batch_size)
    validate_dtype(dtype)
    _check_metrics(get_loss(loss), metrics, layers[-1])
    recipe = Recipe(
        layers=tuple(layer.structure() for layer in layers),
        optimizer=optimizer_structure(optimizer),
        loss=get_loss(loss),
        metrics=tuple(metric.name for metric in get_metrics(metrics)),
        batch_size=int(batch_size),
        monitor=monitor,
        dtype=dtype,
    )
    knobs = Knobs(
        optimizer=optimizer_knobs(optimizer, total_steps=total_steps),
        l1=strengths(layers, "l1"),
        l2=strengths(layers, "l2"),
        dropout=tuple(layer.rate for layer in layers if isinstance(layer, Dropout)),
        stopping=_stopping_knobs(early_stopping, monitor),
        seed=seed,
    )
    return recipe, as_arrays(knobs, dtype)


def validate_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers as a tuple; ConfigError when they cannot be a network."""
    layers = tuple(validate_layer(layer) for layer in layers)
    if not layers or not isinstance(layers[-1], Dense):
        raise ConfigError("the last layer must be Dense: its units are the outputs.")
    return layers


def validate_layer(layer: Layer) -> Layer:
    """The layer; ConfigError when it is none."""
    if isinstance(layer, type) or not hasattr(layer, "apply") or not hasattr(layer, "structure"):
        raise ConfigError(f"layers must be Dense(…), Dropout(…) or LayerNormalization(), not {layer!r}.")
    return layer


def validate_dtype(dtype: object) -> None:
    """ConfigError unless it is the name of a precision that trainings have."""
    if dtype not in DTYPES:
        raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")


def validate_count(argument: str, value: object, *, smallest: int = 1) -> None:
    """ConfigError, naming the argument, unless ``value`` is a whole number not below ``smallest``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < smallest:
        raise ConfigError(f"{argument} must be a whole number, {smallest} or more, not {value!r}.")


def strengths(layers: Sequence[Layer], term: str) -> tuple[dict[str, Any], ...]:
    """For each layer, name of each weight array that carries this term (``l1`` or ``l2``) to its strength."""
    return tuple(
        {
            name: getattr(regularizer, term)
            for name, regularizer in layer.regularizers().items()
            if getattr(regularizer, term) is not None
        }
        for layer in layers
    )


def as_arrays(knobs: Knobs, dtype: str) -> Knobs:
    """The same knobs as arrays of the training's precision, so that a number never becomes part of a program."""
    arrays: Knobs = jax.tree.map(lambda value: np.asarray(value, dtype), knobs._replace(seed=0.0))
    return arrays._replace(seed=np.asarray(knobs.seed % 2**32, np.uint32))


def _monitor(early_stopping: EarlyStopping | None, metrics: Sequence[str], *, validation: bool) -> str:
    """The name of the monitored column, checked; the loss of the rows that judge when nobody asks for another."""
    if early_stopping is None:
        return "val_loss" if validation else "loss"
    prefix, name = (
        ("val_", early_stopping.monitor[4:])
        if early_stopping.monitor.startswith("val_")
        else ("", early_stopping.monitor)
    )
    if prefix and not validation:
        raise ConfigError(
            f"EarlyStopping monitors {early_stopping.monitor!r} but there are no validation rows; "
            "give validation_split or validation_data, or monitor 'loss'."
        )
    if name != "loss":
        name = get_metric(name).name
        if name not in (metric.name for metric in get_metrics(metrics)):
            raise ConfigError(f"EarlyStopping monitors {early_stopping.monitor!r}; add {name!r} to the metrics.")
    return prefix + name


def _check_metrics(loss: Loss, metrics: Sequence[str], last: Layer) -> None:
    """ConfigError for a metric that would take the targets of this loss for something else."""
    several = getattr(last, "units", 1) > 1
    for metric in get_metrics(metrics):
        if metric.judges == "values" and isinstance(loss, SparseCategoricalCrossentropy):
            raise ConfigError(f"metric {metric.name!r} compares values, but the targets are class numbers.")
        if metric.judges == "classes" and isinstance(loss, BinaryCrossentropy) and several:
            raise ConfigError(
                f"metric {metric.name!r} wants one class for each row, but every output of the last layer is a class "
                "of its own; leave it out, or choose 'mse'."
            )


def _stopping_knobs(early_stopping: EarlyStopping | None, monitor: str) -> StoppingKnobs:
    if early_stopping is None:
        return NEVER
    name = monitor.removeprefix("val_")
    return early_stopping.knobs(higher_is_better=name != "loss" and get_metric(name).higher_is_better)


def warn_of_two_decays(layers: Sequence[Layer], optimizer: Optimizer) -> None:
    """Warn the caller of the caller when weights would be decayed and penalised."""
    if optimizer.weight_decay and any(value for layer in strengths(layers, "l2") for value in layer.values()):
        warnings.warn(
            "weight_decay and an l2 regularizer both shrink the weights; use one of them, or be sure you want both.",
            UserWarning,
            stacklevel=3,
        )
