"""Ends a network at its logits."""
from __future__ import annotations

from dataclasses import replace

from ..errors import TapeoutError
from ..ir import Graph
from ..ops.softmax import Softmax


def drop_softmax(graph: Graph) -> Graph:
    """The graph whose outputs are what its final softmaxes are computed from, under the names of their ports.

    Raises TapeoutError when no output is that of a softmax.
    """
    outputs = []
    for port in graph.outputs:
        node = graph.producer(port.value)
        outputs.append(replace(port, value=node.inputs[0]) if node and isinstance(node.op, Softmax) else port)
    if tuple(outputs) == graph.outputs:
        raise TapeoutError("--output-layer logits: the network does not end with a softmax, so its outputs are those already; leave it out")
    kept = [node for node in graph.nodes if not (isinstance(node.op, Softmax) and node.name in graph.output_names)]
    return graph.replace(kept, outputs=tuple(outputs))
