"""What dense_nibbles.h takes: weights of 4 bits, 8 too large, a word for two inputs of four outputs."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant

from ....high_word import HighWord, high_word
from ....target import Kernel, Packed
from ....trail import Rows
from ...packed_layer import NIBBLE, not_plain
from . import nibbles

OUTPUTS, BLOCK = 4, 8  # of a word, and the inputs of a turn of the kernel's loop
_ORDER = (0, 2, 1, 3)  # in which SXTB16 takes four inputs
_BLOCK_COST, _FOUR_COST, _INPUT_COST, _ROW_COST = 38, 90, 3, 40  # instructions, as gcc 12 makes them


def accepts(graph: Graph, node: Node) -> str | None:
    if reason := not_plain(graph, node, "s8", NIBBLE):
        return reason
    found = form(graph, node)
    return found if isinstance(found, str) else None


def form(graph: Graph, node: Node) -> HighWord | str:
    op, w = node.op, graph.types(node)[1]
    assert isinstance(op, Dense) and isinstance(op.requant, Requant) and w
    return high_word(graph, node, op.requant, w.shape[0])


def table(graph: Graph, node: Node, doubled: bool) -> Array:
    """(O, 4): where the sums of raw codes begin, and what makes codes of them."""
    x, w, found = graph.types(node)[0], graph.data(node.inputs[1]).astype(np.int64), form(graph, node)
    assert x and isinstance(found, HighWord)
    bias = graph.data(node.inputs[2]).astype(np.int64) if node.inputs[2] else np.zeros(len(w), np.int64)
    return found.table(bias - x.quantized.zero[0] * w.sum(axis=1), doubled)


def padded(w: Array) -> Array:
    """Weights (O, I) with zeros up to whole fours of outputs and blocks of inputs."""
    return np.pad(w, ((0, -len(w) % OUTPUTS), (0, -w.shape[1] % BLOCK)))


def pack(graph: Graph, node: Node) -> Packed:
    op, found = node.op, form(graph, node)
    assert isinstance(op, Dense) and isinstance(op.requant, Requant) and isinstance(found, HighWord)
    w = padded(graph.data(node.inputs[1]))
    pairs = w.reshape(-1, OUTPUTS, w.shape[1] // 4, 4)[..., _ORDER].reshape(-1, OUTPUTS, w.shape[1] // 2, 2)
    params = op.params(graph.types(node))
    sizes = {name: params[name] for name in ("rows", "inputs", "outputs")}
    limits = {"doubled": int(found.doubled), "lo": op.requant.lo, "hi": op.requant.hi}
    return Packed((("table", table(graph, node, True)), ("words", nibbles.packed(pairs.transpose(0, 2, 1, 3)))), {**sizes, **limits})


def cost(graph: Graph, node: Node) -> int:
    x, w = graph.types(node)[:2]
    assert x and w
    outputs, inputs = w.shape
    four = -(-inputs // BLOCK) * _BLOCK_COST + _FOUR_COST
    return x.size // inputs * (-(-outputs // OUTPUTS) * four + _INPUT_COST * inputs + _ROW_COST)


def scratch(op: Op, types: Types) -> int:
    """Bytes: the inputs of a row, widened to half-words."""
    assert types[1]
    return 2 * BLOCK * -(-types[1].shape[1] // BLOCK)


def trail(op: Op, types: Types) -> int:
    """A row of half-words is read before it is written."""
    assert types[0] and types[1]
    outputs, inputs = types[1].shape
    rows, width = types[0].size // inputs, types[0].bytes // types[0].size
    return Rows(rows, width * inputs, rows, width * outputs, 1, 0).trail(together=1, ahead=True)


KERNELS = (Kernel("dense_packed_s8_nibbles", "dense_packed_s8", accepts, pack, cost, scratch=scratch, trail=trail),)
