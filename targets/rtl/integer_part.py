"""The part of a graph that is codes alone, which a design runs; what is float around it is the host's."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node, Port


def integer_part(graph: Graph) -> Graph:
    """The nodes that read and write codes alone, from the values that they read of others to those that others, or nobody, read of them.

    Raises Unsupported when codes pass through floats on their way, or when there is no such node.
    """
    nodes = [node for node in graph.nodes if _whole(graph, node)]
    made = {name for node in nodes for name in node.outputs}
    if not nodes:
        raise Unsupported(f"{graph.name}: no node computes in codes alone; quantize the network")
    entries = dict.fromkeys(name for node in nodes for name in node.inputs if name and name not in made and not graph.values[name].constant)
    after: set[str] = set()
    for node in graph.nodes:
        if (not _whole(graph, node) and made & set(node.inputs)) or after & set(node.inputs):
            after |= set(node.outputs)
    for name in entries:
        if name in after:
            raise Unsupported(f"{name}: codes pass through floats before it; a design takes one part of codes")
    read = graph.consumers()
    ends = [n for n in graph.values if n in made and (n in graph.output_names or any(not _whole(graph, r) for r in read[n]))]
    kept = {name: value for name, value in graph.values.items() if any(name in (*n.inputs, *n.outputs) for n in nodes)}
    return Graph(graph.name, tuple(_port(graph, n) for n in entries), tuple(_port(graph, n) for n in ends), tuple(nodes), kept)


def _whole(graph: Graph, node: Node) -> bool:
    return not any(isinstance(graph.values[name].type.q, FType) for name in (*node.inputs, *node.outputs) if name)


def _port(graph: Graph, value: str) -> Port:
    """The graph's own port, or one for codes where floats were cut off."""
    own = next((port for port in (*graph.inputs, *graph.outputs) if port.value == value), None)
    type = graph.values[value].type
    return own or Port(value, value, str(type.q.dtype), tuple(range(len(type.shape))))
