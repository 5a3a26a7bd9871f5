"""What input_rows.h takes."""
from __future__ import annotations

from functools import partial

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ....trail import Rows
from .word_sums import WIDEN_COST, Layout, Sums, scratch

_ROW_COST = 20  # instructions of a row, counted in what gcc 12 makes


def kernel(layout: Layout) -> Kernel:
    """The kernel of a layout."""
    return Kernel(
        f"dense_s8_{layout.name}", of="dense_s8", accepts=partial(_accepts, layout=layout), pack=partial(_pack, layout=layout),
        cost=partial(_cost, layout=layout), widens=layout.widens, scratch=_scratch, trail=_trail,
    )


def _weights(graph: Graph, node: Node) -> Int:
    return graph.data(node.inputs[1]).astype(np.int64)


def _sums(graph: Graph, node: Node) -> Sums | str:
    op = node.op
    assert isinstance(op, Dense) and isinstance(op.requant, Requant)
    return Sums.of(graph, node, _weights(graph, node), op.requant)


def _accepts(graph: Graph, node: Node, layout: Layout) -> str | None:
    w = graph.types(node)[1]
    assert w
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if any(w.quantized.zero):
        return "weights with a zero point"
    if (reason := layout.refuses(_weights(graph, node))) is not None:
        return reason
    found = _sums(graph, node)
    return found if isinstance(found, str) else None


def _rows(types: Types) -> int:
    assert types[0] and types[1]
    return types[0].size // types[1].shape[1]


def _pack(graph: Graph, node: Node, layout: Layout) -> Packed:
    sums = _sums(graph, node)
    assert isinstance(sums, Sums)
    packed = layout.pack(sums)
    return Packed(packed.constants, {"rows": _rows(graph.types(node)), **packed.params})


def _scratch(op: Op, types: Types) -> int:
    assert types[1]
    return scratch(types[1].shape[1])


def _trail(op: Op, types: Types) -> int:
    """A row is widened before it is written."""
    assert types[1]
    outputs, inputs = types[1].shape
    return Rows(_rows(types), inputs, _rows(types), outputs, 1, 0).trail(together=1, ahead=True)


def _cost(graph: Graph, node: Node, layout: Layout) -> int:
    sums = _sums(graph, node)
    assert isinstance(sums, Sums)
    inputs: int = sums.weights.shape[1]
    return _rows(graph.types(node)) * (_ROW_COST + WIDEN_COST * inputs + layout.cost(sums))
