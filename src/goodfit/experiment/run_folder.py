"""A run is a folder: everything a training learned, in files that anyone can read and that hold no code and no rows.

run.json              everything else, and the SHA-256 of these; written last, so that a run is whole or not there
encoder.json          what the columns became
splits.safetensors     row numbers of train, validation and test
weights.safetensors   best.<layer>.<name> and last.<layer>.<name>
ensemble.json         of an ensemble, its configs with their weights, its scores, and the encoders of the folds
ensemble.safetensors  of an ensemble, <fold>.<network>.<layer>.<name>
history.csv           one row for each epoch
measurements.json         what was measured of the network on training and validation rows
sweep.csv             of a sweep, one row for each trial
curves.parquet        of a sweep, one row for each trial and epoch
quantiles.parquet     of a sweep, how the weights of each trial are distributed
ledger.jsonl          openings of the exam; written by the exam, not here
"""

import hashlib
import json
import math
import os
import platform
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import safetensors
import safetensors.numpy

from goodfit.data.encoder import Encoder
from goodfit.data.splits.splits import Splits
from goodfit.data.table import Column
from goodfit.data.target import Target
from goodfit.errors import GoodFitError, RunError
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.measure import Measurements
from goodfit.experiment.settings import Settings, settings_from
from goodfit.holdout.seal import Seal
from goodfit.nn.arrays import Params
from goodfit.search.selection import ConfigResult, Contrast, Gain, Selection
from goodfit.training.fit import Outcome, Training
from goodfit.training.history import History

FORMAT = 6
FILES = ("encoder.json", "splits.safetensors", "weights.safetensors", "history.csv", "measurements.json")
SWEEP_FILES = ("sweep.csv", "curves.parquet", "quantiles.parquet")
ENSEMBLE_FILES = ("ensemble.json", "ensemble.safetensors")
DAMAGE = (
    GoodFitError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    pa.ArrowException,
    safetensors.SafetensorError,
)
"""What reading a damaged file can raise."""
PACKAGES = ("goodfit", "jax", "jaxlib", "numpy", "pyarrow", "scikit-learn")


@dataclass(frozen=True)
class Record:
    """What a run folder holds, but for the ledger.

    source: where the table can be read again, a path or a built-in name, or "" for one that was in memory.
    fingerprint: of the table's content. schema: its columns as they were understood. seal: None without test rows.
    measurements: what was measured of the network, with metrics of the validation rows.
    """

    settings: Settings
    source: str
    fingerprint: str
    schema: tuple[Column, ...]
    splits: Splits
    encoder: Encoder
    target: Target
    seal: Seal | None
    training: Training
    sweep: "SweepRecord | None"
    ensemble: KeptEnsemble | None
    measurements: Measurements
    created: str
    versions: Mapping[str, str]

    @property
    def validation_scores(self) -> dict[str, float]:
        """Metrics of the validation rows, by the network, in the target's own unit."""
        return {name: value for name, (value, *_) in self.measurements.intervals.items()}

    @property
    def baseline_scores(self) -> Mapping[str, float]:
        """The same metrics by a model without columns."""
        return self.measurements.baseline_scores

    @property
    def known_scores(self) -> Mapping[str, float]:
        """Metrics of what predicts: of the ensemble on all known rows, or of the network on the validation rows."""
        if self.ensemble is None:
            return self.validation_scores
        return {name: value for name, (value, *_) in self.ensemble.scores.items()}

    @property
    def known_baseline_scores(self) -> Mapping[str, float]:
        """The same metrics of the same rows by a model without columns."""
        return self.baseline_scores if self.ensemble is None else self.ensemble.baseline_scores

    @property
    def config(self) -> dict[str, float]:
        """l2 and learning rate of the training itself: of a sweep those of the trial that won."""
        if self.sweep is not None:
            return dict(self.sweep.selection.chosen.config)
        return {name: values[0] for name, values in self.settings.space.items()}


@dataclass(frozen=True)
class SweepRecord:
    """What a run folder holds of a sweep.

    table: one row for each trial, see ``goodfit.search.sweep.Sweep``. curves: one row for each trial and epoch,
    with the columns of ``History``. weights: for each trial the quantiles of all its kernel weights at the best epoch,
    as ``trial``, ``share`` (0 … 1) and ``weight``. selection: which configuration won, and how sure that is.
    n_planned: number of trials that the sweep has if it is not interrupted.
    """

    table: pa.Table
    curves: pa.Table
    weights: pa.Table
    selection: Selection
    n_planned: int

    @property
    def is_complete(self) -> bool:
        """Whether every planned trial was trained to its end."""
        outcomes = self.table["outcome"].to_pylist()
        return len(outcomes) == self.n_planned and "stopped_by_user" not in outcomes

    @property
    def n_folds(self) -> int:
        """Number of folds by which the selected config was judged."""
        return len({self.table["fold"][number].as_py() for number in self.selection.chosen.trials})

    @property
    def n_contenders(self) -> int:
        """Number of configs that were trained on as many folds and seeds as the selected one."""
        n_trials = Counter(tuple(row[name] for name in self.selection.chosen.config) for row in self.table.to_pylist())
        return sum(n >= len(self.selection.chosen.trials) for n in n_trials.values())

    @property
    def choice(self) -> Selection:
        """The old name of ``selection``."""
        warnings.warn("sweep.choice is now called sweep.selection.", DeprecationWarning, stacklevel=2)
        return self.selection


def curves_table(histories: Sequence[History]) -> pa.Table:
    """The histories of all trials below each other, with ``trial`` and ``epoch``."""
    lengths = [history.n_epochs for history in histories]
    columns = {
        "trial": np.repeat(np.arange(len(histories)), lengths),
        "epoch": np.concatenate([np.arange(1, length + 1) for length in lengths]),
    }
    measured = {name: np.concatenate([history[name] for history in histories]) for name in histories[0]}
    return pa.table(columns | measured)


def quantiles_table(networks: Sequence[Params]) -> pa.Table:
    """How the kernel weights of each network are distributed: the smallest, the largest, and 199 between them."""
    shares = np.linspace(0, 1, 201)
    found = [
        np.quantile(np.concatenate([layer["kernel"].ravel() for layer in params if "kernel" in layer]), shares)
        for params in networks
    ]
    trials = np.repeat(np.arange(len(networks)), len(shares))
    return pa.table({"trial": trials, "share": np.tile(shares, len(networks)), "weight": np.concatenate(found)})


def versions() -> dict[str, str]:
    """Versions of what numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def claim_folder(folder: Path) -> None:
    """Make the folder of a new run, so that a mistake shows before the training and not after it.

    Raises:
        RunError: something is there already, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunError(f"{folder} is not empty: choose another folder for the run, or remove it.")
        write_file(folder / "run.json", b"")
        (folder / "run.json").unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RunError(f"{folder} cannot be written to ({why}): choose another folder for the run.") from error


def write_file(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename: after a crash the old content or the new one is there, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_run(folder: Path, record: Record) -> None:
    """Write all files of a run; RunError when the disk refuses."""
    training = record.training
    weights = {**_named("best", training.params), **_named("last", training.last_params)}
    files = {
        "encoder.json": _json(record.encoder.to_json()),
        "splits.safetensors": safetensors.numpy.save(record.splits.arrays()),
        "weights.safetensors": safetensors.numpy.save(weights),
        "history.csv": _csv(_history_table(training.history)),
        "measurements.json": _json(_plain(record.measurements.to_json())),
    }
    if (swept := record.sweep) is not None:
        tables = {"curves.parquet": swept.curves, "quantiles.parquet": swept.weights}
        files |= {"sweep.csv": _csv(swept.table), **{name: _parquet(table) for name, table in tables.items()}}
    if (kept := record.ensemble) is not None:
        networks = {f"{fold}.{i}": w for fold, each in enumerate(kept.folds) for i, w in enumerate(each.networks)}
        named = {name: w for prefix, params in networks.items() for name, w in _named(prefix, params).items()}
        files |= {"ensemble.json": _json(kept.to_json()), "ensemble.safetensors": safetensors.numpy.save(named)}
    digests = {name: _sha256(content) for name, content in files.items()}
    files["run.json"] = _json(_summary(record) | {"sha256": digests})
    try:
        for name, content in files.items():
            write_file(folder / name, content)
    except OSError as error:
        raise RunError(f"the run cannot be written to {folder} ({error.strerror}).") from error


def load_run(folder: Path) -> Record:
    """Read a run folder.

    Raises:
        RunError: there is none, it is of another format, or a file is missing or damaged.
    """
    if not (folder / "run.json").is_file():
        raise RunError(f"{folder} is not a finished run (it has no run.json): name the folder of a training.")
    try:
        summary = json.loads((folder / "run.json").read_bytes())
        if summary["format"] != FORMAT:
            raise RunError(
                f"{folder} has run format {summary['format']}, but this goodfit reads {FORMAT}: train again."
            )
        names = [*FILES, *(SWEEP_FILES if summary["choice"] else ()), *(ENSEMBLE_FILES if summary["ensemble"] else ())]
        return _record(_contents(folder, summary["sha256"], names), summary)
    except RunError:
        raise
    except DAMAGE as error:
        raise RunError(f"{folder} is damaged ({type(error).__name__}: {error}): train again.") from error


def _summary(record: Record) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": record.created,
        "source": record.source,
        "fingerprint": record.fingerprint,
        "settings": record.settings.to_json(),
        "schema": [asdict(column) for column in record.schema],
        "splits": {"rule": record.splits.rule, "seed": record.splits.seed},
        "target": record.target.to_json(),
        "seal": record.seal.to_json() if record.seal else None,
        "outcome": record.training.outcome.name,
        "best_epoch": record.training.best_epoch,
        "weights": [list(layer) for layer in record.training.params],
        "choice": _plain(asdict(record.sweep.selection)) if record.sweep else None,
        "n_planned": record.sweep.n_planned if record.sweep else 1,
        "ensemble": record.ensemble is not None,
        "versions": dict(record.versions),
    }


def _contents(folder: Path, digests: Mapping[str, str], names: Sequence[str]) -> dict[str, bytes]:
    """The other files; RunError for one that is missing or not as it was written."""
    contents = {}
    for name in names:
        if not (folder / name).is_file():
            raise RunError(f"{folder} is damaged ({name} is missing): train again.")
        contents[name] = (folder / name).read_bytes()
        if _sha256(contents[name]) != digests[name]:
            raise RunError(f"{folder} is damaged ({name} is not as it was written): train again.")
    return contents


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _record(contents: Mapping[str, bytes], summary: Mapping[str, Any]) -> Record:
    weights = safetensors.numpy.load(contents["weights.safetensors"])
    training = Training(
        params=_layers("best", weights, summary["weights"]),
        last_params=_layers("last", weights, summary["weights"]),
        history=_history(contents["history.csv"]),
        outcome=Outcome[summary["outcome"]],
        best_epoch=int(summary["best_epoch"]),
    )
    splits = safetensors.numpy.load(contents["splits.safetensors"])
    return Record(
        settings=settings_from(summary["settings"]),
        source=summary["source"],
        fingerprint=summary["fingerprint"],
        schema=tuple(Column(**column) for column in summary["schema"]),
        splits=Splits.from_arrays(splits, rule=summary["splits"]["rule"], seed=summary["splits"]["seed"]),
        encoder=Encoder.from_json(json.loads(contents["encoder.json"])),
        target=Target.from_json(summary["target"]),
        seal=Seal.from_json(summary["seal"]) if summary["seal"] else None,
        training=training,
        sweep=_sweep(contents, summary["choice"], int(summary["n_planned"])) if summary["choice"] else None,
        ensemble=_ensemble(contents, summary["weights"]) if summary["ensemble"] else None,
        measurements=Measurements.from_json(json.loads(contents["measurements.json"])),
        created=summary["created"],
        versions=summary["versions"],
    )


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in values.items()}


def _named(prefix: str, params: Params) -> dict[str, np.ndarray]:
    return {
        f"{prefix}.{index}.{name}": np.ascontiguousarray(w)
        for index, layer in enumerate(params)
        for name, w in layer.items()
    }


def _layers(prefix: str, weights: Mapping[str, np.ndarray], names: list[list[str]]) -> Params:
    """The weights of each layer, in the order of its names: safetensors keeps none."""
    return tuple({name: weights[f"{prefix}.{i}.{name}"] for name in layer} for i, layer in enumerate(names))


def _plain(value: Any) -> Any:  # noqa: ANN401
    """As JSON has it: tuples as lists, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _choice(record: Mapping[str, Any]) -> Selection:
    named = {name: _configuration(record[name]) for name in ("chosen", "best")}
    gain = Gain(**_numbers(record["gain"])) if record["gain"] else None
    contrasts = tuple(map(_contrast, record["contrasts"]))
    return Selection(**{**record, **named, "gain": gain, "contrasts": contrasts})


def _contrast(record: Mapping[str, Any]) -> Contrast:
    numbers = _numbers({name: record[name] for name in ("mean", "gain", "standard_error")})
    return Contrast(config=record["config"], trials=tuple(record["trials"]), n_rows=int(record["n_rows"]), **numbers)


def _configuration(record: Mapping[str, Any]) -> ConfigResult:
    numbers = _numbers({name: record[name] for name in ("mean", "standard_error")})
    return ConfigResult(
        config=record["config"], trials=tuple(record["trials"]), n_rows=int(record["n_rows"]), **numbers
    )


def _history_table(history: History) -> pa.Table:
    return pa.table({"epoch": np.arange(1, history.n_epochs + 1), **history})


def _csv(table: pa.Table) -> bytes:
    sink = BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()


def _parquet(table: pa.Table) -> bytes:
    sink = BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def _ensemble(contents: Mapping[str, bytes], names: list[list[str]]) -> KeptEnsemble:
    weights = safetensors.numpy.load(contents["ensemble.safetensors"])
    return KeptEnsemble.from_json(
        json.loads(contents["ensemble.json"]), lambda fold, i: _layers(f"{fold}.{i}", weights, names)
    )


def _sweep(contents: Mapping[str, bytes], selection: Mapping[str, Any], n_planned: int) -> SweepRecord:
    return SweepRecord(
        table=pyarrow.csv.read_csv(BytesIO(contents["sweep.csv"])),
        curves=pyarrow.parquet.read_table(BytesIO(contents["curves.parquet"])),
        weights=pyarrow.parquet.read_table(BytesIO(contents["quantiles.parquet"])),
        selection=_choice(selection),
        n_planned=n_planned,
    )


def _history(content: bytes) -> History:
    table = pyarrow.csv.read_csv(BytesIO(content))
    columns = {name: table[name].cast(pa.float64()).to_numpy() for name in table.column_names}
    del columns["epoch"]
    return History(columns)
