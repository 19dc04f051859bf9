"""From arrays to what the training cycle takes: checked, split into splits, weighed; once, or once for each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.arrays import Array
from goodfit.data.arrays import class_factors, row_weights, validate_inputs, validate_probabilities, validate_targets
from goodfit.data.splits.folds import make_folds
from goodfit.data.splits.rules import Split
from goodfit.data.splits.splits import make_splits
from goodfit.errors import DataError, SplitError
from goodfit.nn.losses import Loss, SparseCategoricalCrossentropy
from goodfit.search.space import class_weight_space
from goodfit.search.sweep import Fold
from goodfit.training.evaluation import Dataset, make_labels

ClassWeight = Mapping[int, float] | str | None
SweptClassWeight = Mapping[int, float | Sequence[float]] | str | None
ValidationData = tuple[npt.ArrayLike, ...] | None
Data = tuple[Array, Array, Array]
"""Inputs (rows, features), targets and row weights, checked."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What a network expects of its arrays: targets for this loss and so many outputs, in this precision.

    seed: of the rows that validate.
    """

    loss: Loss
    n_outputs: int
    dtype: str
    seed: int

    def read(self, x: object, y: object, sample_weight: object, *, where: str = "") -> Data:
        """The arrays, checked; DataError that names what is wrong."""
        inputs = validate_inputs(x, self.dtype, name=f"x{where}")
        sparse = isinstance(self.loss, SparseCategoricalCrossentropy)
        targets = validate_targets(
            y, len(inputs), self.dtype, n_outputs=self.n_outputs, classes=sparse, name=f"y{where}"
        )
        if self.loss.fused and not sparse:
            validate_probabilities(targets, name=f"y{where}")
        return inputs, targets, row_weights(sample_weight, len(inputs), name=f"sample_weight{where}")

    def part(
        self,
        data: Data,
        *,
        validation_split: float,
        validation_data: ValidationData,
        split: Split,
        class_weight: ClassWeight,
    ) -> Fold:
        """All rows as one table, and the numbers of those that train and of those that validate."""
        n = len(data[0])
        if split in ("group", "time"):
            raise SplitError(f"split={split!r} needs a table: use goodfit.train, or give validation_data.")
        if validation_data is not None:
            if validation_split:
                raise SplitError("give validation_split or validation_data, not both.")
            data = self._with(data, validation_data)
            return self._weighed(data, class_weight, np.arange(n), np.arange(n, len(data[0])))
        train, validation = np.arange(n), np.arange(0)
        if validation_split:
            labels = self._labels(data[1])
            splits = make_splits(
                n, test_size=0, validation_split=validation_split, seed=self.seed, stratify=labels, split=split
            )
            train, validation = splits.train, splits.validation
        return self._weighed(data, class_weight, train, validation)

    def folds(self, data: Data, n_folds: int, class_weight: ClassWeight) -> list[Fold]:
        """The same rows once for each fold, dealt out at random and by class."""
        splits = make_folds(len(data[0]), n_folds, seed=self.seed, stratify=self._labels(data[1]))
        return [self._weighed(data, class_weight, *part) for part in splits]

    def class_space(self, data: Data, class_weight: SweptClassWeight) -> tuple[dict[str, Any], ClassWeight]:
        """SearchSpace of the classes with several weights, and the weights that all trials share."""
        if not isinstance(class_weight, Mapping):
            return {}, class_weight
        space, fixed = class_weight_space(class_weight)
        if space:
            swept = {label: 1.0 for label in class_weight if label not in fixed}
            class_factors(swept, self._labels(data[1]), np.arange(len(data[0])), n_classes=max(2, self.n_outputs))
        return space, fixed or None

    def _with(self, data: Data, validation_data: tuple[npt.ArrayLike, ...]) -> Data:
        """The rows with the user's own validation rows below them."""
        if len(validation_data) not in (2, 3):
            raise SplitError("validation_data must be (x, y) or (x, y, sample_weight).")
        x, y, *weight = validation_data
        own = self.read(x, y, weight[0] if weight else None, where=" of validation_data")
        if own[0].shape[1] != data[0].shape[1]:
            raise DataError(f"x of validation_data has {own[0].shape[1]} features, but x has {data[0].shape[1]}.")
        inputs, targets, weights = (np.concatenate(pair) for pair in zip(data, own, strict=True))
        return inputs, targets, weights

    def _labels(self, targets: Array) -> Array | None:
        """Class numbers (rows,) of a cross-entropy's targets: numbers, one column of 0 and 1, or one-hot; else None."""
        if targets.ndim == 1:
            return targets
        if not self.loss.fused or not np.isin(targets, (0, 1)).all():
            return None
        if targets.shape[1] == 1:
            return targets[:, 0].astype(np.int64)
        return targets.argmax(axis=1) if (targets.sum(axis=1) == 1).all() else None

    def _weighed(self, data: Data, class_weight: ClassWeight, train: Array, validation: Array) -> Fold:
        """The rows with their weights; those of classes are learned from the training rows."""
        inputs, targets, weights = data
        if class_weight is not None:
            labels, n_classes = self._labels(targets), max(2, self.n_outputs)
            own = weights
            weights = own * class_factors(class_weight, labels, train, n_classes=n_classes, row_weights=own)
        for part, rows in (("training", train), ("validation", validation)):
            if len(rows) and not weights[rows].any():
                raise SplitError(f"all {part} rows have weight 0.")
        return Fold(Dataset(inputs, make_labels(targets, weights, self.dtype)), train, validation)
