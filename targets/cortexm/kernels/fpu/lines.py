"""Python's side of lines.h: how many pixels of an output are computed together, along its rows or along its columns."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Op, Types
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....trail import window_trail


def together_and_rest(op: Conv2D | DepthwiseConv2D, types: Types, down: bool, count: int) -> tuple[int, int]:
    """How many groups of `count` pixels there are whose windows meet no padding at the ends of their line, and how many other pixels."""
    assert types[0]
    axis, window = 0 if down else 1, op.window(types)
    size, outputs = types[0].shape[1 + axis], window.output(types[0].shape[1], types[0].shape[2])
    first = np.arange(outputs[axis]) * op.stride[axis] - op.pads[axis]
    whole = int(((first >= 0) & (first + (window.kernel[axis] - 1) * op.dilation[axis] < size)).sum())
    lines = types[0].shape[0] * outputs[1 - axis]
    return lines * (whole // count), lines * (outputs[axis] - whole // count * count)


def goes_down(op: Conv2D | DepthwiseConv2D, types: Types, count: int) -> bool:
    """Whether more groups fit below one another than side by side."""
    return together_and_rest(op, types, True, count)[0] > together_and_rest(op, types, False, count)[0]


def lines_trail(op: Op, types: Types, count: int) -> int | None:
    """As `window_trail`, for pixels along rows alone."""
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    return None if goes_down(op, types, count) else window_trail(op, types)
