"""Small annotated networks, and what they mean in exact arithmetic: float64, in which sums of codes times scales lose nothing."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tapeout.compiler.codes import decode, encode
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Builder, Graph, Node, Op, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.unary import Unary


class Net:
    """Builds an annotated graph, value by value; every method returns the name of its result."""

    def __init__(self, shape: Sequence[int], rounding: Rounding = Rounding.HALF_EVEN, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.rounding = rounding
        self.build = Builder()
        self.build.input("x", Type(tuple(shape), F32))

    def shape(self, name: str) -> tuple[int, ...]:
        return self.build.values[name].type.shape

    def fq(self, x: str, q: QType, rounding: Rounding | None = None) -> str:
        return self.build.add(FakeQuantize(q, rounding or self.rounding), [x], self.build.fresh(f"{x}_fq"))

    def op(self, op: Op, inputs: Sequence[str], name: str) -> str:
        return self.build.add(op, inputs, self.build.fresh(name))

    def constant(self, name: str, data: Array) -> str:
        return self.build.constant(name, np.asarray(data, np.float32))

    def weights(self, name: str, shape: tuple[int, ...], q: QType | None, data: Array | None = None) -> str:
        """Random weights over the range of `q`, behind its fake_quantize; as they are without one."""
        if data is None:
            reach = float(np.max(q.scale)) * (1 << (q.bits - 1)) if q else 1.0
            data = self.random.normal(0, reach / 2, shape)
        w = self.constant(f"{name}.w", data)
        return self.fq(w, q) if q else w

    def dense(self, name: str, x: str, outputs: int, q: QType | None, bias: Array | None = None, bias_q: QType | None = None) -> str:
        w = self.weights(name, (outputs, self.shape(x)[-1]), q)
        return self.op(Dense(), [x, w, self.bias(name, bias, bias_q)], name)

    def conv(
        self, name: str, x: str, outputs: int, q: QType | None, bias: Array | None = None, op: Conv2D | None = None, kernel: int = 3
    ) -> str:
        op = op or Conv2D()
        w = self.weights(name, (outputs, kernel, kernel, self.shape(x)[3] // op.groups), q)
        return self.op(op, [x, w, self.bias(name, bias, None)], name)

    def depthwise(self, name: str, x: str, q: QType | None, bias: Array | None = None) -> str:
        w = self.weights(name, (3, 3, self.shape(x)[3]), q)
        return self.op(DepthwiseConv2D(pads=(1, 1, 1, 1)), [x, w, self.bias(name, bias, None)], name)

    def bias(self, name: str, data: Array | None, q: QType | None) -> str:
        if data is None:
            return ""
        b = self.constant(f"{name}.b", data)
        return self.fq(b, q) if q else b

    def norm(self, name: str, x: str, gamma: Array, beta: Array) -> str:
        """A batch norm as the readers give it: a factor and a shift per channel."""
        scaled = self.op(Mul(), [x, self.constant(f"{name}.gamma", gamma)], f"{name}.scaled")
        return self.op(Add(), [scaled, self.constant(f"{name}.beta", beta)], name)

    def relu(self, name: str, x: str, hi: float = np.inf) -> str:
        return self.op(Clip(0.0, hi), [x], name)

    def graph(self, *outputs: str) -> Graph:
        ports = tuple(Port(o, o, "float32", tuple(range(len(self.shape(o))))) for o in outputs)
        port = Port("x", "x", "float32", tuple(range(len(self.shape("x")))))
        return verify(Graph("net", (port,), ports, tuple(self.build.nodes), self.build.values))


def exact(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Every computed value of an annotated graph for samples (N, *shape), in float64."""
    found: dict[str, Array] = {v.name: v.data[np.newaxis].astype(np.float64) for v in graph.constants() if v.data is not None}
    found.update({name: array.astype(np.float64) for name, array in inputs.items()})
    for node in graph.nodes:
        arrays = [found[i] if i else np.zeros(1) for i in node.inputs]
        found[node.name] = _compute(graph, node, arrays)
    return found


def _compute(graph: Graph, node: Node, arrays: list[Array]) -> Array:
    op, x, types = node.op, arrays[0], graph.types(node)
    (y,) = graph.output_types(node)
    clip = getattr(op, "clip", None) or Clip()
    if isinstance(op, FakeQuantize):
        assert isinstance(op.output, QType)
        return decode(encode(x, op.output, op.rounding, y.shape), op.output, np.dtype(np.float64), y.shape)
    if isinstance(op, Dense):
        return clip.apply(x @ arrays[1][0].T + arrays[2])
    if isinstance(op, Conv2D | DepthwiseConv2D):
        patches = op.window(types).patches(x.reshape(-1, *x.shape[2:]), 0)
        w = arrays[1][0]
        if isinstance(op, DepthwiseConv2D):
            sums = np.einsum("nhwklc,klc->nhwc", np.repeat(patches, w.shape[2] // patches.shape[-1], axis=-1), w)
        else:
            parts = np.split(patches, op.groups, axis=-1), np.split(w, op.groups, axis=0)
            sums = np.concatenate([np.einsum("nhwklc,oklc->nhwo", p, v) for p, v in zip(*parts, strict=True)], axis=-1)
        return clip.apply(sums.reshape(len(x), *y.shape) + arrays[2])
    if isinstance(op, Add | Sub | Mul):
        other = arrays[1]
        total = x + other if isinstance(op, Add) else x - other if isinstance(op, Sub) else x * other
        return clip.apply(total)
    if isinstance(op, Unary):
        return op.real(x)
    if isinstance(op, Mean):
        return np.asarray(x.mean(axis=tuple(a + 1 for a in op.axes))).reshape(len(x), *y.shape)
    if isinstance(op, AveragePool2D):
        patches = op.window.patches(x.reshape(-1, *x.shape[2:]), 0)
        counts = op.window.taps(x.shape[2], x.shape[3])[:, :, None]
        return clip.apply((patches.sum(axis=(3, 4)) / counts).reshape(len(x), *y.shape))
    return op.ref(types, *arrays)[0]


def feed(graph: Graph, count: int = 64, spread: float = 2.0) -> dict[str, Array]:
    """Random samples, a grid of ties among them."""
    random = np.random.default_rng(1)
    shape = (count, *graph.values["x"].type.shape)
    samples = random.normal(0, spread, shape)
    ties = np.round(random.normal(0, spread, shape) * 32) / 32
    return {"x": np.where(random.random(shape) < 0.5, samples, ties).astype(np.float32)}
