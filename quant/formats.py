"""Which int8 format each activation gets: from its own range, or from that of the value that it flows into."""
from __future__ import annotations

from collections.abc import Mapping

from tapeout.compiler.ir import Graph, Node, Op, QType
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose

from .scheme import Range, activation_type

# Scales 1/256 and 1/128, as in TensorFlow Lite: the function's range, so that no input can saturate it.
_RANGES: dict[type[Op], Range] = {Sigmoid: Range(0.0, 255 / 256), Tanh: Range(-1.0, 127 / 128)}
_PICKING = (Reshape, Transpose, Slice, MaxPool2D)  # each element of the output is one of the input: saturating may come first


class Formats:
    """The int8 format in which a node computes a value of the float graph, by its name.

    It follows from the value's own range, unless the value flows only into a concat or a clip, through ops that pick among
    elements: then from the range behind those, so that nothing is rescaled and no code spent on what is clipped away.
    """

    def __init__(self, graph: Graph, ranges: Mapping[str, Range], symmetric: bool) -> None:
        self._ranges = {**ranges, **{n.name: _RANGES[type(n.op)] for n in graph.nodes if type(n.op) in _RANGES}}
        self._symmetric = symmetric
        sole = {name: found[0] for name, found in graph.consumers().items() if len(found) == 1 and name not in graph.output_names}
        self._flows_into = {node.name: _end(node, sole) for node in graph.nodes}

    def __getitem__(self, name: str) -> QType:
        """The format of a computed value, or of a graph input."""
        return activation_type(self._ranges[self._flows_into.get(name, name)], self._symmetric)


def _end(node: Node, sole: Mapping[str, Node]) -> str:
    """The value whose range decides the format of a node's output; `sole` has the readers of values that have one."""
    at = end = node.name
    while at in sole:
        reader = sole[at]
        at = reader.name
        if isinstance(reader.op, Concat | Clip) or (isinstance(reader.op, MaxPool2D) and reader.op.clip):
            end = at
        elif not isinstance(reader.op, _PICKING):
            break
    return end
