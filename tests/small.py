"""A small network as the compiler emits it, int8 or float: every layer that has weights, requants and clips fused."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Builder, FType, Graph, Op, Port, QType, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

CODES, FLOATS = QType(8, True, (0.1,), (3,)), FType()


def network(q: QType | FType) -> Graph:
    """conv2d, depthwise_conv2d and dense on 1x7x6x3."""
    random = np.random.default_rng(0)
    builder = Builder()
    integers = isinstance(q, QType)

    def layer(name: str, op: Op, x: str, weights: tuple[int, ...], outputs: int) -> str:
        if not integers:
            w = builder.constant("w", random.normal(0, 0.5, weights).astype(np.float32))
            return builder.add(op, [x, w, builder.constant("b", random.normal(0, 1, outputs).astype(np.float32))], name)
        constants: list[Array] = [
            random.integers(-127, 128, weights).astype(np.int8),
            random.integers(-1000, 1000, outputs).astype(np.int32),
            random.integers(1 << 30, 1 << 31, outputs).astype(np.int32),
            random.integers(37, 40, outputs).astype(np.int8),
        ]
        return builder.add(op, [x, *(builder.constant(f"{name}.c", c) for c in constants)], name)

    requant = Requant(q, Rounding.TFLITE) if isinstance(q, QType) else None
    clip = None if integers else Clip(-1.5, 6.0)
    x = builder.input("x", Type((1, 7, 6, 3), q))
    x = layer("first", Conv2D((2, 1), pads=(1, 1, 1, 1), requant=requant, clip=clip), x, (4, 3, 3, 3), 4)
    x = layer("deep", DepthwiseConv2D(pads=(1, 1, 1, 1), requant=requant, clip=clip), x, (3, 3, 4), 4)
    x = layer("y", Dense(requant=requant, clip=clip), x, (5, 4), 5)
    ports = [Port(name, name, q.dtype.name, (0, 1, 2, 3)) for name in ("x", x)]
    return verify(Graph("small", (ports[0],), (ports[1],), tuple(builder.nodes), builder.values))


def feed(graph: Graph, count: int) -> dict[str, Array]:
    """Random samples; floats from subnormal to large, since cores treat subnormal numbers in ways of their own."""
    random = np.random.default_rng(1)
    known = graph.values["x"].type
    if isinstance(known.q, QType):
        return {"x": random.integers(-128, 128, (count, *known.shape)).astype(np.int8)}
    scales = 10.0 ** random.integers(-44, 4, (count, 1, 1, 1, 1))
    return {"x": (random.normal(0, 1, (count, *known.shape)) * scales).astype(np.float32)}
