"""Graphs with states: steps of training, which change their own weights."""
from __future__ import annotations

from .ir import Graph, Node, Port, Value


def parameters(graph: Graph, node: Node) -> list[Value]:
    """The constants that a node reads, and the states that it does not change."""
    read = (graph.values[name] for name in dict.fromkeys(node.inputs) if name)
    return [value for value in read if value.data is not None and value.next not in node.outputs]


def next_port(state: Value, name: str) -> Port:
    """The output that holds what a state becomes, under the name of the weight that it is."""
    return Port(state.next, name, state.type.q.dtype.name, tuple(range(len(state.type.shape))))


def inference(graph: Graph) -> int:
    """How many nodes run the network itself. A graph with states is a training step: its first output is the network's, or the
    goodness of its layers, and nodes behind the one that computes it are the rest of the step."""
    if not graph.states():
        return len(graph.nodes)
    return 1 + next(at for at, node in enumerate(graph.nodes) if graph.outputs[0].value in node.outputs)
