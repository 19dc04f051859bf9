"""What is trained on a prepared table: one training, or a grid, and a second grid around the best of the first."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from goodfit.arrays import Array
from goodfit.errors import ConfigError
from goodfit.experiment.fine_tuning import Transfer, frozen
from goodfit.experiment.measure import MeasuredFold
from goodfit.experiment.memory import memory_explained, validate_network_size
from goodfit.experiment.network import make_optimizer
from goodfit.experiment.prepare import TASKS, Prepared, arrays_of, from_scratch, in_unit_of_target, layers_for
from goodfit.experiment.settings import Settings
from goodfit.experiment.start_comparison import Judged, compare_starts, initial_params, judge_config, judge_ensemble
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Layer
from goodfit.nn.network import init_network
from goodfit.search.padding import padded_fold, padded_params, shared_size, unpadded
from goodfit.search.parallel import OnProgress, Progress, RunTrials
from goodfit.search.selection import Selection
from goodfit.search.space import refined
from goodfit.search.sweep import Fold, Sweep, SweepPlan, cross_fitted_losses, plan_sweep, sweep
from goodfit.training.checkpoint import OpenCheckpoints
from goodfit.training.fit import OnEpoch, Outcome, Training, epoch_rows, fit
from goodfit.training.recipe import MAX_UPDATES, Recipe, make_recipe

STOPPED = (Outcome.STOPPED_BY_USER, Outcome.OUT_OF_TIME)
"""Outcomes of a training that can go on."""
OnRefined = Callable[[Settings, Selection], None]
GridName = Literal["first", "second", "scratch", "all"]
OpenGrid = Callable[[GridName], OpenCheckpoints | None]
"""From the name of a grid, or of a single training, to its checkpoints: ``second`` is finer, ``scratch`` is the one
beside a grid that starts from an earlier network, ``all`` are the contenders on all rows of a table in blocks."""


class Watchers(NamedTuple):
    """Whom a training tells how it goes, see ``goodfit.train``, when its time is over, and who trains.

    deadline: in seconds of ``time.monotonic``; None for no end. pool: what trains the trials of a grid in other
    processes; None for this one.
    """

    on_prepared: Callable[[Prepared], None] | None = None
    on_epoch: OnEpoch | None = None
    on_progress: OnProgress | None = None
    on_refined: OnRefined | None = None
    deadline: float | None = None
    pool: RunTrials | None = None


UNWATCHED = Watchers()


class Fitted(NamedTuple):
    """A training, and what it was trained on; of a sweep the winner's.

    folds: the table once for each fold. from_start: whether it starts from an earlier network, not from random weights.
    transfer: how the two compare; None for a training without an earlier network. stopped: whether the user stopped
    another grid that is not kept.
    """

    prepared: Prepared
    fold: Fold
    training: Training
    sweep: Sweep | None
    folds: Sequence[Prepared]
    from_start: bool = False
    transfer: Transfer | None = None
    stopped: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end without being stopped by the user."""
        if self.sweep is None:
            return not self.stopped and self.training.outcome not in STOPPED
        return not (self.stopped or _stopped(self.sweep)) and len(self.sweep.trainings) == self.sweep.n_planned

    def measured_folds(self) -> list[MeasuredFold]:
        """The folds on which the selected config was trained, that of the training first."""
        if self.sweep is None:
            outputs_alone = (self.training.validation_outputs,)
            return [MeasuredFold(self.fold, self.prepared.target, self.prepared.encoder, outputs_alone)]
        outputs: dict[int, list[Array]] = {self.sweep.winner_fold: []}
        for number in self.sweep.selection.chosen.trials:
            outputs.setdefault(self.sweep.results[number].fold, []).append(
                self.sweep.trainings[number].validation_outputs
            )
        return [
            MeasuredFold(self.sweep.folds[k], self.folds[k].target, self.folds[k].encoder, tuple(of_fold))
            for k, of_fold in outputs.items()
        ]


def fit_prepared(
    folds: Sequence[Prepared],
    watched: Watchers = UNWATCHED,
    *,
    share_programs: bool = False,
    open_grid: OpenGrid = lambda name: None,
) -> Fitted:
    """Train what the settings ask for: one network, or a grid; with an earlier network from there and from scratch.

    Args:
        share_programs: pad all sizes a little, so that other tables of about the same size compile nothing.
        open_grid: where the trainings are kept while they run, and from where they go on.
    """
    for each in folds:
        layers = layers_for(each.settings, each.target)
        validate_network_size(layers, len(each.encoder.feature_names))
    with memory_explained():
        if folds[0].start is not None:
            return _fit_both(folds, watched, open_grid)
        if folds[0].settings.sweeps:
            return fit_grid(folds, watched, share_programs=share_programs, checkpoints=open_grid("first"))
        size = shared_size if share_programs else int
        return fit_once(folds[0], watched, size=size, checkpoints=open_grid("first"))


def fit_all(
    folds: Sequence[Prepared], watched: Watchers, *, refine: bool, open_grid: OpenGrid = lambda name: None
) -> Fitted:
    """Train what the settings ask for, and with ``refine`` a second grid."""
    fitted = fit_prepared(folds, watched, open_grid=open_grid)
    return second_grid(fitted, folds, watched, open_grid) if refine else fitted


def _fit_both(folds: Sequence[Prepared], watched: Watchers, open_grid: OpenGrid) -> Fitted:
    """Train from the earlier network and from scratch, and keep what has the lower loss; after Ctrl-C what there is."""
    own = [from_scratch(each) for each in folds]
    first, of_scratch = open_grid("first"), open_grid("scratch")
    if not folds[0].settings.sweeps:
        tuned = fit_once(folds[0], watched, from_start=True, checkpoints=first)
        if not tuned.is_complete:
            return tuned
        return _better_start(tuned, fit_once(own[0], watched._replace(on_epoch=None), checkpoints=of_scratch))
    tell = watched.on_progress
    of_tuned, of_own = (watched._replace(on_progress=tell and _of_two(tell, first=first)) for first in (True, False))
    tuned = fit_grid(folds, of_tuned, from_start=True, checkpoints=first)
    if not tuned.is_complete:
        return tuned
    try:
        scratch = fit_grid(own, of_own, checkpoints=of_scratch)
    except ConfigError:  # nothing in it is finite, so nothing in it is lower
        return tuned
    return _better_start(tuned, scratch)


def _of_two(tell: OnProgress, *, first: bool) -> OnProgress:
    """Report the progress of one of two grids as that of both."""

    def report(progress: Progress) -> None:
        before = 0 if first else progress.trials
        tell(progress._replace(done=before + progress.done, trials=2 * progress.trials))

    return report


def fit_once(
    prepared: Prepared,
    watched: Watchers,
    *,
    size: Callable[[int], int] = int,
    from_start: bool = False,
    checkpoints: OpenCheckpoints | None = None,
) -> Fitted:
    """One training, with every size padded to ``size`` of it."""
    settings, target, fold, on_epoch = prepared.settings, prepared.target, arrays_of(prepared), watched.on_epoch
    n_rows, n_features = fold.rows.x.shape
    recipe = recipe_for(prepared, len(fold.train), from_start=from_start)
    random = init_network(recipe.layers, n_inputs=n_features, seed=settings.seed)
    training = fit(
        recipe,
        padded_fold(fold, size(n_features), size(n_rows)).rows,
        params=padded_params(initial_params(prepared) if from_start else random, size(n_features)),
        train=fold.train,
        validation=fold.validation,
        epochs=settings.epochs,
        seed=settings.seed,
        sizes=(size(len(fold.train)), size(len(fold.validation))),
        on_epoch=on_epoch and (lambda record: on_epoch(in_unit_of_target(record, target))),
        checkpoints=checkpoints and checkpoints(0, [0]),
        deadline=watched.deadline,
    )
    return Fitted(prepared, fold, unpadded(training, n_features), None, [prepared], from_start)


def _trained_layers(prepared: Prepared, *, from_start: bool) -> tuple[Layer, ...]:
    """Return the layers of a training; those that are frozen where it starts from an earlier network."""
    layers = layers_for(prepared.settings, prepared.target)
    return frozen(layers, prepared.settings.freeze) if from_start else layers


def recipe_for(prepared: Prepared, n_train: int, *, from_start: bool = False) -> Recipe:
    """The recipe of a single training on so many rows."""
    settings, target = prepared.settings, prepared.target
    batch_size = settings.rows_per_update(len(prepared.splits.known))
    _, n_ordered = epoch_rows(n_train, batch_size, MAX_UPDATES)
    return make_recipe(
        _trained_layers(prepared, from_start=from_start),
        optimizer=make_optimizer(settings),
        loss=TASKS[target.task].loss,
        metrics=TASKS[target.task].watched,
        batch_size=batch_size,
        max_updates=MAX_UPDATES,
        early_stopping=EarlyStopping(patience=settings.patience),
        total_steps=settings.epochs * -(-n_ordered // batch_size),
        seed=settings.seed,
    )


def plan_for(prepared: Prepared, *, from_start: bool = False) -> SweepPlan:
    """The grid that the settings ask for."""
    settings, target = prepared.settings, prepared.target
    return plan_sweep(
        _trained_layers(prepared, from_start=from_start),
        optimizer=make_optimizer(settings),
        loss=TASKS[target.task].loss,
        metrics=TASKS[target.task].watched,
        space=settings.space,
        batch_size=settings.rows_per_update(len(prepared.splits.known)),
        epochs=settings.epochs,
        early_stopping=EarlyStopping(patience=settings.patience),
        seeds=settings.seeds,
        seed=settings.seed,
        max_updates=MAX_UPDATES,
    )


def fit_grid(
    folds: Sequence[Prepared],
    watched: Watchers,
    *,
    share_programs: bool = False,
    from_start: bool = False,
    checkpoints: OpenCheckpoints | None = None,
) -> Fitted:
    """The whole grid on every fold; the winner with the encoder and the splits of its fold."""
    arrays = [arrays_of(prepared) for prepared in folds]
    settings = folds[0].settings
    found = sweep(
        plan_for(folds[0], from_start=from_start),
        arrays,
        rule=settings.choice,
        race=settings.races,
        share_programs=share_programs,
        starts=[initial_params(each) for each in folds] if from_start else None,
        on_progress=watched.on_progress,
        checkpoints=checkpoints,
        deadline=watched.deadline,
        pool=watched.pool,
    )
    winner = found.winner_fold
    return Fitted(folds[winner], arrays[winner], found.winner, found, folds, from_start)


def second_grid(first: Fitted, folds: Sequence[Prepared], watched: Watchers, open_grid: OpenGrid) -> Fitted:
    """The winner of a second grid where the best of the first lies, if its best is lower; else that of the first.

    There is none after Ctrl-C or the end of the time, and none where no axis has two values to go on from.
    """
    if first.sweep is None or _stopped(first.sweep):
        return first
    space, selection = refined(first.sweep.space, first.sweep.selection), first.sweep.selection
    if space == first.sweep.space:
        return first
    settings = replace(folds[0].settings, l2=space["l2"], learning_rate=space["learning_rate"])
    if watched.on_refined is not None:
        watched.on_refined(settings, selection)
    try:
        changed = [replace(prepared, settings=settings) for prepared in first.folds]
        second = fit_grid(changed, watched, from_start=first.from_start, checkpoints=open_grid("second"))
    except ConfigError:  # nothing in it is finite, so nothing in it is lower
        return first
    if second.sweep is None or second.sweep.selection.best.mean >= selection.best.mean:
        return first._replace(stopped=not second.is_complete)
    return second._replace(transfer=first.transfer)


def _stopped(found: Sweep) -> bool:
    return any(training.outcome in STOPPED for training in found.trainings)


def _better_start(tuned: Fitted, scratch: Fitted) -> Fitted:
    """Return the training of the two that has the lower validation loss, with the comparison of both."""
    if not (tuned.training.best_epoch and scratch.training.best_epoch):
        kept, where = (tuned, "from scratch") if tuned.training.best_epoch else (scratch, "from the earlier network")
        warnings.warn(f"The training {where} diverged: it is not compared with the other.", UserWarning, stacklevel=5)
        return kept
    transfer = compare_starts(tuned.folds, _judged(scratch), _judged(tuned))
    better = tuned if transfer.selected else scratch
    return better._replace(transfer=transfer, stopped=not scratch.is_complete)


def _judged(fitted: Fitted) -> Sequence[Judged]:
    """What is kept of a training or a grid, as its validation rows judge it."""
    settings, target, found = fitted.prepared.settings, fitted.prepared.target, fitted.sweep
    if found is None:
        recipe = make_recipe(layers_for(settings, target), loss=TASKS[target.task].loss)
        losses = cross_fitted_losses(recipe, fitted.training, fitted.fold).astype(float)
        return [Judged(0, fitted.fold, settings.seed, losses)]
    return list(judge_ensemble(found.ensemble(), found.folds) if settings.keep == "ensemble" else judge_config(found))
