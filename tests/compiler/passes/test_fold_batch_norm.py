"""Folded scales and shifts: the same reals, fewer nodes, and nothing folded where that would be wrong."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.passes.fold_batch_norm import fold_batch_norm
from tapeout.compiler.run import run

PADS = (1, 1, 1, 1)


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(0, 1, shape).astype(np.float32)


class Net:
    """A chain of nodes over an image of 6 channels."""

    def __init__(self, shape: tuple[int, ...] = (1, 5, 4, 6)) -> None:
        self.build = Builder()
        self.y = self.build.input("x", Type(shape, F32))

    def constant(self, array: Array) -> str:
        return self.build.constant("c", array)

    def layer(self, op: Conv2D | DepthwiseConv2D | Dense, *shape: int, bias: bool = True) -> None:
        outputs = shape[-1] if isinstance(op, DepthwiseConv2D) else shape[0]
        name = f"layer{len(self.build.nodes)}"
        w, b = self.build.constant(f"{name}.w", floats(*shape)), self.build.constant(f"{name}.b", floats(outputs)) if bias else ""
        self.y = self.build.add(op, (self.y, w, b), name)

    def affine(self, op: Add | Sub | Mul, c: Array, first: bool = False) -> None:
        operands = [self.y, self.constant(c)]
        self.y = self.build.add(op, operands[::-1] if first else operands, f"affine{len(self.build.nodes)}")

    def graph(self, *outputs: str) -> Graph:
        def port(name: str) -> Port:
            return Port(name, name, "float32", tuple(range(len(self.build.values[name].type.shape))))

        return verify(Graph("net", (port("x"),), tuple(port(o) for o in outputs or (self.y,)), tuple(self.build.nodes), self.build.values))


def names(graph: Graph) -> list[str]:
    return [n.op.name() for n in graph.nodes]


def folded(graph: Graph, expected: Sequence[str]) -> Graph:
    """The graph after the pass: it has these ops, keeps its outputs' names and computes the same to 1e-5."""
    after = verify(fold_batch_norm(graph))
    assert names(after) == list(expected)
    x = floats(3, *graph.values["x"].type.shape, seed=7)
    before, now = run(graph, {"x": x}), run(after, {"x": x})
    assert before.keys() == now.keys()
    for name in before:
        np.testing.assert_allclose(now[name], before[name], rtol=1e-5, atol=2e-5)
    return after


LAYERS: list[Any] = [
    pytest.param(Conv2D(pads=PADS), (4, 3, 3, 6), id="conv2d"),
    pytest.param(Conv2D(groups=2), (4, 3, 3, 3), id="groups"),
    pytest.param(DepthwiseConv2D(pads=PADS), (3, 3, 6), id="depthwise"),
    pytest.param(DepthwiseConv2D(), (3, 3, 12), id="multiple"),
    pytest.param(Dense(), (4, 6), id="dense"),
]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("op", "shape"), LAYERS)
def test_behind_a_layer(op: Any, shape: tuple[int, ...], bias: bool) -> None:
    outputs = shape[-1] if isinstance(op, DepthwiseConv2D) else shape[0]
    net = Net()
    net.layer(op, *shape, bias=bias)
    net.affine(Mul(), floats(1, 1, 1, outputs, seed=1))
    net.affine(Add(), floats(outputs, seed=2))
    net.affine(Sub(), floats(1), first=True)
    net.affine(Sub(), floats(1, 1, outputs, seed=3))
    after = folded(net.graph(), [op.name()])
    assert after.nodes[0].name == net.y
    assert after.nodes[0].inputs[1:] == ("layer0.w", "layer0.b" if bias else "layer0_bias")


@pytest.mark.parametrize(("op", "shape"), LAYERS)
def test_before_a_layer(op: Any, shape: tuple[int, ...]) -> None:
    """A scale always folds, a shift only where there is no padding."""
    padded = any(getattr(op, "pads", ()))
    net = Net()
    net.affine(Mul(), floats(6, seed=1))
    net.affine(Add(), floats(6, seed=2))
    net.affine(Mul(), floats(seed=3))
    net.layer(op, *shape)
    folded(net.graph(), ["mul", "add", op.name()] if padded else [op.name()])


def test_weights_are_rounded_once() -> None:
    net = Net()
    net.layer(Dense(), 4, 6, bias=False)
    factors = [floats(4, seed=s) for s in (1, 2, 3)]
    for c in factors:
        net.affine(Mul(), c)
    after = folded(net.graph(), ["dense"])
    exact = floats(4, 6).astype(np.float64) * np.prod([c.astype(np.float64) for c in factors], axis=0)[:, None]
    assert np.array_equal(np.asarray(after.values["layer0.w"].data), exact.astype(np.float32))


def test_between_two_layers_it_joins_the_first() -> None:
    net = Net()
    net.layer(Conv2D(), 4, 1, 1, 6)
    net.affine(Mul(), floats(4, seed=1))
    net.layer(Conv2D(), 5, 1, 1, 4)
    after = folded(net.graph(), ["conv2d", "conv2d"])
    assert np.array_equal(np.asarray(after.values["layer2.w"].data), floats(5, 1, 1, 4))


def test_a_clip_of_the_affine_node_stays() -> None:
    net = Net()
    net.layer(Dense(), 4, 6)
    net.affine(Add(clip=Clip(0, 1)), floats(4, seed=1))
    net.affine(Mul(), floats(4, seed=2))
    after = folded(net.graph(), ["dense", "mul"])
    assert after.nodes[0].op == Dense(clip=Clip(0, 1))


def test_shared_weights_are_copied() -> None:
    net = Net()
    net.layer(Dense(), 6, 6)
    net.affine(Mul(), floats(6, seed=1))
    net.y = net.build.add(Dense(), (net.y, "layer0.w", "layer0.b"), "again")
    after = folded(net.graph(), ["dense", "dense"])
    assert np.array_equal(np.asarray(after.values["layer0.w"].data), floats(6, 6))


@pytest.mark.parametrize("reason", ["two readers", "graph output", "per pixel", "clip", "computed", "overflow"])
def test_left_alone(reason: str) -> None:
    net = Net()
    net.layer(Conv2D(clip=Clip(0, 6) if reason == "clip" else None), 4, 1, 1, 6)
    y = net.y
    if reason == "per pixel":
        net.affine(Mul(), floats(5, 4, 1))
    elif reason == "computed":
        net.y = net.build.add(Mul(), (y, y), "square")
    elif reason == "overflow":
        net.affine(Mul(), np.array([1e37], np.float32))
        net.affine(Mul(), np.array([1e37], np.float32))
    else:
        net.affine(Mul(), floats(4, seed=1))
    if reason == "two readers":
        net.y = net.build.add(Add(), (y, net.y), "sum")
    graph = net.graph(*((y, net.y) if reason == "graph output" else ()))
    before = names(graph)
    assert names(verify(fold_batch_norm(graph))) == (["conv2d", "mul"] if reason == "overflow" else before)
