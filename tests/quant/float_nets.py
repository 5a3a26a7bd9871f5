"""Small float networks for quantization and training."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.ir import F32, Array, Builder, Graph, Op, Port, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.window import Window

RELU = Clip(0.0)
SHAPE = (1, 6, 6, 4)


def network(residual: bool = False, norms: bool = False, pool: bool = True, seed: int = 0) -> Graph:
    """6x6x4 to 5: a convolution, a depthwise one, a pointwise one, average pooling if `pool`, a dense layer.

    With `residual` the first result is added to the third. With `norms` batch normalization stands behind the convolutions as readers
    leave it, a factor and a shift, and the clip behind that.
    """
    random = np.random.default_rng(seed)
    build = Builder()
    build.input("x", Type(SHAPE, F32))

    def constant(name: str, *shape: int) -> str:
        return build.constant(name, random.normal(0, 1 / np.sqrt(np.prod(shape[1:]) or 1), shape).astype(np.float32))

    def layer(name: str, op: Conv2D | DepthwiseConv2D, x: str, *w_shape: int) -> str:
        channels = w_shape[-1] if isinstance(op, DepthwiseConv2D) else w_shape[0]
        operands = (x, constant(f"{name}.w", *w_shape))
        if not norms:
            return build.add(replace(op, clip=RELU), (*operands, constant(f"{name}.b", channels)), name)
        sums = build.add(op, (*operands, ""), f"{name}.sums")
        factor = build.constant(f"{name}.factor", (random.normal(0, 1, channels)).astype(np.float32))
        scaled = build.add(Mul(), (sums, factor), f"{name}.scaled")
        shifted = build.add(Add(), (scaled, constant(f"{name}.shift", channels)), f"{name}.normed")
        return build.add(RELU, (shifted,), name)

    first = layer("first", Conv2D(pads=(1, 1, 1, 1)), "x", 8, 3, 3, 4)
    deep = layer("deep", DepthwiseConv2D(pads=(1, 1, 1, 1)), first, 3, 3, 8)
    last = layer("point", Conv2D(), deep, 8, 1, 1, 8)
    if residual:
        last = build.add(Add(), (last, first), "sum")
    if pool:
        last = build.add(AveragePool2D(Window((2, 2), (2, 2))), (last,), "pooled")
    size = build.values[last].type.size
    flat = build.add(Reshape((1, size)), (last,), "flat")
    build.add(Dense(), (flat, constant("out.w", 5, size), constant("out.b", 5)), "out")
    ports = [Port(name, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name in ("x", "out")]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def samples(count: int = 32, seed: int = 1) -> Array:
    """(N, 1, 6, 6, 4) in float32, half of them on a grid, where ties are."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, (count, *SHAPE))
    return np.where(random.random(x.shape) < 0.5, x, np.round(x * 16) / 16).astype(np.float32)


def ops(graph: Graph, kind: type[Op]) -> list[str]:
    """The names of the nodes of a kind."""
    return [n.name for n in graph.nodes if isinstance(n.op, kind)]
