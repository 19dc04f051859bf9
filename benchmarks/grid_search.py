"""`goodfit.train` with its defaults beside scikit-learn's MLP with its defaults, and with GridSearchCV over our grid.

The grid search trains our hidden layers with our batch size, patience and most epochs, alpha worth our λ, at every
point five times and once more at the best; on all cores. scikit-learn learns from training and validation rows
together, for it sets its own aside; columns are encoded by goodfit, from the training rows. Small tables are parted
anew by several seeds; seconds are those of the first one, goodfit's with its compilation.
"""

import warnings
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.io.arff import loadarff
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor

import goodfit
from benchmarks.harness import n_cores, say, shared, show, start, timed
from benchmarks.table_quality import compared, errors

MODULE = "benchmarks.grid_search"
OURS, DEFAULTS, SEARCH = "goodfit", "MLP", "grid search"


class Task(NamedTuple):
    """A table (file or built-in name), what to predict, and how often parted."""

    table: str
    target: str
    seeds: int = 1


TASKS = {
    "digits": Task("digits", "target", seeds=2),
    "breast cancer": Task("breast_cancer", "target", seeds=5),
    "german credit": Task("credit_g/credit.g.arff", "class", seeds=5),
    "spambase": Task("spambase/spambase.arff", "class"),
    "telco churn": Task("telco_churn/Telco-Customer-Churn.csv", "Churn"),
    "california housing, RMSE": Task("california_housing/housing.csv", "median_house_value"),
}
COLUMNS = ["accuracy, or RMSE", OURS, DEFAULTS, "difference", SEARCH, "difference"]
COLUMNS += ["s", f"{DEFAULTS}, s", f"{SEARCH}, s", "goodfit × quicker than it", "seeds × test rows"]
TINY: dict[str, Any] = {"l2": 0.001, "learning_rate": (0.001, 0.01), "epochs": 2, "hidden": (4,)}


class Result(NamedTuple):
    """By contestant the error of each test row, 0 or 1 for classes and squared for quantities, and the seconds."""

    errors: dict[str, np.ndarray]
    seconds: dict[str, float]
    regression: bool


def read(table: str | Path) -> str | Path | pd.DataFrame:
    """What `goodfit.train` takes; an ARFF file as a data frame."""
    if not str(table).endswith(".arff"):
        return table
    frame = pd.DataFrame(loadarff(table)[0])
    words = frame.select_dtypes(object).columns
    return frame.assign(**{name: frame[name].str.decode("utf-8") for name in words})


def peers(run: goodfit.Run) -> dict[str, BaseEstimator]:
    """scikit-learn's MLP, and the search; λ is alpha/batch for its ½·squares, alpha/(2·batch) for cross-entropy."""
    settings, regression = run.settings, run.record.target.task == "regression"
    MLP = MLPRegressor if regression else MLPClassifier
    factor = settings.batch_size * (1 if regression else 2)
    grid = {
        "alpha": [factor * value for value in settings.space["l2"]],
        "learning_rate_init": list(settings.space["learning_rate"]),
    }
    ours = {"max_iter": settings.epochs, "batch_size": settings.batch_size, "n_iter_no_change": settings.patience}
    one = MLP(hidden_layer_sizes=settings.hidden, early_stopping=True, random_state=settings.seed, **ours)
    return {DEFAULTS: MLP(random_state=settings.seed), SEARCH: GridSearchCV(one, grid, n_jobs=n_cores())}


def examine(table: str | Path | pd.DataFrame, target: str, seed: int, **settings: Any) -> Result:  # noqa: ANN401
    run, our_seconds = timed(lambda: goodfit.train(table, target=target, seed=seed, **settings))
    whole = goodfit.read_table(table)
    known, test = run.splits.known, whole.take(run.splits.test)
    x, y = run.record.encoder.transform(whole), run.record.target.encode(whole)
    truth, regression = test.arrow[target].to_numpy(), run.record.target.task == "regression"
    judge = partial(errors, truth=truth, regression=regression)
    found, seconds = {OURS: judge(run.predict(test).values)}, {OURS: our_seconds}
    for name, model in peers(run).items():
        _, seconds[name] = timed(partial(model.fit, x[known], y[known]))
        found[name] = judge(in_own_terms(run, model.predict(x[run.splits.test])))
    return Result(found, seconds, regression)


def in_own_terms(run: goodfit.Run, predicted: np.ndarray) -> np.ndarray:
    """Codes as classes, standardised numbers as quantities."""
    target = run.record.target
    return np.array(target.classes)[predicted] if target.classes else predicted * target.scale + target.mean


def row(name: str, results: list[Result]) -> list[str]:
    every = {side: np.concatenate([each.errors[side] for each in results]) for side in results[0].errors}
    first = results[0].seconds
    (ours, *default), (_, *searched) = (
        compared(every[OURS], every[side], regression=results[0].regression) for side in (DEFAULTS, SEARCH)
    )
    seconds = [f"{first[side]:.1f}" for side in (OURS, DEFAULTS, SEARCH)]
    rows = f"{len(results)} × {len(results[0].errors[OURS]):,}"
    return [name, ours, *default, *searched, *seconds, f"{first[SEARCH] / first[OURS]:.1f}", rows]


def results(name: str, rounds: int | None, **settings: Any) -> list[Result]:  # noqa: ANN401
    """One for each seed; none where the file is not there."""
    task, found = TASKS[name], []
    table = shared(*task.table.split("/")) if "/" in task.table else task.table
    for seed in range(0 if table is None else rounds or task.seeds):
        say(f"{name}, seed {seed}")
        found.append(examine(read(table), task.target, seed, **settings))
    return found


def main(rounds: int | None = None, *, quick: bool = False, only: tuple[str, ...] = tuple(TASKS)) -> None:
    """Test scores and seconds beside scikit-learn's MLP; rounds: seeds of every table, instead of its own number."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    names, rounds, settings = (("breast cancer",), 1, TINY) if quick else (only, rounds, {})
    rows = [row(name, found) for name in names if (found := results(name, rounds, **settings))]
    show(
        MODULE,
        "The grid beside scikit-learn's MLP and grid search",
        COLUMNS,
        rows,
        "± is the standard error of the paired difference over test rows.",
    )


if __name__ == "__main__":
    start(None, main, names=TASKS)
