"""What dense_triples.h takes: weights as triples.py packs them."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ....trail import Rows
from . import triples

_ROW_COST = 20  # instructions of a row, counted in what gcc 12 makes


def _sums(graph: Graph, node: Node) -> triples.Sums | str:
    op = node.op
    assert isinstance(op, Dense) and isinstance(op.requant, Requant)
    return triples.Sums.of(graph, node, graph.data(node.inputs[1]).astype(np.int64), op.requant)


def _accepts(graph: Graph, node: Node) -> str | None:
    w = graph.types(node)[1]
    assert w
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if any(w.quantized.zero):
        return "weights with a zero point"
    found = _sums(graph, node)
    return found if isinstance(found, str) else None


def _rows(types: Types) -> int:
    assert types[0] and types[1]
    return types[0].size // types[1].shape[1]


def _pack(graph: Graph, node: Node) -> Packed:
    sums = _sums(graph, node)
    assert isinstance(sums, triples.Sums)
    packed = sums.pack()
    return Packed(packed.constants, {"rows": _rows(graph.types(node)), **packed.params})


def _scratch(op: Op, types: Types) -> int:
    assert types[1]
    return triples.scratch(types[1].shape[1])


def _trail(op: Op, types: Types) -> int:
    """A row is widened before it is written."""
    assert types[1]
    outputs, inputs = types[1].shape
    return Rows(_rows(types), inputs, _rows(types), outputs, 1, 0).trail(together=1, ahead=True)


def _cost(graph: Graph, node: Node) -> int:
    sums = _sums(graph, node)
    assert isinstance(sums, triples.Sums)
    return _rows(graph.types(node)) * (_ROW_COST + triples.widening(sums.weights.shape[1]) + triples.cost(sums))


KERNELS = (
    Kernel(
        "dense_s8_triples", of="dense_s8", accepts=_accepts, pack=_pack, cost=_cost, widens=True, scratch=_scratch, trail=_trail,
    ),
)
