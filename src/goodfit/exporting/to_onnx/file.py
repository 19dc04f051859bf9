"""The file of ONNX: made, tried out in onnxruntime on made-up rows, and written only if it predicts as goodfit does."""

from pathlib import Path

import numpy as np

from goodfit.arrays import Array
from goodfit.data.features.base import column_as
from goodfit.data.table import Table
from goodfit.experiment.predictor import Predictor
from goodfit.exporting.files import validate_new_file, validate_predictions, write_model
from goodfit.exporting.made_up_rows import made_up_rows
from goodfit.exporting.networks import Networks, networks_of
from goodfit.exporting.to_onnx.model import PREDICTION, PROBABILITIES, onnx_model
from goodfit.packages import optional_package


def write_onnx(predictor: Predictor, path: Path, *, overwrite: bool = False) -> None:
    """Write what predicts as one graph of ONNX.

    Raises:
        ConfigError: onnx or onnxruntime is not installed, or the networks cannot be a graph; see ``onnx_model``.
        DataError: the file exists, or cannot be written.
        RunError: the graph predicts otherwise than goodfit.
    """
    runtime = optional_package("onnxruntime", extra="onnx")
    validate_new_file(path, overwrite=overwrite)
    networks, target = networks_of(predictor), predictor.target
    content: bytes = onnx_model(networks).SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = made_up_rows(networks.columns)
    output = PREDICTION if target.task == "regression" else PROBABILITIES
    (found,) = session.run([output], inputs_of(networks, rows))
    validate_predictions(found, target.decode(predictor.predict(rows)), target, what="ONNX")
    write_model(path, content, overwrite=overwrite)


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
