"""Transposes that can go are gone, those that cannot stay, and the numbers are the same."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.passes.move_transpose import move_transpose
from tapeout.compiler.run import run

SHAPE = (2, 3, 4, 5)
NCHW, NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class Net:
    """A chain of nodes over `x`; the first keeps rules of the input away, the last those of the output."""

    def __init__(self, shape: tuple[int, ...] = SHAPE) -> None:
        self.build = Builder()
        self.y = self.build.add(Add(), [self.build.input("x", Type(shape, F32))] * 2, "first")

    def transpose(self, *perm: int) -> None:
        self.y = self.build.add(Transpose(perm), [self.y], f"t{len(self.build.nodes)}")

    def reshape(self, *shape: int) -> None:
        self.y = self.build.add(Reshape(shape), [self.y], f"r{len(self.build.nodes)}")

    def tanh(self) -> None:
        self.y = self.build.add(Tanh(), [self.y], f"tanh{len(self.build.nodes)}")

    def double(self) -> None:
        self.y = self.build.add(Add(), [self.y, self.y], f"double{len(self.build.nodes)}")

    def quantize(self, q: QType) -> None:
        self.y = self.build.add(FakeQuantize(q), [self.y], f"fq{len(self.build.nodes)}")

    def dense(self, q: QType | None = None) -> None:
        w = np.random.default_rng(0).normal(0, 1, (6, self.build.values[self.y].type.shape[-1])).astype(np.float32)
        weights = self.build.constant("w", w)
        weights = self.build.add(FakeQuantize(q), [weights], "w_fq") if q else weights
        self.y = self.build.add(Dense(), [self.y, weights, ""], f"dense{len(self.build.nodes)}")

    def graph(self, *outputs: str) -> Graph:
        def port(name: str) -> Port:
            return Port(name, name, "float32", tuple(range(len(self.build.values[name].type.shape))))

        return verify(Graph("net", (port("x"),), tuple(port(o) for o in outputs or (self.y,)), tuple(self.build.nodes), self.build.values))


def names(graph: Graph) -> list[str]:
    return [n.op.name() for n in graph.nodes]


def moved(graph: Graph, expected: list[str], exact: bool = True) -> Graph:
    """The graph after the pass, which has these ops and computes the same outputs in the source's layout."""
    after = verify(move_transpose(graph))
    assert names(after) == expected
    source = graph.values["x"].type.shape
    x = np.random.default_rng(1).normal(0, 1, (2, *source)).astype(np.float32)
    results = [run(g, {"x": g.inputs[0].from_source(x)}) for g in (graph, after)]
    assert [p.name for p in graph.outputs] == [p.name for p in after.outputs]
    for old, new in zip(graph.outputs, after.outputs, strict=True):
        before, now = old.to_source(results[0][old.value]), new.to_source(results[1][new.value])
        assert np.array_equal(before, now) if exact else np.allclose(before, now, rtol=1e-5, atol=1e-5)
    return after


def inverse_pair(net: Net) -> list[str]:
    net.transpose(*NCHW)
    net.transpose(*NHWC)
    net.double()
    return ["add", "add"]


def pair(net: Net) -> list[str]:
    net.transpose(*NCHW)
    net.transpose(0, 1, 3, 2)
    net.double()
    return ["add", "transpose", "add"]


def below_functions(net: Net) -> list[str]:
    net.transpose(*NCHW)
    net.tanh()
    net.y = net.build.add(Clip(0, 1), [net.y], "clip")
    net.transpose(*NHWC)
    net.double()
    return ["add", "tanh", "clip", "add"]


def kept_before_add(net: Net) -> list[str]:
    net.transpose(*NCHW)
    net.double()
    return ["add", "transpose", "add"]


def identity(net: Net) -> list[str]:
    net.transpose(0, 1, 2, 3)
    net.double()
    return ["add", "add"]


def output(net: Net) -> list[str]:
    net.transpose(*NCHW)
    return ["add"]


def output_below_function(net: Net) -> list[str]:
    net.transpose(*NCHW)
    net.tanh()
    return ["add", "tanh"]


@pytest.mark.parametrize("make", [inverse_pair, pair, below_functions, kept_before_add, identity, output, output_below_function])
def test_chain(make: Callable[[Net], list[str]]) -> None:
    net = Net()
    expected = make(net)
    moved(net.graph(), expected)


@pytest.mark.parametrize(("shape", "perm"), [((2, 1, 1, 5), NCHW), ((1, 3, 4, 1), NCHW), ((1, 3, 1, 4), (1, 0, 3, 2))])
def test_axes_of_one_element_are_a_reshape(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    net = Net(shape)
    net.transpose(*perm)
    net.double()
    moved(net.graph(), ["add", "reshape", "add"])


@pytest.mark.parametrize(
    ("shape", "perm", "flat"),
    [
        (SHAPE, NCHW, (2, 60)), ((1, 3, 4, 5), NCHW, (60,)), ((1, 3, 4, 5), NCHW, (1, 1, 60)), (SHAPE, (0, 1, 3, 2), (2, 60)),
        (SHAPE, (0, 1, 3, 2), (2, 3, 20)), (SHAPE, (0, 1, 3, 2), (6, 20)), ((2, 1, 4, 5), NCHW, (2, 20)), (SHAPE, (1, 0, 2, 3), (120,)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("between", [False, True])
def test_flattened_for_a_dense_layer(shape: tuple[int, ...], perm: tuple[int, ...], flat: tuple[int, ...], between: bool) -> None:
    net = Net(shape)
    net.transpose(*perm)
    net.reshape(*flat)
    if between:
        net.tanh()
    net.dense()
    moved(net.graph(), ["add", "reshape", *["tanh"] * between, "dense"], exact=False)


CODES = QType(8, True, (0.01,))
ROWS = QType(4, True, tuple(0.01 * (i + 1) for i in range(6)), (0,) * 6, 0)
GROUPS = QType(4, True, tuple(0.01 * (i + 1) for i in range(36)), (0,) * 36, 0, 10)


@pytest.mark.parametrize(("weights", "gone"), [(CODES, True), (ROWS, True), (GROUPS, False)], ids=["tensor", "channel", "group"])
def test_flattened_for_a_quantized_dense_layer(weights: QType, gone: bool) -> None:
    """What training tools export; groups of columns that share a scale cannot be taken apart."""
    net = Net((1, 3, 4, 5))
    net.transpose(*NCHW)
    net.quantize(CODES)
    net.reshape(1, 60)
    net.dense(weights)
    kept = [] if gone else ["transpose"]
    after = moved(net.graph(), ["add", "fake_quantize", *kept, "reshape", "fake_quantize", "dense"], exact=False)
    assert np.array_equal(after.values["w"].data, net.build.values["w"].data) is not gone  # type: ignore[arg-type]  # a constant has data


@pytest.mark.parametrize(("perm", "flat"), [((1, 0, 2, 3), (3, 40)), ((3, 0, 1, 2), (5, 24)), (NCHW, (2, 5, 12)), ((0, 2, 1, 3), (24, 5))])
def test_rows_that_move_keep_the_transpose(perm: tuple[int, ...], flat: tuple[int, ...]) -> None:
    net = Net()
    net.transpose(*perm)
    net.reshape(*flat)
    net.dense()
    moved(net.graph(), ["add", "transpose", "reshape", "dense"])


def test_weights_that_another_layer_reads_are_copied() -> None:
    net = Net()
    net.reshape(2, 60)
    net.dense()
    first = net.y
    net.y = "first"
    net.transpose(*NCHW)
    net.reshape(2, 60)
    net.y = net.build.add(Dense(), [net.y, "w", ""], "second")
    moved(net.graph(first, net.y), ["add", "reshape", "dense", "reshape", "dense"], exact=False)


def test_a_tensor_with_two_readers_keeps_its_transpose() -> None:
    net = Net()
    net.transpose(*NCHW)
    before = net.y
    net.tanh()
    net.y = net.build.add(Add(), [before, net.y], "sum")
    moved(net.graph(), ["add", "transpose", "tanh", "add"])


def test_input() -> None:
    build = Builder()
    build.input("x", Type(SHAPE, F32))
    build.add(Transpose(NCHW), ["x"], "t")
    build.add(Add(), ["t", "t"], "y")
    axes = (0, 1, 2, 3)
    graph = Graph("net", (Port("x", "x", "float32", axes),), (Port("y", "y", "float32", axes),), tuple(build.nodes), build.values)
    after = moved(verify(graph), ["add"])
    assert after.inputs[0].axes == NCHW
    assert after.values["x"].type.shape == (2, 5, 3, 4)


def test_nothing_but_a_transpose_keeps_it() -> None:
    build = Builder()
    build.input("x", Type(SHAPE, F32))
    build.add(Transpose(NCHW), ["x"], "y")
    axes = (0, 1, 2, 3)
    graph = Graph("net", (Port("x", "x", "float32", axes),), (Port("y", "y", "float32", axes),), tuple(build.nodes), build.values)
    moved(verify(graph), ["transpose"])
