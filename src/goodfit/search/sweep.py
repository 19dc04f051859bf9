"""A sweep: every point of a grid trained with every seed on every fold, and the choice among them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.errors import SplitError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.losses import Loss
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.search.parallel import Estimate, Member, OnProgress, Progress, estimate, run_members
from goodfit.search.selection import Choice, ChoiceRule, Judged, check_rule, choose
from goodfit.search.space import Axes, Point, check_axes, knobs_with, layers_with, make_grid, optimizer_with
from goodfit.training.evaluation import Rows, row_losses
from goodfit.training.fit import Training
from goodfit.training.interrupt import interruptible
from goodfit.training.recipe import Knobs, Recipe, check_count, make_recipe

Array = npt.NDArray[Any]


class Fold(NamedTuple):
    """Rows that train and rows that judge. Each fold has its own, encoded by what its training rows say."""

    rows: Rows
    train: Array
    validation: Array


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is common to all members: the network, how it is trained, and the axes that are varied."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    loss: str | Loss
    metrics: tuple[str, ...]
    batch_size: int
    epochs: int
    early_stopping: EarlyStopping | None
    axes: Axes
    seeds: tuple[int, ...]
    dtype: str
    shuffle: bool = True

    @property
    def grid(self) -> list[Point]:
        """Every combination of the axes' values."""
        return make_grid(self.axes)

    def recipe(self, n_train: int) -> tuple[Recipe, Knobs]:
        """The recipe of all members, and the knobs of a member at the first point of the grid."""
        first = {name: values[0] for name, values in self.axes.items()}
        return make_recipe(
            layers_with(self.layers, first),
            optimizer=optimizer_with(self.optimizer, first),
            loss=self.loss,
            metrics=self.metrics,
            batch_size=self.batch_size,
            early_stopping=self.early_stopping,
            total_steps=self.epochs * -(-n_train // self.batch_size),
            dtype=self.dtype,
        )


def make_plan(
    layers: Sequence[Layer],
    *,
    optimizer: str | Optimizer,
    loss: str | Loss,
    axes: Mapping[str, Any],
    metrics: Sequence[str] = (),
    batch_size: int = 32,
    epochs: int = 100,
    early_stopping: EarlyStopping | None = None,
    seeds: int = 1,
    seed: int = 0,
    dtype: str = "float32",
    shuffle: bool = True,
) -> Plan:
    """A plan from what a user says.

    Args:
        axes: ``l2``, ``l1``, ``dropout`` or a number of the optimizer to a value, a list of values, or ``auto`` for the
            guide's.
        seeds: how many; they are ``seed``, ``seed`` + 1, …

    Raises:
        RecipeError: an argument or a value of an axis is outside its range; it is named.
    """
    optimizer = get_optimizer(optimizer)
    check_count("seeds", seeds)
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    return Plan(
        layers=tuple(layers),
        optimizer=optimizer,
        loss=loss,
        metrics=tuple(metrics),
        batch_size=batch_size,
        epochs=epochs,
        early_stopping=early_stopping,
        axes=check_axes(axes, layers, optimizer),
        seeds=tuple(range(seed, seed + seeds)),
        dtype=dtype,
        shuffle=shuffle,
    )


@dataclass(frozen=True)
class Sweep:
    """The result of a sweep.

    Attributes:
        table: one row for each member: the axes, ``seed``, ``fold``, ``val_loss``, ``loss`` and ``penalty`` at the best
            epoch, ``best_epoch``, ``epochs``, ``outcome``. An Arrow table, which pandas, polars and duckdb take.
        trainings: the training of each member, in the order of the table, with its curves and weights.
        choice: which configuration won, and how sure that is.
        axes: the values of each axis.
    """

    table: pa.Table
    trainings: tuple[Training, ...]
    choice: Choice
    axes: Axes

    @property
    def winner(self) -> Training:
        """The training of the member that was chosen."""
        return self.trainings[self.choice.member]

    @property
    def winner_fold(self) -> int:
        """The fold on which the winner was trained."""
        return int(self.table["fold"][self.choice.member].as_py())


def estimate_sweep(plan: Plan, *, n_features: int, n_train: Sequence[int]) -> Estimate:
    """Members, lanes, memory and compilations of a sweep without running it.

    Args:
        n_train: how many rows train in each fold; one number when there are no folds.
    """
    recipe, _ = plan.recipe(max(n_train))
    params = init_network(plan.layers, n_inputs=n_features, seed=0, dtype=plan.dtype)
    n_members, n_folds = len(plan.grid) * len(plan.seeds), len(n_train)
    one = estimate(recipe, params, n_members=n_members, n_train=max(n_train), epochs=plan.epochs)
    programs = len({-(-n // plan.batch_size) for n in n_train})
    return one._replace(members=n_members * n_folds, kept_bytes=one.kept_bytes * n_folds, compilations=programs)


def sweep(
    plan: Plan, folds: Sequence[Fold], *, rule: ChoiceRule = "best", on_progress: OnProgress | None = None
) -> Sweep:
    """Train every member, fold after fold, and choose.

    Ctrl-C ends the sweep; the choice is then made among the members that have begun.

    Raises:
        RecipeError: everything diverged, an unknown rule, or ``1se`` without an l2 axis.
        SplitError: a fold without validation rows.
    """
    check_rule(rule, plan.axes)
    if any(not fold.rows.labels[fold.validation, -1].any() for fold in folds):
        raise SplitError("a sweep chooses by validation rows: give validation_split, validation_data or folds.")
    judges = max(len(fold.train) for fold in folds), max(len(fold.validation) for fold in folds)
    recipes: list[Recipe] = []
    judged: list[Judged] = []
    trainings: list[Training] = []
    began = time.perf_counter()
    with interruptible() as asked:
        for number, fold in enumerate(folds):
            recipe, members, points = _members(plan, fold)
            recipes.append(recipe)
            found = run_members(
                recipe,
                members,
                fold.rows,
                train=fold.train,
                validation=fold.validation,
                epochs=plan.epochs,
                judges=judges,
                data_seed=plan.seeds[0],
                shuffle=plan.shuffle,
                on_progress=on_progress and _across_folds(on_progress, number, len(folds), began),
                asked=asked,
            )
            for point, member, training in zip(points, members, found, strict=True):
                if training is not None:
                    judged.append(Judged(point, number, member.seed, _value(training), _curve(training)))
                    trainings.append(training)
            if asked.is_set():
                break

    def losses(index: int) -> Array:
        fold = folds[judged[index].fold]
        return row_losses(recipes[judged[index].fold], trainings[index].params, fold.rows, fold.validation)

    weights = [np.asarray(fold.rows.labels)[fold.validation, -1].astype(float) for fold in folds]
    choice = choose(judged, losses=losses, weights=weights, rule=rule, seed=plan.seeds[0])
    return Sweep(_table(judged, trainings), tuple(trainings), choice, plan.axes)


def _members(plan: Plan, fold: Fold) -> tuple[Recipe, list[Member], list[Point]]:
    """The members of one fold and their points; those of one seed share first weights and row order."""
    recipe, knobs = plan.recipe(len(fold.train))
    n_features = fold.rows.x.shape[1]
    weights = {seed: init_network(plan.layers, n_inputs=n_features, seed=seed, dtype=plan.dtype) for seed in plan.seeds}
    pairs = [(point, seed) for point in plan.grid for seed in plan.seeds]
    members = [
        Member(knobs_with(knobs, point)._replace(seed=np.asarray(seed % 2**32, np.uint32)), seed, weights[seed])
        for point, seed in pairs
    ]
    return recipe, members, [point for point, _ in pairs]


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
        n_members, seconds = progress.members, time.perf_counter() - began
        done = fold * n_members + progress.done
        on_progress(progress._replace(done=done, members=n_folds * n_members, seconds=seconds))

    return tell


def _table(judged: Sequence[Judged], trainings: Sequence[Training]) -> pa.Table:
    rows = []
    for member, training in zip(judged, trainings, strict=True):
        at_best = training.history.row(training.best_epoch) if training.best_epoch else {}
        measured = {name: at_best.get(name, float("inf")) for name in ("val_loss", "loss", "penalty")}
        ran = {"best_epoch": training.best_epoch, "epochs": training.history.n_epochs}
        outcome = {"outcome": training.outcome.name.lower()}
        rows.append({**member.point, "seed": member.seed, "fold": member.fold, **measured, **ran, **outcome})
    return pa.Table.from_pylist(rows)
