"""The trainings of the bank: for each data set and network a whole grid on five folds, with early stopping and long."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from benchmarks.bank.data import Data, Source
from goodfit.data.splits.folds import make_folds
from goodfit.diagnosis.from_run import observe
from goodfit.diagnosis.observations import Observations
from goodfit.experiment.prepare import TASKS
from goodfit.experiment.reference_models import boosted_trees
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.search.sweep import Fold, Sweep, SweepPlan, plan_sweep, sweep
from goodfit.training.evaluation import Dataset, losses_of, make_labels, row_losses
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe

L2 = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0)
LOW_RATES = (0.00001, 0.0001, 0.001, 0.01, 0.1)
HIGH_RATES = (0.00003, 0.0003, 0.003, 0.03, 0.3)
FOLDS = 5
LONG = 3
"""The long trainings have so many times the epochs, and nothing stops them early."""
SCHEMES = ("stopping", "long", "last")
"""With early stopping; long, the best epoch given back; long, the last epoch given back."""


class Trained(NamedTuple):
    """One data set, one network and one scheme, every config (λ, rate) of the grid on every fold.

    curves: what the first fold's training shows, without neighbours, at the same places (λ, rates).
    loss, truth: on training rows and on fresh rows (λ, rates, folds), infinite where no epoch was finite.
    rows: loss of every known row in the fold that validates by it (λ, rates, rows), cross-fitted where the best epoch
        is given back; fold: which that is (rows,).
    rivals: loss of every known row under simple models that learned from the other folds (rows,).
    baseline: true loss of a model without columns.
    """

    source: str
    hidden: tuple[int, ...]
    scheme: str
    rates: tuple[float, ...]
    curves: tuple[tuple[Observations, ...], ...]
    loss: np.ndarray
    truth: np.ndarray
    rows: np.ndarray
    fold: np.ndarray
    rivals: dict[str, np.ndarray]
    baseline: float


def train_all(source: Source, seed: int = 0) -> Iterator[Trained]:
    """Every network and scheme on a data set; nothing where its table is not at hand."""
    data = source.make(seed)
    if data is None:
        return
    labels = None if data.task == "regression" else data.y[data.known]
    dealt = make_folds(len(data.known), FOLDS, seed=seed, stratify=labels)
    rows = Dataset(data.x.astype(np.float32), make_labels(data.y, None, "float32"))
    folds = [Fold(rows, train, validation) for train, validation in dealt]
    rivals = row_losses_of_rivals(data, folds)
    for hidden in source.networks:
        yield from _train(source, data, folds, hidden, rivals)


def _train(
    source: Source, data: Data, folds: list[Fold], hidden: tuple[int, ...], rivals: dict[str, np.ndarray]
) -> Iterator[Trained]:
    short = _plan(source, data, hidden, source.epochs, EarlyStopping(patience=source.patience))
    plans = {"stopping": short, "long": _plan(source, data, hidden, LONG * source.epochs, None)}
    found = {name: sweep(plan, folds) for name, plan in plans.items()}
    for scheme in SCHEMES:
        name = "stopping" if scheme == "stopping" else "long"
        yield _judged(source, data, hidden, scheme, plans[name], found[name], folds, rivals)


def _plan(
    source: Source, data: Data, hidden: tuple[int, ...], epochs: int, stopping: EarlyStopping | None
) -> SweepPlan:
    task = TASKS[data.task]
    n_outputs = data.n_classes if data.task == "multiclass" else 1
    layers = [*(Dense(units, activation="relu") for units in hidden), Dense(n_outputs, activation=task.output)]
    rates = LOW_RATES if source.low_rates else HIGH_RATES
    return plan_sweep(
        layers,
        optimizer="adam",
        loss=task.loss,
        space={"l2": L2, "learning_rate": rates},
        epochs=epochs,
        early_stopping=stopping,
    )


def _judged(
    source: Source,
    data: Data,
    hidden: tuple[int, ...],
    scheme: str,
    plan: SweepPlan,
    found: Sweep,
    folds: list[Fold],
    rivals: dict[str, np.ndarray],
) -> Trained:
    recipe = plan.recipe(plan.grid[0], len(folds[0].train))
    rates = plan.space["learning_rate"]
    shape = (len(L2), len(rates))
    loss, truth = np.full((*shape, FOLDS), np.inf), np.full((*shape, FOLDS), np.inf)
    rows, fold = np.full((*shape, len(data.known)), np.inf, np.float32), np.empty(len(data.known), int)
    curves = []
    for trial, (k, *place) in enumerate(product(range(FOLDS), *map(range, shape))):
        training, at = found.trainings[trial], tuple(place)
        validation = folds[k].validation
        fold[validation] = k
        given = training.history.n_epochs if scheme == "last" and training.best_epoch else training.best_epoch
        if given:
            params = training.last_params if scheme == "last" else training.params
            value = row_losses(recipe, params, folds[k].rows, data.fresh).mean(dtype=float)
            if np.isfinite(value):
                loss[at][k], truth[at][k] = training.history["loss"][given - 1], value
                rows[at][validation] = _known(recipe, training, folds[k], last=scheme == "last")
        if k == 0:
            config = {"l2": L2[at[0]], "learning_rate": rates[at[1]]}
            known = {"epochs": plan.epochs, "patience": source.patience if scheme == "stopping" else None}
            size = {"n_train": len(folds[0].train), "n_validation": len(validation)}
            curves.append(replace(observe(training), restored_epoch=given, **config, **known, **size))
    grid = tuple(tuple(curves[i * shape[1] : (i + 1) * shape[1]]) for i in range(shape[0]))
    baseline = float(_of_baseline(data, data.known, data.fresh).mean())
    return Trained(source.name, hidden, scheme, rates, grid, loss, truth, rows, fold, rivals, baseline)


def _known(recipe: Recipe, training: Training, fold: Fold, *, last: bool) -> np.ndarray:
    """Loss of each validation row under the last weights, or as a sweep has it."""
    if last:
        return row_losses(recipe, training.last_params, fold.rows, fold.validation)
    return losses_of(recipe, np.asarray(fold.rows.labels)[fold.validation, :-1], training.validation_outputs)


def row_losses_of_rivals(data: Data, folds: list[Fold]) -> dict[str, np.ndarray]:
    """Loss of each known row under a model without columns, a linear one, and trees, each learned from other folds."""
    found = {name: np.empty(len(data.known)) for name in ("baseline", "linear", "trees")}
    for _, train, validation in folds:
        found["baseline"][validation] = _of_baseline(data, train, validation)
        boosted = boosted_trees(data.task, width=data.x.shape[1] * max(1, data.n_classes), seed=0).model
        linear = Ridge() if data.task == "regression" else LogisticRegression(max_iter=2000)
        with threadpool_limits(1, "openmp"):
            for name, model in {"linear": linear, "trees": boosted}.items():
                fitted = model.fit(data.x[train], data.y[train])
                found[name][validation] = _of_model(data, fitted, validation, least=1 / (len(train) + 2))
    return found


def _of_baseline(data: Data, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Loss of each row under the training rows' mean, or their classes' shares."""
    if data.task == "regression":
        return (data.y[rows] - data.y[train].mean()) ** 2
    shares = np.bincount(data.y[train], minlength=data.n_classes) / len(train)
    return -np.log(shares[data.y[rows]])


def _of_model(data: Data, model: Ridge | LogisticRegression, rows: np.ndarray, *, least: float) -> np.ndarray:
    """Loss of each row; no probability is below ``least``, as in a run."""
    if data.task == "regression":
        return (data.y[rows] - model.predict(data.x[rows])) ** 2
    probabilities = np.clip(model.predict_proba(data.x[rows]), least, 1)
    return -np.log(probabilities[np.arange(len(rows)), data.y[rows]])
