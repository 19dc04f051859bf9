"""The trainings of the bank: for each data set and network a whole grid, with early stopping and long without."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from benchmarks.bank.data import Data, Source
from goodfit.evidence import trees
from goodfit.judging.case import Case
from goodfit.judging.reading import member_case
from goodfit.learning.layers import Dense
from goodfit.learning.stopping import EarlyStopping
from goodfit.preparation import TASKS
from goodfit.training.evaluation import Rows, make_labels, row_losses
from goodfit.training.sweep import Fold, Plan, Sweep, make_plan, sweep

L2 = (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0)
LOW_RATES = (0.00001, 0.0001, 0.001, 0.01, 0.1)
HIGH_RATES = (0.00003, 0.0003, 0.003, 0.03, 0.3)
SEEDS = 3
LONG = 3
"""The long trainings have so many times the epochs, and nothing stops them early."""
SCHEMES = ("stopping", "long", "last")
"""With early stopping; long, the best epoch given back; long, the last epoch given back."""


class Trained(NamedTuple):
    """One data set, one network and one scheme; arrays (λ, rates, seeds).

    cases: of the first seed, at the same places (λ, rates). loss: on training rows. truth: on fresh rows, infinite
    where no epoch was finite. baseline: true loss of a model without columns.
    """

    source: str
    hidden: tuple[int, ...]
    scheme: str
    cases: tuple[tuple[Case, ...], ...]
    loss: np.ndarray
    truth: np.ndarray
    baseline: float


def train_all(source: Source, seed: int = 0) -> Iterator[Trained]:
    """Every network and scheme on a data set; nothing where its table is not at hand."""
    data = source.make(seed)
    if data is not None:
        for hidden in source.networks:
            yield from _train(source, data, hidden)


def _train(source: Source, data: Data, hidden: tuple[int, ...]) -> Iterator[Trained]:
    fold = Fold(Rows(data.x.astype(np.float32), make_labels(data.y, None, "float32")), data.train, data.validation)
    short = _plan(source, data, hidden, source.epochs, EarlyStopping(patience=source.patience))
    plans = {"stopping": short, "long": _plan(source, data, hidden, LONG * source.epochs, None)}
    found = {name: sweep(plan, [fold]) for name, plan in plans.items()}
    judge = np.concatenate([data.validation, data.fresh])
    others = row_losses_of_rivals(data, judge)
    for scheme in SCHEMES:
        name = "stopping" if scheme == "stopping" else "long"
        yield _judged(source, data, hidden, scheme, plans[name], found[name], fold, judge, others)


def _plan(source: Source, data: Data, hidden: tuple[int, ...], epochs: int, stopping: EarlyStopping | None) -> Plan:
    task = TASKS[data.task]
    n_outputs = data.n_classes if data.task == "multiclass" else 1
    layers = [*(Dense(units, activation="relu") for units in hidden), Dense(n_outputs, activation=task.output)]
    rates = LOW_RATES if source.low_rates else HIGH_RATES
    return make_plan(
        layers,
        optimizer="adam",
        loss=task.loss,
        axes={"l2": L2, "learning_rate": rates},
        epochs=epochs,
        early_stopping=stopping,
        seeds=SEEDS,
    )


def _judged(
    source: Source,
    data: Data,
    hidden: tuple[int, ...],
    scheme: str,
    plan: Plan,
    found: Sweep,
    fold: Fold,
    judge: np.ndarray,
    others: dict[str, np.ndarray],
) -> Trained:
    recipe, _ = plan.recipe(len(data.train))
    shape = (len(L2), len(plan.axes["learning_rate"]), SEEDS)
    n = len(data.validation)
    loss, truth, cases = np.full(shape, np.inf), np.full(shape, np.inf), []
    for member, place in enumerate(product(*map(range, shape))):
        training = found.trainings[member]
        if training.best_epoch:
            params = training.last_params if scheme == "last" else training.params
            rows = row_losses(recipe, params, fold.rows, judge)
            given = training.history.n_epochs if scheme == "last" else training.best_epoch
            value = rows[n:].mean(dtype=float)
            loss[place] = training.history["loss"][given - 1] if np.isfinite(value) else np.inf
            truth[place] = value if np.isfinite(value) else np.inf
        if place[2] == 0:
            measured = _measured(rows[:n], others, n) if training.best_epoch else {}
            case = replace(
                member_case(found, member),
                epochs=plan.epochs,
                patience=source.patience if scheme == "stopping" else None,
                n_train=len(data.train),
                n_validation=n,
                **measured,
            )
            given = case.n_epochs if scheme == "last" else case.given_epoch
            cases.append(replace(case, given_epoch=given))
    grid = tuple(tuple(cases[i * shape[1] : (i + 1) * shape[1]]) for i in range(shape[0]))
    return Trained(source.name, hidden, scheme, grid, loss, truth, float(others["baseline"][n:].mean()))


def _measured(rows: np.ndarray, others: dict[str, np.ndarray], n: int) -> dict[str, object]:
    """What a run measures of the weights given back, on validation rows."""
    found: dict[str, object] = {"val_loss_error": _error(rows)}
    for name, losses in others.items():
        found[f"{name}_loss"] = float(losses[:n].mean())
        found[f"{name}_difference"] = float((losses[:n] - rows).mean()), _error(losses[:n] - rows)
    return found


def _error(rows: np.ndarray) -> float:
    return float(rows.std(ddof=1) / np.sqrt(len(rows)))


def row_losses_of_rivals(data: Data, judge: np.ndarray) -> dict[str, np.ndarray]:
    """Loss of each judging row under a model without columns, a linear one, and trees."""
    x, y, train = data.x, data.y, data.train
    boosted = trees(data.task, width=x.shape[1] * max(1, data.n_classes), seed=0).model
    if data.task == "regression":
        models = {"linear": Ridge(), "trees": boosted}
        with threadpool_limits(1, "openmp"):
            found = {
                name: (y[judge] - model.fit(x[train], y[train]).predict(x[judge])) ** 2
                for name, model in models.items()
            }
        return {"baseline": (y[judge] - y[train].mean()) ** 2, **found}
    shares = np.bincount(y[train], minlength=data.n_classes) / len(train)
    found = {"baseline": -np.log(shares[y[judge]])}
    with threadpool_limits(1, "openmp"):
        for name, model in {"linear": LogisticRegression(max_iter=2000), "trees": boosted}.items():
            probabilities = np.clip(model.fit(x[train], y[train]).predict_proba(x[judge]), 1e-7, 1)
            found[name] = -np.log(probabilities[np.arange(len(judge)), y[judge]])
    return found
