"""Trials on more rows than fit in memory: all of them take each buffer of rows in turn.

One pass over the rows feeds all trials. An epoch is the training on one buffer, at most ``MAX_UPDATES`` updates; then
the trials are evaluated on fixed validation rows, and early stopping counts as it does in memory. Where one buffer
holds all training rows, the losses are those of the training in memory.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import jax
import numpy as np

from goodfit.arrays import Array
from goodfit.nn.network import init_network
from goodfit.nn.packing import layout_of
from goodfit.search.choices import SelectionRule
from goodfit.search.parallel import Fold, OnProgress, ParallelTrials, Progress, Trial, make_advance
from goodfit.search.racing import find_contenders
from goodfit.search.selection import TrialResult, select_among
from goodfit.search.stages import Stage
from goodfit.search.sweep import Sweep, SweepPlan, cross_fitted_loss, train_rows, trials_table, validation_weights
from goodfit.training.checkpoint import Checkpoints, OpenCheckpoints
from goodfit.training.evaluation import Dataset, EvaluationRows
from goodfit.training.fit import OnEpoch, Training, evaluation_rows
from goodfit.training.interrupt import Interruption, interruptible
from goodfit.training.recipe import MAX_UPDATES


class Rows(Protocol):
    """Training rows, inputs and then labels, of which only a buffer is in memory; see ``goodfit.data.row_store``."""

    @property
    def n_rows(self) -> int: ...

    def buffers(self, size: int, *, first: int = 0) -> Iterator[Array]: ...


class Stream(NamedTuple):
    """All training rows, a sample of the table in memory, and the number of rows in a buffer.

    sample: its validation rows evaluate the trials, and of its training rows the loss is measured.
    """

    rows: Rows
    sample: Fold
    buffer_rows: int

    @property
    def is_whole(self) -> bool:
        """Whether one buffer holds all rows."""
        return self.buffer_rows == self.rows.n_rows


def buffer_size(n_rows: int, batch_size: int, max_rows: int) -> int:
    """Return the number of rows of a buffer: all, or whole batches.

    >>> buffer_size(500, 32, 1_000), buffer_size(5_000, 32, 1_000), buffer_size(10**6, 32, 10**6)
    (500, 992, 32000)
    """
    most = min(max_rows, MAX_UPDATES * batch_size)
    return n_rows if n_rows <= most else max(batch_size, most // batch_size * batch_size)


def stream_trials(
    trials: Sequence[Trial],
    stream: Stream,
    *,
    epochs: int,
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
    interrupted: Interruption,
    checkpoints: Checkpoints | None = None,
) -> list[Training | None]:
    """Train on all rows of a stream; arguments and result as ``run_trials``.

    Args:
        epochs: most buffers. on_epoch: called with the record of the first trial after every epoch.
    """
    recipe, seed, params = trials[0]
    size, layout, began = stream.buffer_rows, layout_of(params), time.perf_counter()
    rows, evaluated = _with_room(stream, seed)
    fold = Fold(rows, np.arange(size), np.asarray(evaluated.validation))
    with jax.enable_x64(recipe.dtype == "float64"):
        running = ParallelTrials(
            trials,
            fold,
            evaluated,
            epochs=epochs,
            shuffle=True,
            n_trials=len(trials),
            checkpoints=checkpoints,
            max_chunk=1,
        )
        done = min((int(running.states.epoch[slot]) for slot, _ in running.occupied()), default=0)
        buffers = stream.rows.buffers(size, first=done)
        while running.occupied():
            buffer = next(buffers)
            rows.x[:size], rows.labels[:size] = np.split(buffer, [rows.x.shape[1]], axis=1)
            running.advance = make_advance(layout, rows, evaluated)
            running.advance_chunk()
            if on_epoch is not None:
                on_epoch(_last_record(running))
            if on_progress is not None:
                on_progress(running.progress(time.perf_counter() - began))
            if interrupted.is_set():
                break
            running.save_if_due()
        running.save()
        return running.trainings(interrupted.code)


def _last_record(running: ParallelTrials) -> Mapping[str, float]:
    """The record of the latest epoch of the first trial."""
    if (training := running.found[0]) is not None:
        return list(training.history.rows())[-1]
    records = running.records[0]
    return {"epoch": sum(map(len, records)), **dict(zip(running.names, records[-1][-1].tolist(), strict=True))}


def _with_room(stream: Stream, seed: int) -> tuple[Dataset, EvaluationRows]:
    """The rows of a data set in which the first ones are to be filled in, and which of its rows are evaluated."""
    sample, size = stream.sample, stream.buffer_rows
    fixed = np.asarray(sample.validation)
    if not stream.is_whole:
        train = evaluation_rows(sample.train, sample.validation, seed=seed).train
        fixed = np.concatenate([fixed, np.asarray(train)])
    x, labels = np.asarray(sample.rows.x), np.asarray(sample.rows.labels)
    rows = Dataset(
        np.empty((size + len(fixed), x.shape[1]), x.dtype), np.zeros((size + len(fixed) + 1, labels.shape[1]), x.dtype)
    )
    rows.x[size:], rows.labels[size:-1] = x[fixed], labels[fixed]
    validation, train = np.split(np.arange(size, size + len(fixed)), [len(sample.validation)])
    return rows, evaluation_rows(np.arange(size) if stream.is_whole else train, validation, seed=seed)


def train_contenders(
    found: Sweep,
    plan: SweepPlan,
    stream: Stream,
    *,
    rule: SelectionRule,
    most: int = 4,
    on_progress: OnProgress | None = None,
    checkpoints: OpenCheckpoints | None = None,
    deadline: float | None = None,
) -> Sweep:
    """Train the contenders of a sweep on all rows, from their initial weights, and select among them.

    Their trials are those of one more rung, with the validation rows of the sample.

    Args:
        found: the sweep on the sample.
        most: number of configs that are trained on all rows.
    """
    configs = find_contenders(found.rung_tables()[-1], rule, most)[:most]
    pairs = [(config, seed) for config in configs for seed in plan.seeds]
    n_inputs = stream.sample.rows.x.shape[1]
    weights = {seed: init_network(plan.layers, n_inputs=n_inputs, seed=seed, dtype=plan.dtype) for seed in plan.seeds}
    recipes = plan.recipes(pairs, stream.buffer_rows)
    trials = [Trial(recipe, seed, weights[seed]) for recipe, (_, seed) in zip(recipes, pairs, strict=True)]
    places = [_place(plan, config, seed) for config, seed in pairs]
    with interruptible(saves=checkpoints is not None, deadline=deadline) as interrupted:
        trainings = stream_trials(
            trials,
            stream,
            epochs=plan.epochs,
            on_progress=on_progress and _as_last_rung(on_progress, plan, places, found),
            interrupted=interrupted,
            checkpoints=checkpoints and checkpoints(1, places),
        )
    return _with_rung(found, pairs, trainings, stream, rule, plan)


def _place(plan: SweepPlan, config: Mapping[str, float], seed: int) -> int:
    """The place of a config and seed among all of the plan."""
    return plan.grid.index(dict(config)) * len(plan.seeds) + plan.seeds.index(seed)


def _as_last_rung(tell: OnProgress, plan: SweepPlan, places: Sequence[int], found: Sweep) -> OnProgress:
    """Report the progress on all rows as progress of the whole sweep."""
    n_before, rung = len(found.trainings), found.stages[-1].rung + 1

    def report(progress: Progress) -> None:
        values = np.full(len(plan.grid) * len(plan.seeds), np.inf)
        values[list(places)] = progress.values
        done, trials = n_before + progress.done, n_before + progress.trials
        tell(progress._replace(done=done, trials=trials, values=values, rung=rung))

    return report


def _with_rung(
    found: Sweep,
    pairs: Sequence[tuple[Mapping[str, float], int]],
    trainings: Sequence[Training | None],
    stream: Stream,
    rule: SelectionRule,
    plan: SweepPlan,
) -> Sweep:
    """The sweep with the trials on all rows, by which the config is selected unless all of them diverged."""
    rung, weights = found.stages[-1].rung + 1, validation_weights(stream.sample)
    results, every = list(found.results), list(found.trainings)
    for (config, of_seed), training in zip(pairs, trainings, strict=True):
        if training is not None:
            value = cross_fitted_loss(found.recipe, training, stream.sample, weights)
            results.append(TrialResult(config, 0, of_seed, value, rung))
            every.append(training)
    n_planned = found.n_planned + len(pairs)
    new = results[len(found.results) :]
    if len(new) < len(pairs) or not np.isfinite([result.value for result in new]).any():
        return replace(found, n_planned=n_planned)
    n_train = {**train_rows(found.stages), (rung, 0): stream.rows.n_rows}
    complete = replace(
        found,
        table=trials_table(results, every, n_train),
        trainings=tuple(every),
        n_planned=n_planned,
        results=tuple(results),
        stages=(*found.stages, Stage(stream.sample, rung=rung)),
    )
    selection = select_among(complete.rung_tables(), rule=rule, seed=plan.seeds[0])
    of_selected = plan.recipe(selection.chosen.config, stream.buffer_rows, seed=results[selection.trial].seed)
    return replace(complete, selection=selection, recipe=of_selected)
