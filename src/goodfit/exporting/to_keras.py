"""What predicts as a model of Keras 3: from the encoded columns to probabilities, or values in the target's unit."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.data.table import Table
from goodfit.data.target import Target
from goodfit.errors import DataError
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.run_folder import Record
from goodfit.exporting.files import validate_new_file, validate_predictions, write_model
from goodfit.exporting.made_up_rows import made_up_rows
from goodfit.exporting.networks import Networks, networks_of
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense, Dropout, Layer
from goodfit.nn.losses import SMALLEST_PROBABILITY
from goodfit.nn.regularizers import L1L2
from goodfit.packages import optional_package
from goodfit.search.space import Config, layers_with

SUFFIX = ".keras"


def write_keras(predictor: Predictor, configs: Sequence[Config], path: Path, *, overwrite: bool = False) -> None:
    """Write what predicts as a file of Keras.

    Args:
        configs: see ``keras_model``.

    Raises:
        ConfigError: keras is not installed.
        DataError: the name does not end in ``.keras``, or the file exists or cannot be written.
        RunError: the model predicts otherwise than goodfit.
    """
    if path.suffix != SUFFIX:
        raise DataError(f"{str(path)!r} is no name for a model of Keras: name a file that ends in {SUFFIX}.")
    validate_new_file(path, overwrite=overwrite)
    networks, target = networks_of(predictor), predictor.target
    model = keras_model(networks, configs)
    rows = made_up_rows(networks.columns)
    inputs = encoded(networks, rows)
    found = np.asarray(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0), float)
    expected = target.decode(predictor.predict(rows))
    validate_predictions(_as_decoded(found, target), expected, target, what="Keras")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"model{SUFFIX}"
        model.save(file)
        write_model(path, file.read_bytes(), overwrite=overwrite)


def configs_of(record: Record) -> list[Config]:
    """Return the config of each network of a fold."""
    kept = record.ensemble
    if kept is None:
        return [record.config]
    n_seeds = len(kept.shares) // len(kept.members)
    return [member.config for member in kept.members for _ in range(n_seeds)]


def encoded(networks: Networks, table: Table) -> list[Array]:
    """Return the table as each fold encodes it, float32 (rows, features)."""
    return [fold.encoder.transform(table) for fold in networks.folds]


def keras_model(networks: Networks, configs: Sequence[Config]) -> Any:  # noqa: ANN401
    """Return a functional model, a ``keras.Model`` that is not compiled.

    Inputs: the table as each fold encodes it, see ``encoded``. Output: the probability of the positive class (rows, 1)
    or of each class (rows, classes), or the value in the target's own unit (rows, 1).

    Args:
        configs: of each network of a fold, whose l2 the layers carry.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras' own default is TensorFlow, which goodfit does not install
    keras = optional_package("keras", extra="keras")
    one = len(networks.folds) == len(networks.shares) == 1
    inputs, means = [], []
    for number, fold in enumerate(networks.folds, 1):
        name = "encoded" if len(networks.folds) == 1 else f"encoded_{number}"
        x = keras.Input((len(fold.encoder.feature_names),), name=name)
        inputs.append(x)
        members = []
        for place, (config, share, params) in enumerate(zip(configs, networks.shares, fold.networks, strict=True), 1):
            prefix = "" if one else f"fold_{number}_network_{place}_"
            output = _network(keras, layers_with(networks.layers, config), params, x, prefix)
            members.append(output if one else output * share)
        mean = sum(members[1:], members[0])
        means.append(mean if networks.target.task != "regression" else mean * fold.scale + fold.mean)
    output = sum(means[1:], means[0])
    output = output if len(means) == 1 else output / len(means)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], _decoded(keras, networks, output), name="goodfit")


def _network(keras: Any, layers: Sequence[Layer], params: Params, x: Any, prefix: str) -> Any:  # noqa: ANN401
    """Return the output of a network, whose layers have our weights."""
    for number, (layer, weights) in enumerate(zip(layers, params, strict=True), 1):
        if isinstance(layer, Dropout):
            x = keras.layers.Dropout(layer.rate, name=f"{prefix}dropout_{number}")(x)
            continue
        assert isinstance(layer, Dense)
        dense = keras.layers.Dense(
            layer.units,
            activation=layer.activation,
            use_bias=layer.use_bias,
            kernel_regularizer=_regularizer(keras, layer.kernel_regularizer),
            bias_regularizer=_regularizer(keras, layer.bias_regularizer),
            name=f"{prefix}dense_{number}",
        )
        x = dense(x)
        dense.set_weights([weights[name] for name in ("kernel", "bias") if name in weights])
    return x


def _regularizer(keras: Any, carried: L1L2 | None) -> Any:  # noqa: ANN401
    if carried is None:
        return None
    if carried.l1 is None:
        return keras.regularizers.L2(carried.l2)
    return keras.regularizers.L1L2(l1=carried.l1, l2=carried.l2 or 0.0)


def _decoded(keras: Any, networks: Networks, output: Any) -> Any:  # noqa: ANN401
    """Probabilities after the temperature, or values cut off at the target's limits."""
    target, temperature = networks.target, networks.temperature
    if target.task == "regression":
        return output if target.limits is None else keras.ops.clip(output, *target.limits)
    if temperature == 1:
        return output
    p = keras.ops.clip(output, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    if target.task == "binary":
        return keras.ops.sigmoid((keras.ops.log(p) - keras.ops.log(1 - p)) / temperature)
    return keras.ops.softmax(keras.ops.log(p) / temperature, axis=-1)


def _as_decoded(found: Array, target: Target) -> Array:
    """Return predictions of the model in the shape of a ``Prediction``."""
    if target.task == "regression":
        return found[:, 0]
    return np.hstack([1 - found, found]) if target.task == "binary" else found
