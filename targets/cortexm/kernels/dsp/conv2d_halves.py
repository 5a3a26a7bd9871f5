"""What conv2d_halves.h takes: weights of two channels side by side, in 16 bits or in bytes, for activations of 16 bits."""
from __future__ import annotations

from enum import Enum
from functools import partial

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ....trail import Rows
from ... import wide
from ...packed_layer import not_plain
from .conv2d_pairs import Geometry, even, interleaved, pair_cost, parameters, parts, rows_cost, shape_unfit, unfit


class Form(Enum):
    """How weights and sums are held.

    HALVES  weights of 16 bits, sums of 32
    BYTES   weights of bytes, sums of 32
    WIDE    weights of 16 bits, sums of 64
    """

    HALVES = "conv2d_packed_s16_halves"
    BYTES = "conv2d_packed_s16_halves_bytes"
    WIDE = "conv2d_packed_s16_halves_wide"


_MOST_BYTES = 2  # blocks written out in code where flash counts
_MORE = {Form.HALVES: 0, Form.BYTES: 4, Form.WIDE: 16}  # instructions of a block, as gcc 12 makes it


def _geometry(op: Op, types: Types, form: Form) -> Geometry:
    return Geometry.of(op, types, _MOST_BYTES) if form is Form.BYTES else Geometry.of(op, types)


def accepts(graph: Graph, node: Node, form: Form) -> str | None:
    op, types = node.op, graph.types(node)
    if reason := not_plain(graph, node, "s16", 8):
        return reason
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and types[1]
    g = _geometry(op, types, form)
    if form is Form.WIDE:
        return shape_unfit(op, types, g) or wide.refusal(graph, node, op.requant, types[1].shape[0])
    return unfit(graph, node, g)


def scratch(op: Op, types: Types, form: Form) -> int:
    """Bytes: the rows of a window, a word for each element."""
    assert types[1]
    return 4 * types[1].shape[1] * _geometry(op, types, form).row


def trail(op: Op, types: Types, form: Form) -> int:
    """Both rows of a pair, or pixels of a flat one, are read before they are written."""
    rows = Rows.of(op, types)
    assert types[0]
    if _geometry(op, types, form).flat:
        pixels = types[0].shape[1] * types[0].shape[2]
        rows = Rows(pixels, 2 * types[0].shape[3], pixels, 2 * op.infer(types)[0].shape[3], 1, 0)
    return rows.trail(together=2, ahead=True)


def pack(graph: Graph, node: Node, form: Form) -> Packed:
    g = _geometry(node.op, graph.types(node), form)
    if form is Form.WIDE:
        return _pack_wide(graph, node, g)
    table, w, params = parts(graph, node, g, form is Form.BYTES)
    return Packed((("table", table), ("words", interleaved(w, g, form is Form.BYTES))), params)


def _pack_wide(graph: Graph, node: Node, g: Geometry) -> Packed:
    op, x = node.op, graph.types(node)[0]
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and x
    w = graph.data(node.inputs[1]).astype(np.int64)
    bias = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(w), np.int64)
    table = wide.table(graph, node, op.requant, bias - x.quantized.zero[0] * w.reshape(len(w), -1).sum(1))
    words: Array = interleaved(w, g, bytes=False).reshape(-1, 2, 2).transpose(0, 2, 1)
    params = parameters(graph, node, g) | {"doubled": 0, "bytes": 0}
    return Packed((("table", even(table)), ("words", np.ascontiguousarray(words).ravel())), params)


def cost(graph: Graph, node: Node, form: Form) -> int:
    g = _geometry(node.op, graph.types(node), form)
    return rows_cost(node.op, graph.types(node), g, pair_cost(graph.types(node), g, _MORE[form]))


def _kernel(form: Form) -> Kernel:
    return Kernel(
        form.value, "conv2d_packed_s16", partial(accepts, form=form), partial(pack, form=form), partial(cost, form=form),
        widens=form is not Form.BYTES, scratch=partial(scratch, form=form), trail=partial(trail, form=form),
    )


KERNELS = tuple(map(_kernel, Form))
