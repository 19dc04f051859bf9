"""Real tables as they are: `goodfit.train` with its defaults against a linear model of scikit-learn on the same rows.

The linear model (LogisticRegression, Ridge) sees the columns as goodfit understood them: numbers with the median in
empty cells, standardised; categories one-hot. It learns from training and validation rows together, for it has no epoch
to choose; goodfit learns from the training rows alone. Small tables are parted anew by several seeds.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import goodfit
from benchmarks.harness import fashion_mnist, say, shared, show, timed

MODULE = "benchmarks.table_quality"


class Task(NamedTuple):
    """A table (file or built-in name), what to predict, how often parted, and the official test file if any."""

    table: str
    target: str
    seeds: int = 1
    official_test: str = ""


TASKS = {
    "breast cancer": Task("breast_cancer", "target", seeds=10),
    "titanic": Task("titanic/train.csv", "Survived", seeds=10),
    "telco churn": Task("telco_churn/Telco-Customer-Churn.csv", "Churn", seeds=3),
    "adult": Task("adult/adult.data", "column_15"),
    "adult, official test": Task("adult/adult.data", "column_15", official_test="adult/adult.test.csv"),
    "california housing, RMSE": Task("california_housing/housing.csv", "median_house_value", seeds=2),
}
FASHION = "fashion mnist"


class Result(NamedTuple):
    """The error of each test row, 0 or 1 for classes and squared for quantities, and the seconds of the training."""

    ours: np.ndarray
    theirs: np.ndarray
    seconds: tuple[float, float]
    regression: bool = False


def linear_model(run: goodfit.Run) -> BaseEstimator:
    used = [column for column in run.record.schema if column.used and column.name != run.record.target.name]
    numbers, words = ([c.name for c in used if c.kind == kind] for kind in ("number", "category"))
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )
    regression = run.record.target.task == "regression"
    return make_pipeline(columns, Ridge() if regression else LogisticRegression(max_iter=2000))


def frame(table: str | Path) -> pd.DataFrame:
    """A table as goodfit reads it: "?" and blanks are missing."""
    return goodfit.read_table(table).arrow.to_pandas()


def errors(predicted: np.ndarray, truth: np.ndarray, *, regression: bool) -> np.ndarray:
    return np.square(predicted - truth) if regression else (predicted.astype(truth.dtype) != truth).astype(float)


def examine(table: str | Path, target: str, official_test: str | Path, seed: int) -> Result:
    run, our_seconds = timed(lambda: goodfit.train(table, target=target, seed=seed))
    rows, regression = frame(table), run.record.target.task == "regression"
    known = rows.iloc[run.splits.known]
    test = frame(official_test) if official_test else rows.iloc[run.splits.test]
    # The labels of adult's official test file end in a dot.
    truth = (test[target].str.rstrip(".") if official_test else test[target]).to_numpy()
    model, their_seconds = timed(lambda: linear_model(run).fit(known, known[target]))
    ours = errors(run.predict(test.drop(columns=target)).values, truth, regression=regression)
    theirs = errors(model.predict(test), truth, regression=regression)
    return Result(ours, theirs, (our_seconds, their_seconds), regression)


def examine_fashion(folder: Path) -> Result:
    """Images through the door for arrays: 20 % of 60,000 rows choose the epoch, the official 10,000 judge."""
    (x, y), (x_test, y_test) = fashion_mnist(folder, "train"), fashion_mnist(folder, "t10k")
    hidden = [goodfit.Dense(units, activation="relu") for units in (256, 128)]
    model = goodfit.Sequential([*hidden, goodfit.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    stopping = goodfit.EarlyStopping(patience=5)
    choices = {"validation_split": 0.2, "batch_size": 256, "epochs": 50, "callbacks": [stopping], "verbose": 0}
    _, our_seconds = timed(lambda: model.fit(x, y, **choices))
    linear, their_seconds = timed(lambda: LogisticRegression(max_iter=100).fit(x, y))
    predicted = model.predict(x_test).argmax(axis=1), linear.predict(x_test)
    return Result(*(errors(each, y_test, regression=False) for each in predicted), (our_seconds, their_seconds))


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
    ours, theirs = (np.concatenate([getattr(each, side) for each in results]) for side in ("ours", "theirs"))
    seconds = [f"{each:.1f}" for each in np.mean([each.seconds for each in results], axis=0)]
    scores = compared(ours, theirs, regression=results[0].regression)
    return [name, *scores, *seconds, f"{len(results)} × {len(results[0].ours):,}"]


def results(name: str) -> list[Result]:
    """One for each seed; none where the file is not there."""
    if name == FASHION:
        folder = shared("fashion_mnist")
        return [] if folder is None else [examine_fashion(folder)]
    task = TASKS[name]
    table = shared(*task.table.split("/")) if "/" in task.table else task.table
    test = shared(*task.official_test.split("/")) if task.official_test else ""
    return [] if table is None or test is None else [examine(table, task.target, test, s) for s in range(task.seeds)]


def main(names: tuple[str, ...] = (*TASKS, FASHION)) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for name in names:
        say(name)
        if found := results(name):
            rows.append(row(name, found))
    show(
        MODULE,
        "Test scores with default arguments, beside a linear model",
        ["accuracy, or RMSE", "goodfit", "linear", "difference", "s", "linear, s", "seeds × test rows"],
        rows,
        "± is the standard error of the paired difference over test rows.",
    )


if __name__ == "__main__":
    main()
