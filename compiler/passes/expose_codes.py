"""The ports of a network hold the codes that it computes with, not floats."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..ir import Graph, Node
from ..ops.dequantize import Dequantize
from ..ops.quantize import Quantize


def expose_codes(graph: Graph) -> Graph:
    """The graph without the `quantize` behind each float input and the `dequantize` before each float output, where one is.

    The ports' values are then codes, their names and dtypes as before; ports of the same codes share one value. An input that several
    nodes read stays as it is.
    """
    readers = graph.consumers()
    producers = {n.name: n for n in graph.nodes}
    dropped: dict[str, str] = {}  # of a value that goes, the one in its place
    for port in graph.inputs:
        found = readers[port.value]
        if len(found) == 1 and isinstance(found[0].op, Quantize):
            dropped[port.value] = found[0].name
    for port in graph.outputs:
        node = producers.get(port.value)
        if node is not None and isinstance(node.op, Dequantize) and not readers[port.value] and len(node.inputs) == 1:
            dropped[port.value] = node.inputs[0]
    names: dict[str, str] = {}  # codes take over the name of the floats that go, of the first ones if several do
    for value, codes in dropped.items():
        names.setdefault(codes, value)
    gone = {*(dropped[p.value] for p in graph.inputs if p.value in dropped), *(p.value for p in graph.outputs if p.value in dropped)}
    nodes = [_renamed(n, names) for n in graph.nodes if n.name not in gone]
    values = {names.get(v.name, v.name): replace(v, name=names.get(v.name, v.name)) for v in graph.values.values() if v.name not in dropped}
    outputs = tuple(replace(p, value=names[dropped[p.value]]) if p.value in dropped else p for p in graph.outputs)
    return graph.replace(nodes, values, outputs=outputs)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    return Node(node.op, tuple(names.get(i, i) for i in node.inputs), tuple(names.get(o, o) for o in node.outputs))
