"""Networks in ONNX: all networks of a fold in one product of matrices for each layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goodfit.exporting.to_onnx.encoding import Encoded
from goodfit.exporting.to_onnx.graph import Graph
from goodfit.nn.arrays import Params
from goodfit.nn.layers import Dense, Layer


def _named(op: str, **attributes: Any) -> Callable[[Graph, str], str]:  # noqa: ANN401
    return lambda graph, x: graph.add(op, x, **attributes)


def _silu(graph: Graph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda graph, x: x,
    "relu": _named("Relu"),
    "leaky_relu": _named("LeakyRelu", alpha=0.2),
    "elu": _named("Elu"),
    "selu": _named("Selu"),
    "gelu": _named("Gelu"),
    "silu": _silu,
    "swish": _silu,
    "softplus": _named("Softplus"),
    "softsign": _named("Softsign"),
    "tanh": _named("Tanh"),
    "sigmoid": _named("Sigmoid"),
    "softmax": _named("Softmax", axis=-1),
    "exponential": _named("Exp"),
}
"""Those of `goodfit.nn.activations`."""


def mean_output(
    graph: Graph, layers: Sequence[Layer], networks: Sequence[Params], shares: Sequence[float], encoded: Encoded
) -> str:
    """Return the weighted mean of the networks' outputs, float64 (rows, outputs).

    Dropout does nothing outside training and is left out.
    """
    x, is_first = encoded.x, True
    for index, layer in enumerate(layers):
        if not isinstance(layer, Dense):
            continue
        kernels = np.stack([params[index]["kernel"] for params in networks])
        x = graph.add("MatMul", x, kernels[:, encoded.places] if is_first else kernels)
        if layer.use_bias:
            x = graph.add("Add", x, np.stack([params[index]["bias"] for params in networks])[:, None])
        x, is_first = ACTIVATIONS[layer.activation or "linear"](graph, x), False
    weighted = graph.add("Mul", graph.cast(x, float), np.array(shares)[:, None, None])
    return graph.add("ReduceSum", weighted, np.array([0]), keepdims=0)
