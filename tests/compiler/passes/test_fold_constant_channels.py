"""Folding leaves every output byte as it was, and leaves nothing that it should fold."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import build
from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Builder, Graph, Node, Port, QType, Type, verify
from tapeout.compiler.memory import check, plan
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.passes import fold_constant_channels as folding
from tapeout.compiler.passes.fold_constant_channels import fold_constant_channels
from tests.models import MODELS, Layers, assert_same_outputs, format_of, samples


def macs(graph: Graph) -> int:
    return sum(n.op.cost(graph.types(n)).macs for n in graph.nodes)


def fold(graph: Graph) -> tuple[Graph, Graph]:
    """The graph before and behind the pass, which are shown to agree."""
    before = build.lower(graph, "fuse_requant")
    after = verify(fold_constant_channels(before))
    assert [n.name for n in after.nodes] == [n.name for n in before.nodes]
    assert_same_outputs(before, after, samples(before))
    return before, after


def channels(graph: Graph) -> dict[str, int]:
    return {n.name: graph.values[n.name].type.shape[-1] for n in graph.nodes}


@pytest.mark.parametrize("name", MODELS)
def test_outputs_stay(name: str) -> None:
    before, after = fold(MODELS[name]())
    if name.endswith("f32"):
        assert after is before


def test_a_constant_channel_goes_through_the_whole_block() -> None:
    _, after = fold(MODELS["separable_s8"]())
    assert channels(after) == {"stem": 6, "deep": 6, "wide": 4, "deeper": 4, "head": 4}


def test_dense_layers_lose_inputs_that_are_constant() -> None:
    _, after = fold(MODELS["dense_chain_s8"]())
    assert channels(after) == {"hidden": 7, "shared": 7, "out": 5}  # 'shared' is a graph output


@pytest.mark.parametrize(("zero_point", "left"), [(True, 2), (False, 3)])
def test_padding_keeps_a_constant_other_than_the_zero_point(zero_point: bool, left: int) -> None:
    layers = Layers("padding", integers=True)
    clip = Clip(0, 0.04) if zero_point else None
    x = layers.conv("x1", layers.input("x", (1, 5, 5, 2)), 3, zero=(1,), q=format_of(0.04, -10), clip=clip)
    if zero_point:  # a bias below zero, so that the clip gives the zero point
        data = layers.build.values["x1.b"].data
        assert data is not None
        data.setflags(write=True)
        data[1] = -10000
    _, after = fold(layers.graph(layers.conv("y", x, 4, pads=(1, 1, 1, 1))))
    assert channels(after) == {"x1": left, "y": 4}


def test_channels_that_no_weight_reads_go() -> None:
    layers = Layers("unread", integers=True)
    x = layers.conv("x1", layers.input("x", (1, 5, 5, 2)), 4)
    x = layers.depthwise("x2", x, multiple=2)
    y = layers.conv("y", x, 3, kernel=1)
    weights = layers.build.values["y.w"].data
    assert weights is not None
    weights.setflags(write=True)
    weights[..., 4:6] = 0  # both outputs of channel 2
    weights[..., 1] = 0  # one of two outputs of channel 0
    before, after = fold(layers.graph(y))
    assert channels(after) == {"x1": 3, "x2": 6, "y": 3}
    assert macs(after) < macs(before)


@pytest.mark.parametrize(("left", "right", "kept"), [((1, 2), (1, 3), 3), ((1,), (2,), 4), ((0, 1, 2, 3), (0, 1, 2, 3), 1)])
def test_a_sum_loses_the_channels_that_are_constant_on_both_sides(left: tuple[int, ...], right: tuple[int, ...], kept: int) -> None:
    layers = Layers("both", integers=True)
    q = format_of(0.08, -4)
    x = layers.input("x", (1, 4, 4, 2))
    branches = [layers.conv("a", x, 4, zero=left, q=q), layers.conv("b", x, 4, zero=right, q=q)]
    total = layers.build.add(Add(SumScaling.of(q, q, q)), branches, "sum")
    _, after = fold(layers.graph(layers.conv("y", total, 3, kernel=1)))
    assert channels(after) == {"a": kept, "b": kept, "sum": kept, "y": 3}


def test_flattened_channels_go_too() -> None:
    _, after = fold(MODELS["residual_s8"]())
    assert (channels(after)["point"], channels(after)["flat"]) == (4, 64)


def test_a_reader_that_needs_a_channel_keeps_it() -> None:
    layers = Layers("kept", integers=True)
    x = layers.conv("x1", layers.input("x", (1, 5, 5, 2)), 3, zero=(1,), q=format_of(0.08, 50))
    _, after = fold(layers.graph(layers.conv("y", x, 2, kernel=1), layers.conv("z", x, 2, pads=(1, 1, 1, 1))))
    assert channels(after) == {"x1": 3, "y": 2, "z": 2}


def test_biases_that_would_leave_32_bits_are_not_folded() -> None:
    layers = Layers("wide", integers=True)
    x = layers.dense("x1", layers.input("x", (1, 3)), 2, zero=(0,), q=format_of(0.08, 100))
    y = layers.dense("y", x, 2)
    bias = layers.build.values["y.b"].data
    assert bias is not None
    bias.setflags(write=True)
    bias[0] = (1 << 31) - 200
    _, after = fold(layers.graph(y))
    assert channels(after) == {"x1": 2, "y": 2}


def test_constants_that_two_nodes_share_are_cut_for_one() -> None:
    layers = Layers("shared", integers=True)
    x = layers.input("x", (1, 4))
    y = layers.dense("y", layers.dense("a", x, 4, zero=(1,)), 4)
    graph = layers.graph(y)
    nodes = [n if n.name != "y" else Node(n.op, (n.inputs[0], "a.mul", "a.shift"), n.outputs) for n in graph.nodes]
    _, after = fold(graph.replace(nodes))
    assert after.values["a.mul"].type.shape == (4,)
    assert channels(after) == {"a": 3, "y": 4}


def random_network(seed: int) -> Graph:
    """Convolutions with random zeros in rows, columns and biases, so that constants meet paddings and zero points."""
    random = np.random.default_rng(seed)
    layers = Layers(f"random_{seed}", integers=True)
    x = layers.input("x", (1, 6, 6, 2))
    for number in range(int(random.integers(2, 5))):
        name, pad = f"t{number}", int(random.integers(0, 2))
        clip = Clip(0, 3) if random.integers(0, 2) else None
        zero = tuple(int(i) for i in np.flatnonzero(random.integers(0, 3, layers.shape(x)[3] * 2) == 0))
        q = format_of(float(random.choice([0.02, 0.5])), int(random.choice([-128, -7, 127])))
        if random.integers(0, 2) and number:
            x = layers.depthwise(name, x, pads=(pad,) * 4, multiple=2, zero=zero, q=q, clip=clip, kernel=2)
        else:
            x = layers.conv(name, x, layers.shape(x)[3] * 2, kernel=int(random.integers(1, 3)), pads=(pad,) * 4, zero=zero, q=q, clip=clip)
        for constant, axis in ((f"{name}.w", -1), (f"{name}.b", 0)):
            data = layers.build.values[constant].data
            assert data is not None
            if len(data.shape) != 3:
                data.setflags(write=True)
                np.moveaxis(data, axis, 0)[random.integers(0, 4, data.shape[axis]) == 0] = 0
    return layers.graph(layers.conv("y", x, 3, kernel=1))


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_keep_their_outputs(seed: int) -> None:
    fold(random_network(seed))


def test_many_random_networks_do_lose_channels() -> None:
    folded = [fold(random_network(seed)) for seed in range(25)]
    assert sum(macs(after) < macs(before) for before, after in folded) > 12


def test_vww_needs_half_of_its_multiplications(zoo: Path) -> None:
    before, after = fold(read(zoo / "mlperf_tiny" / "vww_mobilenet96_int8.tflite", {}))
    assert (macs(before), macs(after)) == (7_489_664, 3_733_073)
    found = plan(after)
    check(found, after)
    assert (found.arena_bytes, found.lower_bound_bytes) == (55_296, 55_296)


def without_border(original: Callable[..., folding.Mask]) -> Callable[..., folding.Mask]:
    def spared(graph: Graph, node: Node, x: folding._Known, removed: folding.Mask) -> folding.Mask:
        return original(graph, node, x, removed) | x.uniform

    return spared


def test_forgetting_the_border_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_spared", without_border(folding._spared))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        for seed in range(25):
            fold(random_network(seed))


def two_layers(w: QType, stage: Requant | Threshold, tables: Sequence[Array], between: QType) -> Graph:
    """Codes through a layer of which channel 1 has code 0 in all weights, then one that reads it."""
    build = Builder()
    x = build.input("x", Type((1, 8), QType(8, True, (0.1,), (3,))))
    codes = np.tile(np.array([[1], [0], [1]]), (1, 8)).astype(w.dtype)
    build.add(Dense(stage), [x, build.constant("w", codes, w), "", *(build.constant(f"t{i}", t) for i, t in enumerate(tables))], "h")
    mul, shift = build.constant("mul", np.array([1 << 30], np.int32)), build.constant("shift", np.array([36], np.int8))
    q = QType(1, bipolar=True, packed=True) if between.bipolar else QType(3, packed=True)
    second = build.constant("v", np.array([[1, 0, 1], [0, 0, 1]], q.dtype), q)
    build.add(Dense(Requant(QType())), ["h", second, "", mul, shift], "y")
    ports = [Port(name, name, "int8", (0, 1)) for name in ("x", "y")]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


REQUANT = Requant(QType()), (np.array([1 << 30], np.int32), np.array([33], np.int8))
COUNT = Threshold(QType(2)), (np.array([[-9], [0], [9]], np.int32), np.zeros(3, np.int8))
BITS = QType(1, bipolar=True, packed=True)
SIGNS = Threshold(BITS), COUNT[1]


@pytest.mark.parametrize(("w", "stage", "between", "left"), [
    (QType(4, packed=True), REQUANT, QType(), 2),  # as int8 weights
    (BITS, REQUANT, QType(), 3),  # in which code 0 stands for -1
    (QType(4, packed=True), COUNT, QType(2), 3),
    (BITS, SIGNS, BITS, 3),
], ids=["packed", "bipolar", "thresholds", "bits"])
def test_other_formats_keep_their_outputs(w: QType, stage: tuple[Requant | Threshold, Sequence[Array]], between: QType, left: int) -> None:
    before = two_layers(w, stage[0], stage[1], between)
    after = verify(fold_constant_channels(before))
    assert_same_outputs(before, after, samples(before))
    assert after.values["h"].type.shape[-1] == left
