"""A sweep: every config of a grid trained with every seed on every fold, and the selection among them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.errors import SplitError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.search.parallel import OnProgress, Progress, SweepCost, Trial, estimate, run_trials
from goodfit.search.selection import Selection, SelectionRule, TrialResult, select, validate_rule
from goodfit.search.space import (
    Config,
    SearchSpace,
    class_weights,
    layers_with,
    make_grid,
    optimizer_with,
    validate_space,
)
from goodfit.training.evaluation import Dataset, row_losses
from goodfit.training.fit import Training
from goodfit.training.interrupt import interruptible
from goodfit.training.recipe import Recipe, make_recipe, validate_count


class Fold(NamedTuple):
    """Rows that train and rows that judge. Each fold has its own, encoded by what its training rows say."""

    rows: Dataset
    train: Array
    validation: Array


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """What is common to all trials: the network, how it is trained, and the space that are varied."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    loss: str | Loss
    metrics: tuple[str, ...]
    batch_size: int
    epochs: int
    early_stopping: EarlyStopping | None
    space: SearchSpace
    seeds: tuple[int, ...]
    dtype: str
    shuffle: bool = True

    @property
    def grid(self) -> list[Config]:
        """Every combination of the space' values."""
        return make_grid(self.space)

    def recipe(self, config: Config, n_train: int, *, seed: int = 0) -> Recipe:
        """The recipe of a trial; those of two configs differ in numbers only."""
        return make_recipe(
            layers_with(self.layers, config),
            optimizer=optimizer_with(self.optimizer, config),
            loss=self.loss,
            metrics=self.metrics,
            batch_size=self.batch_size,
            early_stopping=self.early_stopping,
            total_steps=self.epochs * -(-n_train // self.batch_size),
            class_weight=class_weights(config),
            seed=seed,
            dtype=self.dtype,
        )


def plan_sweep(
    layers: Sequence[Layer],
    *,
    optimizer: str | Optimizer,
    loss: str | Loss,
    space: Mapping[str, Any],
    metrics: Sequence[str] = (),
    batch_size: int = 32,
    epochs: int = 100,
    early_stopping: EarlyStopping | None = None,
    seeds: int = 1,
    seed: int = 0,
    dtype: str = "float32",
    shuffle: bool = True,
) -> SweepPlan:
    """A plan from what a user says.

    Args:
        space: ``l2``, ``l1``, ``dropout`` or a number of the optimizer to a value, a list of values, or ``auto``.
        seeds: how many; they are ``seed``, ``seed`` + 1, …

    Raises:
        ConfigError: an argument or a value of an axis is outside its range; it is named.
    """
    optimizer = get_optimizer(optimizer)
    validate_count("seeds", seeds)
    validate_count("epochs", epochs)
    validate_count("batch_size", batch_size)
    return SweepPlan(
        layers=tuple(layers),
        optimizer=optimizer,
        loss=loss,
        metrics=tuple(metrics),
        batch_size=batch_size,
        epochs=epochs,
        early_stopping=early_stopping and replace(early_stopping, restore_best_weights=True),
        space=validate_space(space, layers, optimizer),
        seeds=tuple(range(seed, seed + seeds)),
        dtype=dtype,
        shuffle=shuffle,
    )


@dataclass(frozen=True)
class Sweep:
    """The result of a sweep.

    Attributes:
        table: one row for each trial: the space, ``seed``, ``fold``, ``val_loss``, ``loss`` and ``penalty`` at the best
            epoch, ``best_epoch``, ``epochs``, ``outcome``. An Arrow table, which pandas, polars and duckdb take.
        trainings: the training of each trial, in the order of the table, with its curves and weights.
        selection: which configuration won, and how sure that is.
        space: the values of each axis.
    """

    table: pa.Table
    trainings: tuple[Training, ...]
    selection: Selection
    space: SearchSpace

    @property
    def winner(self) -> Training:
        """The training of the trial that was chosen."""
        return self.trainings[self.selection.trial]

    @property
    def winner_fold(self) -> int:
        """The fold on which the winner was trained."""
        return int(self.table["fold"][self.selection.trial].as_py())


def estimate_sweep(plan: SweepPlan, *, n_features: int, n_train: Sequence[int]) -> SweepCost:
    """Trials, lanes, memory and compilations of a sweep without running it.

    Args:
        n_train: how many rows train in each fold; one number when there are no folds.
    """
    recipe = plan.recipe(plan.grid[0], max(n_train))
    params = init_network(plan.layers, n_inputs=n_features, seed=0, dtype=plan.dtype)
    n_trials, n_folds = len(plan.grid) * len(plan.seeds), len(n_train)
    one = estimate(recipe, params, n_trials=n_trials, n_train=max(n_train), epochs=plan.epochs)
    programs = len({-(-n // plan.batch_size) for n in n_train})
    return one._replace(trials=n_trials * n_folds, kept_bytes=one.kept_bytes * n_folds, compilations=programs)


def sweep(
    plan: SweepPlan, folds: Sequence[Fold], *, rule: SelectionRule = "best", on_progress: OnProgress | None = None
) -> Sweep:
    """Train every trial, fold after fold, and select.

    Ctrl-C ends the sweep; the selection is then made among the trials that have begun.

    Raises:
        ConfigError: everything diverged, an unknown rule, or ``1se`` without an l2 axis.
        SplitError: a fold without validation rows.
    """
    validate_rule(rule, plan.space)
    if any(not fold.rows.labels[fold.validation, -1].any() for fold in folds):
        raise SplitError("a sweep chooses by validation rows: give validation_split, validation_data or folds.")
    evaluated_sizes = max(len(fold.train) for fold in folds), max(len(fold.validation) for fold in folds)
    judged: list[TrialResult] = []
    recipes: list[Recipe] = []
    trainings: list[Training] = []
    began = time.perf_counter()
    with interruptible() as asked:
        for number, fold in enumerate(folds):
            pairs = [(config, seed) for config in plan.grid for seed in plan.seeds]
            trials = _trials(plan, fold, pairs)
            found = run_trials(
                trials,
                fold.rows,
                train=fold.train,
                validation=fold.validation,
                epochs=plan.epochs,
                evaluated_sizes=evaluated_sizes,
                data_seed=plan.seeds[0],
                shuffle=plan.shuffle,
                on_progress=on_progress and _across_folds(on_progress, number, len(folds), began),
                asked=asked,
            )
            for (config, seed), trial, training in zip(pairs, trials, found, strict=True):
                if training is not None:
                    judged.append(TrialResult(config, number, seed, _value(training), _curve(training)))
                    recipes.append(trial.recipe)
                    trainings.append(training)
            if asked.is_set():
                break

    def losses(index: int) -> Array:
        fold = folds[judged[index].fold]
        return row_losses(recipes[index], trainings[index].params, fold.rows, fold.validation)

    weights = [np.asarray(fold.rows.labels)[fold.validation, -1].astype(float) for fold in folds]
    selection = select(judged, losses=losses, weights=weights, rule=rule, seed=plan.seeds[0])
    return Sweep(_table(judged, trainings), tuple(trainings), selection, plan.space)


def _trials(plan: SweepPlan, fold: Fold, pairs: Sequence[tuple[Config, int]]) -> list[Trial]:
    """The trials of one fold for pairs of config and seed; those of a seed share initial weights and row orders."""
    n_features = fold.rows.x.shape[1]
    weights = {seed: init_network(plan.layers, n_inputs=n_features, seed=seed, dtype=plan.dtype) for seed in plan.seeds}
    return [Trial(plan.recipe(config, len(fold.train), seed=seed), seed, weights[seed]) for config, seed in pairs]


def _value(training: Training) -> float:
    """Validation loss at the restored epoch; infinite where no epoch was finite."""
    return float(training.history["val_loss"][training.best_epoch - 1]) if training.best_epoch else float("inf")


def _curve(training: Training) -> Array:
    """Validation losses by epoch, where they have chosen the restored epoch; else nothing."""
    losses = training.history["val_loss"]
    chose = training.best_epoch and losses[training.best_epoch - 1] == np.nanmin(losses)
    return losses if chose else losses[:0]


def _across_folds(on_progress: OnProgress, fold: int, n_folds: int, began: float) -> OnProgress:
    """Progress of one fold as progress of the whole sweep."""

    def tell(progress: Progress) -> None:
        n_trials, seconds = progress.trials, time.perf_counter() - began
        done = fold * n_trials + progress.done
        on_progress(progress._replace(done=done, trials=n_folds * n_trials, seconds=seconds))

    return tell


def _table(judged: Sequence[TrialResult], trainings: Sequence[Training]) -> pa.Table:
    rows = []
    for trial, training in zip(judged, trainings, strict=True):
        at_best = training.history.row(training.best_epoch) if training.best_epoch else {}
        measured = {name: at_best.get(name, float("inf")) for name in ("val_loss", "loss", "penalty")}
        ran = {"best_epoch": training.best_epoch, "epochs": training.history.n_epochs}
        outcome = {"outcome": training.outcome.name.lower()}
        rows.append({**trial.config, "seed": trial.seed, "fold": trial.fold, **measured, **ran, **outcome})
    return pa.Table.from_pylist(rows)
