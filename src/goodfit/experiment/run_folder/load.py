"""Read a run that anyone may have written."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import pyarrow as pa
import safetensors

from goodfit.arrays import Array
from goodfit.data.encoder import Encoder
from goodfit.data.splits.splits import Splits
from goodfit.errors import GoodFitError, RunError
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.measure import Measurements
from goodfit.experiment.prepare import TASKS, layers_for
from goodfit.experiment.run_folder.arrays import Spec, params_of, parse, validate_size, weight_specs
from goodfit.experiment.run_folder.consistency import validate
from goodfit.experiment.run_folder.layout import (
    ENSEMBLE_FILES,
    FILES,
    FORMAT,
    JSON_LIMIT,
    SWEEP_FILES,
    read_recorded,
    validate_sizes,
    without_checksum,
)
from goodfit.experiment.run_folder.record import Record, SweepRecord
from goodfit.experiment.run_folder.summary import Summary
from goodfit.experiment.run_folder.sweep_arrays import curve_specs, sweep_from, trial_specs
from goodfit.experiment.run_folder.typed import decode
from goodfit.experiment.run_path import SUMMARY, is_interrupted, no_run
from goodfit.experiment.settings import Settings, settings_from
from goodfit.files import read_file
from goodfit.formatting import printable
from goodfit.holdout.seal import Seal
from goodfit.nn.layers import Layer
from goodfit.training.fit import Outcome, Training
from goodfit.training.history import History, column_names
from goodfit.training.recipe import make_recipe

DAMAGE = (
    GoodFitError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    msgspec.MsgspecError,
    pa.ArrowException,
    safetensors.SafetensorError,
)
"""What reading a damaged file can raise."""
Arrays = Callable[[str, Mapping[str, Spec]], Mapping[str, Array]]


class _Format(msgspec.Struct):
    """The one entry that every format has; the others are ignored."""

    format: int


def load_run(folder: Path) -> Record:
    """Read a run folder.

    Raises:
        RunError: there is none, it is of another format, or a file is missing or damaged.
    """
    try:
        content = read_file(folder / SUMMARY, limit=JSON_LIMIT)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise no_run(folder) from error
    except OSError as error:
        raise RunError(
            f"{folder} cannot be read (run.json: {error.strerror}): name the folder of a training."
        ) from error
    try:
        return _read(folder, parsed_summary(content, folder))
    except RunError:
        raise
    except DAMAGE as error:
        reason = printable(error, longest=300)
        advice = f"resume its training with resume={str(folder)!r}" if is_interrupted(folder) else "train again"
        raise RunError(f"{folder} is damaged ({reason or type(error).__name__}): {advice}.") from error


def parsed_summary(content: bytes, path: Path) -> Summary:
    """Return what the ``run.json`` at this path says.

    Raises:
        RunError: it is of another format. One of ``DAMAGE``: it is damaged.
    """
    found = msgspec.json.decode(content, type=_Format).format
    if found != FORMAT:
        raise RunError(
            f"{path} has run format {found}, but this goodfit reads {FORMAT}: "
            "open it with the version that wrote it, or train again."
        )
    return decode(without_checksum(content), Summary)


def _read(folder: Path, summary: Summary) -> Record:
    expected = {*FILES, *(SWEEP_FILES if summary.selection else ()), *(ENSEMBLE_FILES if summary.ensemble else ())}
    if set(summary.files) != expected:
        raise ValueError(f"{SUMMARY} names other files than its run has")
    validate_sizes(folder, summary.files)

    def text(name: str) -> bytes:
        return read_recorded(folder, name, summary.files[name])

    def arrays(name: str, specs: Mapping[str, Spec]) -> Mapping[str, Array]:
        validate_size(name, summary.files[name].size, specs)
        return parse(name, text(name), specs)

    if set(summary.settings) != {f.name for f in fields(Settings)}:
        raise ValueError("the settings are not complete")
    settings = settings_from(summary.settings)
    encoder = msgspec.json.decode(text("encoder.json"), type=Encoder)
    layers = layers_for(settings, summary.target)
    sweep, history = _curves(summary, settings, layers, arrays)
    splits = _splits(summary, arrays)
    n_inputs = len(encoder.feature_names)
    specs = weight_specs("best", layers, n_inputs) | weight_specs("last", layers, n_inputs)
    weights = arrays("weights.safetensors", specs)
    best, last = (params_of(prefix, layers, n_inputs, weights) for prefix in ("best", "last"))
    ensemble = decode(text("ensemble.json"), KeptEnsemble) if summary.ensemble else None
    record = Record(
        settings=settings,
        source=summary.source,
        source_file=summary.source_file,
        machine=summary.machine,
        fingerprint=summary.fingerprint,
        n_rows=summary.splits.n_rows,
        schema=summary.schema,
        splits=splits,
        encoder=encoder,
        target=summary.target,
        seal=Seal(tuple(splits.test.tolist()), summary.splits.seal) if summary.splits.seal is not None else None,
        training=Training(best, last, history, Outcome[summary.outcome], summary.best_epoch),
        sweep=sweep,
        ensemble=ensemble and _with_networks(ensemble, layers, arrays, n_trials=summary.n_trials),
        measurements=decode(text("measurements.json"), Measurements),
        created=summary.created,
        versions=summary.versions,
        transfer=summary.transfer,
        streamed=summary.streamed,
    )
    validate(record)
    return record


def _curves(
    summary: Summary, settings: Settings, layers: tuple[Layer, ...], arrays: Arrays
) -> tuple[SweepRecord | None, History]:
    """The sweep, if there is one, and the history of the training."""
    task = TASKS[summary.target.task]
    columns = column_names(make_recipe(layers, loss=task.loss, metrics=task.watched), validation=True)
    curves = arrays("curves.safetensors", curve_specs(columns, summary.n_epochs))
    if summary.selection is None:
        return None, History(curves)
    trials = arrays("trials.safetensors", trial_specs(tuple(settings.space), summary.n_trials))
    sweep = sweep_from(trials, curves, summary.selection, summary.n_planned)
    if not 0 <= summary.selection.trial < summary.n_trials:
        raise ValueError("the selected trial is none of the sweep")
    end, length = (int(of[summary.selection.trial]) for of in (trials["epochs"].cumsum(), trials["epochs"]))
    return sweep, History({name: values[end - length : end] for name, values in curves.items()})


def _splits(summary: Summary, arrays: Arrays) -> Splits:
    found = summary.splits
    sizes = {"train": found.train, "validation": found.validation, "test": found.test}
    rows = arrays("splits.safetensors", {name: Spec("I64", (size,)) for name, size in sizes.items()})
    return Splits.from_arrays(rows, rule=found.rule, seed=found.seed)


def _with_networks(kept: KeptEnsemble, layers: tuple[Layer, ...], arrays: Arrays, *, n_trials: int) -> KeptEnsemble:
    if kept.n_networks > n_trials or kept.n_networks != len(kept.shares) * len(kept.folds):
        raise ValueError("the networks of the ensemble are not those of its trials")
    if any(fold.networks for fold in kept.folds):
        raise ValueError("ensemble.json has networks")
    widths = [len(fold.encoder.feature_names) for fold in kept.folds]
    names = [[f"{fold}.{i}" for i in range(len(kept.shares))] for fold in range(len(kept.folds))]
    specs: dict[str, Spec] = {}
    for width, prefixes in zip(widths, names, strict=True):
        for prefix in prefixes:
            specs |= weight_specs(prefix, layers, width)
    found = arrays("ensemble.safetensors", specs)
    folds = (
        replace(fold, networks=tuple(params_of(prefix, layers, width, found) for prefix in prefixes))
        for fold, width, prefixes in zip(kept.folds, widths, names, strict=True)
    )
    return replace(kept, folds=tuple(folds))
