"""Each float op of the IR as ONNX nodes."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tapeout.compiler.ir import Node, Op
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
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

if TYPE_CHECKING:
    from .export import Writer

_FIRST = (0, 3, 1, 2)  # NHWC as NCHW


def _convolution(writer: Writer, node: Node) -> None:
    op = node.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    depthwise = isinstance(op, DepthwiseConv2D)
    w = writer.constant(node.inputs[1], lambda a: a.transpose(2, 0, 1)[:, np.newaxis] if depthwise else a.transpose(0, 3, 1, 2))
    inputs = [writer.operand(node.inputs[0], _FIRST), w]
    if len(node.inputs) > 2 and node.inputs[2]:
        inputs.append(writer.constant(node.inputs[2], lambda a: a))
    groups = op.groups if isinstance(op, Conv2D) else writer.shape(node.inputs[0])[3]
    kernel = op.window((None, writer.graph.values[node.inputs[1]].type)).kernel
    fields: dict[str, Any] = {"strides": op.stride, "dilations": op.dilation, "pads": op.pads, "group": groups, "kernel_shape": kernel}
    writer.clipped(node, op.clip, lambda result: writer.emit("Conv", inputs, [result], **fields))


def _dense(writer: Writer, node: Node) -> None:
    op, x = node.op, node.inputs[0]
    assert isinstance(op, Dense)
    plain = tuple(range(len(writer.shape(x))))
    biased = len(node.inputs) > 2 and bool(node.inputs[2])
    if len(plain) == 2 and biased:  # qonnx, and hls4ml by it, read no Gemm without a bias
        inputs = [writer.operand(x, plain), *(writer.constant(name, lambda a: a) for name in node.inputs[1:3])]
        writer.clipped(node, op.clip, lambda result: writer.emit("Gemm", inputs, [result], transB=1), plain)
        return
    operands = [writer.operand(x, plain), writer.constant(node.inputs[1], lambda a: a.T)]

    def emit(result: str) -> None:
        product = writer.inner(result, f"{result}_product") if biased else result
        writer.emit("MatMul", operands, [product])
        if biased:
            writer.emit("Add", [product, writer.constant(node.inputs[2], lambda a: a)], [result])

    writer.clipped(node, op.clip, emit, plain)


def _elementwise(writer: Writer, node: Node) -> None:
    op = node.op
    assert isinstance(op, Add | Sub | Mul)
    rank = len(writer.shape(node.name))
    inputs = []
    for name in node.inputs[:2]:
        missing = rank - len(writer.shape(name))
        if missing and rank == 4:  # a constant of fewer axes is seen with all of them
            inputs.append(writer.constant(name, lambda a, m=missing: a.reshape((1,) * m + a.shape).transpose(_FIRST)))  # type: ignore[misc]  # mypy knows no type for a default of a lambda
        else:
            inputs.append(writer.operand(name))
    kind = {Add: "Add", Sub: "Sub", Mul: "Mul"}[type(op)]
    writer.clipped(node, op.clip, lambda result: writer.emit(kind, inputs, [result]))


def _pool(writer: Writer, node: Node) -> None:
    op = node.op
    assert isinstance(op, AveragePool2D | MaxPool2D)
    window = op.window
    fields: dict[str, Any] = {"kernel_shape": window.kernel, "strides": window.stride, "pads": window.pads}
    if isinstance(op, AveragePool2D):
        fields["count_include_pad"] = int(op.count_include_pad)
    else:
        fields["dilations"] = window.dilation
    kind = "AveragePool" if isinstance(op, AveragePool2D) else "MaxPool"
    x = writer.operand(node.inputs[0], _FIRST)
    writer.clipped(node, op.clip, lambda result: writer.emit(kind, [x], [result], **fields))


def _mean(writer: Writer, node: Node) -> None:
    op, rank = node.op, len(writer.shape(node.inputs[0]))
    assert isinstance(op, Mean)
    spatial = rank == 4 and op.axes == (1, 2)
    x = writer.operand(node.inputs[0], _FIRST if spatial else tuple(range(rank)))
    result = writer.define(node.name, None if spatial else tuple(range(len(writer.shape(node.name)))))
    writer.emit("ReduceMean", [x], [result], axes=(2, 3) if spatial else op.axes, keepdims=int(op.keepdims))


def _as_it_lies(kind: str, fields: Callable[[Node], dict[str, Any]]) -> Callable[[Writer, Node], None]:
    """An op on the axes as the value has them."""

    def write(writer: Writer, node: Node) -> None:
        inputs = [writer.operand(name, tuple(range(len(writer.shape(name))))) for name in node.inputs]
        writer.emit(kind, inputs, [writer.define(node.name, tuple(range(len(writer.shape(node.name)))))], **fields(node))

    return write


def _reshape(writer: Writer, node: Node) -> None:
    op = node.op
    assert isinstance(op, Reshape)
    x = writer.operand(node.inputs[0], tuple(range(len(writer.shape(node.inputs[0])))))
    shape = writer.initializer(f"{node.name}_shape", np.array(op.shape, np.int64))
    writer.emit("Reshape", [x, shape], [writer.define(node.name, tuple(range(len(op.shape))))])


def _slice(writer: Writer, node: Node) -> None:
    op, rank = node.op, len(writer.shape(node.inputs[0]))
    assert isinstance(op, Slice)
    ends = [b + n * s if b + n * s >= 0 else -(1 << 31) for b, n, s in zip(op.begin, op.size, op.stride, strict=True)]
    fields = [("starts", op.begin), ("ends", ends), ("axes", range(rank)), ("steps", op.stride)]
    inputs = [writer.initializer(f"{node.name}_{key}", np.array(list(values), np.int64)) for key, values in fields]
    x = writer.operand(node.inputs[0], tuple(range(rank)))
    writer.emit("Slice", [x, *inputs], [writer.define(node.name, tuple(range(rank)))])


def _pad(writer: Writer, node: Node) -> None:
    op = node.op
    assert isinstance(op, Pad)
    pads = writer.initializer(f"{node.name}_pads", np.array([*op.before, *op.after], np.int64))
    value = writer.initializer(f"{node.name}_value", np.array(op.value, np.float32))
    plain = tuple(range(len(op.before)))
    writer.emit("Pad", [writer.operand(node.inputs[0], plain), pads, value], [writer.define(node.name, plain)], mode="constant")


def _clip(writer: Writer, node: Node) -> None:
    assert isinstance(node.op, Clip)
    x = writer.operand(node.inputs[0])
    writer.clip(x, writer.define(node.name), node.op)


def _unary(kind: str) -> Callable[[Writer, Node], None]:
    def write(writer: Writer, node: Node) -> None:
        fields: dict[str, Any] = {"alpha": node.op.alpha} if isinstance(node.op, LeakyRelu) else {}
        x = writer.operand(node.inputs[0])
        writer.emit(kind, [x], [writer.define(node.name)], **fields)

    return write


WRITERS: Mapping[type[Op], Callable[[Writer, Node], None]] = {
    Conv2D: _convolution, DepthwiseConv2D: _convolution, Dense: _dense, Add: _elementwise, Sub: _elementwise, Mul: _elementwise,
    AveragePool2D: _pool, MaxPool2D: _pool, Mean: _mean, Reshape: _reshape, Slice: _slice, Pad: _pad, Clip: _clip,
    Sigmoid: _unary("Sigmoid"), Tanh: _unary("Tanh"), LeakyRelu: _unary("LeakyRelu"),
    Softmax: _as_it_lies("Softmax", lambda node: {"axis": -1}),
    Transpose: _as_it_lies("Transpose", lambda node: {"perm": getattr(node.op, "perm")}),  # noqa: B009  # Op has no perm
    Concat: _as_it_lies("Concat", lambda node: {"axis": getattr(node.op, "axis")}),  # noqa: B009  # nor an axis
}  # fmt: skip
