"""Values that lie within others, so that nothing is run to get them: reshapes, whole rows of a tensor, the parts of a concatenation."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .ir import Graph, Node
from .ops.reshape import Reshape

ALIGNMENT = 4  # bytes, the widest element but for 64-bit sums; see `alignment`


@lru_cache(maxsize=64)
def alignment(graph: Graph) -> int:
    """What divides every offset: the bytes of the widest computed element, at least ALIGNMENT."""
    return max(ALIGNMENT, *(v.type.q.dtype.itemsize for v in graph.values.values() if not v.constant))


@dataclass(frozen=True)
class Views:
    """`hosts` names the value within whose bytes a value lies, and the byte at which it begins there; `free` the nodes that run nothing."""

    hosts: Mapping[str, tuple[str, int]]
    free: frozenset[str]

    def root(self, value: str) -> tuple[str, int]:
        """The value that lies within no other and holds the bytes of `value`, and the byte at which these begin."""
        begin = 0
        while value in self.hosts:
            value, more = self.hosts[value]
            begin += more
        return value, begin


@lru_cache(maxsize=64)
def views(graph: Graph) -> Views:
    """The views of a graph. A view begins at a multiple of `alignment`; what does not is copied by a kernel."""
    unit = alignment(graph)
    hosts: dict[str, tuple[str, int]] = {}
    free: set[str] = set()
    for node in graph.nodes:
        if begins := _joined(graph, node, unit, hosts):
            hosts |= {part: (node.name, begin) for part, begin in begins.items()}
            free.add(node.name)
    for node in graph.nodes:
        begin = node.op.view(graph.types(node))
        copied = node.name in hosts or (graph.values[node.inputs[0]].constant and not isinstance(node.op, Reshape)) if node.inputs else True
        if begin is not None and begin % unit == 0 and not copied:
            hosts[node.name] = (node.inputs[0], begin)
            free.add(node.name)
    return Views(hosts, frozenset(free))


def _joined(graph: Graph, node: Node, unit: int, hosts: Mapping[str, tuple[str, int]]) -> dict[str, int] | None:
    """Where the inputs of a node begin in its output, when they can be computed there; a view of something else cannot."""
    begins = node.op.joins(graph.types(node))
    if begins is None or any(begin % unit for begin in begins) or len(set(node.inputs)) < len(node.inputs):
        return None
    for part in node.inputs:
        maker = graph.producer(part)
        if part in hosts or maker is None or isinstance(maker.op, Reshape):
            return None
    return dict(zip(node.inputs, begins, strict=True))
