"""The ports of a network hold the codes that it computes with, not floats."""
from __future__ import annotations

from dataclasses import replace

from ..ir import Graph
from ..ops.dequantize import Dequantize
from ..ops.quantize import Quantize


def expose_codes(graph: Graph) -> Graph:
    """The graph without the `quantize` behind each float input and the `dequantize` before each float output, where one is.

    The ports' values are then codes, their names and dtypes those of the source. An input that several nodes read stays as it is.
    """
    readers = graph.consumers()
    producers = {n.name: n for n in graph.nodes}
    dropped: dict[str, str] = {}  # of a value that goes, the one in its place
    for port in graph.inputs:
        found = readers[port.value]
        if len(found) == 1 and isinstance(found[0].op, Quantize):
            dropped[port.value] = found[0].name
    outputs = []
    for port in graph.outputs:
        node = producers.get(port.value)
        if node is not None and isinstance(node.op, Dequantize) and not readers[port.value] and len(node.inputs) == 1:
            dropped[port.value] = node.inputs[0]
            outputs.append(replace(port, value=node.inputs[0]))
        else:
            outputs.append(port)
    gone = {*dropped, *(dropped[p.value] for p in graph.inputs if p.value in dropped)}
    nodes = [n for n in graph.nodes if n.name not in gone]
    inputs = tuple(replace(p, value=dropped.get(p.value, p.value)) for p in graph.inputs)
    return graph.replace(nodes, inputs=inputs, outputs=tuple(outputs))
