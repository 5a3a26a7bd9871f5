"""What conv2d_xcv_direct.h takes: windows that lie in the input altogether, a run for each row of the kernel."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node, Op, Param, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows
from .conv2d_xcv import refusal
from .layer import WORD, Layer, Reading, interleaved, layer, whole


def _flat(op: Conv2D, types: Types) -> bool:
    """Whether all pixels are one row: a 1 x 1 convolution."""
    assert types[1]
    return types[1].shape[1:3] == op.stride == (1, 1)


def _reading(op: Conv2D, types: Types) -> Reading:
    assert types[0] and types[1]
    _, k_h, k_w, in_c = types[1].shape
    return Reading.of(k_h, op.dilation[0] * types[0].shape[2] * in_c, k_w * in_c)


def accepts(graph: Graph, node: Node) -> str | None:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[1]
    if any(op.pads):
        return "windows that meet the padding"
    if types[1].shape[2] * types[1].shape[3] < WORD:
        return f"kernel rows of less than {WORD} codes"
    found = refusal(op) or layer(graph, node, 0)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node) -> Packed:
    op, found, types = node.op, layer(graph, node, 0), graph.types(node)
    assert isinstance(found, Layer) and isinstance(op, Conv2D) and types[0] and types[1]
    way, shape = _reading(op, types), types[0].shape
    window: dict[str, Param] = dict(op.window(types).params(shape, op.infer(types)[0].shape))
    if _flat(op, types):
        pixels, outputs = shape[0] * shape[1] * shape[2], types[1].shape[0]
        window |= {"window.batches": 1, "window.in_h": 1, "window.in_w": pixels, "window.in_row": pixels * shape[3]}
        window |= {"window.out_h": 1, "window.out_w": pixels, "window.out_row": pixels * outputs}
    words = interleaved(found.weights.reshape(len(found.weights), way.runs, -1), way)
    return Packed((("table", whole(found.table)), ("words", words)), {**window, **way.params, **found.params})


def trail(op: Op, types: Types) -> int | None:
    """Row by row, or pixels in pairs, which are read while they are written; None for several images."""
    assert isinstance(op, Conv2D) and types[0] and types[1]
    if _flat(op, types):
        pixels = types[0].size // types[0].shape[3]
        return Rows(pixels, types[0].shape[3], pixels, types[1].shape[0], 1, 0).trail(together=2, ahead=False)
    return None if types[0].shape[0] > 1 else Rows.of(op, types).trail(together=1, ahead=False)


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D)
    (y,) = op.infer(types)
    pixels = y.size // y.shape[3]
    rows, columns = (1, pixels) if _flat(op, types) else (pixels // y.shape[2], y.shape[2])
    return _reading(op, types).cost(rows * (columns // 2), rows * (columns % 2), y.shape[3])


KERNELS = (Kernel("conv2d_s8_xcv_direct", "conv2d_s8", accepts, pack, cost, trail=trail),)
