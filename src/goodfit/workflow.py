"""The whole way of a table as a few functions: ``train``, ``dry_run``, ``compare``.

Every door for tables calls these and nothing else.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.data.io.blocks import Blocks
from goodfit.data.table import Source
from goodfit.errors import ConfigError, DataError, DataWarning, ExamError, RunError
from goodfit.experiment.block_training import fit_blocks, prepare_blocks
from goodfit.experiment.budget import seconds_of
from goodfit.experiment.earlier_rows import validate_new_rows
from goodfit.experiment.experiment import Fitted, OnRefined, OpenGrid, Watchers, fit_all, plan_for
from goodfit.experiment.fine_tuning import Start
from goodfit.experiment.learned import what_it_learned
from goodfit.experiment.memory import ran_out_of_memory
from goodfit.experiment.opening import open_table
from goodfit.experiment.prepare import (
    Prepared,
    prepare,
    prepare_folds,
)
from goodfit.experiment.recording import kept, record_of
from goodfit.experiment.resuming import plan_of, resumed_settings, resumed_source, validate_resumed, warn_of_little_room
from goodfit.experiment.run_comparison import RunComparison, compare_records
from goodfit.experiment.run_folder import (
    Journal,
    Plan,
    Record,
    claimed,
    save_run,
)
from goodfit.experiment.settings import Settings, apply_change, settings_from
from goodfit.files import FileMark, is_stream
from goodfit.formatting import cut, join
from goodfit.reporting.spelling import keywords
from goodfit.run import Run, ledger_of, load, model_hash
from goodfit.search.dask_cluster import pool_of
from goodfit.search.executors import MakeExecutor, WorkersLost
from goodfit.search.parallel import OnProgress, SweepCost
from goodfit.search.sweep import estimate_sweep
from goodfit.status_line import StatusLine
from goodfit.training.callbacks import call_each
from goodfit.training.fit import OnEpoch


class _Default(str):
    """The default of an argument; the same text, given by a user, is another object."""


DEFAULT_TABLE: str = _Default("breast_cancer")


def train(
    table: object = DEFAULT_TABLE,
    target: str | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    on_prepared: Callable[[Prepared], None] | None = None,
    on_epoch: OnEpoch | None = None,
    on_progress: OnProgress | None = None,
    on_refined: OnRefined | None = None,
    refine: bool = False,
    budget: float | str | None = None,
    start: "Run | str | Path | None" = None,
    executor: Executor | MakeExecutor | None = None,
    cluster: str | None = None,
    insecure: bool = False,
    verbose: str | int = "auto",
    **settings: Any,  # noqa: ANN401
) -> Run:
    """Train on a table: 64 % of the rows teach, 16 % choose, 20 % are sealed for the exam.

    By default the guide's grid of ``l2`` and ``learning_rate``: 30 configs, from which validation rows select. On up to
    5,000 known rows the configs in doubt are trained on four more folds, so that every known row judges them. What
    predicts is an ensemble of the best configs; ``keep="one"`` keeps a single network. One value for each makes it a
    single training.

    Args:
        table: a path, a built-in name, a data frame, a dict of columns, an array, or a ``Table``. Not needed with
            ``resume``, unless the table was in memory.
        target: the column to predict; by default the one that is called ``target``.
        out: folder for the run; None keeps it in memory. While the training runs, the folder holds its journal, from
            which a training that was killed is resumed.
        resume: folder of a training that was interrupted. It goes on with its own settings, and the result is the same
            bit for bit as without the interruption.
        on_prepared: told what was understood, before the first epoch; who takes it shows the data checks, too, which
            are warnings otherwise (``goodfit.DataWarning``).
        on_epoch: told of every epoch of a single training.
        on_progress: told how far a sweep is.
        on_refined: told the settings of the second grid and the choice among the first, before it is trained.
        refine: train a second grid where the best of the first lies (see ``Run.refined_space``), and choose among that
            one if its lowest loss is lower still. The settings of the run are then those of the second grid.
        budget: the time after which the search ends with the best so far, in seconds or as ``"90s"``, ``"5m"``,
            ``"2h"``, counted from this call; measurements and report come after it. With ``out``, ``resume`` goes on.
        start: an earlier run or its folder, whose network the training starts from; see docs/fine-tuning.md. Everything
            is trained from scratch as well, and ``Run.transfer`` says what the earlier network bought.
        executor: trains the trials of the search in other processes, with the same result bit for bit: an executor of
            ``concurrent.futures``, such as a ``ProcessPoolExecutor`` whose processes are spawned, or a function that
            returns one and is called again when its workers are lost; see docs/scale.md.
        cluster: trains them on a Dask cluster: ``local:4`` starts four processes on this machine, and
            ``tls://host:8786`` is the address of a scheduler.
        insecure: let ``cluster`` be the address of another machine without encryption, ``tcp://host:8786``.
        verbose: 1 shows on stderr how far the training is: in a terminal or notebook a line that is replaced in place,
            elsewhere a new one every ten seconds. 0 shows nothing; ``auto`` is 1 in a terminal or notebook.
        settings: l2, learning_rate, hidden, dropout, epochs, patience, split, seed and more; see ``goodfit.Settings``.

    Raises:
        DataError, SplitError, ConfigError, RunError: one sentence that names the column, row or argument.

    >>> run = train("iris", l2=0.001, learning_rate=0.01, epochs=30, seed=1)
    >>> len(run.splits.train), len(run.splits.validation), len(run.splits.test)
    (96, 24, 30)
    """
    deadline = None if budget is None else time.monotonic() + seconds_of(budget)
    with StatusLine(verbose) as line, pool_of(executor, cluster, insecure=insecure) as pool:
        if line.is_on:
            on_epoch, on_progress = call_each([line.epoch, on_epoch]), call_each([line.step, on_progress])
        watched = Watchers(on_prepared, on_epoch, on_progress, on_refined, deadline, pool)
        earlier = load(start) if isinstance(start, str | Path) else start
        if resume is not None:
            if out is not None:
                raise ConfigError("Give out or resume, not both: a training that is resumed stays in its folder.")
            given = {**settings, "target": target, "refine": refine}
            return _resume(Path(resume), table, given, watched, earlier)
        choices = _choices(settings, earlier)
        if out is None:
            found = open_table(table, choices)
            prepared = _prepared(found, target, choices, earlier)
            fitted = _told_and_fitted(prepared, watched, refine=refine)
            record = _record(fitted, _source(table, found), found.file, deadline)
            return Run(record, ledger_of(None, record), prepared.table, prepared.sealed)
        choices.to_json()  # a splitter object is refused before the training
        with claimed(Path(out)):
            found = open_table(table, choices)
            prepared = _prepared(found, target, choices, earlier)
            plan = plan_of(prepared, _source(table, found), found.file, refine=refine, start=_named(earlier))
            return _train(Path(out), plan, prepared, watched)


def _record(fitted: Fitted, source: str, file: FileMark | None, deadline: float | None) -> Record:
    """What a run folder holds, with what the model learned from each column, unless the user has stopped it."""
    ensemble = kept(fitted)
    record = record_of(fitted, ensemble, source, file)
    is_out_of_time = deadline is not None and time.monotonic() >= deadline
    if not (fitted.is_complete or is_out_of_time):
        return record
    learned = replace(record.measurements, importance=what_it_learned(fitted, ensemble))
    return replace(record, measurements=learned)


def _resume(folder: Path, table: object, given: Mapping[str, Any], watched: Watchers, earlier: "Run | None") -> Run:
    """Go on with a training; see ``train``."""
    plan = Journal(folder).plan()
    settings = resumed_settings(folder, plan, given)
    if earlier is None and plan.start is not None:
        if not plan.start:
            raise RunError(f"The training in {folder} started from a run in memory: give that run again as start.")
        earlier = load(plan.start)
    with claimed(folder, resume=True):
        given_again = None if table is DEFAULT_TABLE else open_table(table, settings)
        found = given_again or resumed_source(plan)
        prepared = _prepared(found, plan.target, settings, earlier)
        now = plan_of(prepared, plan.source, plan.source_file, refine=plan.refine, start=_named(earlier))
        validate_resumed(folder, plan, now)
        return _train(folder, plan, prepared, watched)


def _train(folder: Path, plan: Plan, prepared: Prepared, watched: Watchers) -> Run:
    """Train into a folder that is claimed, and go on from what its journal holds."""
    journal = Journal(folder)
    journal.begin(plan)
    try:
        fitted = _told_and_fitted(prepared, watched, refine=plan.refine, open_grid=journal.of_grid, folder=folder)
    except ConfigError as error:
        if not ran_out_of_memory(error):  # it would be the same again
            journal.remove()
        raise
    except WorkersLost as error:
        raise RunError(f"{error} What has finished is kept: resume with resume={str(folder)!r}.") from error
    record = replace(_record(fitted, plan.source, plan.source_file, watched.deadline), created=plan.created)
    save_run(folder, record)
    if fitted.is_complete:
        journal.remove()
    return Run(record, ledger_of(folder, record), prepared.table, prepared.sealed, folder)


def _told_and_fitted(
    prepared: Prepared,
    watched: Watchers,
    *,
    refine: bool,
    open_grid: OpenGrid = lambda name: None,
    folder: Path | None = None,
) -> Fitted:
    """Tell what was understood, or warn of it, and train.

    folder: of the run, for its files and temporary ones.
    """
    if watched.pool is not None and not prepared.settings.sweeps:
        raise ConfigError("A single training has no trials to distribute: leave out executor and cluster.")
    folds = prepare_folds(prepared)
    if folder is not None:
        warn_of_little_room(folder, _cost(folds))
    if watched.on_prepared is not None:
        watched.on_prepared(prepared)
    else:
        _warn_of(prepared)
    if prepared.blocks is not None:
        return fit_blocks(prepared, watched, refine=refine, open_grid=open_grid, folder=folder)
    return fit_all(folds, watched, refine=refine, open_grid=open_grid)


def _named(earlier: Run | None) -> tuple[str, str] | None:
    """The absolute path of an earlier run and the hash of its network."""
    if earlier is None:
        return None
    return str(earlier.path.absolute()) if earlier.path else "", model_hash(earlier.training.params)


def _warn_of(prepared: Prepared) -> None:
    """Say what the data checks found, but for notes, each with the argument that fixes it and what is set."""
    for check in prepared.checks:
        if check.severity != "note":
            changed = apply_change(prepared.settings, check.change)
            values = {name: getattr(changed, name) for name in check.change}
            words = keywords({name: list(x) if isinstance(x, tuple) else x for name, x in values.items()})
            fix = f" Try {', '.join(words)}." if words else ""
            warnings.warn(f"data check {check.code!r}: {check.sentence}{fix}", DataWarning, stacklevel=4)


def dry_run(
    table: object = "breast_cancer",
    target: str | None = None,
    *,
    on_prepared: Callable[[Prepared], None] | None = None,
    start: "Run | str | Path | None" = None,
    **settings: Any,  # noqa: ANN401
) -> SweepCost:
    """Return what ``train`` with these arguments would take, without training.

    ``trials``: number of trainings; ``parallel``: how many run at a time; ``running_bytes`` and ``kept_bytes``: memory
    of the running ones and of all results; ``compilations``: of the training program. A second grid takes the same
    again, except for the compilations.

    Raises:
        DataError, SplitError, ConfigError: as ``train``.

    >>> dry_run("iris", hidden=(8,), seeds=2, folds=1).trials
    60
    """
    earlier = load(start) if isinstance(start, str | Path) else start
    choices = _choices(settings, earlier)
    found = open_table(table, choices)
    prepared = _prepared(found, target, choices, earlier)
    folds = prepare_folds(prepared)
    if on_prepared is not None:
        on_prepared(prepared)
    return _cost(folds)


def _cost(folds: Sequence[Prepared]) -> SweepCost:
    """What training these folds would take; from an earlier run everything is trained from scratch, too."""
    n_features = max(len(fold.encoder.feature_names) for fold in folds)
    n_train = [len(fold.splits.train) for fold in folds]
    plan, races = plan_for(folds[0]), folds[0].settings.races
    cost = estimate_sweep(plan, n_features=n_features, n_train=n_train, race=races)
    return cost._replace(trials=2 * cost.trials, kept_bytes=2 * cost.kept_bytes) if folds[0].start else cost


def compare(*runs: Run | str | Path, out: str | Path | None = None, overwrite: bool = False) -> RunComparison:
    """Compare runs on one target with the first of them, by the rows that judged them, never by the exam.

    Each of these rows is predicted by networks that were not trained on it. Runs on the same table are compared row by
    row where they share rows; others as independent samples.

    Args:
        runs: two or more, or their folders.
        out: an HTML file with the gains and the curves of all.
        overwrite: whether an existing file is replaced.

    Raises:
        RunError: fewer than two, they predict different targets, or the file cannot be written.

    >>> few = {"epochs": 5, "learning_rate": 0.01}
    >>> found = compare(train("iris", l2=0.0, **few), train("iris", l2=1.0, **few))
    >>> found.runs[1].gain.n_rows, found.runs[1].gain.word
    (24, 'worse')
    """
    loaded = [run if isinstance(run, Run) else load(run) for run in runs]
    names = [str(run.path) if run.path else f"run {place}" for place, run in enumerate(loaded, start=1)]
    records = [run.record for run in loaded]
    found = compare_records(names, records)
    if out is not None:
        page = import_module("goodfit.reporting.comparison_page")  # loaded when it is needed: altair takes long
        page.write_comparison(found, records, Path(out), overwrite=overwrite)
    return found


def _choices(given: Mapping[str, Any], earlier: Run | None) -> Settings:
    """The settings of a training, with the layers of the earlier network that it starts from."""
    if earlier is not None:
        return settings_from(_start_of(earlier).settings(given))
    choices = settings_from(given)
    if choices.freeze:
        raise ConfigError("freeze keeps layers of an earlier run: give start, or leave it out.")
    return choices


def _start_of(run: Run) -> Start:
    """The selected network of a run, for a training to start from."""
    record, settings = run.record, run.settings
    name = "" if run.path is None else str(run.path)
    return Start(settings.hidden, settings.activation, record.target, record.encoder, record.training.params, name)


def _prepared(found: Source | Blocks, target: str | None, settings: Settings, earlier: Run | None) -> Prepared:
    """What is known of a table before the first epoch."""
    if isinstance(found, Blocks):
        if earlier is not None:
            raise ConfigError("A training that starts from an earlier run needs its table in memory: leave out memory.")
        columns = Source(found.schema.empty_table(), found.name)
        return prepare_blocks(found, _target_name(columns, target), settings)
    if earlier is None:
        return prepare(found, _target_name(found, target), settings)
    start = _start_of(earlier)
    found = replace(found, kinds={**start.kinds(found.names), **found.kinds})
    prepared = prepare(found, _target_name(found, target or start.target.name), settings, start=start)
    if earlier.record.seal is None:
        return prepared
    try:
        validate_new_rows(prepared, earlier.record, earlier._sealed_rows(None))
    except ExamError as error:
        reason = str(error).rstrip(".")
        warnings.warn(f"Rows of the earlier run's exam cannot be recognised: {reason}.", UserWarning, stacklevel=4)
    return prepared


def _target_name(table: Source, target: object) -> str:
    if not isinstance(target, str | None):
        unnamed = "columns without names are called column_1, column_2, …"
        said = unnamed if np.isscalar(target) else "put y into the table, or give arrays to Sequential"
        raise DataError(f"target must be the name of a column, not {cut(repr(target), 40)}: {said}.")
    if target is None and "target" not in table.names:
        among = join(map(repr, table.names), most=20)
        raise DataError(f"Name the column to predict with target='NAME'. The columns are {among}.")
    table.validate_names([target or "target"], "target")
    return target or "target"


def _source(table: object, found: Source | Blocks) -> str:
    """Where the exam can read the table again: an absolute path or a built-in name; "" for none."""
    if not isinstance(table, str | Path) or is_stream(table):
        return ""
    return str(table) if found.file is None else str(Path(table).expanduser().absolute())
