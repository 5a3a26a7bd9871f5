"""conv2d on Helium: how windows are read, the layout of weights for four output channels at a time, and what it costs."""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows
from .layer import LANES, Held, Layer, blocks, layer, padded, stream

STEP = 4  # output channels
# Blocks at most that are read where they lie in several runs, which have code each; HELIUM_ROOM counts on it.
UNROLLED = {Held.BYTES: 36, Held.NIBBLES: 31, Held.HALVES: 36}


@dataclass(frozen=True)
class Reading:
    """How windows are read: as `runs` of `count` blocks of 16 codes each; if `direct` where they lie, unless they meet the padding.

    A copy has its `rows` of taps `spacing` bytes apart.
    """

    direct: bool
    runs: int
    count: int
    rows: int
    spacing: int
    copied: float  # the part of the pixels that is read from copies

    def cost(self, outputs: int, held: Held) -> float:
        """Instructions for a pixel's windows and products."""
        row = 6 if self.spacing <= LANES else 8 + 3 * blocks(self.spacing)
        return (8 if held is Held.NIBBLES else 7) * self.runs * self.count * -(-outputs // STEP) + self.copied * (40 + self.rows * row)

    @property
    def bytes(self) -> int:
        """Of a window."""
        return LANES * self.runs * self.count


def reading(op: Op, types: Types, held: Held) -> Reading:
    """The cheaper way to read windows."""
    assert isinstance(op, Conv2D) and types[0] and types[1]
    outputs, k_h, k_w, inputs = types[1].shape
    row = k_w * inputs * held.width
    whole = Reading(False, 1, blocks(k_h * row), k_h, row, 1.0)
    if k_h * blocks(row) > UNROLLED[held] and k_h > 1:
        return whole
    direct = Reading(True, k_h, blocks(row), k_h, LANES * blocks(row), _padded_part(op, types))
    return min(direct, whole, key=lambda r: r.cost(outputs, held))


def _padded_part(op: Conv2D, types: Types) -> float:
    """The part of the windows that meet the padding."""
    assert types[0]
    window, whole = op.window(types), 1.0
    for axis, outputs in enumerate(window.output(*types[0].shape[1:3])):
        first = np.arange(outputs) * op.stride[axis] - op.pads[axis]
        last = first + (window.kernel[axis] - 1) * op.dilation[axis]
        whole *= float(((first >= 0) & (last < types[0].shape[1 + axis])).mean())
    return 1 - whole


def never_copies(op: Op, types: Types, held: Held) -> bool:
    assert isinstance(op, Conv2D) and types[1]
    return not any(op.pads) and types[1].shape[2] * types[1].shape[3] % held.lanes == 0 and reading(op, types, held).direct


def _refusal(graph: Graph, node: Node, held: Held) -> str | None:
    assert isinstance(node.op, Conv2D)
    if reason := held.refusal(graph, node):
        return reason
    found = layer(graph, node, 0, held.power)
    if isinstance(found, str):
        return found
    if node.op.groups > 1 or node.op.dilation[1] > 1:
        return "groups" if node.op.groups > 1 else "taps of a row that do not lie side by side"
    return "offsets of more than 16 bits" if held.width * len(found.weights) > 65000 else None


def accepts(graph: Graph, node: Node, held: Held) -> str | None:
    refusal = _refusal(graph, node, held)
    return refusal or ("no window needs a copy" if never_copies(node.op, graph.types(node), held) else None)


def accepts_inside(graph: Graph, node: Node, held: Held) -> str | None:
    refusal = _refusal(graph, node, held)
    return refusal or (None if never_copies(node.op, graph.types(node), held) else "some windows need a copy")


def pack(graph: Graph, node: Node, held: Held) -> Packed:
    found, types = layer(graph, node, 0, held.power), graph.types(node)
    assert isinstance(found, Layer) and isinstance(node.op, Conv2D) and types[0]
    outputs = len(found.weights)
    way, steps = reading(node.op, types, held), -(-outputs // STEP)
    parts, run = found.weights.reshape(outputs * way.runs, -1), held.lanes * way.count
    weights = padded(parts, len(parts), run).reshape(outputs, way.runs * run)
    masks = np.full(steps, 0xFFFF)
    masks[-1] >>= 4 * (steps * STEP - outputs)
    weights = padded(weights, steps * STEP, weights.shape[1])
    data = stream(weights, found.tables(steps * STEP), STEP, masks if outputs % STEP else None, held)
    window = node.op.window(types).params(types[0].shape, node.op.infer(types)[0].shape)
    window |= {f"window.{name}": held.width * window[f"window.{name}"] for name in ("in_c", "in_row", "in_pixel")}
    fields = {"kind": held.value, "direct": int(way.direct), "runs": way.runs, "blocks": way.count, "spacing": way.spacing}
    return Packed((("stream", data),), {**window, **fields, "x_zero": types[0].quantized.zero[0], **found.params})


def cost(graph: Graph, node: Node, held: Held) -> int:
    found, types = layer(graph, node, 0, held.power), graph.types(node)
    assert isinstance(found, Layer)
    y = node.op.infer(types)[0]
    outputs = y.shape[3]
    pixel = reading(node.op, types, held).cost(outputs, held) + -(-outputs // STEP) * (found.finish_cost + 10) / 2 + 20
    return int(y.size // outputs * pixel)


def scratch(op: Op, types: Types, held: Held) -> int:
    """Two windows."""
    return 2 * reading(op, types, held).bytes


def trail(op: Op, types: Types) -> int | None:
    """Pixels are computed in pairs, in their order: of a pair the first channels are written while its windows are read."""
    x, y = types[0], op.infer(types)[0]
    assert isinstance(op, Conv2D) and x and types[1]
    if x.shape[0] > 1:
        return None
    if x.shape[1:3] == y.shape[1:3] and types[1].shape[1:3] == (1, 1):
        pixels = x.shape[1] * x.shape[2]
        return Rows(pixels, x.bytes // pixels, pixels, y.bytes // pixels, 1, 0).trail(together=2, ahead=False)
    # The second of a pair may be the first pixel of the next row.
    return Rows.of(op, types).trail(together=1, ahead=False) + y.bytes // (y.size // y.shape[3])


def kernels(symbol: str, of: str, held: Held) -> tuple[Kernel, Kernel]:
    """The kernel that copies windows where they need it, and the one for layers in which none does."""
    packing, price = partial(pack, held=held), partial(cost, held=held)
    return (
        Kernel(symbol, of, partial(accepts, held=held), packing, price, scratch=partial(scratch, held=held), trail=trail),
        Kernel(f"{symbol}_inside", of, partial(accepts_inside, held=held), packing, price, trail=trail),
    )


KERNELS = kernels("conv2d_s8_mve", "conv2d_s8", Held.BYTES)
