"""A graph of ONNX under construction: nodes, constants, and names that never clash."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goodfit.arrays import Array
from goodfit.packages import optional_package

RUNTIME = "com.microsoft"
"""Operators of onnxruntime itself: its tokenizer, for which ONNX has none."""
VERSIONS = {"": 20, "ai.onnx.ml": 3, RUNTIME: 1, "ir": 10}
"""Of each set of operators, and of the file: known to ONNX 1.16 and newer, onnxruntime 1.18 and newer."""


class Graph:
    """Nodes in the order in which they were added; each method returns the name of a value.

    Args:
        reserved: names of inputs and outputs, which no other value gets.
    """

    def __init__(self, reserved: Sequence[str]) -> None:
        self.onnx = optional_package("onnx", extra="onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.described: list[Any] = []
        self._taken = set(reserved)
        self._count = 0

    def input(self, name: str, dtype: type, doc: str) -> str:
        """Add an input of shape (rows, 1)."""
        self.inputs.append(self._value(name, dtype, ("rows", 1), doc))
        return name

    def output(self, name: str, value: str, dtype: type, shape: Sequence[Any], doc: str) -> None:
        """Give a value the name of an output."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name=self._new(f"output {name}")))
        self.outputs.append(self._value(name, dtype, shape, doc))

    def add(self, op: str, *inputs: str | Array | float | np.float32, name: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """Add a node with one output; arrays and numbers become constants, numbers of type float64.

        name: of the node, which onnxruntime shows if it fails.
        """
        domain = attributes.pop("domain", "")
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        made = self._new(op)
        node = self.onnx.helper.make_node(op, given, [made], name=name or made, domain=domain, **attributes)
        self.nodes.append(node)
        return made

    def tokenize(self, cells: str, *, pattern: str, blank: str) -> str:
        """Add onnxruntime's tokenizer: what matches the pattern in each cell (rows,), as strings (rows, longest)."""
        made = self.add("Tokenizer", cells, domain=RUNTIME, mark=0, mincharnum=1, pad_value=blank, tokenexp=pattern)
        # ONNX does not know the operator, and its inference of shapes crashes where it cannot know a type.
        self.described.append(self._value(made, str, ("rows", None), ""))
        return made

    def constant(self, value: Array | float | np.float32) -> str:
        """Add a constant: an array of numbers or, with dtype object, of strings."""
        array, name = np.asarray(value), self._new("constant")
        if array.dtype.kind in "OU":
            texts = [str(text).encode() for text in array.ravel()]
            string = self.onnx.TensorProto.STRING
            self.constants.append(self.onnx.helper.make_tensor(name, string, array.shape, texts))
        else:
            self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def cast(self, value: str, dtype: type, *, name: str = "") -> str:
        """Add a cast to a type of NumPy."""
        return self.add("Cast", value, to=self._type(dtype), name=name)

    def model(self, *, doc: str, metadata: Mapping[str, str], version: str) -> Any:  # noqa: ANN401
        """Return the graph as a model of ONNX, checked by ONNX itself."""
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, "goodfit", self.inputs, self.outputs, self.constants, value_info=self.described
        )
        domains = sorted({"", *(node.domain for node in self.nodes)})
        opsets = [helper.make_opsetid(domain, VERSIONS[domain]) for domain in domains]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="goodfit", producer_version=version)
        model.ir_version, model.doc_string = VERSIONS["ir"], doc
        helper.set_model_props(model, dict(metadata))
        self.onnx.checker.check_model(model)
        return model

    def _value(self, name: str, dtype: type, shape: Sequence[str | int | None], doc: str) -> Any:  # noqa: ANN401
        return self.onnx.helper.make_tensor_value_info(name, self._type(dtype), shape, doc)

    def _type(self, dtype: type) -> int:
        if dtype is str:
            return int(self.onnx.TensorProto.STRING)
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _new(self, stem: str) -> str:
        while True:
            self._count += 1
            name = f"{stem} {self._count}"
            if name not in self._taken:
                return name
