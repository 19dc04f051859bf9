"""Reference models: what simple models make of the rows that the network learns from and is evaluated on."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import lazy_loader
import numpy as np
import threadpoolctl

from goodfit.arrays import Array
from goodfit.data.target import Target
from goodfit.search.sweep import Fold
from goodfit.stats import Estimate

sklearn = lazy_loader.load("sklearn")  # it takes long to import

LINEAR_CELLS = 20_000_000
"""Cells, times the number of outputs, of the training rows that the linear model learns from."""
TREE_CELLS, TREE_ROWS = 2_000_000, 1000
"""The same of the trees, but never fewer than this many rows."""
TREE_ROUNDS, TREE_COLUMNS = 40, 100_000
"""Boosting rounds, but only as many as look at this many columns, times the number of outputs."""
MAX_COLUMNS = 300
"""Columns that the trees learn from; of more columns a random choice."""


class ReferenceModel(NamedTuple):
    """A model of scikit-learn, not yet fitted, and how many training rows and columns it learns from at most."""

    model: Any
    rows: int
    columns: int | None = None


@dataclass(frozen=True, eq=False)
class ReferenceData:
    """What reference models learn from and predict.

    x: (rows, features). truth: class numbers (rows,), or standardised values (rows, 1). weight: (rows,).
    """

    target: Target
    fold: Fold
    x: Array
    truth: Array
    weight: Array
    seed: int


def linear_model(task: str, *, width: int, seed: int) -> ReferenceModel:
    """Return a logistic or ridge regression with scikit-learn's defaults.

    width: columns, times the outputs.
    """
    linear = sklearn.linear_model
    model = linear.Ridge() if task == "regression" else linear.LogisticRegression(max_iter=200)
    return ReferenceModel(model, max(100, LINEAR_CELLS // width))


def boosted_trees(task: str, *, width: int, seed: int) -> ReferenceModel:
    """Return a few shallow boosted trees, which capture nonlinear effects and interactions of columns.

    width: columns, times the outputs.
    """
    ensemble = sklearn.ensemble
    regression = task == "regression"
    kind = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
    model = kind(
        max_iter=int(np.clip(TREE_COLUMNS // width, 5, TREE_ROUNDS)),
        max_leaf_nodes=8,
        min_samples_leaf=10,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    )
    return ReferenceModel(model, max(TREE_ROWS, TREE_CELLS // width), MAX_COLUMNS)


def constant_outputs(data: ReferenceData, weight: Array) -> Array:
    """Return what a model without columns predicts for every validation row: (rows, outputs).

    Log-odds or logarithms of the weighted class shares of the training rows, or the mean, which is 0.
    """
    return _repeated(_constant(data, data.fold.train, weight), len(data.fold.validation))


def reference_outputs(make: Any, data: ReferenceData) -> Array:  # noqa: ANN401
    """Return outputs (validation rows, outputs) of ``make``, fitted on the training rows, or on a sample of them.

    A probability is never below 1/(n + 2) for n rows to learn from: Laplace's rule of succession for what n rows have
    not shown. Without it one confident mistake, of trees above all, outweighs all other rows of a mean loss.
    """
    task, train, validation = data.target.task, data.fold.train, data.fold.validation
    spec = make(task, width=data.x.shape[1] * max(1, len(data.target.classes)), seed=data.seed)
    rng = np.random.default_rng(data.seed)
    rows = rng.permutation(train)[: spec.rows]
    rows, x = rows[data.weight[rows] > 0], data.x
    if spec.columns is not None and x.shape[1] > spec.columns:
        x = x[:, np.sort(rng.permutation(x.shape[1])[: spec.columns])]
    if task != "regression" and len(np.unique(data.truth[rows])) < 2:
        return _repeated(_constant(data, rows, data.weight), len(validation))
    # One thread: on so little work several wait for each other longer than they help where the machine is busy.
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1, "openmp"):
        warnings.simplefilter("ignore")  # of a fit that is not done after max_iter: it is near enough to compare with
        model = spec.model.fit(x[rows], data.truth[rows].ravel(), sample_weight=_weights(data.weight[rows]))
        if task == "regression":
            return np.asarray(model.predict(x[validation]), np.float32).reshape(-1, 1)
        full = np.zeros((len(validation), len(data.target.classes)))
        full[:, model.classes_] = model.predict_proba(x[validation])
        return _logits(full, len(rows))


def _weights(weight: Array) -> Array | None:
    """Return the weights, and None if all are 1: without weights trees are fitted several times faster."""
    return None if (weight == 1).all() else weight


def scores_of_baseline(scores: Mapping[str, Estimate]) -> dict[str, float]:
    """Return the metrics of a model without columns; precision and F1 are NaN where it predicts no row as positive."""
    undefined = ("precision", "f1") if "recall" in scores and not scores["recall"].value else ()
    return {name: math.nan if name in undefined else value for name, (value, *_) in scores.items()}


def _constant(data: ReferenceData, rows: Array, weight: Array) -> Array:
    if data.target.task == "regression":
        return np.zeros(1, np.float32)
    shares = np.bincount(data.truth[rows], weight[rows], minlength=len(data.target.classes)) / weight[rows].sum()
    return _logits(shares, len(rows))


def _logits(probabilities: Array, n_rows: int) -> Array:
    """Logarithms of probabilities (..., classes), or of two classes the log-odds of the second (..., 1)."""
    logs = np.log(np.maximum(probabilities, 1 / (n_rows + 2)))
    return np.asarray(logs[..., 1:] - logs[..., :1] if logs.shape[-1] == 2 else logs, np.float32)


def _repeated(outputs: Array, n_rows: int) -> Array:
    return np.repeat(outputs[None], n_rows, axis=0)
