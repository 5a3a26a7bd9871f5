"""What dense_halves.h takes: weights in bytes, a word for four inputs of an output, for inputs of 16 bits."""
from __future__ import annotations

from functools import partial

import numpy as np

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ... import wide
from ...packed_layer import not_plain
from .dense_nibbles import BLOCK, OUTPUTS, form, padded, scratch, table, trail

_ORDER = (0, 2, 1, 3)  # of bytes, so that SXTB16 makes pairs of neighbours
_BLOCK_COST, _WIDE_BLOCK_COST, _FOUR_COST, _INPUT_COST, _ROW_COST = 38, 88, 90, 1, 60  # instructions, as gcc 12 makes them


def accepts(graph: Graph, node: Node, is_wide: bool) -> str | None:
    if reason := not_plain(graph, node, "s16", 8):
        return reason
    op, w = node.op, graph.types(node)[1]
    assert isinstance(op, Dense) and isinstance(op.requant, Requant) and w
    found = wide.refusal(graph, node, op.requant, w.shape[0]) if is_wide else form(graph, node)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node, is_wide: bool) -> Packed:
    op, x, w = node.op, graph.types(node)[0], graph.data(node.inputs[1])
    assert isinstance(op, Dense) and isinstance(op.requant, Requant) and x
    full = padded(w)
    words = np.ascontiguousarray(full.reshape(-1, OUTPUTS, full.shape[1] // 4, 4)[..., _ORDER].transpose(0, 2, 1, 3)).view(np.uint32)
    if is_wide:
        bias = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(w), np.int64)
        channels = wide.table(graph, node, op.requant, bias - x.quantized.zero[0] * w.astype(np.int64).sum(axis=1))
    else:
        channels = table(graph, node, False)
    params = op.params(graph.types(node))
    sizes = {name: params[name] for name in ("rows", "inputs", "outputs")}
    limits = {"blocks": full.shape[1] // BLOCK, "lo": op.requant.lo, "hi": op.requant.hi}
    return Packed((("table", channels), ("words", words.ravel())), {**sizes, **limits})


def cost(graph: Graph, node: Node, is_wide: bool) -> int:
    x, w = graph.types(node)[:2]
    assert x and w
    outputs, inputs = w.shape
    four = -(-inputs // BLOCK) * (_WIDE_BLOCK_COST if is_wide else _BLOCK_COST) + _FOUR_COST
    return x.size // inputs * (-(-outputs // OUTPUTS) * four + _INPUT_COST * inputs + _ROW_COST)


def _kernel(symbol: str, is_wide: bool) -> Kernel:
    own = partial(accepts, is_wide=is_wide), partial(pack, is_wide=is_wide), partial(cost, is_wide=is_wide)
    return Kernel(symbol, "dense_packed_s16", *own, scratch=scratch, trail=trail)


KERNELS = (_kernel("dense_packed_s16_halves", False), _kernel("dense_packed_s16_halves_wide", True))
