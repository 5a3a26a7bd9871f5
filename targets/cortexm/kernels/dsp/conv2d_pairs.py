"""What conv2d_pairs.h takes: weights of two channels side by side, in 16 bits, in the order in which windows are read."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Param, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant

from ....high_word import high_word
from ....target import Kernel, Packed
from ....trail import Rows

BLOCK = 4  # elements that the inner block takes of each row
_MOST = 16  # blocks written out in code
_BLOCK_COST, _LOOP_COST, _ROW_COST, _PAIR_COST, _PIXEL_COST = 10, 4, 2, 56, 12  # instructions, counted in what gcc 12 makes
_WIDEN_COST, _ELEMENT_COST = 3, 12  # of an element of both rows, four at a time or one by one
_REACH = 1 << 16  # bytes that a constant of 16 bits steps over


@dataclass(frozen=True)
class Geometry:
    """How windows lie in scratch, in the kernel's parameters. `flat` is a 1 x 1 convolution seen as a column of pixels."""

    flat: bool
    pixel: int
    row: int
    blocks: int
    loops: int

    @classmethod
    def of(cls, op: Op, types: Types, most: int | None = _MOST, flat: bool = True) -> Geometry:
        """With at most so many blocks written out in code, or for None one loop of any number of blocks; `flat` says whether a 1 x 1
        convolution may be."""
        assert isinstance(op, Conv2D) and types[0] and types[1]
        (_, _, in_w, in_c), (k_w, stride_w) = types[0].shape, (types[1].shape[2], op.stride[1])
        flat = flat and types[1].shape[1:3] == op.stride == (1, 1) and not any(op.pads)
        out_w = op.window(types).output(*types[0].shape[1:3])[1]
        if flat:
            in_w = out_w = 1
        pixel = in_c + (stride_w * in_c % 2 if out_w > 1 else 0)
        count = -(-k_w * pixel // BLOCK)
        blocks, loops = _split(count, most) if most else (count, 1)
        read = (out_w - 1) * stride_w * pixel + BLOCK * blocks * loops
        row = max(read, (op.pads[1] + in_w) * pixel)
        return cls(flat, pixel, row + row % 2, blocks, loops)


def _geometry(op: Op, types: Types, bytes: bool) -> Geometry:
    """Weights of bytes are read by a loop that takes any number of blocks."""
    return Geometry.of(op, types, None if bytes else _MOST)


def _split(count: int, most: int) -> tuple[int, int]:
    """At least `count` blocks as loops of at most so many blocks written out, with the fewest instructions."""
    splits = [(blocks, -(-count // blocks)) for blocks in range(1, most + 1)]
    return min(splits, key=lambda s: s[1] * (s[0] * _BLOCK_COST + (_LOOP_COST if s[1] > 1 else 0)))


def accepts(graph: Graph, node: Node, bytes: bool) -> str | None:
    return unfit(graph, node, _geometry(node.op, graph.types(node), bytes))


def unfit(graph: Graph, node: Node, g: Geometry) -> str | None:
    """Why kernels by pairs of rows do not run a layer that ends in a requant, if they do not."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and types[1]
    if reason := shape_unfit(op, types, g):
        return reason
    if any(graph.values[name].data is None for name in node.inputs[1:] if name):
        return "weights that are computed"
    form = high_word(graph, node, op.requant, types[1].shape[0])
    return form if isinstance(form, str) else None


def shape_unfit(op: Conv2D, types: Types, g: Geometry) -> str | None:
    assert types[0]
    if types[0].shape[0] > 1 or op.groups > 1 or op.dilation[1] > 1:
        return "several images, groups or dilated columns"
    return "rows of more than 64 KiB in scratch" if 4 * (g.row - BLOCK * g.blocks * g.loops) >= _REACH else None


def scratch(op: Op, types: Types, bytes: bool) -> int:
    """Bytes: the rows of a window, a word for each element, and a row of padding."""
    assert types[0] and types[1]
    g = _geometry(op, types, bytes)
    return 4 * types[1].shape[1] * g.row + (1 if g.flat else types[0].shape[2]) * types[0].shape[3]


def trail(op: Op, types: Types) -> int:
    """Both rows of a pair, or pixels of a flat one, are read before they are written."""
    rows = Rows.of(op, types)
    assert types[0]
    if Geometry.of(op, types).flat:
        pixels = types[0].shape[1] * types[0].shape[2]
        rows = Rows(pixels, types[0].shape[3], pixels, op.infer(types)[0].shape[3], 1, 0)
    return rows.trail(together=2, ahead=True)


def pack(graph: Graph, node: Node, bytes: bool) -> Packed:
    g = _geometry(node.op, graph.types(node), bytes)
    table, w, params = parts(graph, node, g, bytes)
    return Packed((("table", table), ("words", interleaved(w, g, bytes))), params)


def parts(graph: Graph, node: Node, g: Geometry, bytes: bool) -> tuple[Array, Array, dict[str, Param]]:
    """The table of channels, the weights, and the parameters of kernels by pairs of rows; weights of bytes do not double sums."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and types[0]
    w, form = graph.data(node.inputs[1]).astype(np.int64), high_word(graph, node, op.requant, len(graph.data(node.inputs[1])))
    assert not isinstance(form, str)
    bias = graph.data(node.inputs[2]) if node.inputs[2] else np.zeros(len(w), np.int64)
    table = form.table(bias - types[0].quantized.zero[0] * w.reshape(len(w), -1).sum(1), doubled=not bytes)
    params = parameters(graph, node, g) | {"doubled": int(form.doubled), "bytes": int(bytes)}
    return even(table), w * (2 if form.doubled and not bytes else 1), params


def parameters(graph: Graph, node: Node, g: Geometry) -> dict[str, Param]:
    """The parameters of kernels by pairs of rows, but `doubled` and `bytes`."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and types[0] and types[1]
    params: dict[str, Param] = dict(op.window(types).params(types[0].shape, op.infer(types)[0].shape))
    if g.flat:
        pixels, inputs, outputs = types[0].shape[1] * types[0].shape[2], types[0].shape[3], types[1].shape[0]
        params |= {"window.in_h": pixels, "window.in_w": 1, "window.in_row": inputs}
        params |= {"window.out_h": pixels, "window.out_w": 1, "window.out_row": outputs}
    reading = {"pixel": g.pixel, "row": g.row, "blocks": g.blocks, "loops": g.loops}
    return {**params, **reading, "x_zero": types[0].quantized.zero[0], "lo": op.requant.lo, "hi": op.requant.hi}


def even(table: Array) -> Array:
    """With a row for a last channel that is not there."""
    return np.concatenate([table, table[:1]]) if len(table) % 2 else table


def interleaved(w: Array, g: Geometry, bytes: bool) -> Array:
    """Weights (O, k_h, k_w, C) as words: by pairs of channels, kernel rows and blocks two words of the first channel, two of the second.

    Bytes are one word of each, in an order of which SXTB16 takes elements 0 and 1, and turned by 8 bits 2 and 3.
    """
    channels, k_h, k_w, inputs = w.shape
    padded = np.zeros((channels + channels % 2, k_h, BLOCK * g.blocks * g.loops), np.int16)
    pixels = np.zeros((channels, k_h, k_w, g.pixel), np.int16)
    pixels[..., :inputs] = w
    padded[:channels, :, : k_w * g.pixel] = pixels.reshape(channels, k_h, -1)
    pairs = padded.reshape(-1, 2, k_h, g.blocks * g.loops, 2, 2).transpose(0, 2, 3, 1, 4, 5)
    if bytes:
        pairs = pairs.transpose(0, 1, 2, 3, 5, 4).astype(np.int8)
    return np.frombuffer(pairs.tobytes(), np.uint32)


def cost(graph: Graph, node: Node, bytes: bool, per_pair: Callable[[Types, Geometry], int]) -> int:
    types = graph.types(node)
    g = _geometry(node.op, types, bytes)
    return rows_cost(node.op, types, g, per_pair(types, g))


def rows_cost(op: Op, types: Types, g: Geometry, per_pair: int) -> int:
    """Instructions of a convolution by pairs of rows; `per_pair` are those of two channels of two pixels."""
    assert types[0] and types[1]
    (y,) = op.infer(types)
    _, out_h, out_w, out_c = y.shape
    k_h, (in_w, in_c) = types[1].shape[1], types[0].shape[2:]
    if g.flat:
        out_h, out_w, in_w = out_h * out_w, 1, 1
    widening = k_h * (in_w * in_c * (_WIDEN_COST if g.pixel == in_c else _ELEMENT_COST) + (g.row - in_w * in_c) * _ELEMENT_COST)
    return -(-out_h // 2) * (out_w * (-(-out_c // 2) * per_pair + _PIXEL_COST) + widening)


def pair_cost(types: Types, g: Geometry, more: int = 0) -> int:
    """Instructions of two channels of two pixels, with so many `more` for a block."""
    assert types[1]
    row = g.loops * (g.blocks * (_BLOCK_COST + more) + (_LOOP_COST if g.loops > 1 else 0)) + _ROW_COST
    return types[1].shape[1] * row + _PAIR_COST


def kernel(symbol: str, bytes: bool, per_pair: Callable[[Types, Geometry], int]) -> Kernel:
    return Kernel(
        symbol, "conv2d_s8", partial(accepts, bytes=bytes), partial(pack, bytes=bytes), partial(cost, bytes=bytes, per_pair=per_pair),
        widens=not bytes, scratch=partial(scratch, bytes=bytes), trail=trail,
    )


KERNELS = (kernel("conv2d_s8_pairs", bytes=False, per_pair=pair_cost),)
