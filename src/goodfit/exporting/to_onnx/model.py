"""A run as a model of ONNX: raw columns in, labels and probabilities or values out."""

import json
from importlib.metadata import version
from typing import Any

import numpy as np

from goodfit.data.target import Target
from goodfit.errors import ConfigError
from goodfit.exporting.networks import Networks
from goodfit.exporting.to_onnx.columns import add_columns
from goodfit.exporting.to_onnx.encoding import encode
from goodfit.exporting.to_onnx.graph import Graph
from goodfit.exporting.to_onnx.layers import mean_output
from goodfit.nn.losses import SMALLEST_PROBABILITY

PREDICTION, PROBABILITIES = "prediction", "probabilities"


def onnx_model(networks: Networks) -> Any:  # noqa: ANN401
    """Return the model, an ``onnx.ModelProto``.

    Raises:
        ConfigError: onnx is not installed, the model is too large for a file of ONNX, or a column has the name of an
            output.
    """
    _validate(networks)
    target = networks.target
    graph = Graph([*networks.columns, PREDICTION, PROBABILITIES])
    columns = add_columns(graph, networks)
    means = []
    for fold in networks.folds:
        encoded = encode(graph, columns, fold.encoder)
        mean = mean_output(graph, networks.layers, fold.networks, networks.shares, encoded)
        means.append(graph.add("Add", graph.add("Mul", mean, fold.scale), fold.mean))
    mean = graph.add("Div", graph.add("Sum", *means), float(len(means)))
    if target.task == "regression":
        _add_values(graph, target, mean)
    else:
        _add_classes(graph, target, _probabilities(graph, target, mean, networks.temperature))
    about = {"target": target.name, "task": target.task, "classes": json.dumps(target.classes)}
    return graph.model(doc=f"Predicts {target.name}.", metadata=about, version=version("goodfit"))


def _validate(networks: Networks) -> None:
    taken = {PREDICTION, PROBABILITIES} & networks.columns.keys()
    if taken:
        raise ConfigError(
            f"column {taken.pop()!r} has the name of an output of the ONNX model: rename it, train again."
        )
    arrays = (w for fold in networks.folds for params in fold.networks for layer in params for w in layer.values())
    if sum(array.nbytes for array in arrays) > 2e9:
        raise ConfigError(
            "The networks are too large for a file of ONNX (2 GiB): train with keep='one' or fewer units."
        )


def _add_values(graph: Graph, target: Target, mean: str) -> None:
    """Values in the target's own unit, cut off at its limits; (rows, 1) to (rows,)."""
    if target.limits is not None:
        mean = graph.add("Clip", mean, *target.limits)
    values = graph.add("Reshape", mean, np.array([-1]))
    graph.output(PREDICTION, values, float, ["rows"], f"value of {target.name}")


def _probabilities(graph: Graph, target: Target, mean: str, temperature: float) -> str:
    """Return the probability of each class (rows, classes), as ``with_temperature`` and ``Target.decode`` do it."""
    if temperature != 1:
        clipped = graph.add("Clip", mean, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        logits = graph.add("Log", clipped)
        if target.task == "binary":
            logits = graph.add("Sub", logits, graph.add("Log", graph.add("Sub", 1.0, clipped)))
        scaled = graph.add("Div", logits, temperature)
        mean = graph.add("Sigmoid", scaled) if target.task == "binary" else graph.add("Softmax", scaled, axis=1)
    if target.task == "binary":
        return graph.add("Concat", graph.add("Sub", 1.0, mean), mean, axis=1)
    return mean


def _rule(target: Target) -> str:
    if target.task == "binary":
        return f"{target.classes[1]} where its probability is above {target.threshold:.6g}"
    return "that of the highest probability"


def _add_classes(graph: Graph, target: Target, probabilities: str) -> None:
    labels = np.array(target.classes)
    is_text = labels.dtype.kind == "U"
    if target.task == "binary":
        positive = graph.add("Reshape", graph.add("Gather", probabilities, np.array([1]), axis=1), np.array([-1]))
        code = graph.cast(graph.add("Greater", positive, target.threshold), np.int64)
    else:
        code = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    label = graph.add("Gather", labels.astype(object) if is_text else labels, code)
    dtype = str if is_text else labels.dtype.type
    graph.output(PREDICTION, label, dtype, ["rows"], f"class of {target.name}, {_rule(target)}")
    classes = ", ".join(map(str, target.classes))
    graph.output(
        PROBABILITIES, probabilities, float, ["rows", len(target.classes)], f"probability of each class: {classes}"
    )
