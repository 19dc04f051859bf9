"""The peers of `benchmarks.quality`: models with their default arguments, on columns as each of them asks for.

* Linear model and MLP: the median in empty cells of numbers, standardised; categories one-hot.
* HistGradientBoosting and LightGBM: numbers as they are, categories as categorical columns of pandas; of a category
  with more than 254 values the most frequent ones, which is what HistGradientBoosting allows.
* CatBoost: numbers as they are, categories as its `cat_features`; an empty cell is a category of its own.
* RealMLP and TabM: the median in empty cells of numbers; categories as `cat_col_names`, an empty cell is one, too.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MOST_CATEGORIES = 254
"""What HistGradientBoosting allows, beside the missing one."""
MISSING = "(missing)"


class Rows(NamedTuple):
    """Columns that are used, values or class numbers, which columns are categories, and the rows' numbers."""

    x: pd.DataFrame
    y: np.ndarray
    categories: list[str]
    regression: bool
    places: np.ndarray

    @property
    def numbers(self) -> list[str]:
        return [name for name in self.x.columns if name not in self.categories]


class Options(NamedTuple):
    """Of one training."""

    seed: int
    threads: int


Predict = Callable[[pd.DataFrame], np.ndarray]
Fit = Callable[[Rows, Options], Predict]
"""Trains on the known rows; returns what predicts values (rows,), or probabilities (rows, classes), of others."""


def _trained(model: Any, known: Rows, prepare: Callable[[pd.DataFrame], Any], **fit: Any) -> Predict:  # noqa: ANN401
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(prepare(known.x), known.y, **fit)
    judge = model.predict if known.regression else model.predict_proba
    return lambda x: np.asarray(judge(prepare(x)), np.float64)


def _one_hot(known: Rows) -> Callable[[pd.DataFrame], Any]:
    """Numbers imputed and standardised, categories one-hot."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = (numbers, known.numbers), (OneHotEncoder(handle_unknown="ignore"), known.categories)
    return make_column_transformer(*columns).fit(known.x).transform


def _categorical(known: Rows) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Categories as categorical columns."""
    frequent = {name: known.x[name].value_counts().index[:MOST_CATEGORIES] for name in known.categories}
    kinds = {name: pd.CategoricalDtype(sorted(values)) for name, values in frequent.items()}

    def prepare(x: pd.DataFrame) -> pd.DataFrame:
        seen = {name: x[name].where(x[name].isin(kind.categories)) for name, kind in kinds.items()}
        return x.assign(**{name: values.astype(kinds[name]) for name, values in seen.items()})

    return prepare


def _words(known: Rows) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Categories as words, of which an empty cell is one."""
    return lambda x: x.assign(**{name: x[name].astype(object).fillna(MISSING) for name in known.categories})


def _imputed_words(known: Rows) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The median in empty cells of numbers; categories as words."""
    medians, words = known.x[known.numbers].median(), _words(known)
    return lambda x: words(x.fillna(medians))


def linear(known: Rows, options: Options) -> Predict:
    return _trained(Ridge() if known.regression else LogisticRegression(max_iter=2000), known, _one_hot(known))


def mlp(known: Rows, options: Options) -> Predict:
    kind = MLPRegressor if known.regression else MLPClassifier
    return _trained(kind(early_stopping=True, random_state=options.seed), known, _one_hot(known))


def hist_gradient_boosting(known: Rows, options: Options) -> Predict:
    kind = HistGradientBoostingRegressor if known.regression else HistGradientBoostingClassifier
    return _trained(kind(random_state=options.seed), known, _categorical(known))


def lightgbm(known: Rows, options: Options) -> Predict:
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = (LGBMRegressor if known.regression else LGBMClassifier)(
        random_state=options.seed, n_jobs=options.threads, verbose=-1
    )
    prepare = _categorical(known)
    # LightGBM refuses characters of JSON in names of columns.
    return _trained(model, known, lambda x: prepare(x).set_axis(map(str, range(x.shape[1])), axis=1))


def catboost(known: Rows, options: Options) -> Predict:
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = (CatBoostRegressor if known.regression else CatBoostClassifier)(
        random_seed=options.seed, thread_count=options.threads, verbose=False, allow_writing_files=False
    )
    return _trained(model, known, _words(known), cat_features=known.categories)


def _pytabkit(name: str) -> Fit:
    def fit(known: Rows, options: Options) -> Predict:
        import pytabkit

        kind = getattr(pytabkit, f"{name}_{'Regressor' if known.regression else 'Classifier'}")
        model = kind(device="cpu", random_state=options.seed, n_threads=options.threads)
        return _trained(model, known, _imputed_words(known), cat_col_names=known.categories)

    return fit


class Peer(NamedTuple):
    """The package that a peer comes from, and how it is trained."""

    package: str
    fit: Fit


PEERS = {
    "linear": Peer("scikit-learn", linear),
    "MLP": Peer("scikit-learn", mlp),
    "HistGradientBoosting": Peer("scikit-learn", hist_gradient_boosting),
    "LightGBM": Peer("lightgbm", lightgbm),
    "CatBoost": Peer("catboost", catboost),
    "RealMLP-TD-S": Peer("pytabkit", _pytabkit("RealMLP_TD_S")),
    "RealMLP-TD": Peer("pytabkit", _pytabkit("RealMLP_TD")),
    "TabM": Peer("pytabkit", _pytabkit("TabM_D")),
}
