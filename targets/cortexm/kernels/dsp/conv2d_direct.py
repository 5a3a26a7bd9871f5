"""What conv2d_direct.h takes: weights of two channels side by side, in 16 bits or in bytes, in the order in which codes are widened."""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant

from ....high_word import high_word
from ....target import Kernel, Packed

_BLOCK = 4  # elements that a block takes of each pixel
_MOST, _MOST_BYTES = 16, 4  # blocks written out in code, the fewer where flash counts
_REACH = 4092  # bytes from a pixel to its neighbour that a load can step over
# Instructions, counted in what gcc 12 makes.
_BLOCK_COST, _LOOP_COST, _ROW_COST = 15, 4, 6  # of two pixels; a row where a kernel has several
_PAIR_COST, _TALL_COST = 46, 12  # of two pixels' sums and codes; more where a kernel has several rows
_SINGLE_COST, _SINGLE_ROW_COST, _SINGLE_PAIR_COST = 13, 14, 48  # likewise of one pixel
_ODD_COST, _BROKEN_COST = 20, 38  # a block of one pixel where rows are no multiple of 4, and at borders, where bytes are read
_BYTES_COST = 4  # more of a block with weights of bytes
_COLUMN_COST = 32  # of a pixel or two, whatever their channels


@dataclass(frozen=True)
class Geometry:
    """Windows of `length` side by side elements in each kernel row, over rows of pixels: all pixels of a 1 x 1 convolution are one row."""

    flat: bool
    height: int
    width: int
    out_height: int
    out_width: int
    length: int

    @classmethod
    def of(cls, op: Op, types: Types) -> Geometry:
        assert isinstance(op, Conv2D) and types[0] and types[1]
        batches, height, width, in_c = types[0].shape
        flat = types[1].shape[1:3] == op.stride == (1, 1) and not any(op.pads)
        _, out_height, out_width, _ = op.infer(types)[0].shape
        length = types[1].shape[2] * in_c
        if flat:
            return cls(True, 1, batches * height * width, 1, batches * height * width, length)
        return cls(False, height, width, out_height, out_width, length)


def accepts(graph: Graph, node: Node) -> str | None:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant) and types[0] and types[1]
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if op.groups > 1 or op.dilation[1] > 1:
        return "groups or dilated columns"
    if Geometry.of(op, types).length < _BLOCK:
        return f"kernel rows of less than {_BLOCK} elements"
    if op.stride[1] * types[0].shape[3] > _REACH:
        return f"neighbouring windows more than {_REACH} bytes apart"
    form = high_word(graph, node, op.requant, types[1].shape[0])
    return form if isinstance(form, str) else None


def scratch(op: Op, types: Types) -> int:
    """Bytes: two pixels of output."""
    assert types[1]
    return 2 * types[1].shape[0]


def trail(op: Op, types: Types) -> int | None:
    """One pixel is written after the other, when its window and that of a neighbour have been read; None for several images.

    What is written must end before anything begins that later pixels still read.
    """
    assert isinstance(op, Conv2D) and types[0] and types[1]
    g, in_c, out_c = Geometry.of(op, types), types[0].shape[3], types[1].shape[0]
    if types[0].shape[0] > 1 and not g.flat:
        return None
    top, left = (np.arange(size) * step - pad for size, step, pad in zip((g.out_height, g.out_width), op.stride, op.pads[:2], strict=True))
    reading = (np.maximum(top, 0)[:, None] * g.width + np.maximum(left, 0)).ravel() * in_c
    still = np.minimum.accumulate(reading[::-1])[::-1]
    written = np.arange(1, len(still) + 1) * out_c
    return int((written[:-1] - still[1:]).max(initial=-g.height * g.width * in_c))


def pack(graph: Graph, node: Node, bytes: bool) -> Packed:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and isinstance(op.requant, Requant)
    w, g = graph.data(node.inputs[1]).astype(np.int64), Geometry.of(op, types)
    form = high_word(graph, node, op.requant, len(w))
    assert not isinstance(form, str)
    table = form.table(graph.data(node.inputs[2]) if node.inputs[2] else np.zeros(len(w), np.int64), doubled=not bytes)
    params = op.params(types)
    for name in ("groups", "per_channel", "rounding", "y_zero"):
        del params[name]
    if g.flat:
        params |= {"window.batches": 1, "window.in_h": 1, "window.in_w": g.width, "window.in_row": g.width * g.length}
        params |= {"window.out_h": 1, "window.out_w": g.width, "window.out_row": g.width * len(w)}
    blocks, loops, rest = _split(g.length // _BLOCK, bytes)
    params |= {"blocks": blocks, "loops": loops, "rest": rest, "doubled": int(form.doubled), "bytes": int(bytes)}
    doubled = form.doubled and not bytes
    words = interleaved(w * (2 if doubled else 1), bytes)
    return Packed((("table", np.concatenate([table, table[:1]]) if len(w) % 2 else table), ("words", words)), params)


def _split(count: int, bytes: bool) -> tuple[int, int, int]:
    """`count` blocks as loops of equally many blocks, written out in code, and the rest of them."""
    loops = -(-count // (_MOST_BYTES if bytes else _MOST))
    return count // loops, loops, count % loops


def interleaved(w: Array, bytes: bool) -> Array:
    """Weights (O, k_h, k_w, C) as words: by pairs of channels, kernel rows and blocks two words of the first channel, two of the second.

    Halves are those of elements 0 and 2 of a block, then 1 and 3, as SXTB16 takes them of a word. Bytes are one word of each channel, in
    their own order. A last block that is not full begins earlier, at elements that it takes with weights of 0.
    """
    channels, k_h, length = *w.shape[:2], w.shape[2] * w.shape[3]
    whole = length // _BLOCK * _BLOCK
    padded = np.zeros((channels + channels % 2, k_h, -(-length // _BLOCK) * _BLOCK), np.int16)
    rows = w.reshape(channels, k_h, length)
    padded[:channels, :, :whole] = rows[..., :whole]
    padded[:channels, :, padded.shape[2] - (length - whole) :] = rows[..., whole:]
    pairs = padded.reshape(-1, 2, k_h, padded.shape[2] // _BLOCK, 2, 2).transpose(0, 2, 3, 1, 4, 5)
    ordered = pairs.astype(np.int8) if bytes else pairs.transpose(0, 1, 2, 3, 5, 4)
    return np.frombuffer(ordered.tobytes(), np.uint32)


def cost(graph: Graph, node: Node, bytes: bool) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[0] and types[1]
    g, (out_c, k_h, k_w, in_c) = Geometry.of(op, types), types[1].shape
    images, more, tall = 1 if g.flat else types[0].shape[0], _BYTES_COST if bytes else 0, k_h > 1
    start = np.arange(g.out_height)[:, None] * op.stride[0] - op.pads[0] + np.arange(k_h) * op.dilation[0]
    rows = int(((start >= 0) & (start < g.height)).sum()) * images
    left = np.arange(g.out_width) * op.stride[1] - op.pads[1]
    inside = (left >= 0) & (left + k_w <= g.width)
    pairs, odd = divmod(int(inside.sum()), 2)
    singles = g.out_width - 2 * pairs
    border = int(np.clip(np.minimum(k_w, g.width - left) - np.maximum(-left, 0), 0, None)[~inside].sum())
    _, loops, _ = _split(g.length // _BLOCK, bytes)
    pair = -(-g.length // _BLOCK) * (_BLOCK_COST + more) + (loops * _LOOP_COST if loops > 1 else 0) + tall * _ROW_COST
    whole, broken = (_SINGLE_COST, _SINGLE_COST) if in_c % _BLOCK == 0 else (_ODD_COST, _BROKEN_COST)
    blocks = odd * g.length * (whole + more) + border * in_c * (broken + more)
    each = pairs * (_PAIR_COST + tall * _TALL_COST) + singles * _SINGLE_PAIR_COST
    per_channels = rows * (pairs * pair + blocks // _BLOCK + singles * _SINGLE_ROW_COST) + g.out_height * images * each
    return -(-out_c // 2) * per_channels + g.out_height * images * (pairs + singles) * _COLUMN_COST


def _kernel(symbol: str, bytes: bool) -> Kernel:
    return Kernel(
        symbol, "conv2d_s8", accepts, partial(pack, bytes=bytes), partial(cost, bytes=bytes), widens=not bytes,
        scratch=scratch, trail=trail,
    )


KERNELS = (_kernel("conv2d_s8_direct", bytes=False), _kernel("conv2d_s8_direct_bytes", bytes=True))
