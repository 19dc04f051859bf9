"""What is measured of the network that is given back, with the rows that taught it and those that judged it.

Plain numbers that a run folder keeps, so that a verdict and a report need neither the table nor the network again. No
row of data is among them, and no test row is looked at.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
import lazy_loader
import numpy as np
import threadpoolctl

from goodfit.arrays import Array
from goodfit.checks.registry import Check
from goodfit.data.target import Target
from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense
from goodfit.search.sweep import Fold
from goodfit.stats import Estimate, weighted_mean_error
from goodfit.training.evaluation import losses_of, outputs
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe
from goodfit.training.scores import estimates

sklearn = lazy_loader.load("sklearn")  # it takes long to import

SAMPLE = 10_000
"""Dead units and frequencies are counted on so many training rows at most."""
LINEAR_CELLS = 20_000_000
"""The linear model learns from as many training rows as have so many cells, times the number of outputs."""
TREES_CELLS = 2_000_000
"""The trees do from so many, and from 1000 rows at least, …"""
TREES, TREES_COLUMNS = 40, 100_000
"""… in so many rounds, or in as many as look at so many columns, times the number of outputs; in 5 at least."""
MOST_COLUMNS = 300
"""Of more columns a random choice."""
BINS = 10
RESIDUAL_BINS = 31


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Numbers about the network that is given back.

    Attributes:
        intervals: metric of the validation rows to value and ends of its 95 % interval, in the target's own unit.
        baseline_scores, linear_scores: the same metrics by a model without columns, which gives the shares of the
            classes or the mean in training, and by a linear model that learned from the same training rows.
        losses: validation loss of ``baseline``, ``linear`` and ``trees``, a few boosted trees that learned from these
            training rows, too; comparable with val_loss.
        differences: for each, mean and standard error of (its loss − the network's) over the validation rows.
        confusion: rows of each class (first index) taken for each class (second), in the target's order; () for a
            quantity.
        calibration: bins of validation rows: mean predicted, mean observed, rows. Of the probability of the positive
            class; of several classes, of the class that was predicted; of a quantity, its predicted and true values.
        residuals: of a quantity, bins of (true − predicted): low end, high end, rows.
        units, dead_units: of each hidden layer, and how many of them no training row activates (relu).
        features: name of each encoded column, share of training rows in which it has not its most frequent value, and
            Adam's step for a unit of gradient, NaN with SGD; see ``Training.input_steps``.
        checks: what the data checks found.
    """

    intervals: Mapping[str, tuple[float, float, float]]
    baseline_scores: Mapping[str, float]
    linear_scores: Mapping[str, float]
    losses: Mapping[str, float]
    differences: Mapping[str, tuple[float, float]]
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: tuple[tuple[float, float, int], ...] = ()
    residuals: tuple[tuple[float, float, int], ...] = ()
    units: tuple[int, ...] = ()
    dead_units: tuple[int, ...] = ()
    features: tuple[tuple[str, float, float], ...] = ()
    checks: tuple[Check, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict; numbers in it may be NaN or infinite."""
        return asdict(replace(self, checks=())) | {"checks": [check.to_json() for check in self.checks]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The evidence of a record; what JSON has as null is NaN."""
        found = {name: _tuples(value) for name, value in record.items() if name != "checks"}
        return cls(**found, checks=tuple(Check.from_json(check) for check in record["checks"]))


class ScoringSpec(NamedTuple):
    """What a network is judged by: metrics, and the unit each is shown in."""

    metrics: Sequence[str]
    unit: Callable[[str], float]


def gather(
    recipe: Recipe,
    training: Training,
    fold: Fold,
    *,
    target: Target,
    judges: ScoringSpec,
    feature_names: Sequence[str],
    checks: Sequence[Check] = (),
    seed: int = 0,
) -> Measurements:
    """Measure a network on the rows of its fold."""
    x, labels = np.asarray(fold.rows.x), np.asarray(fold.rows.labels)[:-1]
    y, weight, rows = labels[:, :-1], labels[:, -1].astype(float), fold.validation
    truth: Array = y.astype(float) if target.task == "regression" else y[:, 0].astype(np.int64)
    logits = outputs(recipe, training.params, x[rows])

    def constant(weight: Array) -> Array:
        return np.repeat(_constant_outputs(target, truth[fold.train], weight[fold.train])[None], len(rows), axis=0)

    learn = partial(_outputs_of, target=target, x=x, truth=truth, weight=weight, fold=fold, seed=seed)
    rivals = {"baseline": constant(weight), "linear": learn(linear_model)}
    losses = {name: losses_of(recipe, y[rows], rival) for name, rival in (rivals | {"trees": learn(trees)}).items()}
    own = losses_of(recipe, y[rows], logits)
    predicted = {
        name: np.asarray(ACTIVATIONS[recipe.link](jnp.asarray(given)))
        for name, given in (rivals | {"own": logits, "baseline": constant(np.ones_like(weight))}).items()
    }
    judged = {
        model: {name: _scaled(found[name], judges.unit(name)) for name in found}
        for model, found in estimates(judges.metrics, truth[rows], predicted, seed=seed).items()
    }
    found = predicted["own"]
    sample = np.random.default_rng(seed).permutation(fold.train)[:SAMPLE]
    units, dead = _dead_units(recipe, training.params, x[sample])
    return Measurements(
        intervals=judged["own"],
        baseline_scores={name: value for name, (value, *_) in judged["baseline"].items()},
        linear_scores={name: value for name, (value, *_) in judged["linear"].items()},
        losses={name: float(np.average(values, weights=weight[rows])) for name, values in losses.items()},
        differences={name: weighted_mean_error(values - own, weight[rows]) for name, values in losses.items()},
        confusion=() if target.task == "regression" else _confusion(truth[rows], found, len(target.classes)),
        calibration=_calibration(target, truth[rows], found),
        residuals=_residuals(target, truth[rows], found) if target.task == "regression" else (),
        units=units,
        dead_units=dead,
        features=_features(feature_names, x[sample], training.input_steps),
        checks=tuple(checks),
    )


def _scaled(found: Estimate, unit: float) -> tuple[float, float, float]:
    return found.value * unit, found.low * unit, found.high * unit


def _constant_outputs(target: Target, truth: Array, weight: Array) -> Array:
    """What a model without columns gives for every row (outputs,): log-odds or logarithms of shares, or the mean."""
    if target.task == "regression":
        return np.zeros(1, np.float32)
    shares = np.bincount(truth, weight, minlength=len(target.classes)) / weight.sum()
    logs = np.log(np.maximum(shares, 1e-7))
    return np.asarray(logs[1:] - logs[:1] if target.task == "binary" else logs, np.float32)


class Rival(NamedTuple):
    """A model of scikit-learn, not yet fitted, and how many training rows and columns it learns from at most."""

    model: Any
    rows: int
    columns: int | None = None


def linear_model(task: str, *, width: int, seed: int) -> Rival:
    """A logistic or ridge regression with scikit-learn's defaults."""
    linear = sklearn.linear_model
    model = linear.Ridge() if task == "regression" else linear.LogisticRegression(max_iter=200)
    return Rival(model, max(100, LINEAR_CELLS // width))


def trees(task: str, *, width: int, seed: int) -> Rival:
    """A few shallow boosted trees: what they know and a network does not are bends and products of columns.

    width: columns, times the outputs.
    """
    ensemble = sklearn.ensemble
    regression = task == "regression"
    kind = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
    model = kind(
        max_iter=int(np.clip(TREES_COLUMNS // width, 5, TREES)),
        max_leaf_nodes=8,
        min_samples_leaf=10,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    )
    return Rival(model, max(1000, TREES_CELLS // width), MOST_COLUMNS)


def _outputs_of(
    make: Callable[..., Rival], *, target: Target, x: Array, truth: Array, weight: Array, fold: Fold, seed: int
) -> Array:
    """Outputs (validation rows, outputs) of a rival that learns from the training rows, or a sample of them."""
    rival = make(target.task, width=x.shape[1] * max(1, len(target.classes)), seed=seed)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(fold.train)[: rival.rows]
    rows = rows[weight[rows] > 0]
    if rival.columns is not None and x.shape[1] > rival.columns:
        x = x[:, np.sort(rng.permutation(x.shape[1])[: rival.columns])]
    if target.task != "regression" and len(np.unique(truth[rows])) < 2:
        return np.repeat(_constant_outputs(target, truth[rows], weight[rows])[None], len(fold.validation), axis=0)
    # One thread: on so little work several wait for each other longer than they help where the machine is busy.
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1, "openmp"):
        warnings.simplefilter("ignore")  # of a fit that is not done after max_iter: it is near enough to compare with
        model = rival.model.fit(x[rows], truth[rows].ravel(), sample_weight=weight[rows])
        if target.task == "regression":
            return np.asarray(model.predict(x[fold.validation]), np.float32).reshape(-1, 1)
        return _logits(target, model, x[fold.validation])


def _logits(target: Target, model: Any, x: Array) -> Array:  # noqa: ANN401
    """Log-odds (rows, 1), or logits (rows, classes) in which classes that training lacks are as good as impossible."""
    found = model.decision_function(x)
    if target.task == "binary":
        return np.asarray(found, np.float32).reshape(-1, 1)
    logits = np.stack([-found, found], axis=1) / 2 if found.ndim == 1 else found
    full = np.full((len(logits), len(target.classes)), logits.min() + np.log(1e-7))
    full[:, model.classes_] = logits
    return np.asarray(full, np.float32)


def _confusion(truth: Array, found: Array, n_classes: int) -> tuple[tuple[int, ...], ...]:
    counts = np.bincount(truth * n_classes + _labels(found), minlength=n_classes**2)
    return tuple(map(tuple, counts.reshape(n_classes, n_classes).tolist()))


def _labels(found: Array) -> Array:
    """The class of the highest probability, the first of equals."""
    return (found[:, 0] > 0.5).astype(np.int64) if found.shape[1] == 1 else found.argmax(axis=1)


def _calibration(target: Target, truth: Array, found: Array) -> tuple[tuple[float, float, int], ...]:
    """Bins of equally many rows, in the order of what was predicted."""
    if target.task == "regression":
        predicted, observed = (values.ravel() * target.scale + target.mean for values in (found.astype(float), truth))
    elif found.shape[1] == 1:
        predicted, observed = found[:, 0].astype(float), truth.astype(float)
    else:
        predicted, observed = found.max(axis=1).astype(float), (found.argmax(axis=1) == truth).astype(float)
    groups = np.array_split(np.argsort(predicted, kind="stable"), min(BINS, len(predicted)))
    return tuple((float(predicted[rows].mean()), float(observed[rows].mean()), len(rows)) for rows in groups)


def _residuals(target: Target, truth: Array, found: Array) -> tuple[tuple[float, float, int], ...]:
    """Between the 0.5 % and the 99.5 % quantile; what lies outside counts in the outermost bins."""
    residuals = (truth - found).ravel() * target.scale
    low, high = np.quantile(residuals, [0.005, 0.995])
    edges = np.linspace(low, high, RESIDUAL_BINS + 1)
    counts, _ = np.histogram(np.clip(residuals, edges[0], edges[-1]), edges)
    return tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))


def _dead_units(recipe: Recipe, params: Params, x: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Units of each hidden Dense layer, and how many of them give 0 for every row of ``x`` (rows, n_inputs)."""
    units, dead = [], []
    for layer, weights in zip(recipe.layers[:-1], params[:-1], strict=True):
        x = np.asarray(layer.apply(weights, jnp.asarray(x), key=None))
        if isinstance(layer, Dense):
            units.append(layer.units)
            dead.append(int((x == 0).all(axis=0).sum()) if layer.activation == "relu" else 0)
    return tuple(units), tuple(dead)


def _features(names: Sequence[str], x: Array, steps: Array | None) -> tuple[tuple[str, float, float], ...]:
    def frequency(column: Array) -> float:
        return 1 - float(np.unique(column, return_counts=True)[1].max()) / len(column)

    found = np.full(len(names), np.nan) if steps is None else np.asarray(steps, float)
    return tuple((name, frequency(x[:, i]), float(found[i])) for i, name in enumerate(names))


def _tuples(value: Any) -> Any:  # noqa: ANN401
    """Lists of JSON as tuples, null as NaN."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    return float("nan") if value is None else value
