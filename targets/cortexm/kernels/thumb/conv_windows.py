"""What conv_windows.h takes: weights with a window as a row."""
from __future__ import annotations

from functools import partial

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ..dsp.conv2d_direct import trail
from .word_sums import WIDEN_COST, Layout, Sums, scratch

_PIXEL_COST, _ROW_COST = 40, 60  # instructions of a pixel, and of a row of its window, counted in what gcc 12 makes


def kernel(layout: Layout) -> Kernel:
    """The kernel of a layout."""
    return Kernel(
        f"conv2d_s8_{layout.name}", of="conv2d_s8", accepts=partial(_accepts, layout=layout), pack=partial(_pack, layout=layout),
        cost=partial(_cost, layout=layout), widens=layout.widens, scratch=_scratch, trail=trail,
    )


def _weights(graph: Graph, node: Node) -> Int:
    w = graph.data(node.inputs[1])
    return np.asarray(w.reshape(len(w), -1).astype(np.int64))


def _sums(graph: Graph, node: Node) -> Sums | str:
    op = node.op
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant)
    return Sums.of(graph, node, _weights(graph, node), op.requant)


def _accepts(graph: Graph, node: Node, layout: Layout) -> str | None:
    op = node.op
    assert isinstance(op, Conv2D)
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if op.groups > 1 or op.dilation[1] > 1:
        return "groups or dilated columns"
    if (reason := layout.refuses(_weights(graph, node))) is not None:
        return reason
    found = _sums(graph, node)
    return found if isinstance(found, str) else None


def _pack(graph: Graph, node: Node, layout: Layout) -> Packed:
    op, types, sums = node.op, graph.types(node), _sums(graph, node)
    assert isinstance(op, Conv2D) and isinstance(sums, Sums) and types[0]
    packed = layout.pack(sums)
    x, y = types[0], op.infer(types)[0]
    return Packed(packed.constants, {**op.window(types).params(x.shape, y.shape), "x_zero": x.quantized.zero[0], **packed.params})


def _scratch(op: Op, types: Types) -> int:
    assert types[1]
    return scratch(types[1].size // types[1].shape[0])


def _cost(graph: Graph, node: Node, layout: Layout) -> int:
    sums, types = _sums(graph, node), graph.types(node)
    assert isinstance(sums, Sums) and types[1]
    (y,) = node.op.infer(types)
    inputs: int = sums.weights.shape[1]
    window = types[1].shape[1] * _ROW_COST + WIDEN_COST * inputs
    return y.size // y.shape[3] * (_PIXEL_COST + window + layout.cost(sums))
