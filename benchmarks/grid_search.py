"""`goodfit.train` with its defaults beside scikit-learn's MLP with its defaults, and with GridSearchCV over our grid.

The grid search trains our hidden layers with our batch size, patience and most epochs, alpha worth our λ, at every
point five times and once more at the best; on all cores. scikit-learn learns from training and validation rows
together, for it sets its own aside; columns are encoded by goodfit, from the training rows. Small tables are parted
anew by several seeds; seconds are those of the first one, goodfit's with its compilation.
"""

import warnings
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor

import goodfit
from benchmarks.harness import n_cores, say, show, start, timed
from benchmarks.tables import TABLES, Source, load

MODULE = "benchmarks.grid_search"
OURS, DEFAULTS, SEARCH = "goodfit", "MLP", "grid search"


SEEDS = {"breast cancer": 5, "german credit": 5, "digits": 2, "spambase": 1, "telco churn": 1, "california housing": 1}
"""By table how often it is split."""
COLUMNS = ["accuracy, or RMSE", OURS, DEFAULTS, "difference", SEARCH, "difference"]
COLUMNS += ["s", f"{DEFAULTS}, s", f"{SEARCH}, s", "goodfit × quicker than it", "seeds × test rows"]
TINY: dict[str, Any] = {"l2": 0.001, "learning_rate": (0.001, 0.01), "epochs": 2, "hidden": (4,)}


class Result(NamedTuple):
    """By contestant the error of each test row, 0 or 1 for classes and squared for quantities, and the seconds."""

    errors: dict[str, np.ndarray]
    seconds: dict[str, float]
    regression: bool


def peers(run: goodfit.Run) -> dict[str, BaseEstimator]:
    """scikit-learn's MLP, and the search; λ is alpha/batch for its ½·squares, alpha/(2·batch) for cross-entropy."""
    settings, regression = run.settings, run.record.target.task == "regression"
    batch_size = settings.rows_per_update(len(run.splits.known))
    MLP = MLPRegressor if regression else MLPClassifier
    factor = batch_size * (1 if regression else 2)
    grid = {
        "alpha": [factor * value for value in settings.space["l2"]],
        "learning_rate_init": list(settings.space["learning_rate"]),
    }
    ours = {"max_iter": settings.epochs, "batch_size": batch_size, "n_iter_no_change": settings.patience}
    one = MLP(hidden_layer_sizes=settings.hidden, early_stopping=True, random_state=settings.seed, **ours)
    return {DEFAULTS: MLP(random_state=settings.seed), SEARCH: GridSearchCV(one, grid, n_jobs=n_cores())}


def examine(table: Source, target: str, seed: int, **settings: Any) -> Result:  # noqa: ANN401
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


def errors(predicted: np.ndarray, truth: np.ndarray, *, regression: bool) -> np.ndarray:
    return np.square(predicted - truth) if regression else (predicted.astype(truth.dtype) != truth).astype(float)


def compared(ours: np.ndarray, theirs: np.ndarray, *, regression: bool) -> list[str]:
    """Our score, theirs, and the difference with its standard error, from the errors of the same test rows."""
    scores, digits = [1 - ours.mean(), 1 - theirs.mean()], ".4f"
    if regression:
        scores, digits = [np.sqrt(ours.mean()), np.sqrt(theirs.mean())], ",.0f"
        # The delta method: how much each row moves the root of the mean.
        ours, theirs = ours / (2 * scores[0]), theirs / (2 * scores[1])
    margin = (ours - theirs).std(ddof=1) / np.sqrt(len(ours))
    difference = f"{scores[0] - scores[1]:+{digits}} ± {margin:{digits}}"
    return [*(format(each, digits) for each in scores), difference]


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
    table, target, found = load(name), TABLES[name].target, []
    for seed in range(0 if table is None else rounds or SEEDS[name]):
        say(f"{name}, seed {seed}")
        found.append(examine(table, target, seed, **settings))
    return found


def main(rounds: int | None = None, *, quick: bool = False, only: tuple[str, ...] = tuple(SEEDS)) -> None:
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
    start(None, main, names=SEEDS)
