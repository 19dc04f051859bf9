"""The report of a run as one HTML file: the verdict, the evidence for it and the next step."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import goodfit
from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import RunError
from goodfit.experiment.fine_tuning import Transfer
from goodfit.experiment.measure import REFERENCES
from goodfit.experiment.run_folder import Record, checksum_of
from goodfit.files import read_file, write_file
from goodfit.formatting import METRIC_LABELS, OTHER, count, numbers, printable, share
from goodfit.holdout.ledger import MAX_CLASSES, Confusion
from goodfit.reporting import decision_sentences, ensemble_sentences, sentences
from goodfit.reporting.array_page import array_html, array_pictures
from goodfit.reporting.config_toml import config_toml
from goodfit.reporting.figures import RunLike, figures_of
from goodfit.reporting.heat_table import selectable
from goodfit.reporting.pages import Figure, render, write_pngs
from goodfit.reporting.spelling import Speller, arguments, python_call, source_name
from goodfit.reporting.training_figures import grid_picture
from goodfit.reporting.transfer_sentences import of_transfer
from goodfit.reporting.trials import grid_of_several, restored, short_value
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training

PAGE, MAX_PAGE_BYTES = "report.html", 32 << 20
"""Name of the page in a run folder, and the most that is read of one."""


def report(
    run: RunLike | Training | Sweep,
    path: str | Path,
    *,
    pngs: str | Path | None = None,
    spell: Speller = python_call,
    overwrite: bool = True,
) -> Path:
    """Write the report of a run as one HTML file that needs no network, and return its path.

    In order: the verdict and the next step, the alternatives that were compared, the data split, the learning curves,
    the grid, the weights, the learning rates, the data checks, metrics with intervals, the exam if it was opened, and
    how to reproduce the run. A section without content is left out; of a training or sweep of arrays, so is what needs
    the table.

    Args:
        run: from ``goodfit.train`` or ``goodfit.load``, or what ``Sequential.fit`` or ``Sequential.sweep`` returns.
        path: the file, written in one step.
        pngs: a folder for a PNG file of every figure.
        spell: writes a training as text, from the name of the table, the target and keyword arguments of
            ``goodfit.train``; by default as a call in Python.
        overwrite: whether an existing file is replaced.

    Raises:
        RunError: a file exists or cannot be written, or ``run`` is none of these.

    >>> import tempfile
    >>> model = goodfit.Sequential([goodfit.Dense(1)])
    >>> model.compile(loss="mse")
    >>> training = model.fit(np.eye(20), np.arange(20), epochs=5, validation_split=0.2)
    >>> report(training, Path(tempfile.mkdtemp()) / "report.html").name
    'report.html'
    """
    if not isinstance(run, RunLike | Training | Sweep):
        raise RunError(f"report needs a run, a training or a sweep, not {type(run).__name__!r}.")
    out = Path(path)
    if os.path.lexists(out) and not overwrite:
        raise RunError(f"{str(out)!r} already exists: choose another file, or replace it with overwrite=True.")
    try:
        if isinstance(run, RunLike):
            text = html(run, spell=spell, before=_page_before(out) or _page_of(run))
        else:
            text = array_html(run)
        write_file(out, text.encode(), replace=overwrite)
    except OSError as error:
        raise RunError(f"{out} cannot be written ({error.strerror}): choose another file.") from error
    if pngs is not None:
        write_pngs(pictures(run) if isinstance(run, RunLike) else array_pictures(run), Path(pngs))
    return out


def _page_before(out: Path) -> str:
    """The page as it was, whose drawings are used again if nothing in them has changed."""
    try:
        return read_file(out, limit=MAX_PAGE_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _page_of(run: RunLike) -> str:
    """The page in the run folder, of a run that has one."""
    return _page_before(run.path / PAGE) if run.path is not None else ""


def pictures(run: RunLike) -> list[Figure]:
    """Every figure of the report, and the grid as a heat map."""
    figures = [figure for figure in figures_of(run).values() if figure is not None]
    if grid := grid_of_several(run.record.sweep):
        figures.append(grid_picture(grid))
    return figures


def html(run: RunLike, *, spell: Speller = python_call, before: str = "") -> str:
    """The report as text; charts that are in the one ``before`` are not drawn again."""

    def training(change: Mapping[str, Any]) -> str:
        start = _start(record.transfer, change)
        given = arguments(record.settings, change if start else {**change, "freeze": 0}) | start
        return spell(source_name(record.source, ""), record.target.name, given)

    record, verdict = run.record, diagnose(run.record)
    grid = grid_of_several(record.sweep)
    selected = selectable(grid) if grid else None
    figures, found, confusion = figures_of(run), record.measurements, record.measured.confusion
    judging = "validation row" if record.ensemble is None else "out-of-fold row"
    return render(
        "report.html.j2",
        [figure for figure in (*figures.values(), *(selected.figures if selected else ())) if figure],
        extra_css=selected.css if selected else "",
        before=before,
        of=_digest_of(run),
        record=record,
        source=source_name(record.source),
        verdict=verdict,
        score=score_sentence(run),
        steps={f.code: training(f.change) for f in verdict.findings if f.change},
        serious=[check for check in found.checks if check.severity == "serious"],
        figures=figures,
        curves_sentence=sentences.of_curves(restored(record)),
        grid=grid,
        grid_sentence=sentences.of_grid(grid) if grid else "",
        cells=selected,
        sizes={name: len(rows) for name, rows in record.splits.arrays().items()},
        checks=found.checks,
        repairs={c.sentence: training(c.change) for c in found.checks if c.change},
        metrics=metric_rows(record),
        metrics_note=_metrics_note(record),
        transfer_sentence=of_transfer(
            record.transfer, source_name(record.transfer.earlier, ""), freeze=record.settings.freeze
        )
        if record.transfer
        else "",
        ensemble_sentence=(ensemble_sentences.of_ensemble(record.ensemble) if record.ensemble and record.sweep else ""),
        ensemble_members=member_rows(record),
        judging=judging,
        confusion=confusion if len(confusion) <= MAX_CLASSES else (),
        confusion_sentence=confusion_sentence(record, confusion, judging),
        openings=list(_openings(run)),
        command=training({}),
        config=_config(record),
    )


def _digest_of(run: RunLike) -> str:
    """A digest of what all drawings are made of: the run and the code that draws; "" for a run without a folder."""
    try:
        checksum = checksum_of(run.path) if run.path is not None else ""
    except OSError:
        return ""
    return checksum and hashlib.sha256(checksum.encode() + _code()).hexdigest()


@cache
def _code() -> bytes:
    """The source of everything that decides what is drawn."""
    package = Path(goodfit.__file__).parent
    files = [package / "formatting.py", *package.glob("diagnosis/**/*.py"), *package.glob("reporting/**/*.py")]
    return b"".join(path.read_bytes() for path in sorted(files))


def _config(record: Record) -> str:
    """The training as TOML."""
    start = _start(record.transfer, {}).get("start", "")
    settings = record.settings if start else replace(record.settings, freeze=0)
    return config_toml(source_name(record.source, ""), record.target.name, settings, start=start)


def _start(transfer: Transfer | None, change: Mapping[str, Any]) -> dict[str, str]:
    """The earlier run, if there is one with a folder and the change leaves its network as it is."""
    known = transfer is not None and transfer.earlier and not {"hidden", "activation"} & change.keys()
    return {"start": source_name(transfer.earlier)} if transfer is not None and known else {}


def metric_rows(record: Record) -> list[tuple[str, ...]]:
    """Metric, what predicts with its interval, of an ensemble the selected config, reference models, baseline."""
    kept, rows = record.ensemble, []
    own = record.measurements.intervals if kept is None else kept.scores
    for name, (score, low, high) in own.items():
        selected = [] if kept is None else [kept.selected_scores[name]]
        others = [record.measurements.reference_scores[model][name] for model in REFERENCES]
        shown, low_, high_, *rest = numbers(score, low, high, *selected, *others, record.known_baseline_scores[name])
        rows.append((METRIC_LABELS[name], shown, f"{low_} to {high_}" if np.isfinite(low) else "–", *rest))
    return rows


def member_rows(record: Record) -> list[tuple[str, str, str]]:
    """λ, learning rate and weight of each config of the ensemble."""
    members = record.ensemble.members if record.ensemble else ()
    return [
        (short_value(each.config["l2"]), short_value(each.config["learning_rate"]), share(each.weight, 1, decimals=0))
        for each in members
    ]


def _metrics_note(record: Record) -> str:
    """What the rows and the columns of the table of metrics are."""
    if record.ensemble is None:
        rows = ensemble_sentences.AT_OTHERS_EPOCH
    else:
        rows = (
            f"{ensemble_sentences.OUT_OF_FOLD} All models are compared on the same rows. The minimum of a validation "
            "curve is lower, because its epoch was selected on the same rows."
        )
    target = record.target
    constant = "the mean of the training rows"
    if target.task != "regression":
        constant = f"{printable(target.baseline.prediction)}, the most frequent class in the training rows"
    baseline = f"The baseline uses no features: it always predicts {constant}."
    undefined = decision_sentences.of_undefined(record.known_baseline_scores)
    labels = decision_sentences.of_labels(target.classes)
    return " ".join(filter(None, (rows, ensemble_sentences.REFERENCE_MODELS, baseline, undefined, labels)))


def score_sentence(run: RunLike) -> str:
    """Accuracy or RMSE, on rows that the networks were not trained on, and on the test rows once they are scored."""
    record, openings = run.record, run.ledger.openings()
    name = next((each for each in ("accuracy", "rmse") if each in record.known_scores), None)
    if name is None:
        return ""
    own, base = numbers(record.known_scores[name], record.known_baseline_scores[name])
    how = "validation rows" if record.ensemble is None else "rows, each predicted by networks not trained on it"
    label = METRIC_LABELS[name]
    said = f"{label[0].upper()}{label[1:]} {own} on {record.n_judging:,} {how} (baseline {base})."
    if not openings or name not in openings[0].scores:
        return said
    test, low, high = numbers(*openings[0].scores[name])
    return f"{said} On {count(len(record.splits.test), 'test row')}: {test}, 95% interval {low} to {high}."


def _openings(run: RunLike) -> Iterator[dict[str, Any]]:
    for opening in run.ledger.openings():
        rows = []
        for name, estimate in opening.scores.items():
            known = run.record.known_scores.get(name, float("nan"))
            test, low, high, validation = numbers(*estimate, known)
            rows.append((METRIC_LABELS.get(name, name), test, f"{low} to {high}", validation))
        kept = run.record.ensemble
        said = ensemble_sentences.of_exam(kept, opening, len(run.record.splits.test)) if kept else ""
        yield {
            "number": opening.number,
            "time": opening.when,
            "reason": opening.reason or "",
            "rows": rows,
            "sentence": said,
            "confusion": opening.confusion,
            "confusion_sentence": confusion_sentence(run.record, opening.confusion, "test row"),
        }


def confusion_sentence(record: Record, matrix: Confusion, rows: str) -> str:
    """Correct and wrong predictions; "" for a quantity."""
    return sentences.of_confusion(matrix, [*record.target.classes, OTHER], rows) if matrix else ""
