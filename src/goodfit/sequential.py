"""A door for arrays, spelled as in Keras: ``Sequential``, ``compile``, ``fit``, ``evaluate``, ``predict``."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Array
from goodfit.data.arrays import validate_inputs
from goodfit.data.splits.rules import Split
from goodfit.errors import ConfigError, SplitError
from goodfit.experiment.array_inputs import ClassWeight, Reader, SweptClassWeight, ValidationData
from goodfit.nn.arrays import Params
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense, Layer
from goodfit.nn.losses import Loss, get_loss
from goodfit.nn.metrics import get_metrics
from goodfit.nn.network import count_params, init_network
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.nn.packing import layout_of
from goodfit.search.lr_range import RateRange, learning_rate_range
from goodfit.search.parallel import OnProgress
from goodfit.search.selection import SelectionRule
from goodfit.search.space import layers_with, optimizer_with
from goodfit.search.sweep import Sweep, plan_sweep, sweep
from goodfit.training.callbacks import Callback, ProgressLine, call_each, sort_callbacks
from goodfit.training.evaluation import Dataset, evaluate, last_layer, make_labels
from goodfit.training.fit import Training, fit
from goodfit.training.recipe import (
    Recipe,
    make_recipe,
    validate_count,
    validate_dtype,
    validate_layer,
    validate_layers,
    warn_of_two_decays,
)

Values = float | Sequence[float] | str


class Sequential:
    """A network that is trained, judged and asked, layer after layer.

    Differs from Keras where Keras misleads: the loss never contains the penalty; validation rows are drawn at random,
    and by class; the best weights are always kept and given back; class weights count in validation too.

    Args:
        layers: ``Dense``, ``Dropout``, ``LayerNormalization``; the last one Dense.
        seed: of the first weights, the row orders, the validation rows and dropout. Same seed, same result.
        dtype: ``float32`` or ``float64``.

    Raises:
        ConfigError: a layer is none, or seed or dtype are outside their range.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, dtype: str = "float32") -> None:
        validate_count("seed", seed, smallest=0)
        validate_dtype(dtype)
        self.layers: list[Layer] = [validate_layer(layer) for layer in layers]
        self.seed = seed
        self.dtype = dtype
        self.params: Params | None = None
        self._choices: dict[str, Any] | None = None

    def add(self, layer: Layer) -> None:
        """Put one more layer at the end; weights that were there are drawn anew."""
        self.layers.append(validate_layer(layer))
        self.params = None

    def compile(
        self, optimizer: str | Optimizer = "adam", loss: str | Loss | None = None, metrics: Iterable[str] | None = None
    ) -> None:
        """Choose optimizer, loss and metrics, as in Keras. ConfigError for one that is not known."""
        if loss is None:
            raise ConfigError("compile needs a loss, such as 'mse', 'binary_crossentropy' or Huber(delta=2.0).")
        names = [metrics] if isinstance(metrics, str) else list(metrics or ())
        get_metrics(names)
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
    ) -> Training:
        """Train, and keep the weights of the best epoch (lowest monitored value; ``val_loss`` unless told otherwise).

        Args:
            x: (rows, features) numbers without missing cells.
            y: (rows,) class numbers, 0 and 1, or quantities; or (rows, outputs).
            batch_size: rows of one update.
            epochs: the most that are run. A second call goes on from the present weights.
            validation_split: share of the rows that validate. Drawn at random and, for classes, in proportion.
            validation_data: own validation rows (x, y) or (x, y, sample_weight) instead.
            split: ``random``; ``last`` for Keras' rule, the last rows as they stand; or a scikit-learn splitter.
            shuffle: draw a new order of the rows for every epoch.
            class_weight: class number to weight, or ``balanced`` (by the training rows). Counts in validation, too.
            sample_weight: (rows,) weight of each row. Counts in validation, too.
            callbacks: ``EarlyStopping`` and functions that are told of every epoch by its record.
            verbose: 0 silent, 1 one line that is written over, 2 a line for each epoch; ``auto`` is 1 on a terminal.

        Returns:
            The training. Its ``history`` is used as in Keras: ``history.history["val_loss"]``.

        Raises:
            ConfigError: an argument is outside its range, or ``compile`` was not called.
            DataError, SplitError: the rows cannot be learned from, or not be split as asked.
        """
        validate_count("epochs", epochs)
        validate_count("batch_size", batch_size)
        early_stopping, listeners = sort_callbacks(callbacks)
        show = ProgressLine(verbose, epochs)
        reader = self._reader()
        rows, train, validation = reader.part(
            reader.read(x, y, sample_weight),
            validation_split=validation_split,
            validation_data=validation_data,
            split=split,
            class_weight=class_weight,
        )
        warn_of_two_decays(self.layers, self._compiled()["optimizer"])
        recipe = make_recipe(
            self.layers,
            **self._compiled(),
            batch_size=batch_size,
            early_stopping=early_stopping,
            validation=len(validation) > 0,
            total_steps=epochs * -(-len(train) // batch_size),
            seed=self.seed,
            dtype=self.dtype,
        )
        training = fit(
            recipe,
            rows,
            params=self._weights(rows.x.shape[1]),
            train=train,
            validation=validation,
            epochs=epochs,
            seed=self.seed,
            shuffle=shuffle,
            on_epoch=call_each([*listeners, *show.listeners]),
        )
        show.end()
        self.params = training.params
        return training

    def sweep(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        l2: Values | None = None,
        learning_rate: Values | None = None,
        seeds: int = 1,
        folds: int = 1,
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
        **space: Values,
    ) -> Sweep:
        """Train a whole grid at once; keep the weights and numbers of the trial that wins on the validation rows.

        Args:
            l2, learning_rate: a number, a list, or ``auto`` for the guide's values; by default as the model has it.
            space: more of them: ``l1``, ``dropout``, or a number of the optimizer, ``momentum``, ``weight_decay``, …
            seeds: trainings of every config, with first weights and row orders of their own.
            folds: 1 judges on one set of validation rows; k judges every row once, in k trainings of every config.
            choice: ``best``, or ``1se``: the largest l2 within one standard error of the best.
            validation_split: share of the rows that validate; 0.2 unless ``validation_data`` is given.
            class_weight: as in ``fit``; a class with a list of weights is one more axis, ``class_weight_<class>``, that
                weighs the rows of batches alone: losses are without it, so that trials can be compared.
            on_progress: told how far the sweep is.

        The other arguments are those of ``fit``.

        Raises:
            ConfigError: an axis is unknown, empty or out of range, or every trial diverged.
            DataError, SplitError: the rows cannot be learned from, or not be split as asked.
        """
        validate_count("batch_size", batch_size)
        validate_count("folds", folds)
        early_stopping, _ = sort_callbacks(callbacks)
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
        if folds > 1:
            if validation_data is not None or split != "random":
                raise SplitError("folds deal out all rows at random: leave out validation_data and split.")
            parts = reader.folds(data, folds, weights)
        else:
            share = (0.0 if validation_data is not None else 0.2) if validation_split is None else validation_split
            part = reader.part(
                data,
                validation_split=share,
                validation_data=validation_data,
                split=split,
                class_weight=weights,
            )
            parts = [part]
        found = sweep(plan, parts, rule=choice, on_progress=on_progress)
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
        """The learning rates at which this network learns from these rows; the model itself is not touched.

        The rate is raised exponentially from ``low`` to ``high`` within one short training, for several seeds at once.

        Returns:
            An interval, and a suggestion unless the seeds disagree; see ``RateRange``.
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
        """Loss, without penalty, and metrics of these rows: a number, a list, or with ``return_dict`` a dict.

        ``batch_size`` and ``verbose`` may be given as in Keras and change nothing: nothing is shown.
        """
        inputs, targets, weights = self._reader().read(x, y, sample_weight)
        labels = make_labels(targets, weights, self.dtype)
        found = evaluate(self._recipe(), self._weights(inputs.shape[1]), inputs, labels)
        if return_dict:
            return found
        values = list(found.values())
        return values if len(values) > 1 else values[0]

    def predict(self, x: npt.ArrayLike, *, batch_size: int | None = None, verbose: str | int = 0) -> Array:
        """What the last layer gives, (rows, units), for x (rows, features); other arguments as in ``evaluate``."""
        inputs = validate_inputs(x, self.dtype)
        return last_layer(self._recipe(), self._weights(inputs.shape[1]), inputs)

    def get_weights(self) -> list[Array]:
        """Copies of all weight arrays, in the order of the layers: kernel, bias, …"""
        return [np.array(w) for layer in self._built() for w in layer.values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Take these arrays, in the order of ``get_weights``; ConfigError when their shapes differ."""
        layout = layout_of(self._built())
        shapes = [shape for layer in layout for _, shape in layer]
        given = [np.asarray(w, self.dtype) for w in weights]
        if [w.shape for w in given] != shapes:
            raise ConfigError(f"the weights must have the shapes {shapes}, not {[w.shape for w in given]}.")
        arrays = iter(given)
        self.params = tuple({name: next(arrays) for name, _ in layer} for layer in layout)

    def build(self, n_features: int) -> None:
        """Draw the first weights for this many inputs; ``fit`` does it by itself."""
        validate_count("n_features", n_features)
        layers = validate_layers(self.layers)
        self.params = init_network(layers, n_inputs=n_features, seed=self.seed, dtype=self.dtype)

    def count_params(self) -> int:
        """Number of single weights."""
        return count_params(self._built())

    def summary(self) -> str:
        """A line for each layer: its weights, and which of them are penalised and how strongly."""
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
        """The present weights, the first ones if there are none; ConfigError when they are for other inputs."""
        if self.params is None:
            self.build(n_features)
        known = next((layer["kernel"].shape[0] for layer in self._built() if "kernel" in layer), n_features)
        if known != n_features:
            raise ConfigError(f"the model was built for {known} features, but x has {n_features}.")
        return self._built()

    def _recipe(self) -> Recipe:
        return make_recipe(self.layers, **self._compiled(), dtype=self.dtype)

    def _reader(self) -> Reader:
        last = validate_layers(self.layers)[-1]
        assert isinstance(last, Dense)
        return Reader(loss=self._compiled()["loss"], n_outputs=last.units, dtype=self.dtype, seed=self.seed)

    def _take(self, found: Sweep) -> None:
        """Weights and numbers of the trial that won."""
        config = dict(found.selection.chosen.config)
        choices = self._compiled()
        self.layers = list(layers_with(self.layers, config))
        self._choices = {**choices, "optimizer": optimizer_with(choices["optimizer"], config)}
        self.params = found.winner.params
