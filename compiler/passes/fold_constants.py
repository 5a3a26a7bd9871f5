"""Nodes that read constants alone are computed when the model is compiled."""
from __future__ import annotations

import numpy as np

from ..errors import Unsupported
from ..ir import Array, Graph, Node, Value
from ..ops.fake_quantize import FakeQuantize


def fold_constants(graph: Graph) -> Graph:
    """The graph with every node whose inputs are all constant replaced by its value, by the reference.

    Quantized weights stay float constants behind their `fake_quantize`, which says what their codes are.

    Raises Unsupported when that makes an output of the graph constant.
    """
    values = dict(graph.values)
    nodes = []
    for node in graph.nodes:
        constant = all(values[i].constant for i in node.inputs if i) and not isinstance(node.op, FakeQuantize)
        results = _compute(graph, node, values) if constant else None
        if results is None:
            nodes.append(node)
            continue
        for name in set(node.outputs).intersection(graph.output_names):
            raise Unsupported(f"{name}: this output is constant: it depends on no input")
        for name, array in zip(node.outputs, results, strict=True):
            values[name] = Value(name, graph.values[name].type, array)
    return graph.replace(nodes, values)


def _compute(graph: Graph, node: Node, values: dict[str, Value]) -> list[Array] | None:
    """The outputs of a node for one sample; None when an op does not take its first input as a sample."""
    arrays: list[Array] = []
    for name in node.inputs:
        data = values[name].data if name else np.empty(0, np.int8)
        assert data is not None
        arrays.append(data if arrays or not name else data[np.newaxis])
    results = []
    for output, array in zip(graph.output_types(node), node.op.ref(graph.types(node), *arrays), strict=True):
        if array.shape != (1, *output.shape):
            return None
        result = np.asarray(array[0], output.q.dtype, order="C")
        result.setflags(write=False)
        results.append(result)
    return results
