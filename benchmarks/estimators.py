"""GoodFitClassifier and GoodFitRegressor beside MLPClassifier and MLPRegressor, with the same hidden layers.

Everything else is the default of each. scikit-learn's networks are given what they need: medians for missing numbers,
scaled numbers, one-hot categories, a scaled target; its seconds are those of the whole pipeline. Ours are measured
twice: with the defaults, three networks, and with the grid. Each is fitted twice in one process, with
other seeds: first with compilation, then warm. Then iris, each contestant in a process of its own, and the whole
search: our grid on three folds beside GridSearchCV over the same 30 points and 3 folds, with our layers, batch size,
patience and most epochs, without and with the early stopping of MLPClassifier.
"""

import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import goodfit
from benchmarks.grid_search import compared, errors
from benchmarks.harness import Numbers, cpu_seconds, fresh, say, show, start, take_turns
from benchmarks.tables import TABLES, load

MODULE = "benchmarks.estimators"
HIDDEN = (64, 64)
GRID = {"l2": "auto", "learning_rate": "auto"}
OURS, SEARCH, THEIRS = "default", "grid", "MLP"
NAMES = ("german credit", "telco churn", "spambase", "adult", "diamonds", "california housing")
COLUMNS = ["accuracy, or RMSE", OURS, THEIRS, "difference", SEARCH, "difference"]
COLUMNS += [f"{OURS}: first, warm", f"{SEARCH}: first, warm", THEIRS, "training rows"]


SEARCHED = ("german credit",)
SEARCH_TITLE = "30 points on 3 folds, beside GridSearchCV: CPU seconds"
SEARCH_COLUMNS = ["", "training rows", "first", "warm", "GridSearchCV", "early stopping", "accuracy", "of GridSearchCV"]
SEARCH_COLUMNS += ["early stopping"]


def contestants(*, regression: bool, seed: int, **ours: Any) -> dict[str, BaseEstimator]:  # noqa: ANN401
    """Ours and theirs, for frames with numbers and words."""
    kind = goodfit.GoodFitRegressor if regression else goodfit.GoodFitClassifier
    shared: dict[str, Any] = {"hidden_layer_sizes": HIDDEN, "random_state": seed}
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number")),
    )
    network = TransformedTargetRegressor(MLPRegressor(**shared), transformer=StandardScaler())
    theirs = make_pipeline(encoder, network if regression else MLPClassifier(**shared))
    return {OURS: kind(**shared, **ours), SEARCH: kind(**shared, **GRID, **ours), THEIRS: theirs}


def row(name: str, **ours: Any) -> list[str] | None:  # noqa: ANN401
    """Scores and seconds on one table; None where it is not there."""
    source, task = load(name), TABLES[name]
    if source is None:
        return None
    frame: pd.DataFrame = goodfit.read_table(source, drop=task.drop).arrow.to_pandas().drop(columns=list(task.drop))
    x, y = frame.drop(columns=task.target), frame[task.target]
    regression = goodfit.read_table(frame[[task.target]]).schema[0].kind == "number" and y.nunique() > 2
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=None if regression else y)
    found, took = {}, {}
    for side, model in contestants(regression=regression, seed=0, **ours).items():
        say(f"{name}: {side}")
        again = [] if side == THEIRS else [clone(model).set_params(random_state=1)]
        took[side] = [cpu_seconds(partial(each.fit, x, y)) for each in (model, *again)]
        found[side] = errors(np.asarray(model.predict(x_test)), y_test.to_numpy(), regression=regression)
    ours_, *of_ours = compared(found[OURS], found[THEIRS], regression=regression)
    grid, _, of_grid = compared(found[SEARCH], found[THEIRS], regression=regression)
    pairs = [f"{first:.1f}, {warm:.1f}" for first, warm in (took[OURS], took[SEARCH])]
    return [name, ours_, *of_ours, grid, of_grid, *pairs, f"{took[THEIRS][0]:.1f}", f"{len(x):,}"]


def measure_iris(side: str, cache: str = "") -> Numbers:
    """CPU seconds of the first fit of a process and of the last of a hundred, three of a grid; without the imports."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    if cache:
        goodfit.use_compilation_cache(cache)
    x, y = load_iris(return_X_y=True, as_frame=True)
    models = contestants(regression=False, seed=0)
    taken = [cpu_seconds(partial(clone(models[side]).fit, x, y)) for _ in range(3 if side == SEARCH else 100)]
    return {"first": taken[0], "last": float(np.median(taken[1:][-10:]))}


def iris(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder) / "cache")
        runs = {f"{side}, cache": partial(fresh, MODULE, side, cache) for side in (OURS, SEARCH)}
        for run in runs.values():
            run()
        runs |= {side: partial(fresh, MODULE, side) for side in (OURS, SEARCH, THEIRS)}
        found = take_turns(runs, rounds=rounds)
    rows = [[side, f"{numbers['first']:.2f}", f"{numbers['last']:.3f}"] for side, numbers in found.items()]
    show(MODULE, "Fits of iris, 150 rows: CPU seconds", ["", "first fit of a process", "later fits"], rows)


def searches(name: str, **ours: Any) -> list[str] | None:  # noqa: ANN401
    """CPU seconds and accuracies of both searches on one table; None where it is not there."""
    source, task = load(name), TABLES[name]
    if source is None:
        return None
    frame: pd.DataFrame = goodfit.read_table(source, drop=task.drop).arrow.to_pandas().drop(columns=list(task.drop))
    x, y = frame.drop(columns=task.target), frame[task.target]
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    model = goodfit.GoodFitClassifier(hidden_layer_sizes=HIDDEN, folds=3, **GRID, **ours)
    say(f"{name}: our search")
    models = [clone(model).set_params(random_state=seed) for seed in (0, 1)]
    taken = [cpu_seconds(partial(each.fit, x, y)) for each in models]
    space, batch_size = goodfit.Settings().space, goodfit.Settings().rows_per_update(len(x))
    grid = {
        "alpha": [goodfit.convert(value, "goodfit", "MLPClassifier", batch_size=batch_size) for value in space["l2"]],
        "learning_rate_init": list(space["learning_rate"]),
    }
    scores = [models[0].score(x_test, y_test)]
    for early_stopping in (False, True):
        say(f"{name}: GridSearchCV, early_stopping={early_stopping}")
        network = MLPClassifier(
            hidden_layer_sizes=HIDDEN,
            batch_size=batch_size,
            max_iter=ours.get("epochs", goodfit.Settings().epochs),
            n_iter_no_change=goodfit.Settings().patience,
            early_stopping=early_stopping,
            random_state=0,
        )
        pipeline = contestants(regression=False, seed=0)[THEIRS]
        pipeline.steps[-1] = ("search", GridSearchCV(network, grid, cv=3))
        taken.append(cpu_seconds(partial(pipeline.fit, x, y)))
        scores.append(pipeline.score(x_test, y_test))
    return [name, f"{len(x):,}", *(f"{each:.1f}" for each in taken), *(f"{each:.4f}" for each in scores)]


def main(rounds: int = 3, *, quick: bool = False, only: tuple[str, ...] = NAMES) -> None:
    """Seconds and test scores of the estimators beside scikit-learn's; rounds: of the fits of iris."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    if quick:
        found = [each for each in (row("iris", epochs=2),) if each]
        show(MODULE, "The estimators beside scikit-learn's", COLUMNS, found)
        show(MODULE, SEARCH_TITLE, SEARCH_COLUMNS, [each for each in (searches("iris", epochs=2),) if each])
        return
    rows = [found for name in only if (found := row(name))]
    note = "± is the standard error of the paired difference over test rows. Times are CPU seconds of all cores."
    show(MODULE, "The estimators beside scikit-learn's", COLUMNS, rows, note)
    iris(rounds)
    found = [each for name in SEARCHED if name in only and (each := searches(name))]
    show(MODULE, SEARCH_TITLE, SEARCH_COLUMNS, found)


if __name__ == "__main__":
    start(measure_iris, main, names=NAMES)
