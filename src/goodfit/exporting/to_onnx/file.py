"""The file of ONNX: made, tried out in onnxruntime on made-up rows, and written only if it predicts as goodfit does."""

from pathlib import Path
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.data.features.base import column_as
from goodfit.data.table import Table
from goodfit.data.target import Prediction
from goodfit.errors import DataError, RunError
from goodfit.experiment.predictor import Predictor
from goodfit.exporting.made_up_rows import made_up_rows
from goodfit.exporting.networks import Networks, networks_of
from goodfit.exporting.packages import optional_package
from goodfit.exporting.to_onnx.model import PREDICTION, PROBABILITIES, onnx_model
from goodfit.files import write_file

TOLERANCE = 1e-5
"""Largest difference of a probability, or of a value in standard deviations of the target."""


def write_onnx(predictor: Predictor, path: Path, *, overwrite: bool = False) -> None:
    """Write what predicts as one graph of ONNX.

    Raises:
        ConfigError: onnx or onnxruntime is not installed, or the networks cannot be a graph; see ``onnx_model``.
        DataError: the file exists, or cannot be written.
        RunError: the graph predicts otherwise than goodfit.
    """
    runtime = optional_package("onnxruntime", extra="onnx")
    if path.exists() and not overwrite:
        raise DataError(f"{str(path)!r} already exists: name another file, or replace it with overwrite=True.")
    networks = networks_of(predictor)
    content: bytes = onnx_model(networks).SerializeToString()
    _compare(predictor, networks, runtime.InferenceSession(content, providers=["CPUExecutionProvider"]))
    try:
        write_file(path, content, replace=overwrite)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written ({error.strerror}): name another file.") from error


def inputs_of(networks: Networks, table: Table) -> dict[str, Array]:
    """Return the columns of a table as the graph takes them, each (rows, 1)."""
    found: dict[str, Array] = {}
    for name, features in networks.columns.items():
        column = column_as(table, name, features[0].kind)
        if features[0].kind == "number":
            found[name] = np.asarray(column.to_numpy(), float)[:, None]
            continue
        cells = column.to_pylist()
        texts = ["" if cell is None else cell if isinstance(cell, str) else cell.isoformat() for cell in cells]
        found[name] = np.array(texts, object)[:, None]
    return found


def _compare(predictor: Predictor, networks: Networks, session: Any) -> None:  # noqa: ANN401
    target = predictor.target
    rows = made_up_rows(networks.columns)
    expected: Prediction = target.decode(predictor.predict(rows))
    outputs = [PREDICTION] if expected.probabilities is None else [PREDICTION, PROBABILITIES]
    found = session.run(outputs, inputs_of(networks, rows))
    scale = target.scale if expected.probabilities is None else 1.0
    truth = expected.values if expected.probabilities is None else expected.probabilities
    difference = float(np.abs(found[-1] / scale - truth / scale).max())
    if not difference <= TOLERANCE:
        raise RunError(f"The ONNX model differs from goodfit by {difference:.2g} and was not written: report this.")
