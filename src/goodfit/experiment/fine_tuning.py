"""Fine-tuning: a training that starts from the network of an earlier run, and what that buys.

Columns are matched by name. What the earlier run knew is encoded as it was there; the weights of new columns start at
zero. So the first prediction is that of the earlier network, whatever has been added to the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.data.columns.fixed import ARROW_TYPES
from goodfit.data.encoder import Encoder, Feature
from goodfit.data.table import EXCLUDED, Kind, Table
from goodfit.data.target import Target
from goodfit.errors import ConfigError, DataError
from goodfit.formatting import count
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense, Layer


@dataclass(frozen=True)
class Start:
    """The selected network of an earlier run.

    hidden, activation: of the network. target, encoder: as its training rows made them. name: of the run folder, "" for
    a run in memory.
    """

    hidden: tuple[int, ...]
    activation: str
    target: Target
    encoder: Encoder
    params: Params
    name: str = ""

    def settings(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return the settings of a training with the earlier network's layers and, unless it is given, its task.

        Raises:
            ConfigError: other layers are asked for, or more are to be frozen than there are.
        """
        own = {"hidden": self.hidden, "activation": self.activation}
        for name, value in own.items():
            asked = given.get(name, value)
            if (tuple(asked) if isinstance(asked, list) else asked) != value:
                raise ConfigError(f"{name}={asked!r} is not that of the earlier run, {value!r}: leave it out.")
        freeze = given.get("freeze", 0)
        if isinstance(freeze, int) and freeze > len(self.hidden):
            raise ConfigError(f"freeze={freeze}, but the earlier run has {count(len(self.hidden), 'hidden layer')}.")
        task = "regression" if self.target.task == "regression" else "classification"
        return {"task": task, **given, **own}

    def kinds(self, names: list[str]) -> dict[str, Kind]:
        """Return the kinds that these columns had in the earlier run, as far as it knew them."""
        known = self.encoder.columns
        if self.target.classes:
            known = {**known, self.target.name: self.target.kind}
        return {name: kind for name, kind in known.items() if name in names}

    def encoder_for(self, table: Table, learned: Encoder) -> Encoder:
        """Return the features of the earlier run that the table has, and then what was learned of its new columns."""
        columns = {column.name: column for column in table.schema if column.note != EXCLUDED}
        kept = [
            feature
            for feature in self.encoder.features
            if feature.name in columns and columns[feature.name].kind == feature.kind
        ]
        if not kept:
            raise DataError(f"{table.source} has none of the columns that the earlier run learned from.")
        names = {feature.name for feature in kept}
        new = [feature for feature in learned.features if feature.name not in names]
        dropped = tuple(pair for pair in learned.dropped if pair[0] not in names)
        return Encoder((*kept, *new), dropped, learned.target)

    def validate_target(self, target: Target) -> None:
        """Raise DataError unless the target has the task and the classes of the earlier run."""
        if target.task != self.target.task:
            raise DataError(
                f"target {target.name!r} is a {target.task} target, that of the earlier run a {self.target.task} "
                "target: name another column, or train from scratch."
            )
        if target.classes != self.target.classes:
            ours, theirs = (", ".join(map(repr, each.classes[:10])) for each in (target, self.target))
            raise DataError(f"the classes of {target.name!r} are {ours}, those of the earlier run {theirs}.")

    def initial_params(self, layers: tuple[Layer, ...], encoder: Encoder, target: Target) -> Params:
        """Return weights for these layers that predict what the earlier network predicts.

        A column that the table lacks is encoded as a missing cell, once and for all, in the bias of the first layer. A
        quantity that has another mean and scale here has them undone in the last layer.
        """
        dense = [dict(layer) for layer in self.params if "kernel" in layer]
        dense[0] = self._on_columns(dense[0], encoder)
        if target.task == "regression":
            scale = self.target.scale / target.scale
            shift = (self.target.mean - target.mean) / target.scale
            last = dense[-1]
            dense[-1] = {"kernel": last["kernel"] * scale, "bias": last["bias"] * scale + shift}
        found = iter(dense)
        return tuple(
            {name: np.asarray(w, np.float32) for name, w in next(found).items()} if isinstance(layer, Dense) else {}
            for layer in layers
        )

    def _on_columns(self, first: Mapping[str, Array], encoder: Encoder) -> dict[str, Array]:
        """The first layer with the inputs of another encoder."""
        kernel, bias = np.zeros((len(encoder.feature_names), first["kernel"].shape[1])), first["bias"].astype(float)
        places, here = _places(self.encoder), _places(encoder)
        for feature in self.encoder.features:
            weights = first["kernel"][places[feature.name]].astype(float)
            if feature in encoder.features:
                kernel[here[feature.name]] = weights
            else:
                bias = bias + _missing(feature) @ weights
        return {"kernel": kernel, "bias": bias}


def frozen(layers: Sequence[Layer], n_hidden: int) -> tuple[Layer, ...]:
    """Return the layers with the first hidden ones, so many, not trainable.

    >>> [layer.trainable for layer in frozen([Dense(8), Dense(8), Dense(1)], 1)]
    [False, True, True]
    """
    dense = [place for place, layer in enumerate(layers) if isinstance(layer, Dense)][:n_hidden]
    return tuple(
        replace(layer, trainable=False) if isinstance(layer, Dense) and place in dense else layer
        for place, layer in enumerate(layers)
    )


@dataclass(frozen=True)
class Transfer:
    """What it bought to start from the network of an earlier run, by the validation rows of all folds.

    Attributes:
        earlier: name of the earlier run's folder, "" if it was in memory.
        selected: whether the training from the earlier network is the one that was kept.
        loss, scratch_loss: of what is kept, the ensemble or the selected config, from the earlier network and from
            random weights; cross-fitted.
        unchanged_loss: of the earlier network without training.
        gain, standard_error: scratch_loss − loss, paired by rows.
        n_rows: number of validation rows.
        new_columns, missing_columns: which the earlier run did not have, and which this table does not have.
    """

    earlier: str
    selected: bool
    loss: float
    scratch_loss: float
    unchanged_loss: float
    gain: float
    standard_error: float
    n_rows: int
    new_columns: tuple[str, ...] = field(default=())
    missing_columns: tuple[str, ...] = field(default=())


def _places(encoder: Encoder) -> dict[str, slice]:
    """Which columns of the encoded table each feature has."""
    ends = np.cumsum([len(feature.names) for feature in encoder.features]).tolist()
    pairs = zip(encoder.features, [0, *ends], ends, strict=False)
    return {feature.name: slice(first, end) for feature, first, end in pairs}


def _missing(feature: Feature) -> Array:
    """A missing cell as the feature encodes it."""
    cell = pa.chunked_array([pa.nulls(1, ARROW_TYPES.get(feature.kind, pa.string()))])
    out = np.empty((1, len(feature.names)), np.float32)
    feature.write(cell, out)
    return np.asarray(out[0], float)
