"""The comparison of several runs as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.errors import RunError
from goodfit.experiment.run_comparison import RunComparison
from goodfit.experiment.run_folder import Record
from goodfit.files import write_file
from goodfit.reporting.charts.basics import Layer, epochs_x, loss_y, rows, sized
from goodfit.reporting.lazy import alt
from goodfit.reporting.pages import Figure, render
from goodfit.reporting.theme import LIGHT

COLOURS = tuple(LIGHT[name] for name in ("blue", "orange", "green", "red", "ink", "muted"))


def write_comparison(found: RunComparison, records: Sequence[Record], path: Path, *, overwrite: bool) -> Path:
    """Write the page and return its path.

    Raises:
        RunError: the file exists and may not be replaced, or cannot be written.
    """
    if os.path.lexists(path) and not overwrite:
        raise RunError(f"{str(path)!r} already exists: choose another file, or replace it with overwrite=True.")
    drawn = records[: len(COLOURS)]
    sentence = "Validation loss of the selected network of each run; a dot marks the restored epoch."
    left = len(records) - len(drawn)
    more = f" The curves of the last {left} are not drawn." if left else ""
    names = [run.name for run in found.runs]
    figure = Figure("curves", "Validation loss", sentence + more, [curves_chart(names, drawn)])
    page = render("comparison.html.j2", [figure], found=found, rows=found.rows(), figure=figure)
    try:
        write_file(path, page.encode(), replace=overwrite)
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror}): choose another file.") from error
    return path


def curves_chart(names: Sequence[str], records: Sequence[Record]) -> Layer:
    """The validation loss of each run on one axis, with the restored epoch."""
    names = [f"{place}. {name}" for place, name in enumerate(names[: len(records)], start=1)]
    curve: list[dict[str, Any]] = []
    best: list[dict[str, Any]] = []
    for name, record in zip(names, records, strict=True):
        losses = record.training.history["val_loss"]
        points = [{"epoch": i + 1, "loss": float(x), "run": name} for i, x in enumerate(losses) if np.isfinite(x)]
        curve += points
        best += [point for point in points if point["epoch"] == record.training.best_epoch]
    n_epochs = max(record.training.history.n_epochs for record in records)
    scale = alt.Scale(domain=names, range=list(COLOURS[: len(names)]))
    axes = {"x": epochs_x(n_epochs, log=True), "y": loss_y(point["loss"] for point in curve)}
    colour = alt.Color("run:N", scale=scale, legend=alt.Legend(orient="top", columns=1, title=None))
    dash = alt.StrokeDash("run:N", scale=alt.Scale(domain=names), legend=None)
    lines = alt.Chart(rows(curve)).mark_line().encode(**axes, color=colour, strokeDash=dash)
    dots = alt.Chart(rows(best)).mark_point(filled=True, size=50, opacity=1).encode(**axes, color=colour)
    return sized(alt.layer(lines, dots), height=260)
