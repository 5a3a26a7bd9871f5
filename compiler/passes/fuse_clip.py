"""A clip that alone reads a node's output becomes part of that node."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..ir import FType, Graph, Node, Op
from ..ops.clip import Clip


def fuse_clip(graph: Graph) -> Graph:
    """Merges each clip into its producer, which takes the clip's name.

    A float op takes it as its `clip`, an integer op as tighter bounds `lo` and `hi`, its own or its requant's.
    A clip after a clip becomes one.
    """
    consumers = graph.consumers()
    nodes: list[Node] = []
    place: dict[str, int] = {}  # of the node in `nodes` that computes a value
    for node in graph.nodes:
        if isinstance(node.op, Clip) and node.inputs[0] in place and _alone(graph, node, consumers):
            at = place[node.inputs[0]]
            op = _clipped(nodes[at].op, node.op, isinstance(graph.values[node.name].type.q, FType))
            if op is not None:
                nodes[at] = Node(op, nodes[at].inputs, node.outputs)
                place[node.name] = at
                continue
        place.update(dict.fromkeys(node.outputs, len(nodes)))
        nodes.append(node)
    return graph.replace(nodes)


def _alone(graph: Graph, node: Node, consumers: Mapping[str, list[Node]]) -> bool:
    """Whether nobody but this node sees its input."""
    return consumers[node.inputs[0]] == [node] and node.inputs[0] not in graph.output_names


def _clipped(op: Op, clip: Clip, floats: bool) -> Op | None:
    """The op with a clip of its output, or None when it has no place for one.

    Two float clips without a common value stay two: their result is one bound, but a single clip keeps the sign of a zero.
    """
    before = op if isinstance(op, Clip) else getattr(op, "clip", None) or Clip()
    if floats and (before.hi < clip.lo or clip.hi < before.lo):
        return None
    if isinstance(op, Clip):
        return Clip(*_both((op.lo, op.hi), clip))
    changes: dict[str, Any] = {}
    if floats and hasattr(op, "clip"):
        changes = {"clip": Clip(*_both((before.lo, before.hi), clip))}
    elif not floats:
        owner = next((f for f in ("requant", "scaling") if getattr(op, f, None) is not None), None)
        bounded: Any = op if owner is None else getattr(op, owner)
        if hasattr(bounded, "lo") and hasattr(bounded, "hi"):
            lo, hi = _both((bounded.lo, bounded.hi), clip)
            bounds = {"lo": int(lo), "hi": int(hi)}
            changes = bounds if owner is None else {owner: replace(bounded, **bounds)}
    fused: Any = op
    result: Op | None = replace(fused, **changes) if changes else None
    return result


def _both(first: tuple[float, float], then: Clip) -> tuple[float, float]:
    """The bounds of two clips in a row: those of the first, clipped. Of two equal zeros the first's stays, as in `Clip`."""
    lo, hi = (min(max(bound, then.lo), then.hi) for bound in first)
    return lo, hi
