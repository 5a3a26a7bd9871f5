"""The rule of each op that has a gradient: from that of its output to those of its inputs."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Unsupported
from .ir import Builder, FType, Node, Op, Types
from .ops.add import Add
from .ops.average_pool2d import AveragePool2D
from .ops.average_pool2d_gradient import AveragePool2dGradient
from .ops.bias_gradient import BiasGradient
from .ops.cast import Cast
from .ops.clip import Clip
from .ops.clip_gradient import ClipGradient
from .ops.conv2d import Conv2D
from .ops.conv2d_input_gradient import Conv2dInputGradient
from .ops.conv2d_weight_gradient import Conv2dWeightGradient
from .ops.dense import Dense
from .ops.dense_input_gradient import DenseInputGradient
from .ops.dense_weight_gradient import DenseWeightGradient
from .ops.depthwise_conv2d import DepthwiseConv2D
from .ops.depthwise_conv2d_input_gradient import DepthwiseConv2dInputGradient
from .ops.depthwise_conv2d_weight_gradient import DepthwiseConv2dWeightGradient
from .ops.max_pool2d import MaxPool2D
from .ops.max_pool2d_gradient import MaxPool2dGradient
from .ops.mean import Mean
from .ops.reshape import Reshape
from .ops.softmax import Softmax
from .ops.transpose import Transpose
from .window import Window

Layer = Conv2D | DepthwiseConv2D | Dense
_WAY_OUT = "train only layers behind it, with --update"


@dataclass(frozen=True)
class Backward:
    """Adds the nodes that carry a gradient back through one node, for the inputs that are `wanted`."""

    build: Builder
    wanted: frozenset[str]

    def through(self, node: Node, g: str) -> Iterator[tuple[str, str]]:
        """Inputs of a node, all wanted ones among them, each with its gradient, where `g` is that of the output.

        Raises Unsupported for an op that has no rule.
        """
        clip = node.op if isinstance(node.op, Clip) else getattr(node.op, "clip", None)
        if clip is not None:
            g = self._add(ClipGradient(clip), (node.name, g), f"{node.name}_unclipped")
        match node.op:
            case Clip():
                yield node.inputs[0], g
            case Cast():
                format = self.build.values[node.inputs[0]].type.q
                assert isinstance(format, FType)
                yield node.inputs[0], self._add(Cast(format), (g,), f"{node.inputs[0]}_gradient")
            case Add():
                yield from self._sum(node, g)
            case Reshape():
                yield node.inputs[0], self._add(Reshape(self._shape(node.inputs[0])), (g,), f"{node.inputs[0]}_gradient")
            case Transpose(perm):
                inverse = tuple(perm.index(axis) for axis in range(len(perm)))
                yield node.inputs[0], self._add(Transpose(inverse), (g,), f"{node.inputs[0]}_gradient")
            case Dense() | Conv2D() | DepthwiseConv2D():
                yield from self._layer(node, node.op, g)
            case MaxPool2D(window):
                yield node.inputs[0], self._add(MaxPool2dGradient(window), (node.inputs[0], g), f"{node.inputs[0]}_gradient")
            case AveragePool2D():
                _, height, width, _ = self._shape(node.inputs[0])
                op = AveragePool2dGradient((height, width), node.op.window, node.op.count_include_pad)
                yield node.inputs[0], self._add(op, (g,), f"{node.inputs[0]}_gradient")
            case Mean(axes) if axes == (1, 2) and len(self._shape(node.inputs[0])) == 4:
                yield node.inputs[0], self._mean(node.inputs[0], g)
            case Softmax():
                raise Unsupported(f"{node.name}: softmax has a gradient at the network's end alone, as part of --loss cross-entropy")
            case _:
                raise Unsupported(f"{node.name}: {node.op.label} has no gradient; {_WAY_OUT}")

    def _sum(self, node: Node, g: str) -> Iterator[tuple[str, str]]:
        for name in node.inputs:
            if name in self.wanted and self._shape(name) != self._shape(node.name):
                raise Unsupported(f"{node.name}: {name} is broadcast, for which add has no gradient; {_WAY_OUT}")
            yield name, g

    def _mean(self, x: str, g: str) -> str:
        """The gradient of an NHWC tensor whose mean over the pixels is taken: an average pooling with the whole plane as window."""
        images, height, width, channels = self._shape(x)
        pixels = self._add(Reshape((images, 1, 1, channels)), (g,), f"{x}_pixels")
        return self._add(AveragePool2dGradient((height, width), Window((height, width))), (pixels,), f"{x}_gradient")

    def _layer(self, node: Node, op: Layer, g: str) -> Iterator[tuple[str, str]]:
        """The weights' gradient before the input's, which may then take over the memory of the layer's input."""
        x, w, b = (*node.inputs, "")[:3]
        types = tuple(self.build.values[name].type if name else None for name in (x, w, b))
        if w in self.wanted:
            yield w, self._add(weight_gradient(op, types), (x, g), f"{w}_gradient")
        if b in self.wanted:
            yield b, self._add(BiasGradient(op.accumulator), (g,), f"{b}_gradient")
        if x in self.wanted:
            yield x, self._add(_input_gradient(op, types), (g, w), f"{x}_gradient")

    def _add(self, op: Op, inputs: tuple[str, ...], name: str) -> str:
        return self.build.add(op, inputs, self.build.fresh(name))

    def _shape(self, value: str) -> tuple[int, ...]:
        return self.build.values[value].type.shape


def weight_gradient(op: Layer, types: Types) -> Op:
    """The op that computes the gradient of a layer's weights from its input and the gradient of its output, by the layer's own contract."""
    match op:
        case Conv2D():
            return Conv2dWeightGradient(op.window(types), op.groups, accumulator=op.accumulator, fused=op.fused)
        case DepthwiseConv2D():
            return DepthwiseConv2dWeightGradient(op.window(types), accumulator=op.accumulator, fused=op.fused)
        case Dense():
            return DenseWeightGradient(accumulator=op.accumulator, fused=op.fused)


def _input_gradient(op: Layer, types: Types) -> Op:
    x = types[0]
    assert x
    match op:
        case Conv2D():
            size = (x.shape[1], x.shape[2])
            return Conv2dInputGradient(size, op.stride, op.dilation, op.pads, op.groups, accumulator=op.accumulator, fused=op.fused)
        case DepthwiseConv2D():
            shape = (x.shape[1], x.shape[2], x.shape[3])
            return DepthwiseConv2dInputGradient(shape, op.stride, op.dilation, op.pads, accumulator=op.accumulator, fused=op.fused)
        case Dense():
            return DenseInputGradient(accumulator=op.accumulator, fused=op.fused)
