"""Chains of layers, which is what learns forward only."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .backward import weight_gradient
from .errors import Unsupported
from .f16 import narrow
from .ir import Array, Builder, FType, Graph, Node
from .ops.add import Add
from .ops.average_pool2d import AveragePool2D
from .ops.bias_gradient import BiasGradient
from .ops.cast import Cast
from .ops.clip import Clip
from .ops.conv2d import Conv2D
from .ops.dense import Dense
from .ops.depthwise_conv2d import DepthwiseConv2D
from .ops.max_pool2d import MaxPool2D
from .ops.mean import Mean
from .ops.mul import Mul
from .ops.reshape import Reshape
from .ops.sgd import Sgd
from .ops.softmax import Softmax
from .ops.transpose import Transpose
from .training import LAYERS

_BETWEEN = (Reshape, Transpose, MaxPool2D, AveragePool2D, Mean, Clip, Cast)  # ops without weights, of one input


@dataclass(frozen=True)
class Stage:
    """A layer, and the nodes without weights between it and the next one."""

    layer: Node
    behind: tuple[Node, ...]


@dataclass(frozen=True)
class LayerChain:
    """A network in which each node reads what the one before it computes: the nodes before the first layer, and the layers."""

    head: tuple[Node, ...]
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, graph: Graph) -> LayerChain:
        """The chain of a graph, without a softmax and casts at its end. Raises Unsupported for all that is no chain of layers that can
        learn by themselves."""
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise _refusal(graph.name, "one input and one output")
        nodes = list(graph.nodes)
        while nodes and isinstance(nodes[-1].op, Softmax | Cast):
            nodes.pop()
        before = graph.inputs[0].value
        for node in nodes:
            if node.inputs[0] != before or not isinstance(node.op, (*LAYERS, *_BETWEEN)):
                raise _refusal(node.name, f"layers, poolings and reshapes in a chain, no {node.op.label}")
            before = node.name
        starts = [at for at, node in enumerate(nodes) if isinstance(node.op, LAYERS)]
        if len(starts) < 2:
            raise _refusal(graph.name, "at least two layers")
        _check_layers(graph, [nodes[at] for at in starts])
        ends = [*starts[1:], len(nodes)]
        stages = (Stage(nodes[at], tuple(nodes[at + 1 : end])) for at, end in zip(starts, ends, strict=True))
        return cls(tuple(nodes[: starts[0]]), tuple(stages))


def _refusal(name: str, taken: str) -> Unsupported:
    return Unsupported(f"{name}: forward-only training takes {taken}; train it with --training sgd")


def _check_layers(graph: Graph, layers: Sequence[Node]) -> None:
    known = set[str]()
    for node in layers:
        _check_layer(graph, node)
        weights = {name for name in node.inputs[1:3] if name}
        if known & weights:
            raise _refusal(node.name, f"no weights of several layers, as {min(known & weights)}")
        known |= weights


def _check_layer(graph: Graph, node: Node) -> None:
    x, w = graph.types(node)[:2]
    assert x and w
    rows = x.size // w.shape[1] if isinstance(node.op, Dense) else x.shape[0]
    if not isinstance(x.q, FType) or rows != 1:
        raise Unsupported(f"{node.name}: forward-only training takes floats of one row, got {x.q.code} {x.dims}; give --shape with 1 first")
    absent = [name for name in (*node.inputs, "")[1:3] if not name]
    if (isinstance(node.op, Dense) and absent) or not all(graph.values[name].constant for name in node.inputs[1:3] if name):
        raise _refusal(node.name, "constant weights, of fully connected layers with a bias")
    clip = getattr(node.op, "clip", None)
    if clip is not None and (clip.lo != 0 or not math.isinf(clip.hi)):
        raise _refusal(node.name, "relu or no activation")


def run_again(build: Builder, nodes: Sequence[Node], x: str, role: str) -> str:
    """Nodes like these, of `x`, one behind the other; their output, which is named after what they compute and the role."""
    for node in nodes:
        x = build.add(node.op, (x, *node.inputs[1:]), build.fresh(f"{node.name}_{role}"))
    return x


def make_states(build: Builder, node: Node) -> dict[str, str]:
    """Makes the weights and the bias of a layer states; what each becomes, by its name."""
    trained = {name: build.fresh(f"{name}_next") for name in node.inputs[1:3] if name}
    for name, next in trained.items():
        value = build.values[name]
        assert value.data is not None and isinstance(value.type.q, FType)
        build.state(name, value.data, next, value.type.q)
    return trained


def move_convolution(build: Builder, node: Node, x: str, g: str, op: Sgd, states: Mapping[str, str], factor: str = "") -> None:
    """Moves the weights of a convolution that read `x` by `op` along their gradient where `g` is that of its output, times `factor` (1)."""
    w, b = (*node.inputs, "")[1:3]
    layer = node.op
    assert isinstance(layer, Conv2D | DepthwiseConv2D)
    types = tuple(build.values[name].type if name else None for name in (x, w, b))
    gradients = [(w, weight_gradient(layer, types), (x, g)), (b, BiasGradient(layer.accumulator), (g,))]
    for name, gradient, inputs in gradients[: 1 + bool(b)]:
        found = build.add(gradient, inputs, build.fresh(f"{name}_gradient"))
        if factor:
            found = build.add(Mul(), (found, factor), build.fresh(f"{name}_scaled"))
        build.add(op, (name, found, ""), states[name])


def in_format_of(build: Builder, x: str, like: str) -> str:
    """`x` in the format of `like`: itself, or a cast."""
    q = build.values[like].type.q
    assert isinstance(q, FType)
    return x if build.values[x].type.q == q else build.add(Cast(q), (x,), build.fresh(f"{x}_{q.code}"))


def superimpose(build: Builder, x: str, matrix: Array, vector: str, name: str) -> str:
    """`x + matrix vector` in the shape and format of `x`, where `matrix` (elements of x, elements of the vector) becomes a constant."""
    (shape, q), size = (build.values[x].type.shape, build.values[x].type.q), build.values[vector].type.size
    assert isinstance(q, FType)
    weights = build.constant(build.fresh(f"{name}_matrix"), narrow(matrix, q), q)
    row = build.add(Reshape((1, size)), (in_format_of(build, vector, x),), build.fresh(f"{vector}_row"))
    product = build.add(Dense(), (row, weights, ""), build.fresh(f"{name}_product"))
    shaped = build.add(Reshape(shape), (product,), build.fresh(f"{name}_shaped"))
    return build.add(Add(), (shaped, x), build.fresh(f"{x}_{name}"))


def pixels(build: Builder, y: str) -> int:
    """The number of places at which a layer of NHWC activities has the same weights; 1 of fully connected ones."""
    shape = build.values[y].type.shape
    return shape[1] * shape[2] if len(shape) == 4 else 1
