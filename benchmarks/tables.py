"""The real tables of the benchmarks: where they lie, what is predicted, and how they are read."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import pandas as pd
from scipy.io.arff import loadarff

import goodfit
from benchmarks.harness import shared

Source = str | Path | pd.DataFrame
"""What `goodfit.train` takes."""
ZIPPED = "bank-additional/bank-additional-full.csv"


class Task(NamedTuple):
    """A table (file below ``data`` or built-in name) and what to predict; of larger tables a sample of ``rows``."""

    table: str
    target: str
    rows: int | None = None
    drop: tuple[str, ...] = ()
    task: str = "auto"


DESIGN = {
    "breast cancer": Task("breast_cancer", "target"),
    "titanic": Task("titanic/train.csv", "Survived"),
    "german credit": Task("credit_g/credit.g.arff", "class"),
    "red wine": Task("wine_quality/winequality-red.csv", "column_12", task="regression"),
    "telco churn": Task("telco_churn/Telco-Customer-Churn.csv", "Churn"),
    "spambase": Task("spambase/spambase.arff", "class"),
    "diamonds": Task("diamonds/diamonds.csv", "price", rows=10_000),
    "adult": Task("adult/adult.data", "column_15", rows=12_000),
    "california housing": Task("california_housing/housing.csv", "median_house_value"),
    "bank marketing": Task("bank_marketing/bank-additional.zip", "y", drop=("duration",)),
}
"""The tables on which goodfit's defaults are compared; the call's duration is only known after the call."""
MORE = {
    "white wine": Task("wine_quality/winequality-white.csv", "column_12", task="regression"),
    "digits": Task("digits", "target"),
    "iris": Task("iris", "target"),
    "wine": Task("wine", "target"),
    "diabetes": Task("diabetes", "target"),
    "thresholds": Task("thresholds", "target"),
}
TABLES = DESIGN | MORE


def read(table: str | Path) -> Source:
    """Return what `goodfit.train` takes; ARFF and zip files, which it does not read, as data frames."""
    if str(table).endswith(".zip"):
        return pd.read_csv(BytesIO(ZipFile(table).read(ZIPPED)), sep=";")
    return _read_arff(table) if str(table).endswith(".arff") else table


def _read_arff(path: str | Path) -> pd.DataFrame:
    frame = pd.DataFrame(loadarff(path)[0])
    words = frame.select_dtypes(object).columns
    return frame.assign(**{name: frame[name].str.decode("utf-8") for name in words})


def load(name: str) -> Source | None:
    """Return a table of ``TABLES`` as `goodfit.train` takes it; None, and a word, where its file is not there."""
    if name == "thresholds":
        return thresholds()
    task = TABLES[name]
    path = shared(*task.table.split("/")) if "/" in task.table else task.table
    found = None if path is None else read(path)
    return found if task.rows is None or found is None else sample(found, task.rows)


def thresholds(rows: int = 2000) -> pd.DataFrame:
    """Return a built table like clinical measurements: log-normal numbers, a tenth missing, thresholds that decide."""
    rng = np.random.default_rng(0)
    x = rng.lognormal(sigma=1.2, size=(rows, 8))
    ill = (x[:, 0] > 3) | ((x[:, 1] < 0.4) & (x[:, 2] > 1.2)) | (x[:, 3] > 6)
    x[rng.random(x.shape) < 0.1] = np.nan
    columns = {f"measurement_{i}": values for i, values in enumerate(x.T, 1)}
    return pd.DataFrame(columns).assign(target=np.where(ill, "ill", "healthy"))


def sample(table: Source, rows: int) -> pd.DataFrame:
    """Return so many rows of a larger table, always the same ones, in the order of the table."""
    frame = goodfit.read_table(table).arrow.to_pandas()
    chosen = np.random.default_rng(0).choice(len(frame), rows, replace=False)
    return frame.iloc[np.sort(chosen)].reset_index(drop=True)
