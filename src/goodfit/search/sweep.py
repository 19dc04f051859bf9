"""A sweep: every config of a grid trained with every seed on every fold, and the selection among them."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.errors import SplitError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.search.parallel import Fold as Fold
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
from goodfit.training.evaluation import row_losses
from goodfit.training.fit import Training
from goodfit.training.interrupt import interruptible
from goodfit.training.recipe import Recipe, make_recipe, validate_count


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """What all trials have in common, and the search space in which they differ; see ``plan_sweep``."""

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
        """Every config of the search space."""
        return make_grid(self.space)

    def recipe(self, config: Config, n_train: int, *, seed: int = 0) -> Recipe:
        """Return the recipe of a trial; the recipes of two configs differ in numbers only."""
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
    """Return the plan of a sweep.

    Args:
        space: ``l2``, ``l1``, ``dropout``, ``class_weight_<class>`` or a number of the optimizer, each with a value, a
            list of values, or ``auto``.
        early_stopping: the best weights of a trial are always restored.
        seeds: number of seeds: ``seed``, ``seed`` + 1, …

    Raises:
        ConfigError: an argument or a value is out of range; the message names it.
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
    """Result of a sweep.

    Attributes:
        table: one row for each trial: its config, ``seed``, ``fold``, ``val_loss``, ``loss`` and ``penalty`` at the
            best epoch, ``best_epoch``, ``epochs``, ``outcome``. An Arrow table, which pandas, polars and DuckDB read.
        trainings: the training of each trial, in the order of the table, with its history and weights.
        selection: the selected config, and how certain the selection is.
        space: the values of each hyperparameter.
    """

    table: pa.Table
    trainings: tuple[Training, ...]
    selection: Selection
    space: SearchSpace

    @property
    def choice(self) -> Selection:
        """The old name of ``selection``."""
        warnings.warn("Sweep.choice is now called Sweep.selection.", DeprecationWarning, stacklevel=2)
        return self.selection

    @property
    def winner(self) -> Training:
        """The training of the selected trial."""
        return self.trainings[self.selection.trial]

    @property
    def winner_fold(self) -> int:
        """The fold on which the selected trial was trained."""
        return int(self.table["fold"][self.selection.trial].as_py())


def estimate_sweep(plan: SweepPlan, *, n_features: int, n_train: Sequence[int]) -> SweepCost:
    """Return the number of trials, memory and compilations of a sweep without running it.

    Args:
        n_train: number of training rows of each fold.
    """
    recipe = plan.recipe(plan.grid[0], max(n_train))
    params = init_network(plan.layers, n_inputs=n_features, seed=0, dtype=plan.dtype)
    n_trials, n_folds = len(plan.grid) * len(plan.seeds), len(n_train)
    one = estimate(recipe, params, n_trials=n_trials, n_train=max(n_train), epochs=plan.epochs)
    programs = len({-(-n // plan.batch_size) for n in n_train})
    return one._replace(trials=n_trials * n_folds, kept_bytes=one.kept_bytes * n_folds, compilations=programs)


@dataclass(frozen=True)
class _Finished:
    """Finished trials of all folds, in order: their results, trainings and recipes."""

    results: list[TrialResult]
    trainings: list[Training]
    recipes: list[Recipe]


def sweep(
    plan: SweepPlan, folds: Sequence[Fold], *, rule: SelectionRule = "best", on_progress: OnProgress | None = None
) -> Sweep:
    """Train every trial, fold by fold, and select a config.

    Ctrl-C ends the sweep; the selection is then made among the trials that have begun.

    Raises:
        ConfigError: every trial diverged, or the rule is unknown or does not fit the search space.
        SplitError: a fold has no validation rows.
    """
    validate_rule(rule, plan.space)
    if any(not fold.rows.labels[fold.validation, -1].any() for fold in folds):
        raise SplitError("a sweep selects by validation rows: give validation_split, validation_data or folds.")
    finished = _train_all(plan, folds, on_progress)

    def losses(index: int) -> Array:
        fold = folds[finished.results[index].fold]
        return row_losses(finished.recipes[index], finished.trainings[index].params, fold.rows, fold.validation)

    weights = [np.asarray(fold.rows.labels)[fold.validation, -1].astype(float) for fold in folds]
    selection = select(finished.results, losses=losses, weights=weights, rule=rule, seed=plan.seeds[0])
    return Sweep(_table(finished), tuple(finished.trainings), selection, plan.space)


def _train_all(plan: SweepPlan, folds: Sequence[Fold], on_progress: OnProgress | None) -> _Finished:
    """Train every config with every seed on every fold, until Ctrl-C."""
    sizes = max(len(fold.train) for fold in folds), max(len(fold.validation) for fold in folds)
    pairs = [(config, seed) for config in plan.grid for seed in plan.seeds]
    finished, began = _Finished([], [], []), time.perf_counter()
    with interruptible() as interrupted:
        for number, fold in enumerate(folds):
            trials = _trials(plan, fold, pairs)
            trainings = run_trials(
                trials,
                fold,
                epochs=plan.epochs,
                evaluated_sizes=sizes,
                data_seed=plan.seeds[0],
                shuffle=plan.shuffle,
                on_progress=on_progress and _across_folds(on_progress, number, len(folds), began),
                interrupted=interrupted,
            )
            for (config, seed), trial, training in zip(pairs, trials, trainings, strict=True):
                if training is not None:
                    finished.results.append(TrialResult(config, number, seed, _value(training), _curve(training)))
                    finished.trainings.append(training)
                    finished.recipes.append(trial.recipe)
            if interrupted.is_set():
                break
    return finished


def _trials(plan: SweepPlan, fold: Fold, pairs: Sequence[tuple[Config, int]]) -> list[Trial]:
    """Return the trials of one fold for pairs of config and seed; a seed has its initial weights and row orders."""
    n_features = fold.rows.x.shape[1]
    weights = {seed: init_network(plan.layers, n_inputs=n_features, seed=seed, dtype=plan.dtype) for seed in plan.seeds}
    return [Trial(plan.recipe(config, len(fold.train), seed=seed), seed, weights[seed]) for config, seed in pairs]


def _value(training: Training) -> float:
    """Return the validation loss at the restored epoch; infinite if no epoch was finite."""
    return float(training.history["val_loss"][training.best_epoch - 1]) if training.best_epoch else float("inf")


def _curve(training: Training) -> Array:
    """Return the validation losses by epoch if the restored epoch has the lowest; otherwise nothing."""
    losses = training.history["val_loss"]
    is_lowest = training.best_epoch and losses[training.best_epoch - 1] == np.nanmin(losses)
    return losses if is_lowest else losses[:0]


def _across_folds(on_progress: OnProgress, fold: int, n_folds: int, began: float) -> OnProgress:
    """Return a function that reports the progress of one fold as progress of the whole sweep."""

    def report(progress: Progress) -> None:
        n_trials, seconds = progress.trials, time.perf_counter() - began
        done = fold * n_trials + progress.done
        on_progress(progress._replace(done=done, trials=n_folds * n_trials, seconds=seconds))

    return report


def _table(finished: _Finished) -> pa.Table:
    rows = []
    for result, training in zip(finished.results, finished.trainings, strict=True):
        at_best = training.history.row(training.best_epoch) if training.best_epoch else {}
        measured = {name: at_best.get(name, float("inf")) for name in ("val_loss", "loss", "penalty")}
        ran = {"best_epoch": training.best_epoch, "epochs": training.history.n_epochs}
        outcome = {"outcome": training.outcome.name.lower()}
        rows.append({**result.config, "seed": result.seed, "fold": result.fold, **measured, **ran, **outcome})
    return pa.Table.from_pylist(rows)
