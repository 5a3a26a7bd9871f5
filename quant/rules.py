"""How each op becomes integer: one function per family of ops, found by the op's class in `RULES`."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.ir import Graph, Node, Op
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.hard_swish import HardSwish
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.lut import Lut
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean, mean_multiplier
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.requant import Requant, scaling
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.tables import from_function
from tapeout.compiler.unary import Unary

from .scheme import ROUNDING, bias_codes, bounds, largest_sum, weight_codes

if TYPE_CHECKING:
    from .quantize import Quantizer

Rule = Callable[["Quantizer", Node], None]


def check(graph: Graph) -> None:
    """Raises Unsupported, which names the node, unless every node has an integer form."""
    for node in graph.nodes:
        if type(node.op) not in RULES:
            raise Unsupported(f"{node.name}: {node.op.name()} cannot be quantized; compile the model in float32")
        if RULES[type(node.op)] is weighted and not all(graph.values[name].constant for name in node.inputs[1:] if name):
            raise Unsupported(f"{node.name}: {node.op.name()} can be quantized only with constant weights and bias")


def weighted(quantizer: Quantizer, node: Node) -> None:
    """conv2d, depthwise_conv2d and dense: int8 by int8 products and the bias in a 32-bit sum, then a requant."""
    op = node.op
    assert isinstance(op, Conv2D | DepthwiseConv2D | Dense)
    x, w = quantizer.operand(node.inputs[0]), quantizer.graph.values[node.inputs[1]].data
    b = quantizer.graph.values[node.inputs[2]].data if any(node.inputs[2:]) else None
    assert w is not None
    axis = w.ndim - 1 if isinstance(op, DepthwiseConv2D) else 0
    x_q = quantizer.format(x)
    weights, w_q = weight_codes(w, b, x_q.scale[0], axis)
    w_name, b_name, bias = quantizer.builder.constant(node.inputs[1], weights, w_q), "", None
    if b is not None:
        bias, b_q = bias_codes(b, x_q.scale[0], w_q)
        b_name = quantizer.builder.constant(node.inputs[2], bias, b_q)
    if largest_sum(weights, bias, x_q, axis) >= 1 << 31:
        raise Unsupported(f"{node.name}: {w.size // w.shape[axis]} products of {op.name()} can exceed a 32-bit sum")
    sums = quantizer.builder.add(replace(op, clip=None), (x, w_name, b_name), quantizer.builder.fresh(f"{node.name}_sums"))
    quantizer.requant(sums, node.name, op.clip)


def product(quantizer: Quantizer, node: Node) -> None:
    """mul: the 32-bit product of the codes, then a requant."""
    assert isinstance(node.op, Mul)
    operands = [quantizer.operand(i) for i in node.inputs]
    products = quantizer.builder.add(Mul(), operands, quantizer.builder.fresh(f"{node.name}_sums"))
    quantizer.requant(products, node.name, node.op.clip)


def total(quantizer: Quantizer, node: Node) -> None:
    """add and sub: both operands at a common scale, as in TensorFlow Lite."""
    assert isinstance(node.op, Add | Sub)
    x, y = (quantizer.operand(i) for i in node.inputs)
    q = quantizer.formats[node.name]
    try:
        scaling = SumScaling.of(quantizer.format(x), quantizer.format(y), q, ROUNDING, *bounds(node.op.clip, q))
    except TapeoutError as error:
        raise Unsupported(f"{node.name}: {error}") from None
    quantizer.add(replace(node.op, scaling=scaling, clip=None), (x, y), node.name)


def table(quantizer: Quantizer, node: Node) -> None:
    """Functions of one element: a table of 256 codes, each the function's value in float64, rounded once."""
    op = node.op
    assert isinstance(op, Unary)
    x, q = quantizer.operand(node.inputs[0]), quantizer.formats[node.name]
    entries = from_function(op.real, quantizer.format(x), q, ROUNDING)
    name = quantizer.builder.constant(f"{node.name}_table", entries, q)
    quantizer.add(Lut(op.name()), (x, name), node.name)


def pool(quantizer: Quantizer, node: Node) -> None:
    """Poolings stay in the format of their input."""
    assert isinstance(node.op, AveragePool2D | MaxPool2D)
    x = quantizer.operand(node.inputs[0])
    lo, hi = bounds(node.op.clip, quantizer.format(x))
    op = replace(node.op, lo=lo, hi=hi, clip=None)
    quantizer.add(replace(op, rounding=ROUNDING) if isinstance(op, AveragePool2D) else op, (x,), node.name)


def mean(quantizer: Quantizer, node: Node) -> None:
    """The 32-bit sum of the codes, requantized by a multiplier that holds the division."""
    assert isinstance(node.op, Mean)
    x, q = quantizer.operand(node.inputs[0]), quantizer.formats[node.name]
    count = node.op.count(quantizer.builder.values[x].type)
    factor = quantizer.format(x).scale[0] / q.scale[0]
    mul, shift = scaling(quantizer.builder, node.name, [factor], lambda real: mean_multiplier(real, count))
    quantizer.add(replace(node.op, requant=Requant(q, ROUNDING)), (x, mul, shift), node.name)


def softmax(quantizer: Quantizer, node: Node) -> None:
    """The output has scale 1/256 and zero point -128, whatever was seen in calibration."""
    x = quantizer.operand(node.inputs[0])
    try:
        quantizer.add(Softmax.for_codes(quantizer.format(x).scale[0]), (x,), node.name)
    except TapeoutError as error:
        raise Unsupported(f"{node.name}: {error}") from None


def move(quantizer: Quantizer, node: Node) -> None:
    """Ops that only move codes."""
    quantizer.add(node.op, (quantizer.operand(node.inputs[0]),), node.name)


def pad(quantizer: Quantizer, node: Node) -> None:
    """The padding is the code of its value; the tensor is rescaled first when its format does not reach the value."""
    assert isinstance(node.op, Pad)
    x, value = quantizer.operand(node.inputs[0]), node.op.value
    q = quantizer.format(x)
    if not (q.min - q.zero[0]) * q.scale[0] <= value <= (q.max - q.zero[0]) * q.scale[0]:
        x = quantizer.rescaled(x, quantizer.formats[node.name])
    code, _ = bounds(Clip(value, value), quantizer.format(x))
    quantizer.add(replace(node.op, value=code), (x,), node.name)


def clip(quantizer: Quantizer, node: Node) -> None:
    """A clip that stands alone works on codes."""
    assert isinstance(node.op, Clip)
    x = quantizer.operand(node.inputs[0])
    quantizer.add(Clip(*bounds(node.op, quantizer.format(x))), (x,), node.name)


def concat(quantizer: Quantizer, node: Node) -> None:
    """All inputs in the format of the output; what did not arrive in it is rescaled."""
    q = quantizer.formats[node.name]
    quantizer.add(node.op, [quantizer.rescaled(quantizer.operand(i), q) for i in node.inputs], node.name)


RULES: dict[type[Op], Rule] = {
    Conv2D: weighted, DepthwiseConv2D: weighted, Dense: weighted,
    Add: total, Sub: total, Mul: product,
    Sigmoid: table, Tanh: table, LeakyRelu: table, HardSwish: table,
    AveragePool2D: pool, MaxPool2D: pool, Mean: mean, Softmax: softmax,
    Reshape: move, Transpose: move, Slice: move,
    Pad: pad, Clip: clip, Concat: concat,
}  # fmt: skip
