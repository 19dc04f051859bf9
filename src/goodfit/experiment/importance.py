"""What a model learned from each column: permutation importance and dependence curves, on rows it was not trained on.

The importance of a column is the increase of the loss when its cells are shuffled among the rows, so that they say
nothing about them any more. Source: Breiman, Random forests (2001), section 10; scikit-learn's
``permutation_importance``. A dependence curve is the mean prediction when the column has one value in all rows. Source:
Friedman, Greedy function approximation (2001), section 8.2. Correlated columns share their importance, and both
methods show the model combinations of cells that no row has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.cards import Card, ShownAsCard
from goodfit.data.encoder import Encoder
from goodfit.data.features.category import CategoryFeature
from goodfit.data.features.number import NumberFeature
from goodfit.data.target import Target
from goodfit.formatting import count, exact, numbers
from goodfit.stats import Z95, weighted_mean_error

MAX_REPEATS, CURVES, GRID_POINTS, CURVE_ROWS, MAX_OUTPUTS = 5, 6, 20, 200, 6
"""Shuffles of each column; columns with a curve, its points, the rows it is the mean of, and its classes at most."""
MIN_ROWS, MAX_COLUMNS, CHUNK_CELLS = 50, 1_000, 20_000_000
"""Fewest rows that are shuffled, most columns, and cells that are predicted at a time."""

Predict = Callable[[Array], Array]
"""From encoded rows (rows, features) to probabilities or standardised values (rows, outputs)."""
Losses = Callable[[Array, Array], Array]
"""From targets (rows, …) and predictions (…, rows, outputs) to the loss of each row (…, rows)."""


class UnseenRows(NamedTuple):
    """Encoded rows of a fold with their targets, and the networks that were not trained on them.

    target: as the training rows of the fold made it. input_weights: how large the weights of each encoded column are in
    the first layer (features,).
    """

    x: Array
    y: Array
    encoder: Encoder
    target: Target
    predict: Predict
    input_weights: Array

    def sample(self, n: int, rng: np.random.Generator) -> "UnseenRows":
        """Return this many of the rows, in random order, so that the first of them are a sample, too."""
        rows = rng.permutation(len(self.x))[:n]
        return self._replace(x=self.x[rows], y=self.y[rows])


@dataclass(frozen=True)
class ColumnImportance:
    """Importance of a column: by how much the loss rises when it is shuffled, and the standard error over the rows."""

    column: str
    value: float
    standard_error: float


@dataclass(frozen=True)
class Dependence:
    """Mean prediction when a column has one value in all rows.

    Attributes:
        column: its name. outputs: the classes whose probability is shown, or () for the value itself.
        at: the values of the column as text. positions: the same as numbers; () for categories. means: predictions at
            each value, one for each of the outputs.
    """

    column: str
    outputs: tuple[str, ...]
    at: tuple[str, ...]
    positions: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, repr=False)
class Importance(ShownAsCard):
    """What the model learned.

    Attributes:
        columns: the most important first; of a table with more than 1,000, those with the largest weights in the first
            layer. dependence: of the first six that are no texts and whose categories
            are not nearly unique.
        loss: of the rows as they are. n_rows: number of rows that were shuffled, repeats: how often.
    """

    columns: tuple[ColumnImportance, ...]
    dependence: tuple[Dependence, ...]
    loss: float
    n_rows: int
    repeats: int

    def _card(self) -> Card:
        rows = []
        for each in self.columns:
            value, low, high = numbers(each.value, *interval(each))
            rows.append((each.column, value, f"{low} to {high}"))
        how = f"{count(self.n_rows, 'out-of-fold row')}, each column shuffled {count(self.repeats, 'time')}"
        return Card("Importance", [("measured on", how)], ("column", "loss increase", "95% interval"), rows)


def interval(found: ColumnImportance) -> tuple[float, float]:
    """Return the ends of the 95 % interval."""
    return found.value - Z95 * found.standard_error, found.value + Z95 * found.standard_error


def measure_importance(folds: Sequence[UnseenRows], losses: Losses, *, passes: int, seed: int) -> Importance:
    """Measure importance and dependence on rows of all folds.

    Args:
        losses: of rows. passes: number of rows that may be predicted, which bounds the time.
        seed: of the sample of rows and of the shuffles.
    """
    rng = np.random.default_rng([seed, 4])
    names = _names_to_shuffle(folds)
    n_all = sum(len(fold.x) for fold in folds)
    n_rows = min(n_all, max(MIN_ROWS, passes // len(names)))
    repeats = int(np.clip(passes // (len(names) * n_rows), 1, MAX_REPEATS))
    samples = [fold.sample(-(-len(fold.x) * n_rows // n_all), rng) for fold in folds]
    own, increases = [], []
    for sample in samples:
        order = np.stack([rng.permutation(len(sample.x)) for _ in range(repeats)])
        own.append(losses(sample.y, sample.predict(sample.x)))
        blocks = _blocks(sample.encoder)
        used = [name for name in names if name in blocks]
        rises = increases_of(sample, losses, order, [blocks[name] for name in used])
        increases.append(_by_name(names, dict(zip(used, rises, strict=True)), len(sample.x)))
    of_rows = np.concatenate(increases, axis=1)
    found = [ColumnImportance(name, *weighted_mean_error(of_rows[i])) for i, name in enumerate(names)]
    found.sort(key=lambda each: -each.value)
    curves = islice((curve for each in found for curve in _dependence(each.column, samples, n_rows)), CURVES)
    loss = float(np.concatenate(own).mean())
    return Importance(tuple(found), tuple(curves), loss, of_rows.shape[1], repeats)


def _names_to_shuffle(folds: Sequence[UnseenRows]) -> list[str]:
    """The columns of the first fold, or the thousand of them with the largest weights: time grows with their square."""
    names = [feature.name for feature in folds[0].encoder.features]
    if len(names) <= MAX_COLUMNS:
        return names
    weights = dict.fromkeys(names, 0.0)
    for fold in folds:
        for name, block in _blocks(fold.encoder).items():
            if name in weights:
                weights[name] += float(np.square(fold.input_weights[block]).sum())
    largest = sorted(names, key=lambda name: -weights[name])[:MAX_COLUMNS]
    kept = {*largest}
    return [name for name in names if name in kept]


def increases_of(rows: UnseenRows, losses: Losses, permutations: Array, blocks: Sequence[slice]) -> Array:
    """Return by how much the loss of each row rises when each column is shuffled (columns, rows), mean over shuffles.

    permutations: row numbers (shuffles, rows), the same for all columns. blocks: the encoded columns of each column.
    """
    own = losses(rows.y, rows.predict(rows.x))
    total = np.zeros((len(blocks), len(rows.x)))
    size = max(1, CHUNK_CELLS // max(1, rows.x.size))
    for order in permutations:
        for begin in range(0, len(blocks), size):
            chunk = blocks[begin : begin + size]
            shuffled = np.repeat(rows.x[None], len(chunk), axis=0)
            for changed, block in zip(shuffled, chunk, strict=True):
                changed[:, block] = rows.x[order, block]
            predicted = rows.predict(shuffled.reshape(-1, rows.x.shape[1]))
            total[begin : begin + size] += losses(rows.y, predicted.reshape(len(chunk), len(rows.x), -1)) - own
    return total / len(permutations)


def _blocks(encoder: Encoder) -> dict[str, slice]:
    """The encoded columns of each column of the table."""
    ends = np.cumsum([len(feature.names) for feature in encoder.features]).tolist()
    starts = [0, *ends[:-1]]
    places = map(slice, starts, ends)
    return {feature.name: place for feature, place in zip(encoder.features, places, strict=True)}


def _by_name(names: Sequence[str], increases: Mapping[str, Array], n_rows: int) -> Array:
    """Increases in the order of these names; a column that a fold does not use has none."""
    return np.stack([increases.get(name, np.zeros(n_rows)) for name in names])


def _dependence(column: str, samples: Sequence[UnseenRows], n_rows: int) -> Iterator[Dependence]:
    """The curve of a column, if it is a number that all folds use, or a category whose values are not nearly unique."""
    features = [[each for each in rows.encoder.features if each.name == column] for rows in samples]
    first = features[0][0] if all(features) else None
    if not isinstance(first, NumberFeature | CategoryFeature):
        return
    if isinstance(first, CategoryFeature) and _is_nearly_unique(column, samples):
        return
    cells = _grid(first)
    means = []
    for rows in samples:
        n_used = max(1, min(len(rows.x), CURVE_ROWS * len(rows.x) // max(1, n_rows)))
        place = next(i for i, each in enumerate(rows.encoder.features) if each.name == column)
        means.append(_mean_predictions(rows._replace(x=rows.x[:n_used]), place, cells))
    target, mean = samples[0].target, np.mean(means, axis=0)
    shown = target.classes[1:] if target.task == "binary" else target.classes[:MAX_OUTPUTS]
    at = cells.to_pylist()
    positions = tuple(at) if isinstance(first, NumberFeature) else ()
    labels = tuple("missing" if x is None else exact(x) if positions else str(x) for x in at)
    yield Dependence(
        column, tuple(map(str, shown)), labels, positions, tuple(map(tuple, mean[:, :MAX_OUTPUTS].tolist()))
    )


def _is_nearly_unique(column: str, samples: Sequence[UnseenRows]) -> bool:
    """Whether most cells with a value hold one that is too rare for a column of its own, as of tickets and cabins."""
    named = others = 0
    for rows in samples:
        feature = next(each for each in rows.encoder.features if each.name == column)
        assert isinstance(feature, CategoryFeature)
        if feature.binary:
            named += len(rows.x)
            continue
        cells = (rows.x[:, _blocks(rows.encoder)[column]] > 0).sum(axis=0)
        has_name = np.array([value is not None for value in feature.values])
        named += int(cells[: len(has_name)][has_name].sum())
        others += len(rows.x) - int(cells[: len(has_name)].sum())
    return others > named


def _grid(feature: NumberFeature | CategoryFeature) -> pa.Array:
    """Values of a column: from end to end of the training range, or its frequent categories."""
    if isinstance(feature, CategoryFeature):
        return pa.array(feature.values[:GRID_POINTS], pa.string())
    low, high = feature.span or (0.0, 1.0)
    steps = np.linspace(0, 1, GRID_POINTS)
    return pa.array(low * (1 - steps) + high * steps, pa.float64())


def _mean_predictions(rows: UnseenRows, place: int, cells: pa.Array) -> Array:
    """Mean prediction (values, outputs) when the column at this place has each value in all rows."""
    feature = rows.encoder.features[place]
    block = _blocks(rows.encoder)[feature.name]
    encoded = np.empty((len(cells), len(feature.names)), np.float32)
    feature.write(pa.chunked_array([cells]), encoded)
    changed = np.repeat(rows.x[None], len(cells), axis=0)
    changed[:, :, block] = encoded[:, None, :]
    predicted = rows.predict(changed.reshape(-1, rows.x.shape[1])).reshape(len(cells), len(rows.x), -1)
    mean: Array = predicted.astype(float).mean(axis=1)
    return mean * rows.target.scale + rows.target.mean if rows.target.task == "regression" else mean
