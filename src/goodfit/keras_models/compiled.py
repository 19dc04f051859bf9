"""What a user compiled in Keras, as goodfit's own: optimizer, loss, metrics, regularizers, early stopping.

Each is read from the configuration that Keras itself writes into a file, so that nothing of Keras is imported here.
"""

from collections.abc import Mapping
from typing import Any

from goodfit.errors import ConfigError
from goodfit.formatting import join
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from goodfit.nn.optimizers import SGD, Adam, Optimizer
from goodfit.nn.regularizers import L1L2
from goodfit.nn.schedules import CONSTANT, CosineDecay, ExponentialDecay, Schedule

Config = Mapping[str, Any]

OPTIMIZERS: dict[str, type[Optimizer]] = {"Adam": Adam, "AdamW": Adam, "SGD": SGD}
UNUSED = {"name", "ema_momentum", "ema_overwrite_frequency"}
"""Arguments of Keras' optimizers that do nothing here, since ``use_ema`` is refused."""
LOSSES: dict[str, Loss] = {
    "MeanSquaredError": MeanSquaredError(),
    "MeanAbsoluteError": MeanAbsoluteError(),
    "Huber": Huber(),
    "BinaryCrossentropy": BinaryCrossentropy(),
    "CategoricalCrossentropy": CategoricalCrossentropy(),
    "SparseCategoricalCrossentropy": SparseCategoricalCrossentropy(),
}
METRICS = {
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "root_mean_squared_error": "rmse",
    "r2_score": "r2",
    "AUC": "auc",
    "Precision": "precision",
    "Recall": "recall",
    "BinaryAccuracy": "accuracy",
    "CategoricalAccuracy": "accuracy",
    "SparseCategoricalAccuracy": "accuracy",
    "Accuracy": "accuracy",
    "MeanSquaredError": "mse",
    "MeanAbsoluteError": "mae",
    "MeanAbsolutePercentageError": "mape",
    "RootMeanSquaredError": "rmse",
    "R2Score": "r2",
}
STOPPING = ("monitor", "min_delta", "patience", "mode", "baseline", "restore_best_weights", "start_from_epoch")


def optimizer_of(model: Any) -> Optimizer:  # noqa: ANN401
    """Return the optimizer of a compiled model with its present numbers; ConfigError if it has no counterpart."""
    kind, config = type(model.optimizer).__name__, dict(model.optimizer.get_config())
    if kind not in OPTIMIZERS:
        raise ConfigError(f"the optimizer {kind} cannot be carried over: compile with one of {join(OPTIMIZERS)}.")
    for name in ("use_ema", "loss_scale_factor", "gradient_accumulation_steps"):
        if config.pop(name, None):
            raise ConfigError(f"{name} of {kind} cannot be carried over: compile without it.")
    rate, schedule = _rate_of(config.pop("learning_rate"))
    numbers = {name: value for name, value in config.items() if name not in UNUSED}
    try:
        return OPTIMIZERS[kind](rate, schedule=schedule, **numbers)
    except TypeError as error:
        raise ConfigError(f"{kind} of this version of Keras cannot be carried over ({error}).") from error


def _rate_of(given: float | Config) -> tuple[float, Schedule]:
    """Return the learning rate, and the schedule that multiplies it."""
    if not isinstance(given, Mapping):
        # Keras keeps the rate in float32: 0.001 has become 0.0010000000475.
        return float(f"{float(given):.7g}"), CONSTANT
    kind, config = given["class_name"], given["config"]
    rate = config.get("initial_learning_rate")
    if kind == "ExponentialDecay":
        staircase = bool(config["staircase"])
        return rate, ExponentialDecay(config["decay_rate"], decay_steps=config["decay_steps"], staircase=staircase)
    if kind == "CosineDecay" and not config["warmup_steps"]:
        return rate, CosineDecay(decay_steps=config["decay_steps"], alpha=config["alpha"])
    raise ConfigError(
        f"the schedule {kind} cannot be carried over: compile with a number, ExponentialDecay, or CosineDecay without "
        "warm-up."
    )


def loss_of(model: Any) -> Loss:  # noqa: ANN401
    """Return the loss of a compiled model; ConfigError if it has no counterpart."""
    given = model.get_compile_config()
    if given["loss_weights"]:
        raise ConfigError("loss_weights cannot be carried over: compile without them.")
    name, config = _named(given["loss"])
    known = {_snake(kind): kind for kind in LOSSES} | {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError"}
    kind = known.get(name.lower(), name)
    if kind not in LOSSES:
        raise ConfigError(f"the loss {name} cannot be carried over: compile with one of {join(LOSSES)}.")
    if config.get("reduction", "sum_over_batch_size") not in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
        raise ConfigError(f"{kind} with reduction={config['reduction']!r} cannot be carried over: leave out reduction.")
    if config.get("label_smoothing"):
        raise ConfigError(f"label_smoothing of {kind} cannot be carried over: smooth the targets before fit.")
    numbers = {name: value for name, value in config.items() if name in ("delta", "from_logits")}
    return type(LOSSES[kind])(**numbers)


def metrics_of(model: Any) -> list[str]:  # noqa: ANN401
    """Return the names of the metrics of a compiled model; ConfigError if one has no counterpart."""
    given = model.get_compile_config()
    found = []
    for metric in (*(given["metrics"] or ()), *(given["weighted_metrics"] or ())):
        name, config = _named(metric)
        found.append(METRICS.get(name, name))
        changed = {key: config[key] for key in ("thresholds", "top_k", "class_id") if config.get(key) is not None}
        if changed or config.get("curve", "ROC") != "ROC" or config.get("threshold", 0.5) != 0.5:
            raise ConfigError(f"the metric {name} with these arguments cannot be carried over: compile without them.")
    return list(dict.fromkeys(found))


def _named(given: str | Config) -> tuple[str, Config]:
    """Return the name and the arguments of a loss or metric as Keras writes it."""
    if isinstance(given, str):
        return given, {}
    if not isinstance(given, Mapping) or "config" not in given:
        raise ConfigError(f"{given!r} cannot be carried over: compile with one loss, and a list of metrics.")
    return (given["config"], {}) if given["class_name"] == "function" else (given["class_name"], given["config"])


def _snake(kind: str) -> str:
    """Return the name of a function of Keras.

    >>> _snake("MeanSquaredError")
    'mean_squared_error'
    """
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).removeprefix("_")


def strength_of(regularizer: Any, where: str) -> L1L2:  # noqa: ANN401
    """Return a regularizer; ConfigError if it is of another kind than L1, L2 or L1L2."""
    kind = type(regularizer).__name__
    if kind not in ("L1", "L2", "L1L2"):
        raise ConfigError(f"the regularizer {kind} of {where} cannot be carried over: use L1, L2 or L1L2.")
    config = regularizer.get_config()
    # L1L2(l2=0.01) has l1 = 0: a term that is not there need not be computed.
    return L1L2(**{name: float(value) for name in ("l1", "l2") if (value := config.get(name))})


def early_stopping_of(callback: Any) -> EarlyStopping:  # noqa: ANN401
    """Return the early stopping of a ``keras.callbacks.EarlyStopping``; its ``val_loss`` is then without penalty."""
    given = {name: getattr(callback, name) for name in STOPPING}
    name = given["monitor"].removeprefix("val_")
    prefix = given["monitor"].removesuffix(name)
    return EarlyStopping(**{**given, "min_delta": abs(given["min_delta"]), "monitor": prefix + METRICS.get(name, name)})
