"""``from_keras``: a compiled model of Keras 3, trained by goodfit's loop and search."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import numpy as np
import numpy.typing as npt

from goodfit.data.splits.rules import Split
from goodfit.errors import ConfigError, DataError
from goodfit.experiment.array_inputs import ClassWeight, SweptClassWeight
from goodfit.keras_models.compiled import early_stopping_of, loss_of, metrics_of, optimizer_of, strength_of
from goodfit.keras_models.layer import KerasLayer, Network, input_names
from goodfit.packages import optional_package
from goodfit.search.choices import SelectionRule
from goodfit.search.parallel import OnProgress
from goodfit.search.sweep import Sweep
from goodfit.sequential import Sequential, Values
from goodfit.training.fit import OptimizerPosition, Training

Inputs = Any
"""An array (rows, …), or for a model with several inputs a list of arrays, or a dict by the names of the inputs."""
OVERRIDABLE = ("train_step", "compute_loss", "compute_metrics")
DTYPES = ("float32", "float64")


def from_keras(model: Any, *, seed: int = 0) -> "KerasModel":  # noqa: ANN401
    """Return a compiled Keras 3 model as one that goodfit trains: the same network, optimizer and loss.

    The whole training is one compiled program, which runs ``model.stateless_call``. Optimizer, loss, metrics and
    regularizers are those that the model is compiled with, read at each ``fit`` or ``sweep``. Afterwards the weights
    are in the model, for ``model.predict`` and ``model.save``; the variables of its optimizer stay as they were.

    As in ``Sequential``, losses never include the penalty, validation rows are drawn at random, weights of rows apply
    to validation, too, and the weights of the best epoch are restored.

    Args:
        model: ``keras.Sequential`` or a functional ``keras.Model`` with one output (rows, units), on the JAX backend.
        seed: of row orders and validation rows. Initial weights and dropout are the model's own.

    Raises:
        ConfigError: the model is not compiled, or has something that cannot be carried over: a ``train_step`` of its
            own, an optimizer other than Adam, AdamW and SGD, an activity regularizer, a custom loss or metric.

    Source: Keras 3, ``Model.stateless_call``.
    """
    keras = optional_package("keras", extra="keras")
    if not isinstance(model, keras.Model):
        raise ConfigError(f"from_keras takes a compiled keras.Model, not {type(model).__name__}.")
    if (backend := keras.backend.backend()) != "jax":
        raise ConfigError(
            f"Keras runs on {backend}: set the environment variable KERAS_BACKEND=jax before importing it."
        )
    if not model.compiled:
        raise ConfigError("the model is not compiled: call model.compile(optimizer=..., loss=...) first.")
    for name in OVERRIDABLE:
        if getattr(type(model), name) is not getattr(keras.Model, name):
            raise ConfigError(f"{type(model).__name__} has its own {name}, which cannot be carried over.")
    return KerasModel(model, seed=seed)


class KerasModel:
    """A model of Keras that goodfit trains; made by ``goodfit.from_keras``.

    Attributes:
        model: the model itself.
    """

    def __init__(self, model: Any, *, seed: int) -> None:  # noqa: ANN401
        self.model = model
        self._seed = seed
        self._after: tuple[Any, OptimizerPosition | None] = (model.optimizer, None)

    def fit(
        self,
        x: Inputs,
        y: npt.ArrayLike,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        split: Split = "random",
        shuffle: bool = True,
        class_weight: ClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Any = None,  # noqa: ANN401
        verbose: str | int = "auto",
    ) -> Training:
        """Train the model from its present weights, and leave those of the best epoch in it.

        As in Keras, a second call goes on with the state of the optimizer, until the model is compiled anew.

        Args:
            x: (rows, …) as the model takes them; a list of arrays, or a dict by name, for several inputs.
            callbacks: ``keras.callbacks.EarlyStopping`` or ``goodfit.EarlyStopping``, and functions called with the
                record of every epoch. ``restore_best_weights=False`` keeps the last weights, as in Keras.

        The other arguments are those of ``Sequential.fit``.

        Returns:
            The training; its ``history`` has the losses without penalty, and ``penalty`` beside them.

        Raises:
            ConfigError, DataError, SplitError: as ``Sequential.fit`` does, or what is compiled cannot be carried over.
        """
        rows, network = self._read(x)
        sequential = self._sequential(network)
        optimizer, position = self._after
        sequential.build(sum(math.prod(shape) for shape in network.row_shapes))
        sequential._optimizer = position if optimizer is self.model.optimizer else None
        training = sequential.fit(
            rows,
            y,
            batch_size=batch_size,
            epochs=epochs,
            validation_split=validation_split,
            validation_data=self._validation(validation_data),
            split=split,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            callbacks=_callbacks_of(callbacks),
            verbose=verbose,
        )
        network.write(training.params)
        self._after = (self.model.optimizer, training.optimizer)
        return training

    def sweep(
        self,
        x: Inputs,
        y: npt.ArrayLike,
        *,
        l2: Values | None = None,
        learning_rate: Values | None = None,
        folds: int | Literal["auto"] = 1,
        choice: SelectionRule = "best",
        batch_size: int = 32,
        epochs: int = 100,
        validation_split: float | None = None,
        validation_data: tuple[Any, ...] | None = None,
        split: Split = "random",
        shuffle: bool = True,
        class_weight: SweptClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Any = (),  # noqa: ANN401
        on_progress: OnProgress | None = None,
        verbose: str | int = "auto",
        **space: Values,
    ) -> Sweep:
        """Train every config of a grid from the model's present weights, and leave those of the best one in the model.

        The strengths of regularizers and the numbers of the optimizer are traced: all configs run in one compiled
        program, and the model does not change. Its regularizers and learning rate stay as they are compiled; the
        selected values are in ``Sweep.selection``.

        Args:
            l2: strengths for every variable with an L2 regularizer, or for every kernel if there is none.
            space: more hyperparameters: ``l1``, or a number of the optimizer such as ``weight_decay``.

        The other arguments are those of ``Sequential.sweep`` and ``fit``.

        Raises:
            ConfigError, DataError, SplitError: as ``fit`` and ``Sequential.sweep`` do.
        """
        if "dropout" in space:
            raise ConfigError("dropout of a Keras model cannot be swept: its rate is part of the program.")
        rows, network = self._read(x)
        found = self._sequential(network).sweep(
            rows,
            y,
            l2=l2,
            learning_rate=learning_rate,
            folds=folds,
            choice=choice,
            batch_size=batch_size,
            epochs=epochs,
            validation_split=validation_split,
            validation_data=self._validation(validation_data),
            split=split,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            callbacks=_callbacks_of(callbacks),
            on_progress=on_progress,
            verbose=verbose,
            seeds=1,
            resume=None,
            executor=None,
            **space,
        )
        network.write(found.winner.params)
        self._after = (self.model.optimizer, None)
        return found

    def _sequential(self, network: Network) -> Sequential:
        """Return a network of one layer, the model, compiled as the model is."""
        variables = network.variables
        carried = {name: variables[name].regularizer for name in network.trained}
        strengths = {
            name: strength_of(regularizer, variables[name].path)
            for name, regularizer in carried.items()
            if regularizer is not None
        }
        dtypes = sorted({str(variables[name].dtype) for name in network.trained})
        if len(dtypes) != 1 or dtypes[0] not in DTYPES:
            raise ConfigError(f"the weights are {', '.join(dtypes) or 'none'}: they must all be float32, or float64.")
        sequential = Sequential([KerasLayer(strengths, network)], seed=self._seed, dtype=dtypes[0])
        _validate_call(network, n_penalties=len(strengths))
        sequential.compile(optimizer_of(self.model), loss_of(self.model), metrics_of(self.model))
        return sequential

    def _read(self, x: Inputs) -> tuple[npt.ArrayLike, Network]:
        """Return the rows as a matrix, and the network that takes them."""
        model = self.model
        if not model.built and not isinstance(x, Mapping | list | tuple):
            model.build((None, *np.shape(x)[1:]))
        if not getattr(model, "inputs", None):
            raise ConfigError(f"{type(model).__name__} is not a Sequential or functional model with known inputs.")
        rows, row_shapes = _rows_of(model, x, "x")
        decayed = map(model.optimizer._use_weight_decay, model.trainable_variables)
        return rows, Network(
            model,
            trained=tuple(f"{'kernel' if each else 'weight'}_{number}" for number, each in enumerate(decayed)),
            others=tuple(f"other_{number}" for number in range(len(model.non_trainable_variables))),
            kernels=tuple(variable.name.endswith("kernel") for variable in model.trainable_variables),
            row_shapes=row_shapes,
        )

    def _validation(self, given: tuple[Any, ...] | None) -> tuple[npt.ArrayLike, ...] | None:
        return given and (_rows_of(self.model, given[0], "x of validation_data")[0], *given[1:])


def _callbacks_of(callbacks: Any) -> list[Any]:  # noqa: ANN401
    """Return callbacks as goodfit takes them."""
    keras = optional_package("keras", extra="keras")
    given = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
    for place, callback in enumerate(given):
        if isinstance(callback, keras.callbacks.EarlyStopping):
            given[place] = early_stopping_of(callback)
        elif isinstance(callback, keras.callbacks.Callback):
            raise ConfigError(
                f"the callback {type(callback).__name__} cannot be carried over: give EarlyStopping, or functions that "
                "take the record of an epoch."
            )
    return given


def _rows_of(model: Any, x: Inputs, name: str) -> tuple[npt.ArrayLike, tuple[tuple[int, ...], ...]]:  # noqa: ANN401
    """Return the inputs as one matrix, and the shape of a row of each; DataError unless they fit the model."""
    if isinstance(x, Mapping):
        names = input_names(model)
        if missing := [each for each in names if each not in x]:
            raise DataError(f"{name} lacks the input {missing[0]!r} of the model.")
        arrays: Sequence[Any] = [x[each] for each in names]
    else:
        arrays = x if isinstance(x, list | tuple) and len(model.inputs) > 1 else [x]
    arrays = [each if hasattr(each, "shape") else np.asarray(each) for each in arrays]
    if len(arrays) != len(model.inputs):
        raise DataError(f"{name} has {len(arrays)} arrays, but the model has {len(model.inputs)} inputs.")
    for array, of_model in zip(arrays, model.inputs, strict=True):
        if not _fits(array.shape[1:], of_model.shape[1:]):
            wanted = ", ".join("any" if size is None else str(size) for size in of_model.shape[1:])
            raise DataError(f"{name} must have the shape (rows, {wanted}) of the model's input, not {array.shape}.")
    if len({array.shape[0] for array in arrays}) > 1:
        raise DataError(f"the arrays of {name} differ in their number of rows.")
    pairs = zip(arrays, model.inputs, strict=True)
    shapes = tuple(tuple(array.shape[1:] if None in each.shape[1:] else each.shape[1:]) for array, each in pairs)
    if len(arrays) == 1 and len(arrays[0].shape) == 2:
        return arrays[0], shapes
    return np.concatenate([np.asarray(array).reshape(len(array), -1) for array in arrays], axis=1), shapes


def _fits(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether rows of this shape can be read as an input; as in Keras, a last axis of one may be missing."""
    forms = (given, (*given, 1)) if None not in wanted else (given,)
    return any(
        len(form) == len(wanted) and all(b in (None, a) for a, b in zip(form, wanted, strict=True)) for form in forms
    )


def _validate_call(network: Network, *, n_penalties: int) -> None:
    """Raise ConfigError if the model's output or its losses are more than a loss and the penalties of weights."""
    model, n_values = network.model, sum(math.prod(shape) for shape in network.row_shapes)

    def call(x: jax.Array, *variables: Any) -> Any:  # noqa: ANN401
        return model.stateless_call(*variables, network.inputs(x), training=True, return_losses=True)

    own, others = (
        [each.value for each in group] for group in (model.trainable_variables, model.non_trainable_variables)
    )
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        outputs, _, losses = jax.eval_shape(call, np.zeros((2, n_values), np.float32), own, others)
    if not hasattr(outputs, "shape") or len(outputs.shape) != 2:
        raise ConfigError("the model must have one output of shape (rows, units).")
    if len(losses) > n_penalties:
        raise ConfigError("an activity regularizer or add_loss cannot be carried over: penalise weights instead.")
