"""Small whole graphs, int8 and float, as frontends and the quantizer make them: before any pass.

`MODELS` holds a function for each; `samples` feeds them.
"""
from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import F32, Array, Builder, FType, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.run import run
from tapeout.compiler.window import Window

Pads = tuple[int, int, int, int]


def format_of(scale: float, zero: int) -> QType:
    return QType(8, True, (scale,), (zero,))


class Layers:
    """Builds a graph layer by layer. Integer layers are a sum and its requant, as before lowering."""

    def __init__(self, name: str, integers: bool, rounding: Rounding = Rounding.HALF_UP) -> None:
        self.name, self.integers, self.rounding = name, integers, rounding
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.build = Builder()
        self.inputs: list[Port] = []

    def input(self, name: str, shape: tuple[int, ...], q: QType | None = None) -> str:
        self.build.input(name, Type(shape, (q or format_of(0.05, 3)) if self.integers else F32))
        self.inputs.append(self.port(name))
        return name

    def port(self, name: str) -> Port:
        type = self.build.values[name].type
        return Port(name, name, type.q.dtype.name, tuple(range(len(type.shape))))

    def shape(self, name: str) -> tuple[int, ...]:
        return self.build.values[name].type.shape

    def graph(self, *outputs: str) -> Graph:
        ports = tuple(self.port(o) for o in outputs)
        return verify(Graph(self.name, tuple(self.inputs), ports, tuple(self.build.nodes), self.build.values))

    def weights(self, name: str, shape: tuple[int, ...], zero: Sequence[int] = ()) -> str:
        """Random weights; the output channels in `zero` have none, which lie along the last axis of a depthwise kernel."""
        axis = 2 if len(shape) == 3 else 0
        data = self.random.integers(-127, 128, shape) if self.integers else self.random.normal(0, 0.5, shape)
        np.moveaxis(data, axis, 0)[list(zero)] = 0
        q: QType | FType = F32
        if self.integers:
            scales = tuple(float(s) for s in self.random.uniform(0.002, 0.01, shape[axis]))
            q = QType(8, True, scales, (0,) * shape[axis], axis)
        return self.build.constant(f"{name}.w", data.astype(q.dtype), q)

    def bias(self, name: str, size: int) -> str:
        data = self.random.integers(-2000, 2000, size) if self.integers else self.random.normal(0, 1, size)
        return self.build.constant(f"{name}.b", data.astype(np.int32 if self.integers else np.float32))

    def finish(self, name: str, sums: str, q: QType, clip: Clip | None) -> str:
        """The requant of an integer layer, and its clip in reals as a node of its own."""
        last = name if clip is None else f"{name}.linear"
        if self.integers:
            scales = self.build.values[sums].type.quantized.scale
            pairs = [multiplier(s / q.scale[0]) for s in scales]
            mul = self.build.constant(f"{name}.mul", np.array([m for m, _ in pairs], np.int32))
            shift = self.build.constant(f"{name}.shift", np.array([s for _, s in pairs], np.int8))
            sums = self.build.add(Requant(q, self.rounding), [sums, mul, shift], last)
            if clip:
                clip = Clip(*(float(np.clip(np.round(v / q.scale[0]) + q.zero[0], -128, 127)) for v in (clip.lo, clip.hi)))
        return self.build.add(clip, [sums], name) if clip else sums

    def _layer_name(self, name: str, clip: Clip | None) -> str:
        return f"{name}.sum" if self.integers else f"{name}.linear" if clip else name

    def conv(
        self, name: str, x: str, outputs: int, kernel: int = 3, stride: int = 1, pads: Pads = (0, 0, 0, 0), q: QType | None = None,
        zero: Sequence[int] = (), clip: Clip | None = None,
    ) -> str:
        w = self.weights(name, (outputs, kernel, kernel, self.shape(x)[3]), zero)
        op = Conv2D((stride, stride), pads=pads)
        sums = self.build.add(op, [x, w, self.bias(name, outputs)], self._layer_name(name, clip))
        return self.finish(name, sums, q or format_of(0.08, -4), clip)

    def depthwise(
        self, name: str, x: str, kernel: int = 3, stride: int = 1, pads: Pads = (1, 1, 1, 1), multiple: int = 1, q: QType | None = None,
        zero: Sequence[int] = (), clip: Clip | None = None,
    ) -> str:
        outputs = self.shape(x)[3] * multiple
        w = self.weights(name, (kernel, kernel, outputs), zero)
        op = DepthwiseConv2D((stride, stride), pads=pads)
        sums = self.build.add(op, [x, w, self.bias(name, outputs)], self._layer_name(name, clip))
        return self.finish(name, sums, q or format_of(0.05, -20), clip)

    def dense(self, name: str, x: str, outputs: int, q: QType | None = None, zero: Sequence[int] = (), clip: Clip | None = None) -> str:
        w = self.weights(name, (outputs, self.shape(x)[-1]), zero)
        sums = self.build.add(Dense(), [x, w, self.bias(name, outputs)], self._layer_name(name, clip))
        return self.finish(name, sums, q or format_of(0.1, 5), clip)


def separable(integers: bool, rounding: Rounding = Rounding.TFLITE) -> Graph:
    """Convolution, depthwise and pointwise, with channels that are constant."""
    layers = Layers(f"separable_{'s8' if integers else 'f32'}", integers, rounding)
    x = layers.input("x", (1, 7, 6, 3))
    relu = Clip(0, 6)
    x = layers.conv("stem", x, 6, stride=2, pads=(1, 1, 0, 1), q=format_of(0.03, -128), clip=relu)
    x = layers.depthwise("deep", x, q=format_of(0.02, -128), clip=relu)
    x = layers.conv("wide", x, 8, kernel=1, zero=(1, 4, 5), q=format_of(0.03, -128), clip=relu)
    x = layers.depthwise("deeper", x, stride=2, q=format_of(0.03, -100), zero=(2,), clip=relu)
    return layers.graph(layers.conv("head", x, 4, kernel=1, zero=(3,)))


def dense_chain(integers: bool) -> Graph:
    """Dense layers, the middle one with constant outputs, and two graph outputs."""
    layers = Layers(f"dense_chain_{'s8' if integers else 'f32'}", integers)
    x = layers.input("x", (1, 12))
    hidden = layers.dense("hidden", x, 9, zero=(0, 7), clip=Clip(0))
    shared = layers.dense("shared", hidden, 7, zero=(3,))
    return layers.graph(layers.dense("out", shared, 5), shared)


def residual(integers: bool) -> Graph:
    """A residual block, pools, a concat and a dense head; some channels of both branches are constant."""
    layers = Layers(f"residual_{'s8' if integers else 'f32'}", integers)
    build, same = layers.build, format_of(0.04, -10)
    x = layers.conv("stem", layers.input("x", (1, 8, 8, 3)), 4, pads=(1, 1, 1, 1), q=same, zero=(1, 2))
    a = layers.conv("a", x, 4, pads=(1, 1, 1, 1), q=same, clip=Clip(0))
    b = layers.conv("b", a, 4, pads=(1, 1, 1, 1), q=same, zero=(1,))
    scaling = SumScaling.of(same, same, format_of(0.06, 2)) if integers else None
    y = build.add(Clip(0 if not integers else 2), [build.add(Add(scaling), [x, b], "sum")], "y")
    pooled = [
        build.add(AveragePool2D(Window((2, 2), (2, 2))), [y], "average"),
        build.add(MaxPool2D(Window((3, 3), (2, 2), pads=(0, 0, 1, 1))), [y], "largest"),
    ]
    joined = build.add(Concat(3), pooled, "joined")
    point = layers.conv("point", joined, 5, kernel=1, zero=(2,))
    flat = build.add(Reshape((1, 80)), [point], "flat")
    return layers.graph(layers.dense("out", flat, 6))


def padded(integers: bool) -> Graph:
    """A pad of zeros before a convolution and one of other values, and a mean over the plane."""
    layers = Layers(f"padded_{'s8' if integers else 'f32'}", integers)
    build = layers.build
    x = layers.input("x", (2, 5, 6, 2))
    value = build.values[x].type.quantized.zero[0] if integers else 0.0
    first = layers.conv("first", build.add(Pad((0, 1, 2, 0), (0, 2, 0, 0), value), [x], "zeros"), 3)
    other = build.add(Pad((0, 0, 1, 0), (0, 1, 0, 0), 7 if integers else 0.5), [first], "sevens")
    second = layers.depthwise("second", other, pads=(0, 0, 0, 0), multiple=2, zero=(3,))
    if not integers:
        return layers.graph(build.add(Mean((1, 2)), [second], "mean"))
    mul, shift = mean_multiplier(second, layers)
    requant = Requant(format_of(0.04, 1))
    return layers.graph(build.add(Mean((1, 2), requant=requant), [second, mul, shift], "mean"))


def mean_multiplier(x: str, layers: Layers) -> tuple[str, str]:
    """The constants of a mean over the plane of `x` with output scale 0.04."""
    type = layers.build.values[x].type
    mul, shift = multiplier(type.quantized.scale[0] / (0.04 * type.shape[1] * type.shape[2]))
    return layers.build.constant("mean.mul", np.array([mul], np.int32)), layers.build.constant("mean.shift", np.array([shift], np.int8))


MODELS: dict[str, Callable[[], Graph]] = {
    "separable_s8": lambda: separable(True),
    "separable_f32": lambda: separable(False),
    "dense_chain_s8": lambda: dense_chain(True),
    "dense_chain_f32": lambda: dense_chain(False),
    "residual_s8": lambda: residual(True),
    "residual_f32": lambda: residual(False),
    "padded_s8": lambda: padded(True),
    "padded_f32": lambda: padded(False),
}


def samples(graph: Graph, count: int = 4, seed: int = 0) -> dict[str, Array]:
    """Random inputs by value name: all codes for integers, reals about -4 .. 4 for floats."""
    random = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for name in graph.input_names:
        type = graph.values[name].type
        shape = (count, *type.shape)
        if isinstance(type.q, FType):
            found[name] = random.normal(0, 1.5, shape).astype(np.float32)
        else:
            found[name] = random.integers(type.q.min, type.q.max + 1, shape).astype(type.q.dtype)
    return found


def assert_same_outputs(before: Graph, after: Graph, inputs: dict[str, Array]) -> None:
    """Fails unless both graphs give the same bytes."""
    expected, found = run(before, inputs), run(after, inputs)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array.view(f"u{array.itemsize}"), found[name].view(f"u{array.itemsize}"), strict=True, err_msg=name)
