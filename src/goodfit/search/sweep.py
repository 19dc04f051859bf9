"""A sweep: every config of a grid trained with every seed on every fold, and the selection among them."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from goodfit.arrays import Array
from goodfit.cards import Card, ShownAsCard
from goodfit.errors import RunError, SplitError
from goodfit.formatting import count
from goodfit.nn.arrays import Params
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss
from goodfit.nn.network import init_network, joined, param_shapes
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.search.choices import SelectionRule
from goodfit.search.ensemble import Ensemble, make_ensemble
from goodfit.search.padding import padded_fold, padded_params, shared_size, unpadded
from goodfit.search.parallel import Fold as Fold
from goodfit.search.parallel import OnProgress, Progress, RunTrials, SweepCost, Trial, estimate, run_trials
from goodfit.search.race_arithmetic import race_trials, rung_rows, rung_sizes
from goodfit.search.racing import find_contenders
from goodfit.search.selection import Selection, TrialResult, select_among, selection_card, validate_rule
from goodfit.search.space import (
    Config,
    SearchSpace,
    class_weights,
    layers_with,
    make_grid,
    optimizer_with,
    parts_of,
    validate_space,
)
from goodfit.search.stages import Stage, make_stages, sizes_of, with_all_rows
from goodfit.search.trial_table import TrialTable
from goodfit.training.checkpoint import OpenCheckpoints
from goodfit.training.evaluation import losses_of
from goodfit.training.fit import Training, epoch_rows
from goodfit.training.interrupt import Interruption, interruptible
from goodfit.training.recipe import Recipe, make_recipe, with_seed
from goodfit.validation import validate_count


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
    max_updates: int | None = None

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
            max_updates=self.max_updates,
            early_stopping=self.early_stopping,
            total_steps=self.epochs * -(-epoch_rows(n_train, self.batch_size, self.max_updates)[1] // self.batch_size),
            class_weight=class_weights(config),
            n_train=n_train,
            seed=seed,
            dtype=self.dtype,
        )

    def recipes(self, pairs: Sequence[tuple[Config, int]], n_train: int) -> list[Recipe]:
        """Return the recipes of several configs and seeds; what some of them have in common is made once."""
        made, recipes = dict[object, Any](), []
        for config, seed in pairs:
            names = [frozenset(of.items()) for of in parts_of(config)]
            if not all((place, name) in made for place, name in enumerate(names)):
                recipe = self.recipe(config, n_train)
                found = (recipe.layers, recipe.optimizer, recipe.class_weight)
                made |= {(place, name): part for (place, name), part in zip(enumerate(names), found, strict=True)}
            layers, optimizer, class_weight = (made[place, name] for place, name in enumerate(names))
            mixed = replace(recipe, layers=layers, optimizer=optimizer, class_weight=class_weight)
            recipes.append(with_seed(mixed, seed))
        return recipes


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
    max_updates: int | None = None,
) -> SweepPlan:
    """Return the plan of a sweep.

    Args:
        space: ``l2``, ``l1``, ``dropout``, ``class_weight_<class>`` or a number of the optimizer, each with a value, a
            list of values, or ``auto``.
        early_stopping: the best weights of a trial are always restored.
        seeds: number of seeds: ``seed``, ``seed`` + 1, …
        max_updates: most updates of an epoch; by default an epoch is a pass over all training rows.

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
        max_updates=max_updates,
    )


@dataclass(frozen=True, repr=False)
class Sweep(ShownAsCard):
    """Result of a sweep.

    Attributes:
        table: one row for each trial: its config, ``seed``, ``fold``, ``rung`` and number of training rows,
            ``cross_fitted_loss``, by which it is compared, ``val_loss``, ``loss`` and ``penalty`` at the best epoch,
            ``best_epoch``, ``epochs``, ``outcome``. An Arrow table, which pandas, polars and DuckDB read.
        trainings: the training of each trial, in the order of the table, with its history and weights.
        selection: the selected config, and how certain the selection is.
        space: the values of each hyperparameter.
        n_planned: number of trials that the sweep has if it is not interrupted.
        results: of each trial, in the order of the table. recipe: of the selected trial. folds: all rows.
        stages: the rows by which the trials were judged; see ``goodfit.search.stages``.
    """

    table: pa.Table
    trainings: tuple[Training, ...]
    selection: Selection
    space: SearchSpace
    n_planned: int
    results: tuple[TrialResult, ...]
    recipe: Recipe
    folds: tuple[Fold, ...]
    stages: tuple[Stage, ...]

    def _card(self) -> Card:
        return selection_card(f"Sweep of {count(len(self.trainings), 'trial')}", self.selection)

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

    def trial_table(self) -> TrialTable:
        """Return all trials by config, fold and seed, with standard errors, on the folds that all configs have."""
        return self.rung_tables()[0]

    def rung_tables(self) -> list[TrialTable]:
        """Return the trials of each rung, as ``trial_table``."""
        rows = {(stage.rung, stage.fold): stage.rows for stage in self.stages}

        def losses(number: int) -> Array:
            result = self.results[number]
            return cross_fitted_losses(self.recipe, self.trainings[number], rows[result.rung, result.fold])

        rungs = sorted({result.rung for result in self.results})
        return [TrialTable(self.results, losses, _weights(self.stages, rung), rung=rung) for rung in rungs]

    def ensemble(self) -> Ensemble:
        """Return the weighted mean of configs whose validation loss is lowest, with its cross-fitted loss."""
        return make_ensemble(self.results, self.trainings, self.selection, self.recipe, self.folds)


def estimate_sweep(plan: SweepPlan, *, n_features: int, n_train: Sequence[int], race: bool = False) -> SweepCost:
    """Return the number of trials, memory and compilations of a sweep without running it.

    Args:
        n_train: number of training rows of each fold.
        race: whether only contenders are trained on the folds after the first, or on all rows of a large table.
    """
    recipe = plan.recipe(plan.grid[0], max(n_train))
    shapes = param_shapes(plan.layers, n_inputs=n_features)
    params = tuple({name: np.broadcast_to(np.float32(0), of) for name, of in layer.items()} for layer in shapes)
    n_configs, n_seeds, n_folds = len(plan.grid), len(plan.seeds), len(n_train)
    one = estimate(recipe, params, n_trials=n_configs * n_seeds, n_train=max(n_train), epochs=plan.epochs)
    rungs = rung_rows(n_train[0]) if race and n_folds == 1 else []
    n_trials = race_trials(n_configs, n_seeds, n_folds) if race else n_configs * n_seeds * n_folds
    n_trials = n_seeds * sum(rung_sizes(n_configs, len(rungs))) if rungs else n_trials
    programs = len({-(-n // plan.batch_size) for n in rungs or n_train})
    kept = one.kept_bytes * n_trials // (n_configs * n_seeds)
    is_bound = race and max(n_folds, len(rungs)) > 1
    return one._replace(trials=n_trials, kept_bytes=kept, compilations=programs, is_bound=is_bound)


def sweep(
    plan: SweepPlan,
    folds: Sequence[Fold],
    *,
    rule: SelectionRule = "best",
    race: bool = False,
    share_programs: bool = False,
    starts: Sequence[Params] | None = None,
    fixed: Params | None = None,
    on_progress: OnProgress | None = None,
    checkpoints: OpenCheckpoints | None = None,
    deadline: float | None = None,
    pool: RunTrials | None = None,
) -> Sweep:
    """Train every config, fold by fold, and select one.

    Ctrl-C ends the sweep, and so does the deadline; the selection is then made among the trials that have begun.

    Args:
        race: train only contenders on the folds after the first, see ``goodfit.search.racing``, and on all rows of a
            large table, see ``goodfit.search.stages``.
        share_programs: pad all sizes a little, so that other tables of about the same size compile nothing.
        starts: for each fold, the initial weights of every trial; by default random ones, the same for all of a seed.
        fixed: weights of layers that are not trained, in place of random ones.
        checkpoints: where the trials are kept while they run, and from where they go on.
        deadline: when the sweep is to end, in seconds of ``time.monotonic``.
        pool: what trains the trials, in other processes; by default they are trained in this one.

    Raises:
        ConfigError: every trial diverged, or the rule is unknown or does not fit the search space.
        SplitError: a fold has no validation rows.
        RunError: it ended before any trial had begun.
    """
    validate_rule(rule, plan.space)
    if any(not validation_weights(fold).any() for fold in folds):
        raise SplitError("a sweep selects by validation rows: give validation_split, validation_data or folds.")
    stages = make_stages(folds, race=race, seed=plan.seeds[0])
    size = shared_size if share_programs else int
    running = _RunningSweep(plan, stages, on_progress, size, starts, checkpoints)
    running.fixed, running.run_trials = fixed, pool or run_trials
    with interruptible(saves=checkpoints is not None, deadline=deadline) as interrupted:
        tables = running.train_all(interrupted, rule=rule, race=race and len(stages) > 1)
    selection = select_among(tables, rule=rule, seed=plan.seeds[0])
    table = trials_table(running.results, running.trainings, train_rows(running.stages))
    running.complete(tables[-1].rung)
    return Sweep(
        table=table,
        trainings=tuple(running.trainings),
        selection=selection,
        space=plan.space,
        n_planned=running.n_planned,
        results=tuple(running.results),
        recipe=running.recipes[selection.trial],
        folds=tuple(folds),
        stages=tuple(running.stages),
    )


class _RunningSweep:
    """The trials that have finished, and what the next ones need.

    results, trainings, recipes: of all trials, in order. n_planned: number of trials, as far as it is known.
    """

    def __init__(
        self,
        plan: SweepPlan,
        stages: Sequence[Stage],
        on_progress: OnProgress | None,
        size: Callable[[int], int],
        starts: Sequence[Params] | None,
        checkpoints: OpenCheckpoints | None,
    ) -> None:
        self.plan, self.stages, self.on_progress, self.size = plan, list(stages), on_progress, size
        self.starts, self.checkpoints = starts, checkpoints
        self.fixed: Params | None = None
        self.run_trials: RunTrials = run_trials
        self.results: list[TrialResult] = []
        self.trainings: list[Training] = []
        self.recipes: list[Recipe] = []
        self.n_planned = len(plan.grid) * len(plan.seeds) * len(stages)
        self.n_features = size(max(stage.rows.rows.x.shape[1] for stage in stages))
        self.restored: dict[int, int] = {}
        self.began = time.perf_counter()

    def losses(self, index: int) -> Array:
        """Return the cross-fitted losses of the validation rows of a trial, by its number."""
        result = self.results[index]
        rows = next(stage.rows for stage in self.stages if (stage.rung, stage.fold) == (result.rung, result.fold))
        return cross_fitted_losses(self.recipes[index], self.trainings[index], rows)

    def table_of(self, rung: int = 0, only: Sequence[Config] | None = None) -> TrialTable:
        """Return the trials of a rung, or those of some configs."""
        return TrialTable(self.results, self.losses, _weights(self.stages, rung), only, rung=rung)

    def train_all(self, interrupted: Interruption, *, rule: SelectionRule, race: bool) -> list[TrialTable]:
        """Train until the end or Ctrl-C, and return the tables among which a config is selected.

        Of a race they are those of all configs and of the contenders, if all of these have begun; of rungs there are as
        many as rungs.
        """
        grid, by_rung = self.plan.grid, self.stages[-1].rung > 0
        configs, kept = grid, [(0, grid)]
        sizes = rung_sizes(len(grid), len(self.stages))
        if race:
            most = sum(sizes) * len(self.plan.seeds)
            folds = race_trials(len(grid), len(self.plan.seeds), len(self.stages))
            self.n_planned = most if by_rung else folds
        for number, stage in enumerate(self.stages):
            chooses = race and (stage.rung > 0 or stage.fold == 1)
            if chooses:
                before = max(0, stage.rung - 1)
                configs = find_contenders(self.table_of(before), rule, sizes[number] if by_rung else None)
                left = sizes[number + 1 :] if by_rung else [len(configs)] * (len(self.stages) - number - 1)
                more = len(configs) + sum(min(n, len(configs)) for n in left)
                self.n_planned = len(self.results) + more * len(self.plan.seeds)
            if not configs:
                break
            n_new = self._train_stage(number, configs, interrupted)
            if not self.results:
                raise RunError("The search ended before any of its trials had begun.")
            if chooses and n_new == len(configs) * len(self.plan.seeds):
                kept.append((stage.rung, configs))
            if interrupted.is_set():
                break
        return [self.table_of(rung, None if configs is grid else configs) for rung, configs in kept]

    def complete(self, rung: int) -> None:
        """If the search ended on a lower rung, have its trials predict all validation rows, which measure them."""
        stage, whole = next(stage for stage in self.stages if stage.rung == rung), self.stages[-1].rows
        if stage.sampled is None:
            return
        for number, result in enumerate(self.results):
            if result.rung == rung:
                self.trainings[number] = with_all_rows(self.trainings[number], self.recipes[number], stage, whole)
        self.stages[rung] = stage._replace(rows=whole, sampled=None)

    def _train_stage(self, number: int, configs: Sequence[Config], interrupted: Interruption) -> int:
        """Train these configs with every seed on the rows of a stage, and return how many trials have begun."""
        stage, seeds = self.stages[number], self.plan.seeds
        pairs = [(config, seed) for config in configs for seed in seeds]
        trials = self._trials(stage, pairs)
        rows, weights = stage.rows, validation_weights(stage.rows)
        n_trials = len(pairs) if stage.rung else len(self.plan.grid) * len(seeds)  # every rung has its own program
        sizes = sizes_of(stage.rung, self.stages, n_trials, size=self.size)
        trainings = self.run_trials(
            trials,
            padded_fold(rows, self.n_features, sizes.rows),
            epochs=self.plan.epochs,
            capacity=sizes.evaluated,
            shuffle=self.plan.shuffle,
            on_progress=self.on_progress and self._progress(number, pairs),
            interrupted=interrupted,
            checkpoints=self.checkpoints and self.checkpoints(number, self._places(pairs)),
        )
        n_before = len(self.results)
        for (config, seed), trial, training in zip(pairs, trials, trainings, strict=True):
            if training is not None:
                cut = unpadded(training, rows.rows.x.shape[1])
                value = cross_fitted_loss(trial.recipe, cut, rows, weights)
                self.results.append(TrialResult(config, stage.fold, seed, value, stage.rung))
                self.trainings.append(cut)
                self.recipes.append(trial.recipe)
        return len(self.results) - n_before

    def _trials(self, stage: Stage, pairs: Sequence[tuple[Config, int]]) -> list[Trial]:
        """Return the trials of one stage; a seed has its initial weights and row orders."""
        plan, rows = self.plan, stage.rows
        n_train, n_inputs = len(rows.train), rows.rows.x.shape[1]
        weights = {}
        for seed in plan.seeds:
            random = init_network(plan.layers, n_inputs=n_inputs, seed=seed, dtype=plan.dtype)
            begin = self.starts[stage.fold] if self.starts else random
            weights[seed] = padded_params(joined(begin, self.fixed) if self.fixed else begin, self.n_features)
        recipes = plan.recipes(pairs, n_train)
        return [Trial(recipe, seed, weights[seed]) for recipe, (_, seed) in zip(recipes, pairs, strict=True)]

    def _places(self, pairs: Sequence[tuple[Config, int]]) -> list[int]:
        """Return the place of each config and seed among all of the plan."""
        everywhere = [(*config.values(), seed) for config in self.plan.grid for seed in self.plan.seeds]
        numbers = {place: number for number, place in enumerate(everywhere)}
        return [numbers[(*config.values(), seed)] for config, seed in pairs]

    def _progress(self, number: int, pairs: Sequence[tuple[Config, int]]) -> OnProgress:
        """Return a function that reports the progress of one stage as progress of the whole sweep."""
        assert self.on_progress is not None
        places, n_places = self._places(pairs), len(self.plan.grid) * len(self.plan.seeds)
        done_before, tell, stage = len(self.results), self.on_progress, self.stages[number]

        def report(progress: Progress) -> None:
            values = np.full(n_places, np.inf)
            values[places] = progress.values
            seconds = time.perf_counter() - self.began
            self.restored[number] = progress.restored
            restored = sum(self.restored.values())
            done = done_before + progress.done
            tell(Progress(done, self.n_planned, seconds, values, stage.fold, restored, stage.rung))

        return report


def trials_table(
    results: Sequence[TrialResult], trainings: Sequence[Training], n_train: Mapping[tuple[int, int], int]
) -> pa.Table:
    """Return one row for each trial, see ``Sweep``; n_train: number of training rows of each rung and fold."""
    rows = []
    for result, training in zip(results, trainings, strict=True):
        at_best = training.history.row(training.best_epoch) if training.best_epoch else {}
        measured = {name: at_best.get(name, float("inf")) for name in ("val_loss", "loss", "penalty")}
        ran = {"best_epoch": training.best_epoch, "epochs": training.history.n_epochs}
        outcome = {"outcome": training.outcome.name.lower()}
        place = {"seed": result.seed, "fold": result.fold, "rung": result.rung}
        judged = {"train_rows": n_train[result.rung, result.fold], "cross_fitted_loss": result.value}
        rows.append({**result.config, **place, **judged, **measured, **ran, **outcome})
    return pa.Table.from_pylist(rows)


def train_rows(stages: Sequence[Stage]) -> dict[tuple[int, int], int]:
    """Return the number of training rows of each rung and fold."""
    return {(stage.rung, stage.fold): len(stage.rows.train) for stage in stages}


def _weights(stages: Sequence[Stage], rung: int) -> list[Array]:
    """Return the weights of the validation rows of each fold of a rung."""
    return [validation_weights(stage.rows) for stage in stages if stage.rung == rung]


def validation_weights(fold: Fold) -> Array:
    """Return the weight of each validation row (rows,)."""
    weights: Array = np.asarray(fold.rows.labels)[fold.validation, -1].astype(float)
    return weights


def cross_fitted_loss(recipe: Recipe, training: Training, fold: Fold, weights: Array) -> float:
    """Return the mean cross-fitted loss of the validation rows; infinite if no epoch was finite."""
    if not training.best_epoch:
        return float("inf")
    value = float(np.average(cross_fitted_losses(recipe, training, fold).astype(float), weights=weights))
    return value if np.isfinite(value) else float("inf")


def cross_fitted_losses(recipe: Recipe, training: Training, fold: Fold) -> Array:
    """Return the loss of each validation row at the epoch that the others choose (rows,)."""
    y = np.asarray(fold.rows.labels)[fold.validation, :-1]
    return losses_of(recipe, y, training.validation_outputs)
