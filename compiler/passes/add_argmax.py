"""Ends a network at the class of its largest output."""
from __future__ import annotations

from dataclasses import replace

from ..errors import TapeoutError
from ..ir import Builder, Graph, QType
from ..ops.argmax import Argmax
from ..ops.dequantize import Dequantize
from .remove_dead_nodes import remove_dead_nodes


def add_argmax(graph: Graph) -> Graph:
    """The graph with `argmax` behind each output, which must be integer codes of one scale. Ports keep their names and lose the last axis.

    Raises TapeoutError for other outputs.
    """
    build = Builder(graph.values)
    outputs = []
    for port in graph.outputs:
        codes = _codes(graph, port.value)
        type = graph.values[codes].type
        if not isinstance(type.q, QType):
            raise TapeoutError(f"--output-layer argmax: {port.name} is {type.q.code}, and only integers are compared; quantize the network")
        if len(set(type.q.scale)) > 1:
            raise TapeoutError(
                f"--output-layer argmax: the classes of {port.name} have scales of their own; quantize the last layer's result, or its "
                "weights per tensor"
            )
        value = build.add(Argmax(), (codes,), build.fresh(f"{port.value}_class"))
        axes = tuple(a - (a > port.axes[-1]) for a in port.axes[:-1])
        outputs.append(replace(port, value=value, dtype="int64", axes=axes))
    return remove_dead_nodes(graph.replace([*graph.nodes, *build.nodes], build.values, outputs=tuple(outputs)))


def _codes(graph: Graph, value: str) -> str:
    """The codes of which an output is the reals, itself when it is codes."""
    node = graph.producer(value)
    return node.inputs[0] if node and isinstance(node.op, Dequantize) and len(node.inputs) == 1 else value
