"""Small whole graphs, int8 and float, as frontends and the quantizer make them: before any pass.

`MODELS` holds a function for each; `samples` feeds them.
"""
from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import F32, Array, Builder, FType, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

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


MODELS: dict[str, Callable[[], Graph]] = {
    "separable_s8": lambda: separable(True),
    "separable_f32": lambda: separable(False),
    "dense_chain_s8": lambda: dense_chain(True),
    "dense_chain_f32": lambda: dense_chain(False),
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
