"""The IR: what verify refuses, ports, and names."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import F32, MAX_BYTES, Builder, Graph, Node, Op, Port, QType, Type, Value, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.run import run


def graph() -> Graph:
    """y = clip(x + c)"""
    builder = Builder()
    builder.input("x", Type((1, 2, 3), F32))
    builder.constant("c", np.zeros(3, np.float32))
    builder.add(Add(), ("x", "c"), "s")
    builder.add(Clip(0), ("s",), "y")
    ports = [Port(name, name, "float32", (0, 1, 2)) for name in "xy"]
    return Graph("net", (ports[0],), (ports[1],), tuple(builder.nodes), builder.values)


def with_value(known: Graph, value: Value) -> Graph:
    return replace(known, values={**known.values, value.name: value})


def with_type(known: Graph, name: str, type: Type) -> Graph:
    return with_value(known, Value(name, type, known.values[name].data))


def without(known: Graph, name: str) -> Graph:
    return replace(known, values={n: v for n, v in known.values.items() if n != name})


def with_nodes(known: Graph, change: Callable[[list[Node]], list[Node]]) -> Graph:
    return replace(known, nodes=tuple(change(list(known.nodes))))


def with_axes(known: Graph, axes: tuple[int, ...]) -> Graph:
    return replace(known, inputs=(replace(known.inputs[0], axes=axes),))


def per_channel(scales: int, zeros: int, axis: int | None) -> Type:
    return Type((1, 2, 3), QType(8, True, (0.5,) * scales, (0,) * zeros, axis))


REFUSED: dict[str, tuple[Callable[[Graph], Graph], str]] = {
    "order": (lambda g: with_nodes(g, lambda n: n[::-1]), "y: reads s, which no earlier node computes"),
    "twice": (lambda g: with_nodes(g, lambda n: [n[0], *n]), "s: defines s a second time"),
    "twice_at_once": (lambda g: with_nodes(g, lambda n: [n[0], replace(n[1], outputs=("y", "y"))]), "y: defines y a second time"),
    "overwritten_input": (lambda g: with_nodes(g, lambda n: [n[0], replace(n[1], outputs=("x",))]), "x: defines x a second time"),
    "unknown_output": (lambda g: without(g, "y"), "y: defines y without a type"),
    "unknown_input": (lambda g: without(g, "x"), "x: an input without a type"),
    "input_twice": (lambda g: replace(g, inputs=g.inputs * 2), "x: an input that is defined already"),
    "constant_input": (lambda g: replace(g, inputs=(replace(g.inputs[0], value="c"),)), "c: an input that is defined already"),
    "wrong_type": (lambda g: with_type(g, "s", Type((1, 2, 4), F32)), "s: add gives .*declared"),
    "misfit": (lambda g: with_type(g, "x", Type((1, 2, 4), F32)), "s: 1x2x4 and 3 do not broadcast"),
    "constant_shape": (lambda g: with_type(g, "c", Type((4,), F32)), "c: constant is float32"),
    "constant_format": (lambda g: with_type(g, "c", Type((3,), QType(32))), "c: constant is float32"),
    "no_elements": (lambda g: with_type(g, "x", Type((1, 0, 3), F32)), "x: a tensor of 1x0x3"),
    "too_large": (lambda g: with_type(g, "x", Type((MAX_BYTES // 4,), F32)), "x: a tensor of 536870912 f32"),
    "scales": (lambda g: with_type(g, "x", per_channel(2, 2, 2)), "x: 2 scales and 2 zero points do not fit axis 2"),
    "zeros": (lambda g: with_type(g, "x", per_channel(3, 2, 2)), "x: 3 scales and 2 zero points"),
    "axis": (lambda g: with_type(g, "x", per_channel(3, 3, 3)), "x: 3 scales and 3 zero points do not fit axis 3"),
    "axis_missing": (lambda g: with_type(g, "x", per_channel(3, 3, None)), "x: 3 scales and 3 zero points do not fit axis None"),
    "axes": (lambda g: with_axes(g, (0, 1)), "x: axes .* do not fit 1x2x3"),
    "axes_twice": (lambda g: with_axes(g, (0, 1, 1)), "x: axes .* do not fit 1x2x3"),
    "unknown_port": (lambda g: replace(g, outputs=(replace(g.outputs[0], value="z"),)), "y: no node computes z"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_graph_is_refused(name: str) -> None:
    change, message = REFUSED[name]
    malformed = change(verify(graph()))
    with pytest.raises(TapeoutError, match=message):
        verify(malformed)


def test_a_port_brings_arrays_to_its_layout_and_back() -> None:
    port = Port("x", "image", "float32", (0, 2, 3, 1))
    array = np.arange(2 * 1 * 3 * 4 * 5).reshape(2, 1, 3, 4, 5)
    held = port.from_source(array)
    assert held.shape == (2, 1, 4, 5, 3) and held[1, 0, 2, 4, 1] == array[1, 0, 1, 2, 4]
    np.testing.assert_array_equal(port.to_source(held), array)


@pytest.mark.parametrize(("op", "name"), [
    (Conv2D, "conv2d"), (DepthwiseConv2D, "depthwise_conv2d"), (AveragePool2D, "average_pool2d"), (LeakyRelu, "leaky_relu"), (Add, "add"),
])
def test_the_name_of_an_op_follows_from_its_class(op: type[Op], name: str) -> None:
    assert op.name() == name


def test_replacing_nodes_drops_what_nobody_uses() -> None:
    known = graph()
    assert set(known.replace(known.nodes[:1], outputs=(replace(known.outputs[0], value="s"),)).values) == {"x", "c", "s"}


def test_a_constant_without_axes_keeps_that_shape() -> None:
    builder = Builder()
    builder.input("x", Type((), F32))
    builder.add(Add(), ("x", builder.constant("c", np.array(2.0, np.float32))), "y")
    assert builder.values["c"].type.shape == builder.values["y"].type.shape == ()
    ports = [Port(name, name, "float32", ()) for name in "xy"]
    made = verify(Graph("net", (ports[0],), (ports[1],), tuple(builder.nodes), builder.values))
    np.testing.assert_array_equal(run(made, {"x": np.array([1.0, -3.0], np.float32)})["y"], [3.0, -1.0])
