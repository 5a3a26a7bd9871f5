"""Nodes whose outputs nobody reads are removed."""
from __future__ import annotations

from ..ir import Graph, Node


def remove_dead_nodes(graph: Graph) -> Graph:
    """The graph without the nodes on which no output of it depends. Its inputs stay, used or not."""
    needed = set(graph.output_names)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(node.inputs)
    return graph.replace(kept[::-1])
