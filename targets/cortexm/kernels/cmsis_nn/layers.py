"""Which layers CMSIS-NN runs, and what its kernels take: int32 shifts to the left, per channel, and a buffer of the size that it asks for.

The sizes are those of its functions `arm_*_get_buffer_size`, which the kernels call before they run: a build of a version that asks for
more stops there.
"""
from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import cache, partial

import numpy as np

from tapeout.compiler.elementwise import Sum
from tapeout.compiler.fixed import INT32_MAX, Rounding
from tapeout.compiler.ir import Graph, Node, Op, Param, Types
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums
from tapeout.compiler.window import Window

from ....target import Kernel, Packed, no_scratch

_LARGEST_SHIFT = 61  # 31 more than its largest shift to the right, 30
_LONGEST = (1 << 16) - 1  # its convolutions hold sizes in 16 bits
_LONGEST_ROW = 255  # of softmax: sums of 2^19 each, below 2^27
_BLOCK = 124  # channels that its depthwise convolutions by vectors copy at once


class Unit(Enum):
    """What a core computes with, for which CMSIS-NN has code of its own."""

    PLAIN = auto()
    DSP = auto()
    MVE = auto()


@cache
def kernels(unit: Unit, rounding: Rounding) -> tuple[Kernel, ...]:
    """The kernels of a core, in a build of CMSIS-NN that rounds so."""
    sums, window = partial(_accepts_sums, rounding=rounding), partial(_accepts_window, rounding=rounding, unit=unit)

    def kernel(op: str, accepts: Callable[[Graph, Node], str | None], pack: Callable[[Graph, Node], Packed],
               scratch: Callable[[Op, Types], int] = no_scratch) -> Kernel:  # fmt: skip
        return Kernel(f"{op}_s8_cmsis_nn", of=f"{op}_s8", accepts=accepts, pack=pack, scratch=scratch, sparse=True)

    conv, depthwise, pool = (partial(size, unit=unit) for size in (_conv_bytes, _depthwise_bytes, _pool_bytes))
    return (
        kernel("conv2d", window, partial(_pack_sums, scratch=conv), conv),
        kernel("depthwise_conv2d", window, partial(_pack_sums, scratch=depthwise), depthwise),
        kernel("dense", sums, partial(_pack_dense, unit=unit)),
        kernel("average_pool2d", _accepts_average, partial(_pack_params, scratch=pool), pool),
        kernel("max_pool2d", _accepts_pool, _pack_params),
        kernel("add", partial(_accepts_add, rounding=rounding), _pack_add),
        kernel("softmax", _accepts_softmax, _pack_params),
    )


def rounding_of(node: Node) -> Rounding | None:
    """The rounding that CMSIS-NN must be built with for a node; None when that does not matter to it."""
    if isinstance(node.op, Conv2D | DepthwiseConv2D | Dense):
        return node.op.requant.rounding if isinstance(node.op.requant, Requant) else None
    return node.op.scaling.rounding if isinstance(node.op, Sum) and node.op.scaling else None


def _accepts_sums(graph: Graph, node: Node, rounding: Rounding) -> str | None:
    types = graph.types(node)
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if reason := _rounds_else(node, rounding):
        return reason
    if types[1] and types[1].quantized.zero[0]:
        return "weights with a zero point"
    if max(n for t in (*types[:2], *graph.output_types(node)) if t for n in t.shape) > _LONGEST:
        return "sizes beyond 16 bits"
    shift, sums = graph.data(node.inputs[4]).astype(np.int64), largest_sums(graph, node)
    assert sums is not None
    if shift.max() > _LARGEST_SHIFT:
        return "a multiplier that is too small"
    if max(sums.astype(object) << np.maximum(0, 32 - shift)) > INT32_MAX:
        return "sums that leave 32 bits on the way"
    return None


def _accepts_window(graph: Graph, node: Node, rounding: Rounding, unit: Unit) -> str | None:
    op, (x, w) = node.op, graph.types(node)[:2]
    assert isinstance(op, Conv2D | DepthwiseConv2D) and x and w
    kernel, stride = op.window(graph.types(node)).kernel, op.stride[1] * x.shape[3]
    plain = op.groups == 1 if isinstance(op, Conv2D) else x.shape[3] == 1 < w.shape[2]
    row = plain and x.shape[1] == kernel[0] == op.dilation[1] == 1 and stride % 4 == 0
    if unit is Unit.MVE and row and (kernel[1] > 1 or any(op.pads)):
        return "a window along a single row, beyond whose ends it reads"
    return _accepts_sums(graph, node, rounding)


def _rounds_else(node: Node, rounding: Rounding) -> str | None:
    own = rounding_of(node)
    return None if own is rounding else f"rounding {own}, where its build for this network has {rounding}"


def _accepts_pool(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, MaxPool2D | AveragePool2D)
    return None if node.op.window.dilation == (1, 1) else "dilation"


def _accepts_average(graph: Graph, node: Node) -> str | None:
    op = node.op
    assert isinstance(op, AveragePool2D)
    if op.rounding is not Rounding.HALF_AWAY:
        return f"rounding {op.rounding}, where it has {Rounding.HALF_AWAY}"
    if op.count_include_pad and any(op.window.pads):
        return "padding that counts"
    return _accepts_pool(graph, node)


def _accepts_add(graph: Graph, node: Node, rounding: Rounding) -> str | None:
    op, (x, y) = node.op, graph.types(node)
    assert isinstance(op, Sum) and op.scaling and x and y
    if any(graph.values[name].constant for name in node.inputs):
        return "an operand that is constant"
    if x.shape != y.shape:
        return "operands of different shapes"
    shifts = [shift for _, shift in (op.scaling.x, op.scaling.y, op.scaling.out)]
    if op.scaling.left != 20 or min(shifts) < 31 or max(shifts) > _LARGEST_SHIFT:
        return "scales that are too far apart"
    return _rounds_else(node, rounding)


def _accepts_softmax(graph: Graph, node: Node) -> str | None:
    x = graph.types(node)[0]
    assert x
    return "rows so long that it shifts 32 bits by more than 30" if x.shape[-1] > _LONGEST_ROW else None


def _fields(graph: Graph, node: Node) -> dict[str, Param]:
    """The node's parameters but for those that say what CMSIS-NN always does."""
    left_out = ("per_channel", "rounding", "count_include_pad", "w_zero", "multiplier", "shape", "x_stride", "y_stride")
    return {name: value for name, value in node.op.params(graph.types(node)).items() if name not in left_out}


def _pack_params(graph: Graph, node: Node, scratch: Callable[[Op, Types], int] = no_scratch) -> Packed:
    fields = _fields(graph, node)
    if isinstance(node.op, AveragePool2D):
        fields.pop("x_zero")
    return Packed((), fields | _scratch_field(graph, node, scratch))


def _scratch_field(graph: Graph, node: Node, scratch: Callable[[Op, Types], int]) -> dict[str, Param]:
    return {} if scratch is no_scratch else {"scratch_bytes": scratch(node.op, graph.types(node))}


def _pack_add(graph: Graph, node: Node) -> Packed:
    (y,) = graph.output_types(node)
    fields = _fields(graph, node)
    left = {f"{name}_shift": 31 - int(shift) for name in ("x", "y", "out") if isinstance(shift := fields[f"{name}_shift"], int)}
    return Packed((), {"size": y.size, **fields, **left})


def _pack_sums(graph: Graph, node: Node, scratch: Callable[[Op, Types], int] = no_scratch) -> Packed:
    """Weights (as they are), and bias, multiplier and shift of each channel, int32 (C,)."""
    channels = graph.output_types(node)[0].shape[-1]
    bias = graph.data(node.inputs[2]) if node.inputs[2] else np.zeros(channels)
    mul, shift = (graph.data(name).astype(np.int32) for name in node.inputs[3:5])
    rows = (("bias", bias), ("mul", mul), ("shift", 31 - shift))
    spread = tuple((name, np.broadcast_to(row, (channels,)).astype(np.int32)) for name, row in rows)
    weights = ("weights", graph.data(node.inputs[1]))
    return Packed((weights, *spread), {**_fields(graph, node), **_scratch_field(graph, node, scratch)})


def _pack_dense(graph: Graph, node: Node, unit: Unit) -> Packed:
    """As above; one multiplier and shift where the node has one for all channels. For vectors, each bias has in it what the zero point of
    the inputs adds, as arm_vector_sum_s8 makes it."""
    packed, x = _pack_sums(graph, node), graph.types(node)[0]
    assert x
    constants, count = dict(packed.constants), graph.data(node.inputs[3]).size
    if unit is Unit.MVE:
        sums = constants["weights"].astype(np.int64).sum(axis=1)
        constants["bias"] = (constants["bias"] - x.quantized.zero[0] * sums).astype(np.int32)
    alike = {name: constants[name][:count] for name in ("mul", "shift")}
    return Packed(tuple((constants | alike).items()), {**packed.params, "per_channel": int(count > 1)})


def _conv_bytes(op: Op, types: Types, unit: Unit) -> int:
    assert isinstance(op, Conv2D) and types[0]
    return _window_bytes(op.window(types), types[0].shape, op.groups, unit)


def _window_bytes(window: Window, x: tuple[int, ...], groups: int, unit: Unit) -> int:
    """Of a convolution of `x` (N, H, W, C)."""
    if window.kernel == (1, 1) and window.pads[:2] == (0, 0) and window.dilation == (1, 1) and groups == 1:
        return 0
    return 4 * _rounded(window.kernel[0] * window.kernel[1] * x[3], 16 if unit is Unit.MVE else 4)


def _depthwise_bytes(op: Op, types: Types, unit: Unit) -> int:
    assert isinstance(op, DepthwiseConv2D) and types[0] and types[1]
    x, window, outputs = types[0].shape, op.window(types), types[1].shape[2]
    taps = window.kernel[0] * window.kernel[1]
    if unit is Unit.MVE and x[3] == 1 and outputs > 1:  # runs as a convolution, its weights transposed
        return _window_bytes(window, x, 1, unit) + outputs * taps
    if x[3] != outputs or x[0] != 1 or op.dilation != (1, 1) or unit is Unit.PLAIN:
        return 0
    if unit is Unit.MVE:
        return 4 * _BLOCK * taps
    return 0 if window.kernel == (3, 3) and max(op.pads[:2]) <= 1 else 2 * x[3] * taps


def _pool_bytes(op: Op, types: Types, unit: Unit) -> int:
    assert types[0]
    return 4 * types[0].shape[3] if unit is Unit.DSP else 0


def _rounded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
