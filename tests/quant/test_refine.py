"""Layers bettered in order: what a step sees, and what becomes of what it gives."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.run import run
from tapeout.quant import QuantizeOptions
from tapeout.quant.annotate import annotate
from tapeout.quant.placement import LAYERS
from tapeout.quant.quantize import improved
from tapeout.quant.recipe import load
from tapeout.quant.refine import Layer, refine, with_own_biases

from .float_nets import network, samples


def with_output(graph: Graph, name: str) -> Graph:
    """The graph with one of its values as its only output."""
    axes = tuple(range(len(graph.values[name].type.shape)))
    return graph.replace(graph.nodes, graph.values, outputs=(Port(name, name, "float32", axes),))


def value(graph: Graph, name: str, x: Array) -> Array:
    """What the graph computes at a value; the sample itself for its input."""
    return run(with_output(graph, name), {"x": x})[name] if name != "x" else x


def test_each_layer_sees_both_networks_and_the_outcome_before_it() -> None:
    """The weights of every layer are doubled: the quantized input of the next is that of the network so far, the float one is not moved."""
    plain = improved(network(), {"x": samples()}, load("int8"), QuantizeOptions())
    graph, formats, seen = plain.simple, plain.formats, list[Layer]()

    def double(layer: Layer) -> Layer:
        seen.append(layer)
        return replace(layer, w=2 * layer.w, b=layer.b + 1)

    after = refine(graph, formats, {"x": samples()}, [double])
    assert [layer.node.name for layer in seen] == ["first", "deep", "point", "out"]
    done = annotate(after, formats)
    for layer in seen:
        x = layer.node.inputs[0]
        quantized = f"{x}_fq" if f"{x}_fq" in done.values else x
        assert np.array_equal(layer.wanted_x, value(graph, x, samples()))
        assert np.array_equal(layer.x, value(done, quantized, samples()))
        for name, was, factor, more in zip(layer.node.inputs[1:3], (layer.wanted_w, layer.wanted_b), (2, 1), (0, 1), strict=True):
            data = after.values[name].data
            assert data is not None and np.array_equal(data, factor * was + more)


def test_steps_follow_each_other() -> None:
    plain = improved(network(), {"x": samples()}, load("int8"), QuantizeOptions())
    twice = [lambda layer: replace(layer, b=layer.b + 1), lambda layer: replace(layer, b=3 * layer.b)]
    after = refine(plain.simple, plain.formats, {"x": samples()}, twice)
    before, found = (graph.values["out.b"].data for graph in (plain.simple, after))
    assert before is not None and found is not None and np.array_equal(found, 3 * (before + 1))


def test_what_layers_share_stays() -> None:
    build, random = Builder(), np.random.default_rng(0)
    build.input("x", Type((1, 8), F32))
    shared = build.constant("shared", random.normal(size=(8, 8)).astype(np.float32))
    w, b = build.constant("w", random.normal(size=(8, 8)).astype(np.float32)), build.constant("b", np.ones(8, np.float32))
    h = build.add(Dense(clip=Clip(0.0)), ("x", shared, b), "h")
    build.add(Dense(), (build.add(Dense(), (h, shared, ""), "i"), w, b), "y")
    ports = [Port(n, n, "float32", (0, 1)) for n in ("x", "y")]
    graph = verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))
    x = {"x": random.normal(size=(10, 1, 8)).astype(np.float32)}
    after = refine(graph, {}, x, [lambda layer: replace(layer, w=layer.w + 1, b=layer.b + 1)])
    moved = [n for n in ("shared", "w", "b") if not np.array_equal(graph.values[n].data, after.values[n].data)]  # type: ignore[arg-type]  # constants have data
    assert moved == ["w"]


def test_own_biases_change_nothing() -> None:
    """Zeros where there was none, a copy where two layers share one."""
    build, random = Builder(), np.random.default_rng(0)
    build.input("x", Type((1, 5, 5, 2), F32))
    w = [build.constant(f"w{i}", random.normal(size=(2, 2, 2, 2)).astype(np.float32)) for i in range(3)]
    b = build.constant("b", random.normal(size=2).astype(np.float32))
    h = build.add(Conv2D(), (build.add(Conv2D(), ("x", w[0], b), "first"), w[1], b), "second")
    build.add(Conv2D(), (h, w[2], ""), "third")
    ports = [Port(n, n, "float32", (0, 1, 2, 3)) for n in ("x", "third")]
    graph = verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))
    after = with_own_biases(graph)
    x = random.normal(size=(3, 1, 5, 5, 2)).astype(np.float32)
    assert np.array_equal(run(graph, {"x": x})["third"], run(after, {"x": x})["third"])
    biases = [n.inputs[2] for n in after.nodes if isinstance(n.op, LAYERS)]
    assert len(set(biases)) == 3
