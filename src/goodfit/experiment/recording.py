"""From a finished training to what a run keeps of it."""

from dataclasses import replace

import numpy as np

from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.data.target import Target
from goodfit.experiment.decision import Decision
from goodfit.experiment.experiment import Fitted
from goodfit.experiment.goal import Goal
from goodfit.experiment.kept_ensemble import KeptEnsemble, keep_ensemble
from goodfit.experiment.measure import gather
from goodfit.experiment.out_of_fold import OutOfFold, out_of_fold
from goodfit.experiment.prepare import TASKS, in_unit_of_target, layers_for, metrics_of
from goodfit.experiment.run_folder import Record, SweepRecord, curves_table, now, quantiles_table, versions
from goodfit.experiment.settings import Settings
from goodfit.files import FileMark, machine
from goodfit.search.sweep import Sweep
from goodfit.training.evaluation import losses_of
from goodfit.training.fit import Training
from goodfit.training.history import History
from goodfit.training.recipe import Recipe, make_recipe


def record_of(fitted: Fitted, ensemble: KeptEnsemble | None, source: str, file: FileMark | None = None) -> Record:
    """Return everything that a run folder holds, with what is measured for the diagnosis."""
    prepared = fitted.prepared
    settings, table, splits, target = prepared.settings, prepared.table, prepared.splits, prepared.target
    recipe = make_recipe(layers_for(settings, target), loss=TASKS[target.task].loss)
    evidence = gather(
        recipe,
        fitted.training,
        fitted.measured_folds(),
        metrics=metrics_of(target),
        checks=prepared.checks,
        rule=settings.decision_rule,
        seed=settings.seed,
        of_all_folds=ensemble is not None,
    )
    if ensemble is None:
        evidence = replace(evidence, out_of_fold=_row_losses(recipe, fitted))
    decision = evidence.decision if ensemble is None else ensemble.decision
    return Record(
        settings=settings,
        source=source,
        source_file=file if source else None,
        machine=machine(),
        fingerprint=prepared.sealed.fingerprint(table),
        n_rows=prepared.sealed.n_rows,
        schema=table.schema,
        splits=splits,
        encoder=prepared.encoder,
        target=replace(target, threshold=_threshold(settings, decision)),
        seal=prepared.sealed.seal() if len(splits.test) else None,
        training=in_own_unit(fitted.training, target),
        sweep=None if fitted.sweep is None else swept(fitted.sweep, target),
        ensemble=ensemble,
        measurements=evidence,
        created=now(),
        versions=versions(),
        transfer=fitted.transfer,
        streamed=prepared.blocks.sizes if prepared.blocks else None,
    )


def _row_losses(recipe: Recipe, fitted: Fitted) -> OutOfFold:
    """The loss of every validation row of a single network, a squared error in the target's own unit."""
    fold, rows = fitted.fold, fitted.prepared.splits.validation
    y = np.asarray(fold.rows.labels)[fold.validation, :-1]
    losses = losses_of(recipe, y, fitted.training.validation_outputs).astype(float)
    with np.errstate(over="ignore"):  # a target of 1e300 has no squared error
        of_target = losses * np.square(np.float64(fitted.prepared.target.scale))
    return out_of_fold(rows, of_target)


def _threshold(settings: Settings, decision: Decision | None) -> float:
    """The threshold that was chosen, or the one that was given."""
    given = settings.decision_rule
    return decision.threshold if decision else DEFAULT_THRESHOLD if isinstance(given, Goal) else given


def kept(fitted: Fitted, *, measured: bool = True) -> KeptEnsemble | None:
    """Return the ensemble, if one is to be kept and there is more than one training."""
    settings, target = fitted.prepared.settings, fitted.prepared.target
    if fitted.sweep is None or settings.keep == "one":
        return None
    return keep_ensemble(fitted.sweep.ensemble(), fitted.folds, target, settings.seed, measured=measured)


def swept(found: Sweep, target: Target) -> SweepRecord:
    """Return what is kept of a sweep: the table of its trials, their curves, and the choice."""
    histories = [History(in_unit_of_target(training.history, target)) for training in found.trainings]
    weights = quantiles_table([training.params for training in found.trainings])
    return SweepRecord(found.table, curves_table(histories), weights, found.selection, found.n_planned)


def in_own_unit(training: Training, target: Target) -> Training:
    """Return the training with rmse and mae in the unit of the target."""
    return replace(training, history=History(in_unit_of_target(training.history, target)))
