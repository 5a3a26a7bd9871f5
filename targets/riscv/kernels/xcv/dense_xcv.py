"""What dense_xcv.h takes: weights of four outputs side by side."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node, Op, Types

from ....target import Kernel, Packed
from ....trail import Rows
from .layer import WORD, Layer, Reading, interleaved, layer, whole


def _sizes(types: Types) -> tuple[int, int, int]:
    """Rows, inputs and outputs."""
    assert types[0] and types[1]
    outputs, inputs = types[1].shape
    return types[0].size // inputs, inputs, outputs


def accepts(graph: Graph, node: Node) -> str | None:
    if _sizes(graph.types(node))[1] < WORD:
        return f"less than {WORD} inputs"
    found = layer(graph, node, 0)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node) -> Packed:
    found, (rows, inputs, outputs) = layer(graph, node, 0), _sizes(graph.types(node))
    assert isinstance(found, Layer)
    way = Reading.of(1, 0, inputs)
    words = interleaved(found.weights.reshape(outputs, 1, inputs), way)
    params = {"rows": rows, "inputs": inputs, "outputs": outputs, **way.params, **found.params}
    return Packed((("table", whole(found.table)), ("words", words)), params)


def trail(op: Op, types: Types) -> int:
    """Rows in pairs, which are read while they are written."""
    rows, inputs, outputs = _sizes(types)
    return Rows(rows, inputs, rows, outputs, 1, 0).trail(together=2, ahead=False)


def cost(graph: Graph, node: Node) -> int:
    rows, inputs, outputs = _sizes(graph.types(node))
    return Reading.of(1, 0, inputs).cost(rows // 2, rows % 2, outputs)


KERNELS = (Kernel("dense_s8_xcv", "dense_s8", accepts, pack, cost, trail=trail),)
