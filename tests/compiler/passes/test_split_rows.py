"""Regions in strips compute what they compute as a whole, each row once."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeout.compiler.build import lower
from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.passes.split_rows import Region, refusal, split_rows
from tapeout.compiler.report import node_macs
from tapeout.compiler.rows import RowWindow
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tests.models import Layers, assert_same_outputs, format_of, samples


def image_net(integers: bool, height: int, kinds: list[tuple[str, int, int, int]], width: int = 11) -> Graph:
    """Layers (kind, kernel, stride, pad at the top) one after another, those of equal shape added to the layer before."""
    layers = Layers(f"image{height}", integers)
    x = layers.input("x", (1, height, width, 3))
    for number, (kind, kernel, stride, top) in enumerate(kinds):
        name, pads = f"{kind}{number}", (min(top, kernel // 2), kernel // 2, kernel // 2, kernel // 2)
        if min(layers.shape(x)[1:3]) < kernel:
            break
        window = Window((kernel, kernel), (stride, stride), pads=pads)
        match kind:
            case "conv":
                y = layers.conv(name, x, 3, kernel, stride=stride, pads=pads)
            case "depthwise":
                y = layers.depthwise(name, x, kernel, stride=stride, pads=pads, clip=Clip(0.0, 6.0))
            case "max":
                y = layers.build.add(MaxPool2D(window), [x], name)
            case "average":
                y = layers.build.add(AveragePool2D(window), [x], name)
            case _:
                y = layers.conv(name, x, 3, 1)
        if layers.shape(y) == layers.shape(x):
            q = format_of(0.1, -3)
            a, b = (layers.build.values[v].type for v in (x, y))
            scaling = SumScaling.of(a.quantized, b.quantized, q) if integers else None
            y = layers.build.add(Add(scaling), [x, y], f"sum{number}")
        x = y
    return lower(layers.graph(x))


LAYERS = st.tuples(
    st.sampled_from(["conv", "depthwise", "max", "average", "pointwise"]), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)
)


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.integers(4, 13), st.lists(LAYERS, min_size=2, max_size=5), st.data())
def test_strips_compute_the_same_rows(integers: bool, height: int, kinds: list[tuple[str, int, int, int]], data: st.DataObject) -> None:
    graph = image_net(integers, height, kinds)
    spans = [
        (begin, end) for begin in range(len(graph.nodes)) for end in range(begin + 1, len(graph.nodes) + 1)
        if refusal(graph, begin, end) is None and graph.values[graph.nodes[end - 1].name].type.shape[1] > 1
    ]
    if not spans:
        return
    begin, end = data.draw(st.sampled_from(spans))
    rows = graph.values[graph.nodes[end - 1].name].type.shape[1]
    region = Region(graph.nodes[begin].name, graph.nodes[end - 1].name, data.draw(st.integers(2, rows)))
    split = split_rows(graph, region)
    assert_same_outputs(graph, verify(split.graph), samples(graph))
    assert sum(node_macs(split.graph).values()) <= sum(node_macs(graph).values()), "no row is computed twice"
    assert set(split.sources) == {n.name for n in split.graph.nodes} - {n.name for n in graph.nodes}
    assert set(split.sources.values()) <= {n.name for n in graph.nodes}


def tower(integers: bool = True) -> Graph:
    return image_net(integers, 12, [("conv", 3, 1, 1), ("depthwise", 3, 2, 1), ("conv", 3, 1, 1)])


def whole(graph: Graph, strips: int) -> Graph:
    return split_rows(graph, Region(graph.nodes[0].name, graph.nodes[-1].name, strips)).graph


def test_each_row_is_computed_once() -> None:
    """The last layer's 6 rows in strips of 2 need 3, 5 and 6 rows of the layer before, and those 6, 10 and 12 of the first."""
    split = whole(tower(), 3)
    rows: dict[str, list[str]] = {node.op.name(): [] for node in split.nodes}
    for node in split.nodes:
        rows[node.op.name()].append(node.name.partition("_rows_")[2])
    assert rows["conv2d"] == ["0_5", "0_1", "6_9", "2_3", "10_11", "4_5"]
    assert rows["depthwise_conv2d"] == ["0_2", "3_4", "5_5"]
    assert sum(node_macs(split).values()) == sum(node_macs(tower()).values())


@pytest.mark.parametrize("part", ["first", "end", "pads"])
def test_a_mistake_in_the_rows_is_noticed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row too many or too few before, after or beside what a window reads."""
    graph = tower()
    expected = run(graph, samples(graph))
    right = getattr(RowWindow, part)

    def wrong(self: RowWindow, row: int, *more: int) -> int | tuple[int, int]:
        found: int | tuple[int, int] = right(self, row, *more)
        if isinstance(found, tuple):
            return found[1], found[0]
        return max(0, found - 1) if self.reach > 1 else found

    monkeypatch.setattr(RowWindow, part, wrong)
    try:
        found = run(whole(graph, 3), samples(graph))
    except (TapeoutError, ValueError):
        return
    assert any(not np.array_equal(expected[name], found[name]) for name in expected)


def test_what_cannot_be_split_is_named() -> None:
    layers = Layers("refused", integers=True)
    x = layers.input("x", (1, 8, 6, 3))
    a = layers.conv("a", x, 4)
    b = layers.conv("b", a, 4)
    joined = layers.build.add(Concat(3), [b, b], "c")
    flat = layers.build.add(Reshape((1, -1 * -layers.build.values[joined].type.size)), [joined], "flat")
    graph = lower(layers.graph(layers.dense("d", flat, 3), b))
    names = [n.name for n in graph.nodes]
    with pytest.raises(TapeoutError, match="strips from a to z: the graph has no such nodes"):
        split_rows(graph, Region("a", "z", 2))
    with pytest.raises(TapeoutError, match="strips from a to d: flat .reshape. does not compute rows from rows of one image"):
        split_rows(graph, Region("a", "d", 2))
    with pytest.raises(TapeoutError, match="strips from a to c: b is an output of the network"):
        split_rows(graph, Region("a", "c", 2))
    with pytest.raises(TapeoutError, match="strips from a to b: 9 of .* rows; 2 to 16 are possible"):
        split_rows(graph, Region("a", "b", 9))
    assert isinstance(graph.nodes[names.index("d")].op, Dense)
    assert refusal(graph, names.index("a"), names.index("b") + 1) is None
