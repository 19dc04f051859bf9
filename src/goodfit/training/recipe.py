"""Recipe: everything a training needs to know but its rows and initial weights, as one pytree.

Its numbers are leaves: a new λ, learning rate, dropout rate, patience or seed compiles nothing. Its choices are static:
trainings with the same choices and shapes share one compiled program.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from goodfit.errors import ConfigError
from goodfit.nn.arrays import AnyArray
from goodfit.nn.early_stopping import NEVER, EarlyStopping
from goodfit.nn.layers import Dense, Layer
from goodfit.nn.losses import BinaryCrossentropy, Loss, SparseCategoricalCrossentropy, get_loss
from goodfit.nn.metrics import get_metric, get_metrics
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.nn.pytrees import hyperparameters
from goodfit.nn.regularizers import Regularizers
from goodfit.validation import validate_count

DTYPES = ("float32", "float64")
MAX_UPDATES = 1_000
"""Most updates of an epoch of a table. A pass over more training rows is several epochs, so that the validation loss is
measured, and the training stopped, in time."""


@hyperparameters(static=("metrics", "batch_size", "dtype", "remainder", "max_updates"))
@dataclass(frozen=True)
class Recipe:
    """Layers, optimizer, loss and early stopping of a training, with arrays for numbers (see ``make_recipe``).

    Attributes:
        early_stopping: with the recorded column it monitors, and ``mode`` ``min`` or ``max``.
        seed: of dropout.
        class_weight: class number to the weight of its rows in the batches, where a sweep varies it; losses and metrics
            are without it, so that trials can be compared.
        remainder: number of rows of a smaller last batch where a layer mixes rows; 0 pads it with the empty row.
        max_updates: most updates of an epoch; None for a pass over all training rows.
    """

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    loss: Loss
    early_stopping: EarlyStopping
    class_weight: Mapping[int, AnyArray]
    seed: AnyArray
    metrics: tuple[str, ...]
    batch_size: int
    dtype: str
    remainder: int = 0
    max_updates: int | None = None

    @property
    def fused(self) -> bool:
        """Whether the loss takes the logits of the last layer instead of its activation."""
        last = self.layers[-1]
        return (
            isinstance(last, Dense)
            and self.loss.fused is not None
            and last.activation == self.loss.fused
            and not getattr(self.loss, "from_logits", False)
        )

    @property
    def link(self) -> str:
        """The activation that turns the outputs that the loss takes into predictions."""
        logits = self.fused or getattr(self.loss, "from_logits", False)
        return self.loss.fused if logits and self.loss.fused else "linear"

    @property
    def regularizers(self) -> Regularizers:
        """For each layer, the regularizer of each penalised weight array."""
        return [layer.regularizers() for layer in self.layers]


def make_recipe(
    layers: Sequence[Layer],
    *,
    optimizer: str | Optimizer = "adam",
    loss: str | Loss,
    metrics: Sequence[str] = (),
    batch_size: int = 32,
    max_updates: int | None = None,
    early_stopping: EarlyStopping | None = None,
    validation: bool = True,
    total_steps: int = 1,
    class_weight: Mapping[int, float] | None = None,
    n_train: int = 0,
    seed: int = 0,
    dtype: str = "float32",
) -> Recipe:
    """Return the recipe of a training: names replaced by objects, every number an array of the training's precision.

    Args:
        early_stopping: None never stops; the epoch with the lowest monitored loss is recorded all the same.
        validation: whether there are validation rows; without them ``loss`` is monitored instead of ``val_loss``.
        total_steps: number of updates of the whole training, for schedules that span it.
        n_train: number of training rows; needed where a layer mixes rows.
        max_updates, class_weight, seed: see ``Recipe``.

    Raises:
        ConfigError: an argument is unknown or out of range; the message names it.
    """
    layers, loss, optimizer = validate_layers(layers), get_loss(loss), get_optimizer(optimizer)
    validate_count("batch_size", batch_size)
    validate_dtype(dtype)
    _validate_metrics(loss, metrics, layers[-1])
    recipe = Recipe(
        layers=layers,
        optimizer=replace(optimizer, schedule=optimizer.schedule.resolved(total_steps)),
        loss=loss,
        early_stopping=_resolved(early_stopping, metrics, validation=validation),
        class_weight=dict(class_weight or {}),
        seed=0,
        metrics=tuple(metric.name for metric in get_metrics(metrics)),
        batch_size=int(batch_size),
        dtype=dtype,
        remainder=n_train % int(batch_size) if any(layer.mixes_rows for layer in layers) else 0,
        max_updates=max_updates,
    )
    # A Python number would become part of the compiled program.
    arrays: Recipe = jax.tree.map(lambda number: np.asarray(number, dtype), recipe)
    return with_seed(arrays, seed)


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe with another seed of dropout."""
    return replace(recipe, seed=np.asarray(seed % 2**32, np.uint32))


def validate_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers as a tuple; ConfigError unless they can be a network."""
    layers = tuple(validate_layer(layer) for layer in layers)
    n_outputs(layers)
    return layers


def n_outputs(layers: Sequence[Layer]) -> int:
    """Return the number of outputs of the last layer; ConfigError unless it says how many it has."""
    units = getattr(layers[-1], "units", None) if layers else None
    if units is None:
        raise ConfigError("the last layer must be Dense: its units are the outputs.")
    return int(units)


def validate_layer(layer: Layer) -> Layer:
    """Return the layer; ConfigError unless it is one."""
    if isinstance(layer, type) or not hasattr(layer, "apply") or not hasattr(layer, "regularizers"):
        raise ConfigError(f"layers must be Dense(…), Dropout(…) or LayerNormalization(), not {layer!r}.")
    return layer


def validate_dtype(dtype: object) -> None:
    """Raise ConfigError unless ``dtype`` is the name of a precision for training."""
    if dtype not in DTYPES:
        raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")


def _resolved(early_stopping: EarlyStopping | None, metrics: Sequence[str], *, validation: bool) -> EarlyStopping:
    """Early stopping with the name of the recorded column that it monitors, and the direction that is better."""
    if early_stopping is None:
        return NEVER.resolved("val_loss" if validation else "loss", higher_is_better=False)
    monitor = early_stopping.monitor
    name = monitor.removeprefix("val_")
    if name != monitor and not validation:
        raise ConfigError(
            f"EarlyStopping monitors {monitor!r} but there are no validation rows; "
            "give validation_split or validation_data, or monitor 'loss'."
        )
    prefix = monitor.removesuffix(name)
    if name == "loss":
        return early_stopping.resolved(monitor, higher_is_better=False)
    metric = get_metric(name)
    if metric not in get_metrics(metrics):
        raise ConfigError(f"EarlyStopping monitors {monitor!r}; add {metric.name!r} to the metrics.")
    return early_stopping.resolved(prefix + metric.name, higher_is_better=metric.higher_is_better)


def _validate_metrics(loss: Loss, metrics: Sequence[str], last: Layer) -> None:
    """Raise ConfigError for a metric that would misread the targets of this loss."""
    several = getattr(last, "units", 1) > 1
    for metric in get_metrics(metrics):
        if metric.targets == "values" and isinstance(loss, SparseCategoricalCrossentropy):
            raise ConfigError(f"metric {metric.name!r} compares values, but the targets are class numbers.")
        if metric.targets == "classes" and isinstance(loss, BinaryCrossentropy) and several:
            raise ConfigError(
                f"metric {metric.name!r} needs one class for each row, but every output of the last layer is a class "
                "of its own; leave it out, or choose 'mse'."
            )


def warn_of_two_decays(layers: Sequence[Layer], optimizer: Optimizer) -> None:
    """Warn the caller's caller if the weights would be both decayed and penalised by L2."""
    if optimizer.weight_decay and any(r.l2 for layer in layers for r in layer.regularizers().values()):
        warnings.warn(
            "weight_decay and an l2 regularizer both shrink the weights; use one of them, or be sure you want both.",
            UserWarning,
            stacklevel=3,
        )
