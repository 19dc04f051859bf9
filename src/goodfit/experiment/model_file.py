"""A network as one file: safetensors, whose metadata hold layers, optimizer, loss and metrics as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from goodfit.errors import ConfigError, RunError
from goodfit.experiment.run_folder.arrays import MAX_HEADER, Spec, named_weights, params_of, parse
from goodfit.experiment.run_folder.load import DAMAGE
from goodfit.files import memory, read_file
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense, Dropout, Layer, LayerNormalization
from goodfit.nn.losses import LOSSES, get_loss
from goodfit.nn.network import param_shapes
from goodfit.nn.optimizers import OPTIMIZERS, Optimizer, get_optimizer
from goodfit.nn.regularizers import L1L2
from goodfit.nn.schedules import Constant, CosineDecay, ExponentialDecay
from goodfit.training.recipe import validate_dtype, validate_layers
from goodfit.validation import validate_count

FORMAT = "goodfit model 1"
"""Key of the JSON in the metadata."""
_LAYERS = (Dense, Dropout, LayerNormalization)
_OTHERS = (L1L2, Constant, ExponentialDecay, CosineDecay, *OPTIMIZERS.values(), *map(type, LOSSES.values()))
_CLASSES: Mapping[str, type[Any]] = {of.__name__: of for of in (*_LAYERS, *_OTHERS)}
"""Everything that a file may name: nothing else is made of what it says, and nothing is imported."""
_TYPES = {"float32": "F32", "float64": "F64"}


class SavedModel(NamedTuple):
    """What a file of a model holds. params: None before the first fit. choices: of ``compile``; None before it."""

    layers: tuple[Layer, ...]
    params: Params | None
    choices: Mapping[str, Any] | None
    seed: int
    dtype: str


class _Header(msgspec.Struct):
    """What is read of the header of safetensors."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__")


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON of a file. inputs: number of features; None without weights."""

    layers: list[dict[str, Any]]
    seed: int
    dtype: str
    inputs: int | None
    optimizer: dict[str, Any] | None
    loss: dict[str, Any] | None
    metrics: list[str]


def dump_model(model: SavedModel) -> bytes:
    """Return the content of a file.

    Raises:
        ConfigError: a layer, loss or optimizer is of a class of the user's own.
    """
    choices = model.choices or {}
    record = _Record(
        layers=[_written(layer) for layer in model.layers],
        seed=model.seed,
        dtype=model.dtype,
        inputs=None if model.params is None else _n_inputs(model.layers, model.params),
        optimizer=_written(choices["optimizer"]) if choices else None,
        loss=_written(choices["loss"]) if choices else None,
        metrics=list(choices.get("metrics", ())),
    )
    arrays = {name: np.ascontiguousarray(of) for name, of in named_weights("layer", model.params or ()).items()}
    content: bytes = safetensors.numpy.save(arrays, {FORMAT: msgspec.json.encode(record).decode()})
    return content


def read_model(path: Path) -> SavedModel:
    """Read the file of a model that anyone may have written.

    Raises:
        RunError: it is not there, none, damaged, or of another version.
    """
    try:
        content = read_file(path, limit=memory() // 2, links=True)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{str(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}): name a model."
        ) from error
    try:
        metadata = _metadata(content)
        if FORMAT in metadata or not any(key.startswith(FORMAT[:-1]) for key in metadata):
            return _restored(msgspec.json.decode(metadata[FORMAT], type=_Record), content, path)
    except DAMAGE as error:
        raise RunError(f"{str(path)!r} is not a model that goodfit has saved, or damaged: save it again.") from error
    raise RunError(f"{str(path)!r} was saved by another version of goodfit: load it with that one, and save it again.")


def _restored(record: _Record, content: bytes, path: Path) -> SavedModel:
    validate_count("seed", record.seed, smallest=0)
    validate_dtype(record.dtype)
    layers: tuple[Layer, ...] = tuple(_made(each, _LAYERS) for each in record.layers)
    choices, params = None, None
    if record.optimizer is not None and record.loss is not None:
        optimizer, loss = get_optimizer(_made(record.optimizer, Optimizer)), get_loss(_made(record.loss, object))
        choices = {"optimizer": optimizer, "loss": loss, "metrics": record.metrics}
    specs: dict[str, Spec] = {}
    if record.inputs is not None:
        shapes = enumerate(param_shapes(validate_layers(layers), n_inputs=record.inputs))
        kind = _TYPES[record.dtype]
        specs = {f"layer.{i}.{name}": Spec(kind, shape) for i, layer in shapes for name, shape in layer.items()}
    arrays = parse(path.name, content, specs)
    if record.inputs is not None:
        params = params_of("layer", layers, record.inputs, arrays)
    return SavedModel(layers, params, choices, record.seed, record.dtype)


def _metadata(content: bytes) -> Mapping[str, str]:
    """The metadata in the header of safetensors, whose length the first eight bytes say."""
    n = int.from_bytes(content[:8], "little")
    if n > 16 * MAX_HEADER:
        raise ValueError("the header is too long")
    return msgspec.json.decode(content[8 : 8 + n], type=_Header).metadata


def _n_inputs(layers: Sequence[Layer], params: Params) -> int:
    """Number of features: of a dense layer the rows of its kernel, of others the length of a weight."""
    first = next(weights for weights in params if weights)
    return int(first["kernel"].shape[0] if "kernel" in first else next(iter(first.values())).shape[0])


def _written(found: Any) -> Any:  # noqa: ANN401
    """A dataclass as the name of its class and its fields."""
    if is_dataclass(found):
        if _CLASSES.get(type(found).__name__) is not type(found):
            raise ConfigError(
                f"{type(found).__name__} is a class of your own, which no file can hold: save the weights."
            )
        own = {f.name: _written(getattr(found, f.name)) for f in fields(found)}
        return {"class": type(found).__name__, **own}
    return np.asarray(found).item() if hasattr(found, "dtype") else found


def _made(record: Mapping[str, Any], kind: type[Any] | tuple[type[Any], ...]) -> Any:  # noqa: ANN401
    """The object of a record; TypeError if it is none of this kind, LookupError for another class."""
    values = {name: _made(of, object) if isinstance(of, dict) else of for name, of in record.items() if name != "class"}
    made = _CLASSES[record["class"]](**values)
    if not isinstance(made, kind):
        raise TypeError(f"{record['class']} stands in the wrong place")
    return made
