"""Stages of a search: the folds of a small table, or growing samples of the rows of a large one.

Every config is trained in the first stage, and in each later one those that may still be the best. On a small table the
stages are folds: the rows that judge a config grow. On a large one they are rungs: a sample of the training rows, then
ten times as many, and last all of them, each with as many validation rows where there are enough. The rows that teach
grow, so that only the last rung says how good a config is. The smaller samples are part of the larger ones.

Source: Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization":
successive halving.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from goodfit.arrays import Array
from goodfit.search.parallel import Capacity, Fold
from goodfit.search.race_arithmetic import rung_rows
from goodfit.training.evaluation import Dataset, outputs
from goodfit.training.fit import Training
from goodfit.training.recipe import Recipe


class Stage(NamedTuple):
    """The rows of one stage, and the number of its fold and rung, one of which is 0.

    sampled: places of its validation rows among those of the whole fold; None for all.
    """

    rows: Fold
    fold: int = 0
    rung: int = 0
    sampled: Array | None = None


def make_stages(folds: Sequence[Fold], *, race: bool, seed: int) -> list[Stage]:
    """Return the folds as stages; of a race with a single large fold its rungs.

    Args:
        seed: of the samples.
    """
    if len(folds) > 1 or not race:
        return [Stage(fold, number) for number, fold in enumerate(folds)]
    whole = folds[0]
    splits = (whole.train, whole.validation)
    orders = [np.random.default_rng([seed, split]).permutation(len(rows)) for split, rows in enumerate(splits)]
    samples = [_sample(whole, *(np.sort(order[:n]) for order in orders)) for n in rung_rows(len(whole.train))[:-1]]
    return [stage._replace(rung=rung) for rung, stage in enumerate([*samples, Stage(whole)])]


def _sample(fold: Fold, train: Array, validation: Array) -> Stage:
    """Return some of the training and validation rows of a fold, by their places among these."""
    kept = np.concatenate([fold.train[train], fold.validation[validation]])
    x, labels = np.asarray(fold.rows.x), np.asarray(fold.rows.labels)
    rows = Dataset(x[kept], labels[np.append(kept, len(labels) - 1)])
    return Stage(Fold(rows, *np.split(np.arange(len(kept)), [len(train)])), sampled=validation)


def with_all_rows(training: Training, recipe: Recipe, stage: Stage, whole: Fold) -> Training:
    """Return a training of a lower rung with outputs for all validation rows, not only those of its sample.

    The other rows did not choose the epoch, so that their outputs at the best one are as good as cross-fitted.
    """
    found = np.array(outputs(recipe, training.params, np.asarray(whole.rows.x)[whole.validation]))
    found[stage.sampled] = training.validation_outputs
    return replace(training, validation_outputs=found)


class Sizes(NamedTuple):
    """Sizes to pad a stage to, so that the folds of a search share one program: all rows, and those evaluated."""

    rows: int
    evaluated: Capacity


def sizes_of(rung: int, stages: Sequence[Stage], n_trials: int, *, size: Callable[[int], int]) -> Sizes:
    """Return the sizes that all stages of a rung share.

    Args:
        size: from a number of rows to the number to pad to.
    """
    same = [stage.rows for stage in stages if stage.rung == rung]
    of_each = ((len(rows.x), len(train), len(validation)) for rows, train, validation in same)
    n_rows, n_train, n_validation = (size(max(of)) for of in zip(*of_each, strict=True))
    return Sizes(n_rows, Capacity(n_train, n_validation, n_trials))
