"""Equalization leaves the function and makes ranges alike; it stops where something between two layers does not scale."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Array, Builder, Graph, Op, Port, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tapeout.quant import Improvement, QuantizeOptions, quantize
from tapeout.quant import equalize as module
from tapeout.quant.equalize import Pair, equalize, pairs
from tapeout.quant.matrix import as_rows, channels_read
from tapeout.quant.recipe import parse
from tapeout.quant.sensitivity import decibels

from .float_nets import network, samples

SHAPE = (1, 6, 6, 4)
RELU = Clip(0.0)
Between = Callable[[Builder, str], str]


def op(op: Op) -> Between:
    return lambda build, x: build.add(op, (x,), build.fresh(op.name()))


def then(*parts: Between) -> Between:
    def both(build: Builder, x: str) -> str:
        for part in parts:
            x = part(build, x)
        return x

    return both


def chain(between: Between, outputs: tuple[str, ...] = ("y",), first: Op | None = None) -> Graph:
    """A convolution whose channels differ widely, something, and a dense layer over all that comes out."""
    random, build = np.random.default_rng(0), Builder()
    build.input("x", Type(SHAPE, F32))
    scales = np.exp2(random.uniform(-4, 4, 8)).astype(np.float32)
    w = build.constant("w", (random.normal(0, 0.3, (8, 3, 3, 4)) * scales[:, None, None, None]).astype(np.float32))
    b = build.constant("b", (random.normal(0, 0.3, 8) * scales).astype(np.float32))
    last = between(build, build.add(first or Conv2D(pads=(1, 1, 1, 1), clip=RELU), ("x", w, b), "first"))
    size = build.values[last].type.size
    flat = build.add(Reshape((1, size)), (last,), "flat")
    v = build.constant("v", (random.normal(0, 1 / np.sqrt(size), (5, size))).astype(np.float32))
    build.add(Dense(), (flat, v, ""), "y")
    ports = [Port(n, n, "float32", tuple(range(len(build.values[n].type.shape)))) for n in ("x", *outputs)]
    return verify(Graph("net", (ports[0],), tuple(ports[1:]), tuple(build.nodes), build.values))


THROUGH: dict[str, Between] = {
    "nothing": then(),
    "a relu": op(RELU),
    "a leaky relu": op(LeakyRelu(0.1)),
    "max pooling": op(MaxPool2D(Window((2, 2), (2, 2)))),
    "average pooling": op(AveragePool2D(Window((2, 2), (2, 2)))),
    "a mean over the plane": op(Mean((1, 2))),
    "a transpose": op(Transpose((0, 3, 1, 2))),
    "padding by zeros": op(Pad((0, 1, 0, 0), (0, 0, 2, 0), 0.0)),
    "pooling, a relu and a transpose": then(op(MaxPool2D(Window((3, 3), (3, 3)))), op(RELU), op(Transpose((0, 2, 1, 3)))),
}
STOPS: dict[str, Between] = {
    "a relu6": op(Clip(0.0, 6.0)),
    "a clip that keeps something negative": op(Clip(-1.0)),
    "a sigmoid": op(Sigmoid()),
    "padding by ones": op(Pad((0, 1, 0, 0), (0, 0, 2, 0), 1.0)),
    "padding of channels": op(Pad((0, 0, 0, 1), (0, 0, 0, 0), 0.0)),
    "a mean over channels": op(Mean((3,))),
    "an addition": lambda build, x: build.add(Add(), (x, build.constant("c", np.ones(8, np.float32))), "sum"),
    "a second reader": lambda build, x: build.add(Add(), (x, x), "twice"),
}  # fmt: skip


def feed() -> Array:
    return np.random.default_rng(1).normal(0, 1, (16, *SHAPE)).astype(np.float32)


def outputs(graph: Graph) -> Array:
    return run(graph, {"x": feed()})[graph.outputs[-1].value]


def ranges(graph: Graph, pair: Pair) -> tuple[Array, Array]:
    """The largest weight of each channel of the first layer, and of those that read it in the second."""
    w, v = (np.abs(as_rows(n, constant(graph, n.inputs[1]))).max(1) for n in (pair.first, pair.second))
    reads = pair.channel[channels_read(pair.second, graph.types(pair.second))]
    return w.max(1), np.array([v[reads == channel].max() for channel in range(len(w))])


def constant(graph: Graph, name: str) -> Array:
    data = graph.values[name].data
    assert data is not None
    return data


def assert_same_function(before: Graph, after: Graph) -> None:
    """But for the rounding of float32: within 1e-5 of the largest result."""
    wanted, found = outputs(before), outputs(after)
    assert np.abs(wanted - found).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("between", THROUGH.values(), ids=THROUGH)
def test_ranges_become_alike_and_the_function_stays(between: Between) -> None:
    graph = chain(between)
    ((pair),) = pairs(graph)
    after = equalize(graph)
    assert_same_function(graph, after)
    before, behind = ranges(after, pair)
    assert np.allclose(before, behind, rtol=0.01)
    assert not np.allclose(*ranges(graph, pair), rtol=0.5)


@pytest.mark.parametrize("between", STOPS.values(), ids=STOPS)
def test_what_does_not_scale_stops_it(between: Between) -> None:
    graph = chain(between)
    assert pairs(graph) == []
    assert equalize(graph).values["w"].data is graph.values["w"].data


def test_what_somebody_else_sees_stays() -> None:
    """A result on the way that is an output, and weights that are one."""
    assert pairs(chain(then(), outputs=("first", "y"))) == []
    assert pairs(chain(op(RELU), outputs=("y", "clip"))) == []
    assert pairs(chain(then(), first=Conv2D(clip=Clip(0.0, 6.0)))) == []


def test_shared_weights_stay() -> None:
    build = Builder()
    build.input("x", Type((1, 8), F32))
    w = build.constant("w", np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32))
    y = build.add(Dense(), (build.add(Dense(clip=RELU), ("x", w, ""), "h"), w, ""), "y")
    ports = [Port(n, n, "float32", (0, 1)) for n in ("x", y)]
    assert pairs(verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))) == []


def test_a_chain_of_layers_with_a_depthwise_one() -> None:
    graph = network(pool=True)
    assert [(p.first.name, p.second.name) for p in pairs(graph)] == [("first", "deep"), ("deep", "point"), ("point", "out")]
    after = equalize(graph)
    wanted, found = (run(g, {"x": samples()})["out"] for g in (graph, after))
    assert np.abs(wanted - found).max() <= 1e-5 * np.abs(wanted).max()
    assert not np.array_equal(constant(graph, "deep.w"), constant(after, "deep.w"))


def test_channels_without_use_stay() -> None:
    """Of zeros before or behind, and those that are nearly their bias alone."""
    graph = chain(op(MaxPool2D(Window((2, 2), (2, 2)))))
    w, v = (constant(graph, name).copy() for name in "wv")
    w[0] = 0
    v.reshape(5, 3, 3, 8)[..., 1] = 0
    w[2] *= 1e-7
    values = {**graph.values, "w": replace(graph.values["w"], data=w), "v": replace(graph.values["v"], data=v)}
    graph = graph.replace(graph.nodes, values)
    after = equalize(graph)
    assert_same_function(graph, after)
    assert np.array_equal(constant(after, "w")[:3], w[:3])
    assert not np.array_equal(constant(after, "w")[3], w[3])


def test_channels_that_are_mixed_up_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of functions bites."""
    real = channels_read
    monkeypatch.setattr(module, "channels_read", lambda node, types: real(node, types)[:, ::-1])
    graph = chain(then())
    with pytest.raises(AssertionError):
        assert_same_function(graph, equalize(graph))


def test_one_scale_for_a_tensor_loses_less() -> None:
    """What it is for: 8 bits with one scale for all channels, which differ widely and matter alike."""
    recipe = parse({"weights": {"granularity": "tensor"}, "activations": {"symmetric": False}}, "tensor")
    graph = chain(then())
    largest = np.abs(constant(graph, "w")).max((1, 2, 3))
    v = (constant(graph, "v").reshape(5, -1, 8) / largest).reshape(5, -1)
    graph = graph.replace(graph.nodes, {**graph.values, "v": replace(graph.values["v"], data=v)})
    wanted = outputs(graph)
    found = {i: outputs(quantize(graph, {"x": feed()}, recipe, QuantizeOptions(improve=i))) for i in ((), (Improvement.EQUALIZE,))}
    assert decibels(wanted, found[Improvement.EQUALIZE,]) > decibels(wanted, found[()]) + 6


def test_a_depthwise_layer_with_a_multiplier() -> None:
    """Each channel of the input feeds two of the result."""
    graph = chain(lambda build, x: build.add(
        DepthwiseConv2D(clip=RELU),
        (x, build.constant("d", np.random.default_rng(3).normal(size=(2, 2, 16)).astype(np.float32)), ""), "deep",
    ))  # fmt: skip
    assert [(p.first.name, p.second.name) for p in pairs(graph)] == [("first", "deep"), ("deep", "y")]
    assert_same_function(graph, equalize(graph))
