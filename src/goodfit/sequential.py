"""``Sequential``: networks for arrays with the methods of Keras, ``compile``, ``fit``, ``evaluate``, ``predict``."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Array
from goodfit.data.arrays import validate_inputs
from goodfit.data.splits.rules import Split
from goodfit.errors import ConfigError, RunError, SplitError
from goodfit.experiment.array_inputs import ClassWeight, Reader, SweptClassWeight, ValidationData
from goodfit.experiment.array_resuming import arguments_of_fit, arguments_of_sweep, resumable
from goodfit.experiment.memory import memory_explained
from goodfit.experiment.model_file import SavedModel, dump_model, read_model
from goodfit.experiment.settings import MAX_ROWS_AUTO_FOLDS
from goodfit.files import write_file
from goodfit.nn.arrays import Params
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss, get_loss
from goodfit.nn.metrics import get_metrics
from goodfit.nn.network import count_params, init_network, non_trainable
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.nn.packing import layout_of
from goodfit.search.choices import SelectionRule
from goodfit.search.executors import MakeExecutor, Pool
from goodfit.search.lr_range import RateRange, learning_rate_range
from goodfit.search.parallel import OnProgress
from goodfit.search.space import layers_with, optimizer_with
from goodfit.search.sweep import Sweep, plan_sweep, sweep
from goodfit.status_line import StatusLine
from goodfit.training.callbacks import Callback, EpochLines, call_each, sort_callbacks
from goodfit.training.evaluation import Dataset, evaluate, last_layer, make_labels
from goodfit.training.fit import OptimizerPosition, Training, fit
from goodfit.training.recipe import (
    Recipe,
    make_recipe,
    n_outputs,
    validate_dtype,
    validate_layer,
    validate_layers,
    warn_of_two_decays,
)
from goodfit.validation import validate_count

Values = float | Sequence[float] | str
AUTO_FOLDS = 5
"""``folds="auto"`` on few rows: each fold has the 20 % of the rows that validate by default."""


class Sequential:
    """Sequential network, trained and used as in Keras.

    Differs from Keras where Keras misleads: losses never include the penalty; validation rows are drawn at random, and
    stratified by class; the weights of the best epoch are restored; class weights also apply to validation rows.

    Args:
        layers: ``Dense``, ``Dropout``, ``LayerNormalization``; the last one Dense.
        seed: of the initial weights, row orders, validation rows and dropout. The same seed gives the same result.
        dtype: ``float32`` or ``float64``.

    Raises:
        ConfigError: an argument is invalid; the message names it.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, dtype: str = "float32") -> None:
        validate_count("seed", seed, smallest=0)
        validate_dtype(dtype)
        self.layers: list[Layer] = [validate_layer(layer) for layer in layers]
        self.seed = seed
        self.dtype = dtype
        self.params: Params | None = None
        self._choices: dict[str, Any] | None = None
        self._optimizer: OptimizerPosition | None = None

    def add(self, layer: Layer) -> None:
        """Add a layer at the end; existing weights are discarded."""
        self.layers.append(validate_layer(layer))
        self.params, self._optimizer = None, None

    def compile(
        self, optimizer: str | Optimizer = "adam", loss: str | Loss | None = None, metrics: Iterable[str] | None = None
    ) -> None:
        """Set optimizer, loss and metrics, as in Keras; ConfigError if one is unknown.

        The optimizer starts anew at the next ``fit``.
        """
        if loss is None:
            raise ConfigError("compile needs a loss, such as 'mse', 'binary_crossentropy' or Huber(delta=2.0).")
        names = [metrics] if isinstance(metrics, str) else list(metrics or ())
        get_metrics(names)
        self._optimizer = None
        self._choices = {"optimizer": get_optimizer(optimizer), "loss": get_loss(loss), "metrics": names}

    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        validation_split: float = 0.0,
        validation_data: ValidationData = None,
        split: Split = "random",
        shuffle: bool = True,
        class_weight: ClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        verbose: str | int = "auto",
        resume: str | Path | None = None,
    ) -> Training:
        """Train, and restore the weights of the best epoch: the one with the lowest ``val_loss`` by default.

        Args:
            x: (rows, features), numbers without missing values.
            y: (rows,) class numbers, 0 and 1, or values; or (rows, outputs).
            batch_size: rows of one update.
            epochs: maximum number of epochs. As in Keras, a second call goes on from the current weights with the state
                of the optimizer after the last epoch, and with new row orders: 3 epochs and then 4 are the same as 7
                if no best epoch is restored in between. ``compile`` starts the optimizer anew, and so does ``resume``.
            validation_split: share of the rows used for validation, drawn at random and stratified by class.
            validation_data: validation rows (x, y) or (x, y, sample_weight) instead.
            split: ``random``; ``last`` for the last rows, as in Keras; or a scikit-learn splitter.
            shuffle: draw a new row order for every epoch.
            class_weight: class number to weight, or ``balanced`` (by the training rows). Also applies to validation.
            sample_weight: (rows,) weight of each row. Also applies to validation.
            callbacks: ``EarlyStopping``, and functions called with the record of every epoch.
            verbose: 0 silent; 1 one line, replaced in place in a terminal or notebook, elsewhere a new one every ten
                seconds; 2 a line for each epoch; ``auto`` is 1 in a terminal or notebook.
            resume: folder in which the training is kept while it runs, every 30 seconds and at its end. After an
                interruption the same call goes on from there, in another process, too, and ends with the same weights
                and history, bit for bit; functions are told of all epochs again. Once it is finished, the same call
                returns its result without training; remove the folder to train anew.

        Returns:
            The training; its ``history`` maps names such as ``val_loss`` to the values of all epochs.

        Raises:
            ConfigError: an argument is out of range, or ``compile`` was not called.
            DataError, SplitError: the rows cannot be used for training, or not be split as requested.
            RunError: ``resume`` holds a training of other rows, layers, weights or settings, which are named.
        """
        validate_count("epochs", epochs)
        validate_count("batch_size", batch_size)
        early_stopping, listeners = sort_callbacks(callbacks)
        lines = EpochLines(verbose, epochs)
        reader = self._reader()
        fold = reader.part(
            reader.read(x, y, sample_weight),
            validation_split=validation_split,
            validation_data=validation_data,
            split=split,
            class_weight=class_weight,
        )
        warn_of_two_decays(self.layers, self._compiled()["optimizer"])
        after = self._optimizer if resume is None else None
        recipe = make_recipe(
            self.layers,
            **self._compiled(),
            batch_size=batch_size,
            early_stopping=early_stopping,
            validation=len(fold.validation) > 0,
            total_steps=(after.step if after else 0) + epochs * -(-len(fold.train) // batch_size),
            n_train=len(fold.train),
            seed=self.seed,
            dtype=self.dtype,
        )
        params = self._weights(fold.rows.x.shape[1])
        arguments = partial(arguments_of_fit, recipe, fold, epochs=epochs, shuffle=shuffle)
        with resumable(resume, arguments, params) as journal, memory_explained():
            training = fit(
                recipe,
                fold.rows,
                params=params,
                train=fold.train,
                validation=fold.validation,
                epochs=epochs,
                seed=self.seed,
                shuffle=shuffle,
                after=after,
                on_epoch=call_each([*listeners, lines.listener]),
                checkpoints=None if journal is None else journal.of_training(),
            )
            if journal is not None:
                journal.keep_start(training.params)
        lines.end()
        self.params, self._optimizer = training.params, training.optimizer
        return training

    def sweep(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        l2: Values | None = None,
        learning_rate: Values | None = None,
        seeds: int = 1,
        folds: int | Literal["auto"] = 1,
        choice: SelectionRule = "best",
        batch_size: int = 32,
        epochs: int = 100,
        validation_split: float | None = None,
        validation_data: ValidationData = None,
        split: Split = "random",
        shuffle: bool = True,
        class_weight: SweptClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Sequence[EarlyStopping] = (),
        on_progress: OnProgress | None = None,
        verbose: str | int = "auto",
        resume: str | Path | None = None,
        executor: Executor | MakeExecutor | None = None,
        **space: Values,
    ) -> Sweep:
        """Train every config of a grid; take the weights and hyperparameters of the best one by validation loss.

        Every training starts from random weights; layers that are not trainable keep those of the model.

        Args:
            l2, learning_rate: a number, a list, or ``auto`` for the guide's values; by default those of the model.
            space: more hyperparameters: ``l1``, ``dropout``, or a number of the optimizer such as ``weight_decay``.
            seeds: number of trainings of every config, each with its own initial weights and row orders.
            folds: number of cross-validation folds (1 = a single split). ``auto``: five up to 5,000 rows, where every
                config is trained on the first fold and those in doubt on the others; else one.
            choice: ``best``, or ``1se``: the largest l2 within one standard error of the best.
            validation_split: share of the rows used for validation; 0.2 unless ``validation_data`` is given.
            class_weight: as in ``fit``; a list of weights for a class is searched as ``class_weight_<class>``. It then
                applies to the batches alone: losses are without it, so that trials can be compared.
            on_progress: called with the progress of the sweep.
            verbose: 1 shows on stderr how far it is: in a terminal or notebook a line that is replaced in place,
                elsewhere a new one every ten seconds. 0 shows nothing; ``auto`` is 1 in a terminal or notebook.
            resume: folder in which the trials are kept, and from which the same call goes on; as in ``fit``.
            executor: trains the trials in other processes; as in ``goodfit.train``.

        The other arguments are those of ``fit``.

        Raises:
            ConfigError: a hyperparameter is unknown, has no values or is out of range, or every trial diverged.
            DataError, SplitError: the rows cannot be used for training, or not be split as requested.
            RunError: as in ``fit``.
        """
        validate_count("batch_size", batch_size)
        if folds != "auto":
            validate_count("folds", folds)
        early_stopping, _ = sort_callbacks(callbacks)
        pool = None if executor is None else Pool(executor)
        reader = self._reader()
        data = reader.read(x, y, sample_weight)
        class_space, weights = reader.class_space(data, class_weight)
        named = {"l2": l2, "learning_rate": learning_rate, **space, **class_space}
        plan = plan_sweep(
            validate_layers(self.layers),
            **self._compiled(),
            space={name: values for name, values in named.items() if values is not None},
            batch_size=batch_size,
            epochs=epochs,
            early_stopping=early_stopping,
            seeds=seeds,
            seed=self.seed,
            dtype=self.dtype,
            shuffle=shuffle,
        )
        if race := folds == "auto":
            one_split = validation_data is not None or validation_split is not None or split != "random"
            n_folds = 1 if one_split or len(data[0]) > MAX_ROWS_AUTO_FOLDS else AUTO_FOLDS
        else:
            n_folds = folds
        if n_folds > 1:
            if validation_data is not None or split != "random":
                raise SplitError("folds split all rows at random: leave out validation_data and split.")
            splits = reader.folds(data, n_folds, weights)
        else:
            share = (0.0 if validation_data is not None else 0.2) if validation_split is None else validation_split
            split_once = reader.part(
                data, validation_split=share, validation_data=validation_data, split=split, class_weight=weights
            )
            splits = [split_once]
        arguments, fixed = partial(arguments_of_sweep, plan, splits, rule=choice, race=race), self._fixed()
        with resumable(resume, arguments, fixed) as journal, memory_explained(), StatusLine(verbose) as line:
            checkpoints = None if journal is None else journal.of_grid()
            run = partial(sweep, plan, splits, rule=choice, race=race, fixed=fixed, pool=pool)
            found = run(
                on_progress=call_each([line.step if line.is_on else None, on_progress]), checkpoints=checkpoints
            )
        self._take(found)
        return found

    def learning_rate_range(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        low: float = 1e-6,
        high: float = 1.0,
        seeds: int = 5,
        batch_size: int = 32,
        sample_weight: npt.ArrayLike | None = None,
    ) -> RateRange:
        """Return the range of learning rates at which this network learns; the model itself does not change.

        The rate rises exponentially from ``low`` to ``high`` during one short training, for several seeds in parallel.

        Returns:
            A range, and a suggestion unless the seeds disagree; see ``RateRange``.
        """
        inputs, targets, weights = self._reader().read(x, y, sample_weight)
        choices = self._compiled()
        return learning_rate_range(
            validate_layers(self.layers),
            optimizer=choices["optimizer"],
            loss=choices["loss"],
            rows=Dataset(inputs, make_labels(targets, weights, self.dtype)),
            train=np.arange(len(inputs)),
            batch_size=batch_size,
            seeds=seeds,
            low=low,
            high=high,
            seed=self.seed,
            dtype=self.dtype,
        )

    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        return_dict: bool = False,
        batch_size: int | None = None,
        verbose: str | int = 0,
    ) -> float | list[float] | dict[str, float]:
        """Return loss (without penalty) and metrics of these rows: a number, a list, or with ``return_dict`` a dict.

        ``batch_size`` and ``verbose`` are accepted as in Keras and have no effect.
        """
        inputs, targets, weights = self._reader().read(x, y, sample_weight)
        labels = make_labels(targets, weights, self.dtype)
        found = evaluate(self._recipe(), self._weights(inputs.shape[1]), inputs, labels)
        if return_dict:
            return found
        values = list(found.values())
        return values if len(values) > 1 else values[0]

    def predict(self, x: npt.ArrayLike, *, batch_size: int | None = None, verbose: str | int = 0) -> Array:
        """Return the outputs of the last layer (rows, units) for x (rows, features)."""
        inputs = validate_inputs(x, self.dtype)
        return last_layer(self._recipe(), self._weights(inputs.shape[1]), inputs)

    def get_weights(self) -> list[Array]:
        """Return copies of all weight arrays in the order of the layers: kernel, bias, …"""
        return [np.array(w) for layer in self._built() for w in layer.values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights, in the order of ``get_weights``; ConfigError if their shapes differ."""
        layout = layout_of(self._built())
        shapes = [shape for layer in layout for _, shape in layer]
        given = [np.asarray(w, self.dtype) for w in weights]
        if [w.shape for w in given] != shapes:
            raise ConfigError(f"the weights must have the shapes {shapes}, not {[w.shape for w in given]}.")
        arrays = iter(given)
        self.params = tuple({name: next(arrays) for name, _ in layer} for layer in layout)

    def build(self, n_features: int) -> None:
        """Draw the initial weights for this number of features; ``fit`` does it by itself."""
        validate_count("n_features", n_features)
        layers = validate_layers(self.layers)
        self.params = init_network(layers, n_inputs=n_features, seed=self.seed, dtype=self.dtype)
        self._optimizer = None

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write layers, weights, and what was given to ``compile`` into one file, and return its path.

        The file is safetensors with JSON in its metadata: it holds no code, and other programs can read the weights.
        The state of the optimizer is not in it: after ``goodfit.load_model`` a ``fit`` starts the optimizer anew.

        Raises:
            RunError: the file exists (unless ``overwrite``), or cannot be written.
            ConfigError: a layer, loss or optimizer is of a class of your own.

        >>> import tempfile
        >>> from goodfit import Dense
        >>> model = Sequential([Dense(1)])
        >>> model.build(3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = load_model(model.save(Path(folder) / "model.safetensors"))
        >>> bool((again.get_weights()[0] == model.get_weights()[0]).all())
        True
        """
        out = Path(path)
        content = dump_model(SavedModel(tuple(self.layers), self.params, self._choices, self.seed, self.dtype))
        try:
            write_file(out, content, replace=overwrite)
        except FileExistsError as error:
            raise RunError(f"{str(out)!r} already exists: choose another file, or overwrite=True.") from error
        except OSError as error:
            raise RunError(f"{str(out)!r} cannot be written ({error.strerror}): choose another file.") from error
        return out

    def count_params(self) -> int:
        """Return the number of weights."""
        return count_params(self._built())

    def summary(self) -> str:
        """Return a line for each layer: its weights, and their regularizers."""
        lines = []
        for layer, weights in zip(self.layers, self._built(), strict=True):
            shapes = ", ".join(f"{name} {'×'.join(map(str, w.shape))}" for name, w in weights.items())
            penalised = ", ".join(f"{name}: {strength}" for name, strength in layer.regularizers().items())
            lines.append(f"{type(layer).__name__}: {shapes or 'no weights'}; penalised: {penalised or 'nothing'}")
        return "\n".join([*lines, f"{self.count_params():,} weights"])

    def _compiled(self) -> dict[str, Any]:
        if self._choices is None:
            raise ConfigError("call compile(optimizer=..., loss=..., metrics=[...]) first.")
        return self._choices

    def _built(self) -> Params:
        if self.params is None:
            raise ConfigError("the model has no weights yet; call fit, or build(n_features).")
        return self.params

    def _weights(self, n_features: int) -> Params:
        """Return the weights, drawn if there are none; ConfigError if they are for another number of features."""
        if self.params is None:
            self.build(n_features)
        known = next((layer["kernel"].shape[0] for layer in self._built() if "kernel" in layer), n_features)
        if known != n_features:
            raise ConfigError(f"the model was built for {known:,} features, but x has {n_features:,}.")
        return self._built()

    def _fixed(self) -> Params | None:
        """The weights of layers that are not trained; None if all are, or before there are weights."""
        found = () if self.params is None else non_trainable(self.layers, self.params)
        return found if any(found) else None

    def _recipe(self) -> Recipe:
        return make_recipe(self.layers, **self._compiled(), dtype=self.dtype)

    def _reader(self) -> Reader:
        units = n_outputs(validate_layers(self.layers))
        return Reader(loss=self._compiled()["loss"], n_outputs=units, dtype=self.dtype, seed=self.seed)

    def _take(self, found: Sweep) -> None:
        """Take weights and hyperparameters of the selected trial."""
        config = dict(found.selection.chosen.config)
        choices = self._compiled()
        self.layers = list(layers_with(self.layers, config))
        self._choices = {**choices, "optimizer": optimizer_with(choices["optimizer"], config)}
        self.params, self._optimizer = found.winner.params, None


def load_model(path: str | Path) -> Sequential:
    """Return the model of a file of ``Sequential.save``, with its weights, ready to predict, evaluate and train.

    Nothing in the file is run or imported, whoever wrote it.

    Raises:
        RunError: there is no such file, it is not a model that goodfit has saved, or it is damaged.
    """
    saved = read_model(Path(path))
    model = Sequential(saved.layers, seed=saved.seed, dtype=saved.dtype)
    if saved.choices is not None:
        model.compile(**saved.choices)
    model.params = saved.params
    return model
