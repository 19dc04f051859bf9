"""Write a run."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from goodfit.errors import RunError
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.run_folder.arrays import dump, named_weights
from goodfit.experiment.run_folder.layout import FORMAT, with_checksum
from goodfit.experiment.run_folder.record import Record
from goodfit.experiment.run_folder.summary import OutcomeName, SplitsSummary, Summary
from goodfit.experiment.run_folder.sweep_arrays import curve_arrays, trial_arrays
from goodfit.experiment.run_folder.typed import encode
from goodfit.experiment.run_path import SUMMARY
from goodfit.files import mark_of, write_file


def save_run(folder: Path, record: Record) -> None:
    """Write all files of a run, ``run.json`` last, into a folder that is made again if it was removed meanwhile.

    Raises:
        RunError: the disk refuses; the sentence names a temporary folder that has the run, if there is room for it.
    """
    files = run_files(record)
    try:
        _write(folder, files)
    except OSError as error:
        refusal = f"the run cannot be written to {folder} ({error.strerror})"
        try:
            kept = Path(tempfile.mkdtemp(prefix="goodfit-"))
            _write(kept, files)
        except OSError:
            raise RunError(f"{refusal}, nor to a temporary folder: make room on the disk.") from error
        raise RunError(f"{refusal}: it is kept in {kept}, move it from there.") from error


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_file(folder / name, content)


def run_files(record: Record) -> dict[str, bytes]:
    """Return the files of a run, ``run.json`` last."""
    training, sweep = record.training, record.sweep
    files = {
        "encoder.json": encode(record.encoder),
        "measurements.json": encode(record.measurements),
        "splits.safetensors": dump(record.splits.arrays()),
        "weights.safetensors": dump(
            {**named_weights("best", training.params), **named_weights("last", training.last_params)}
        ),
        "curves.safetensors": dump(curve_arrays(sweep) if sweep else training.history),
    }
    if sweep is not None:
        files["trials.safetensors"] = dump(trial_arrays(sweep))
    if record.ensemble is not None:
        files |= _ensemble_files(record.ensemble)
    summary = encode(_summary(record, files))
    return files | {SUMMARY: with_checksum(summary)}


def _ensemble_files(kept: KeptEnsemble) -> dict[str, bytes]:
    without_weights = replace(kept, folds=tuple(replace(fold, networks=()) for fold in kept.folds))
    networks = {f"{fold}.{i}": w for fold, each in enumerate(kept.folds) for i, w in enumerate(each.networks)}
    named = {name: w for prefix, params in networks.items() for name, w in named_weights(prefix, params).items()}
    return {"ensemble.json": encode(without_weights), "ensemble.safetensors": dump(named)}


def _summary(record: Record, files: Mapping[str, bytes]) -> Summary:
    splits, training, sweep = record.splits, record.training, record.sweep
    return Summary(
        format=FORMAT,
        created=record.created,
        versions=record.versions,
        machine=record.machine,
        source=record.source,
        source_file=record.source_file,
        fingerprint=record.fingerprint,
        settings=record.settings.to_json(),
        schema=record.schema,
        splits=SplitsSummary(
            n_rows=record.n_rows,
            **{name: len(rows) for name, rows in splits.arrays().items()},
            rule=splits.rule,
            seed=splits.seed,
            seal=record.seal.digest if record.seal else None,
        ),
        target=record.target,
        outcome=cast(OutcomeName, training.outcome.name),
        best_epoch=training.best_epoch,
        n_trials=sweep.table.num_rows if sweep else 1,
        n_epochs=sweep.curves.num_rows if sweep else training.history.n_epochs,
        n_planned=sweep.n_planned if sweep else 1,
        selection=sweep.selection if sweep else None,
        ensemble=record.ensemble is not None,
        transfer=record.transfer,
        streamed=record.streamed,
        files={name: mark_of(content) for name, content in files.items()},
    )
