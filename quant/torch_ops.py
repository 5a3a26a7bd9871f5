"""Each float op of the IR in torch, over batches: the leading 1 of a value's shape is the number of samples here."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, prod

import torch
import torch.nn.functional as F
from torch import Tensor

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Node, Op, QType, Types
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.hard_swish import HardSwish
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.window import Window

Function = Callable[[Node, Types, Sequence[Tensor]], Tensor]

_TINY = float(torch.finfo(torch.float32).tiny)


def whole(x: Tensor, rounding: Rounding) -> Tensor:
    """The nearest whole number of each float in its own format, as `compiler.codes.round_real`."""
    match rounding:
        case Rounding.HALF_EVEN:
            return torch.round(x)
        case Rounding.HALF_AWAY:
            below = torch.trunc(x)
            return below + torch.where((x - below).abs() >= 0.5, torch.sign(x), 0.0)
        case Rounding.HALF_UP:
            below = torch.floor(x)
            return below + (x - below >= 0.5)
        case Rounding.FLOOR:
            return torch.floor(x)
        case Rounding.TFLITE:
            raise Unsupported("reals cannot be rounded as TensorFlow Lite rounds products")


def dynamic_scale(op: FakeQuantize, x: Tensor) -> tuple[Tensor, Tensor]:
    """The scale and the zero point (N) of each sample of float32 values (N, ...), as `fake_quantize.dynamic_format` says."""
    q = op.output
    assert isinstance(q, QType)
    rows = x.reshape(len(x), -1)
    high, low = rows.amax(1).clamp(min=0), rows.amin(1).clamp(max=0)
    if q.zero[0] == 0:
        extent, steps = torch.maximum(high, -low) if q.signed else high, q.max
    else:
        extent, steps = high - low, q.max - q.min
    scale = torch.where(extent > 0, extent / torch.full_like(extent, steps), 1.0).clamp(min=_TINY)
    if op.power_of_two:
        fraction, exponent = torch.frexp(scale)
        scale = torch.ldexp(torch.ones_like(scale), exponent - (fraction == 0.5).int())
    if q.zero[0] == 0:
        return scale, torch.zeros_like(scale)
    return scale, (q.min + torch.floor(-low / scale + 0.5)).clamp(max=q.max)


def layer_sums(node: Node, x: Tensor, w: Tensor) -> Tensor:
    """The sums of a layer without bias: `x` and `w` as in the IR, NHWC and OHWI, HWO or OI."""
    op = node.op
    if isinstance(op, Dense):
        return x @ w.T
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    top, left, bottom, right = op.pads
    images = x.permute(0, 3, 1, 2)
    padding: tuple[int, int] = (0, 0)
    if (top, left) == (bottom, right):
        padding = (top, left)
    else:
        images = F.pad(images, (left, right, top, bottom))
    if isinstance(op, DepthwiseConv2D):
        taps, groups = w.permute(2, 0, 1).unsqueeze(1), x.shape[3]
    else:
        taps, groups = w.permute(0, 3, 1, 2), op.groups
    return F.conv2d(images, taps, None, op.stride, padding, op.dilation, groups).permute(0, 2, 3, 1)


def clipped(x: Tensor, clip: Clip | None) -> Tensor:
    if clip is None:
        return x
    if (clip.lo, clip.hi) == (0.0, inf):
        return F.relu(x)
    return x.clamp(clip.lo, clip.hi)


def _elementwise(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    op, (x, y) = node.op, inputs
    assert isinstance(op, Add | Sub | Mul)
    return clipped(x + y if isinstance(op, Add) else x - y if isinstance(op, Sub) else x * y, op.clip)


def _padded(x: Tensor, window: Window, value: float) -> Tensor:
    """NHWC images as NCHW, padded."""
    top, left, bottom, right = window.pads
    images = x.permute(0, 3, 1, 2)
    return F.pad(images, (left, right, top, bottom), value=value) if any(window.pads) else images


def _max_pool(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, MaxPool2D)
    window = node.op.window
    pooled = F.max_pool2d(_padded(inputs[0], window, -inf), window.kernel, window.stride, 0, window.dilation)
    return clipped(pooled.permute(0, 2, 3, 1), node.op.clip)


def _average_pool(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    op = node.op
    assert isinstance(op, AveragePool2D)
    if op.window.dilation != (1, 1):
        raise Unsupported(f"{node.name}: average_pool2d with dilation {op.window.dilation} cannot be retrained")

    def sums(x: Tensor) -> Tensor:
        return F.avg_pool2d(_padded(x, op.window, 0.0), op.window.kernel, op.window.stride, divisor_override=1)

    count = prod(op.window.kernel) if op.count_include_pad else sums(torch.ones_like(inputs[0][:1, :, :, :1]))
    return clipped((sums(inputs[0]) / count).permute(0, 2, 3, 1), op.clip)


def _mean(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Mean)
    return inputs[0].mean(node.op.axes, node.op.keepdims)


def _pad(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Pad)
    both = [n for pair in reversed(list(zip(node.op.before, node.op.after, strict=True))) for n in pair]
    return F.pad(inputs[0], both, value=node.op.value)


def _slice(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    op = node.op
    assert isinstance(op, Slice)
    x = inputs[0]
    for axis, (begin, size, stride) in enumerate(zip(op.begin[1:], op.size[1:], op.stride[1:], strict=True), 1):
        x = x.index_select(axis, torch.arange(begin, begin + size * stride, stride, device=x.device))
    return x


def _reshape(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Reshape)
    return inputs[0].reshape(-1, *node.op.shape[1:])


def _transpose(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Transpose)
    return inputs[0].permute(node.op.perm)


def _leaky_relu(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, LeakyRelu)
    return F.leaky_relu(inputs[0], node.op.alpha)


def _concat(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Concat)
    return torch.cat(list(inputs), node.op.axis)


def _clip(node: Node, types: Types, inputs: Sequence[Tensor]) -> Tensor:
    assert isinstance(node.op, Clip)
    return clipped(inputs[0], node.op)


OPS: Mapping[type[Op], Function] = {
    Add: _elementwise, Sub: _elementwise, Mul: _elementwise, Clip: _clip, Concat: _concat, Mean: _mean, Pad: _pad, Slice: _slice,
    MaxPool2D: _max_pool, AveragePool2D: _average_pool, Reshape: _reshape, Transpose: _transpose, LeakyRelu: _leaky_relu,
    Sigmoid: lambda node, types, inputs: torch.sigmoid(inputs[0]),
    Tanh: lambda node, types, inputs: torch.tanh(inputs[0]),
    HardSwish: lambda node, types, inputs: F.hardswish(inputs[0]),
    Softmax: lambda node, types, inputs: F.softmax(inputs[0], -1),
}  # fmt: skip
